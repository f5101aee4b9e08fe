// Versions of one picture side by side under one zoom, as they are or as error maps, and two of them under a slider.

import { append, h, say } from './dom.js';
import { fixed } from './format.js';
import { GAINS, gradient } from './pictures_errors.js';
import { PicturePanel } from './pictures_panel.js';
import { BeforeAfter } from './pictures_slider.js';
import { Viewport } from './pictures_viewport.js';
import { t, tx } from './words.js';

const STUDENTS = ['variant', 'control'];

export class Comparison {
  // aside: an element beside the slider; viewed(viewport): the zoom or the place has changed
  constructor(aside = null, viewed = null) {
    Object.assign(this, { panels: [], gain: 0, shown: null, viewed });
    this.element = h('div', { class: 'k-comparison' });
    this.viewport = new Viewport(this.element, zoom => this.zoomed(zoom));
    const watch = view => this.viewport.watch(view);
    this.watch = watch;
    this.slider = new BeforeAfter(watch);
    this.grid = h('div', {
      class: 'k-pictures',
      role: 'group',
      tabindex: 0,
      'aria-label': t('pictures.grid'),
      'aria-keyshortcuts': '+ - 0',
    });
    this.grid.addEventListener('keydown', event => event.target === this.grid && this.viewport.key(event));
    this.convention = h('p', { class: 'k-note k-convention' });
    append(this.element, [
      this.tools(),
      this.grid,
      this.convention,
      h('p', { class: 'k-note' }, t('pictures.zoom.help')),
      h('div', { class: 'k-comparison-below' }, this.slider.element, aside),
    ]);
    new ResizeObserver(() => this.zoomed(this.viewport.scale)).observe(this.grid);
  }

  tools() {
    const mode = (key, on) =>
      h(
        'button',
        { type: 'button', class: 'k-segment', 'aria-pressed': String(!on), onclick: () => this.mode(on) },
        t(key),
      );
    this.modes = [mode('pictures.asTheyAre', false), mode('pictures.errors', true)];
    this.gains = h(
      'select',
      { class: 'k-tool', 'aria-label': t('pictures.gain'), title: t('pictures.gain'), onchange: () => this.mode(true) },
      GAINS.map(gain => h('option', { value: gain }, `× ${gain}`)),
    );
    this.gains.value = 4;
    this.most = h('span', { class: 'k-tabular' });
    this.scale = h(
      'span',
      { class: 'k-error-scale', role: 'img' },
      h('span', {}, '0'),
      h('i', { style: { background: gradient } }),
      this.most,
    );
    this.level = h('output', { class: 'k-tabular k-zoom-level', 'aria-label': t('pictures.zoom') });
    const zoom = (text, key, act) =>
      h('button', { type: 'button', class: 'k-tool', 'aria-label': t(key), title: t(key), onclick: act }, text);
    const { viewport } = this;
    return h(
      'div',
      { class: 'k-picture-tools' },
      h('div', { class: 'k-segments', role: 'group', 'aria-label': t('pictures.show') }, this.modes),
      h('div', { class: 'k-error-tools' }, this.gains, this.scale),
      h(
        'div',
        { class: 'k-tools' },
        zoom('−', 'pictures.zoomOut', () => viewport.zoom(0.5)),
        this.level,
        zoom('+', 'pictures.zoomIn', () => viewport.zoom(2)),
        zoom(t('pictures.fit'), 'pictures.fit.help', () => viewport.reset()),
      ),
    );
  }

  zoomed(zoom) {
    if (!this.level) return;
    say(this.level, `${Math.round(100 * zoom)} %`);
    for (const panel of [...this.panels, this.slider]) panel.sharpen(zoom);
    this.viewed?.(this.viewport);
  }

  mode(on) {
    this.gain = on ? Number(this.gains.value) : 0;
    this.draw();
  }

  // found: {title, panels: [{role, name, image, metrics}], convention}; metrics: how their scores are read
  show(found, metrics, run) {
    Object.assign(this, { shown: found, metrics, run });
    this.draw();
  }

  draw() {
    if (!this.shown) return;
    const { panels, title, convention } = this.shown;
    say(this.convention, (convention ?? '').split('; ').map(tx).join('; '));
    const target = panels.find(panel => panel.role === 'target') ?? null;
    const gain = target ? this.gain : 0;
    this.modes[1].disabled = !target;
    this.modes[1].title = target ? '' : t('pictures.errors.none');
    this.modes.forEach((button, i) => button.setAttribute('aria-pressed', String(Boolean(gain) === Boolean(i))));
    this.element.toggleAttribute('data-errors', gain > 0);
    const most = 255 / Number(this.gains.value);
    say(this.most, `${fixed(most, most < 100 && most % 1 ? 1 : 0)} / 255`);
    this.scale.setAttribute('aria-label', t('pictures.scale', { most: fixed(most, 1) }));
    while (this.panels.length < panels.length) this.panels.push(new PicturePanel(this.watch));
    this.panels.length = panels.length;
    const rows = Math.ceil(panels.length / 6);
    this.grid.style.setProperty('--columns', Math.ceil(panels.length / rows));
    const elements = this.panels.map(panel => panel.element);
    if (elements.length !== this.grid.children.length) this.grid.replaceChildren(...elements);
    this.panels.forEach((panel, i) =>
      panel.show(panels[i], { run: this.run, target, gain, scores: this.scores(panels[i]), title }),
    );
    this.slider.show(panels, target, gain);
  }

  scores(panel) {
    if (panel.role === 'target') return [{ text: t('pictures.truth') }];
    return this.metrics
      .filter(metric => Number.isFinite(panel.metrics?.[metric.id]))
      .map(metric => ({
        text: `${fixed(panel.metrics[metric.id], metric.digits)}${metric.unit ? ` ${metric.unit}` : ''}`,
        best: bestOf(this.shown.panels, metric).includes(panel),
      }));
  }
}

// The best students of an item by a metric, as far as its digits tell; none where all are alike.
export function bestOf(panels, metric) {
  const students = panels.filter(panel => STUDENTS.includes(panel.role) && Number.isFinite(panel.metrics?.[metric.id]));
  const sign = metric.higher_is_better ? 1 : -1;
  const value = panel => Number((sign * panel.metrics[metric.id]).toFixed(metric.digits));
  const best = Math.max(...students.map(value));
  const found = students.filter(panel => value(panel) === best);
  return found.length < students.length ? found : [];
}
