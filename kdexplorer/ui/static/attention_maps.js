// The maps of all networks on one image, each laid over it, with what the network says and how its map agrees.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { colorOf } from './colors.js';
import { enlarge } from './zoom.js';
import { t, tx } from './words.js';

export const MEASURES = ['cosine', 'spearman', 'overlap', 'inside'];
const ORDER = { input: 0, teacher: 1, variant: 2, control: 3 };

export const titleOf = ({ role, name }) => (['input', 'teacher', 'control'].includes(role) ? t(`role.${role}`) : name);

export class Maps {
  constructor() {
    this.state = { pictures: [] };
    this.figures = h('div', { class: 'k-maps' });
    this.opacity = h('input', { type: 'range', min: 0, max: 100, value: 60, 'aria-label': t('look.opacity') });
    this.only = h('button', { type: 'button', class: 'k-tool', 'aria-pressed': 'false' }, t('look.only'));
    this.says = h('p', { class: 'k-note' });
    this.ghost = h('p', { class: 'k-ghost-text' });
    this.element = h(
      'section',
      { class: 'k-panel k-maps-panel', 'aria-label': t('attention.title') },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h3', {}, t('attention.title')),
        (this.tools = h(
          'div',
          { class: 'k-tools' },
          h('label', { class: 'k-heat-knob' }, t('look.opacity'), this.opacity),
          this.only,
        )),
      ),
      this.ghost,
      this.figures,
      this.says,
    );
    this.opacity.addEventListener('input', () => {
      this.only.setAttribute('aria-pressed', 'false');
      this.lay();
    });
    this.only.addEventListener('click', () => {
      this.only.setAttribute('aria-pressed', String(this.only.getAttribute('aria-pressed') !== 'true'));
      this.lay();
    });
    this.lay();
  }

  lay() {
    const share = this.only.getAttribute('aria-pressed') === 'true' ? 100 : Number(this.opacity.value);
    this.opacity.style.setProperty('--at', `${this.opacity.value}%`);
    this.opacity.setAttribute('aria-valuetext', `${share} %`);
    this.figures.style.setProperty('--heat', share / 100);
  }

  empty(text) {
    this.key = null;
    this.figures.replaceChildren();
    say(this.ghost, text);
    say(this.says, '');
    this.ghost.hidden = false;
    this.tools.hidden = true;
  }

  // A step or an image that is on its way: what is shown is older.
  wait(on) {
    this.element.classList.toggle('k-stale', on);
  }

  // found: the answer to `attribute`; truth: the name of the true class or null.
  show(found, run, truth, explained) {
    this.ghost.hidden = true;
    this.tools.hidden = false;
    const panels = [...found.panels].sort((a, b) => ORDER[a.role] - ORDER[b.role]);
    this.state.pictures = panels.map(panel => ({
      image: panel.image,
      caption: [titleOf(panel), panel.role !== 'input' && tx(found.title), t('preview.step', { step: found.step })]
        .filter(Boolean)
        .join(' · '),
    }));
    const key = JSON.stringify([run.id, panels.map(panel => [panel.role, panel.name])]);
    if (key !== this.key) {
      this.key = key;
      this.parts = panels.map((panel, i) => this.part(panel, i, run));
      replace(
        this.figures,
        this.parts.map(part => part.element),
      );
    }
    const picture = panels.find(panel => panel.role === 'input').image;
    panels.forEach((panel, i) => this.fill(this.parts[i], panel, picture, found, truth));
    say(this.says, [tx(found.title), explained].filter(Boolean).join(' · '));
  }

  part(panel, index, run) {
    const under = h('img', { alt: '', class: panel.role === 'input' ? '' : 'k-under' });
    const over = panel.role === 'input' ? null : h('img', { alt: '', class: 'k-over' });
    const button = h(
      'button',
      { type: 'button', class: 'k-picture-button k-stack', onclick: () => enlarge(this.state.pictures, index) },
      under,
      over,
    );
    const says = h('span', { class: 'k-note k-map-says' });
    const blank = h('span', { class: 'k-note k-map-blank' });
    const scores = h('dl', { class: 'k-scores' });
    const color = colorOf(panel.role === 'variant' ? panel.name : panel.role, run.variants);
    const element = h(
      'figure',
      { class: 'k-picture', dataset: { role: panel.role } },
      button,
      h(
        'figcaption',
        {},
        h(
          'span',
          { class: 'k-panel-name' },
          h('span', { class: 'k-swatch', style: { background: color } }),
          titleOf(panel),
        ),
        says,
        blank,
        scores,
      ),
    );
    return { element, under, over, button, says, blank, scores };
  }

  fill(part, panel, picture, found, truth) {
    part.under.src = picture;
    if (part.over) part.over.src = panel.map ?? panel.image;
    const name = titleOf(panel);
    part.button.setAttribute('aria-label', t('preview.enlarge', { name }));
    if (panel.role === 'input') say(part.says, truth ?? '');
    else if (panel.predicted) {
      replace(
        part.says,
        t('look.says', { label: panel.predicted, share: fixed(100 * panel.share, 0) }),
        h(
          'b',
          { class: panel.predicted === truth ? 'k-right-mark' : 'k-wrong-mark' },
          panel.predicted === truth ? ' ✓' : ' ✗',
        ),
      );
    } else say(part.says, panel.role === 'teacher' ? t('attention.reference') : '');
    // A score that is known to be none is shown as a dash: an empty map was not measured to be unlike.
    const scores = found.alignment?.[panel.name] ?? {};
    say(part.blank, panel.empty ? t('look.blank') : '');
    replace(
      part.scores,
      MEASURES.filter(id => scores[id] !== undefined).map(id => [
        h('dt', { title: t(`attention.${id}.help`) }, t(`attention.${id}`)),
        h('dd', {}, shown(id, scores[id])),
      ]),
    );
  }
}

const shown = (id, value) =>
  Number.isFinite(value) && id === 'inside' ? `${fixed(100 * value, 0)} %` : fixed(value, 2);

// What the scores mean, one line each.
export const meanings = measures =>
  h(
    'dl',
    { class: 'k-meanings' },
    measures.map(id => [h('dt', {}, t(`attention.${id}`)), h('dd', {}, t(`attention.${id}.help`))]),
  );
