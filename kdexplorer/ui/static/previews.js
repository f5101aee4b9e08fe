// What there is to look at, at a step of the run: restored photos, or predictions; then where the networks look.

import { h, replace, say } from './dom.js';
import { attention } from './attention.js';
import { BiasSlider } from './bias.js';
import { predictions } from './predictions.js';
import { restorations } from './restorations.js';
import { t } from './words.js';

const CALM = 1500; // ms between two exchanges of the pictures while a run goes on
const SETTLE = 180; // ms a slider must rest before its step is fetched

export class Previews {
  // fetch(step, part) → the preview's JSON, or that part of it, or {error}
  constructor(fetch) {
    Object.assign(this, { fetch, item: 0, follow: true, shown: null, data: null, run: null });
    this.title = h('h3', {}, t('preview.title'));
    this.slider = h('input', { type: 'range', min: 0, max: 0, value: 0, 'aria-label': t('preview.scrub') });
    this.step = h('span', { class: 'k-tabular' });
    this.scrub = h('div', { class: 'k-scrub', hidden: true }, this.slider, this.step);
    this.body = h('div', { class: 'k-preview-body' });
    this.attention = h('div', { class: 'k-preview-body' });
    this.bias = new BiasSlider();
    this.element = h(
      'section',
      { class: 'k-panel k-preview-panel', 'aria-label': t('preview.title') },
      h('div', { class: 'k-chart-head' }, this.title, this.scrub),
      this.body,
    );
    this.attentionElement = h(
      'section',
      { class: 'k-panel k-attention-panel', 'aria-label': t('attention.title') },
      h('h3', {}, t('attention.title')),
      this.attention,
    );
    this.slider.addEventListener('input', () => {
      this.follow = Number(this.slider.value) === Number(this.slider.max);
      this.label();
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.load(), SETTLE);
    });
    // Nothing is fetched for a tab that is closed.
    new IntersectionObserver(() => this.run && this.load()).observe(this.element);
    this.empty();
  }

  get visible() {
    return !document.hidden && this.element.offsetParent !== null;
  }

  empty() {
    Object.assign(this, { item: 0, follow: true, shown: null, data: null, run: null });
    this.kept = new Map(); // not cleared: what is on its way for the run before is kept in the old one
    clearTimeout(this.timer);
    this.scrub.hidden = true;
    this.bias.element.remove();
    replace(this.body, h('p', { class: 'k-ghost-text' }, t('preview.empty')));
    replace(this.attention, h('p', { class: 'k-ghost-text' }, t('attention.empty')));
  }

  get steps() {
    return [...new Set(this.run.previews.map(mark => mark.step))].sort((a, b) => a - b);
  }

  label() {
    const { steps } = this;
    const step = steps[Number(this.slider.value)];
    say(this.step, step === undefined ? '' : t('preview.step', { step: step.toLocaleString('en-US') }));
    this.slider.setAttribute('aria-valuetext', this.step.textContent);
    this.slider.style.setProperty(
      '--at',
      `${steps.length > 1 ? (100 * this.slider.value) / (steps.length - 1) : 100}%`,
    );
  }

  show(run) {
    this.run = run;
    const { steps } = this;
    if (!steps.length) return;
    this.scrub.hidden = false;
    this.slider.max = steps.length - 1;
    if (this.follow || Number(this.slider.value) > steps.length - 1) this.slider.value = steps.length - 1;
    this.label();
    clearTimeout(this.timer);
    const early = this.shown === null ? 0 : CALM - (performance.now() - this.loadedAt);
    if (early > 0) this.timer = setTimeout(() => this.load(), early);
    else this.load();
  }

  async load() {
    const { run, kept } = this;
    const step = this.steps[Number(this.slider.value)];
    if (step === undefined || step === this.shown || this.loading || !this.visible) return;
    this.loading = true;
    this.loadedAt = performance.now();
    let found = kept.get(step);
    if (!found) {
      found = await this.fetch(step);
      if (!found.error) kept.set(step, found);
      if (kept.size > 24) kept.delete(kept.keys().next().value);
    }
    if (!found.error) await this.fetchPictures(found);
    this.loading = false;
    if (kept !== this.kept) {
      if (this.run) this.load(); // another run was opened meanwhile
      return;
    }
    if (found.error) {
      if (!this.shown) replace(this.body, h('p', { class: 'k-ghost-text' }, found.error));
      return;
    }
    this.shown = step;
    this.data = found;
    this.draw();
    if (this.steps[Number(this.slider.value)] !== step) this.load();
  }

  // The pictures of the image that is looked at; all are there before any is exchanged.
  async fetchPictures({ items, attribution: maps }) {
    const panels = [...(items[Math.min(this.item, items.length - 1)]?.panels ?? []), ...(maps?.panels ?? [])];
    this.held = panels.map(panel => Object.assign(new Image(), { src: panel.image }));
    await Promise.all(this.held.map(image => image.decode().catch(() => null)));
  }

  draw() {
    const { data, run } = this;
    const restoring = data.kind === 'restoration';
    say(this.title, t(restoring ? 'preview.restorations' : 'preview.predictions'));
    this.item = Math.min(this.item, data.items.length - 1);
    const choose = index => {
      this.item = index;
      this.draw();
    };
    if (restoring) restorations(this.body, data, run, this.item, choose);
    else {
      predictions(this.body, data, run);
      if (data.excluded?.length) this.lift();
      else this.bias.element.remove();
    }
    if (data.attribution) attention(this.attention, data.attribution, run);
    else replace(this.attention, h('p', { class: 'k-ghost-text' }, t('attention.none')));
  }

  // The logits are fetched only where a class was left out: they are many.
  async lift() {
    const { data, run, shown } = this;
    data.logits ??= await this.fetch(shown, 'logits');
    if (data !== this.data || data.logits.error) return;
    this.bias.show(data, run);
    if (!this.bias.element.isConnected) this.element.append(this.bias.element);
  }
}
