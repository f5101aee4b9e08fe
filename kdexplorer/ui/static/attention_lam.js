// Local attribution maps: which pixels of the input teacher, student and control use to restore a patch that is marked.

import { h, replace, say, unique } from './dom.js';
import { fixed } from './format.js';
import { PatchMarker, outline } from './attention_patch.js';
import { roleColor, roleName } from './roles.js';
import { t } from './words.js';

const KEPT = 60; // answers
const ORDER = { teacher: 0, variant: 1, control: 2 };
const LIKENESS = ['cosine', 'overlap'];

export class LocalAttribution {
  // put(question or null): asks it as soon as the inspector is free, in place of the one that waits
  constructor(put) {
    this.put = put;
    this.marker = new PatchMarker(() => this.ask());
    const id = unique('lam');
    this.variant = h('select', { id, class: 'k-tool', onchange: () => this.ask() });
    this.choice = h('label', { class: 'k-heat-knob', for: id }, t('lam.variant'), this.variant);
    this.ghost = h('p', { class: 'k-ghost-text' }, t('lam.empty'));
    this.figures = h('div', { class: 'k-maps' });
    this.status = h('p', { class: 'k-note', role: 'status' });
    this.trouble = h('p', { class: 'k-trouble', role: 'alert' });
    this.element = h(
      'section',
      { class: 'k-panel k-lam', 'aria-label': t('lam.title'), hidden: true },
      h('div', { class: 'k-chart-head' }, h('h3', {}, t('lam.title')), h('div', { class: 'k-tools' }, this.choice)),
      h(
        'div',
        { class: 'k-lam-row' },
        h('div', { class: 'k-lam-marker' }, this.marker.element, this.status),
        h('div', { class: 'k-lam-maps' }, this.ghost, this.figures, this.trouble),
      ),
      h('p', { class: 'k-note' }, t('lam.caption')),
    );
    this.forget();
  }

  forget() {
    Object.assign(this, { run: null, place: null, pictured: null, wanted: null, kept: new Map() });
    this.element.hidden = true;
    this.marker.forget();
    this.empty();
  }

  empty() {
    this.key = null;
    this.figures.replaceChildren();
    this.ghost.hidden = false;
    for (const line of [this.status, this.trouble]) say(line, '');
    this.wait(false);
  }

  open(facts, run) {
    this.run = run;
    this.element.hidden = facts.task !== 'restoration';
    const names = run.variants.filter(name => name !== 'control');
    replace(
      this.variant,
      names.map(name => h('option', { value: name }, name)),
    );
    this.choice.hidden = names.length < 2;
  }

  wait(on) {
    this.figures.toggleAttribute('data-waiting', on);
  }

  // What is looked at: {run, step, image}
  at(place) {
    this.place = place;
    this.ask();
  }

  // The picture of an image has come.
  async picture(image, uri) {
    if (this.element.hidden) return;
    const { run } = this;
    await this.marker.show(uri).catch(() => null);
    if (run !== this.run) return;
    this.pictured = image;
    this.ask();
  }

  ask() {
    const { place, marker } = this;
    if (this.element.hidden || !marker.marked || !place || this.pictured !== place.image) return;
    const asked = { ...place, patch: marker.patch, variant: this.variant.value || null };
    const key = JSON.stringify(asked);
    if (key === this.wanted) return;
    this.wanted = key;
    const known = this.kept.get(key);
    if (known) {
      this.put(null);
      this.take(key, known);
      return;
    }
    this.wait(true);
    say(this.status, t('look.asking', { step: place.step.toLocaleString('en-US') }));
    this.put({ asked, take: found => this.take(key, found) });
  }

  take(key, found) {
    if (!found.error) {
      this.kept.set(key, found);
      if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
    }
    if (key !== this.wanted) return;
    this.wait(false);
    say(this.status, '');
    say(this.trouble, found.error ?? '');
    if (found.error) this.wanted = null; // asked again, it may work
    else this.show(found);
  }

  show(found) {
    this.ghost.hidden = true;
    const panels = [...found.panels].sort((a, b) => ORDER[a.role] - ORDER[b.role]);
    const key = panels.map(panel => `${panel.role} ${panel.name}`).join();
    if (key !== this.key) {
      this.key = key;
      this.parts = panels.map(panel => part(panel, this.run));
      replace(
        this.figures,
        this.parts.map(({ element }) => element),
      );
    }
    panels.forEach((panel, i) => fill(this.parts[i], panel, found));
    const [width, height] = found.counted;
    say(this.status, t('lam.at', { step: found.step.toLocaleString('en-US'), width, height }));
  }
}

function part(panel, run) {
  const under = h('img', { alt: '', class: 'k-under' });
  const over = h('img', { alt: '', class: 'k-over' });
  const frame = h('div', { class: 'k-patch' });
  const stack = h('div', { class: 'k-stack k-lam-stack', role: 'img' }, under, over, frame);
  const scores = h('dl', { class: 'k-scores' });
  const element = h(
    'figure',
    { class: 'k-picture', dataset: { role: panel.role } },
    stack,
    h(
      'figcaption',
      {},
      h(
        'span',
        { class: 'k-panel-name' },
        h('span', { class: 'k-swatch', style: { background: roleColor(panel, run) } }),
        roleName(panel),
      ),
      scores,
    ),
  );
  return { element, under, over, frame, stack, scores };
}

function fill({ under, over, frame, stack, scores }, panel, found) {
  under.src = found.picture;
  over.src = panel.map;
  stack.style.aspectRatio = found.window.slice(2).join(' / ');
  outline(frame, found.patch, found.window);
  const alike = found.alignment[panel.name];
  const listed = [
    ['diffusion', panel.empty ? t('look.blank') : fixed(panel.diffusion, 1)],
    ...(alike ? LIKENESS.map(id => [id, fixed(alike[id], 2)]) : []),
  ];
  stack.setAttribute('aria-label', `${roleName(panel)}: ${t('lam.diffusion')} ${listed[0][1]}`);
  replace(
    scores,
    listed.map(([id, value]) => [h('dt', { title: t(`lam.${id}.help`) }, t(`lam.${id}`)), h('dd', {}, value)]),
  );
}
