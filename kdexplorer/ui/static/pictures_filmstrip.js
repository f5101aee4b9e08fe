// One crop of one image as training went on: every stored step a frame, played or moved through by hand.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { PicturePanel } from './pictures_panel.js';
import { StepSlider } from './step_slider.js';
import { t } from './words.js';

const FRAME = 450; // ms
const CLOSE = 2; // the middle of the picture, enlarged, until a person zooms

export class Filmstrip {
  // fetch(step) → that step's preview, or {error}
  constructor(fetch) {
    Object.assign(this, { fetch, frames: new Map(), gone: new Set(), panels: [], zoom: CLOSE });
    this.scrub = new StepSlider(t('film.step'), () => {
      this.pause();
      this.draw();
    });
    this.button = h('button', { type: 'button', class: 'k-tool k-play', onclick: () => this.press() });
    this.row = h('div', { class: 'k-pictures' });
    this.note = h('p', { class: 'k-note', role: 'status' });
    this.element = h(
      'section',
      { class: 'k-panel k-filmstrip', 'aria-label': t('film.title') },
      h('h3', {}, t('film.title')),
      this.row,
      h('div', { class: 'k-film-line' }, this.button, this.scrub.element),
      h('p', { class: 'k-note' }, t('film.caption')),
      this.note,
    );
    new ResizeObserver(() => this.sharpen()).observe(this.row);
    this.pause();
  }

  // data: the preview of `step`, which needs no fetching; item: which of its images
  show(data, step, item, run) {
    Object.assign(this, { item, run });
    this.frames.set(step, data.items);
    const steps = run.previews.map(mark => mark.step).filter(other => !this.gone.has(other));
    if (!this.playing) this.scrub.show([...new Set([...steps, step])].sort((a, b) => a - b));
    this.button.disabled = this.scrub.steps.length < 2;
    this.draw();
  }

  // Follows the zoom of the pictures above.
  follow({ scale, x, y }) {
    const near = scale > 1 ? { scale, x, y } : { scale: CLOSE, x: (1 - CLOSE) / 2, y: (1 - CLOSE) / 2 };
    this.zoom = near.scale;
    const { style } = this.element;
    style.setProperty('--zoom', near.scale);
    style.setProperty('--pan-x', `${100 * near.x}%`);
    style.setProperty('--pan-y', `${100 * near.y}%`);
    this.sharpen();
  }

  sharpen() {
    for (const panel of this.panels) panel.sharpen(this.zoom);
  }

  // The images of a step; null where they are gone.
  async load(step) {
    if (!this.frames.has(step)) {
      const found = await this.fetch(step);
      if (found.error && !found.lost) this.gone.add(step);
      if (found.error) return null;
      this.frames.set(step, found.items);
    }
    return this.frames.get(step);
  }

  async draw() {
    const { step } = this.scrub;
    if (step === undefined) return;
    const items = await this.load(step);
    if (step !== this.scrub.step) return;
    const item = items?.[Math.min(this.item, items.length - 1)];
    say(this.note, item ? item.name : t('film.gone', { step: step.toLocaleString('en-US') }));
    if (!item) return;
    while (this.panels.length < item.panels.length) this.panels.push(new PicturePanel(() => {}));
    this.panels.length = item.panels.length;
    if (this.row.children.length !== this.panels.length) {
      this.row.style.setProperty('--columns', this.panels.length);
      replace(
        this.row,
        this.panels.map(panel => panel.element),
      );
    }
    const { run } = this;
    const title = `${item.name} ${t('preview.step', { step })}`;
    await Promise.all(
      item.panels.map((panel, i) =>
        this.panels[i].show(panel, { run, target: null, gain: 0, scores: score(panel, run), title }),
      ),
    );
    this.sharpen();
  }

  press() {
    if (this.playing) this.pause();
    else this.play();
  }

  pause() {
    this.playing = null;
    replace(this.button, h('span', { 'aria-hidden': 'true' }, '▶'), t('film.play'));
  }

  // From where it stands, or from the start where it is at the end; it stops at the end, and where nobody looks.
  async play() {
    const turn = (this.playing = {});
    replace(this.button, h('span', { 'aria-hidden': 'true' }, '❚❚'), t('film.pause'));
    let at = this.scrub.steps.indexOf(this.scrub.step);
    if (at === this.scrub.steps.length - 1) at = -1;
    while (this.playing === turn && at + 1 < this.scrub.steps.length && this.element.offsetParent) {
      at += 1;
      const next = this.load(this.scrub.steps[at]);
      await new Promise(done => setTimeout(done, FRAME));
      if (!(await next) || this.playing !== turn) continue;
      this.scrub.put(at);
      await this.draw();
    }
    if (this.playing === turn) this.pause();
  }
}

function score(panel, run) {
  const [metric] = run.metrics;
  if (panel.role === 'target') return [{ text: t('pictures.truth') }];
  if (!metric || !Number.isFinite(panel.metrics?.[metric.id])) return [];
  return [{ text: `${fixed(panel.metrics[metric.id], metric.digits)}${metric.unit ? ` ${metric.unit}` : ''}` }];
}
