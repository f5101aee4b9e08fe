// Restored photos: one of the held-out images in all its versions, and the scores of all of them.

import { h, replace, say } from './dom.js';
import { fixed } from './format.js';
import { ImageStrip } from './image_strip.js';
import { Comparison, bestOf } from './pictures_comparison.js';
import { Filmstrip } from './pictures_filmstrip.js';
import { roleName, swatch } from './pictures_panel.js';
import { Signals } from './pictures_signals.js';
import { t, tx } from './words.js';

export class Restorations {
  // fetch(step) → the pictures of that step, or {error}
  constructor({ plotly, fetch }) {
    this.chosen = 0;
    this.film = new Filmstrip(fetch);
    this.signals = new Signals(plotly);
    this.strip = new ImageStrip(t('preview.choose'), index => {
      this.chosen = index;
      this.draw();
    });
    this.note = h('p', { class: 'k-note k-picture-name' });
    this.table = h('div', { class: 'k-table-wrap', role: 'region', tabindex: 0, 'aria-label': t('pictures.table') });
    this.comparison = new Comparison(
      h(
        'div',
        { class: 'k-scores-table' },
        h('h4', {}, t('pictures.table')),
        this.table,
        h('p', { class: 'k-note' }, t('pictures.table.help')),
      ),
      viewport => this.film.follow(viewport),
    );
    this.element = h(
      'div',
      { class: 'k-closer' },
      h(
        'section',
        { class: 'k-panel k-restorations', 'aria-label': t('pictures.restorations') },
        h('div', { class: 'k-strip-line' }, this.strip.element, this.note),
        this.comparison.element,
      ),
      this.film.element,
      this.signals.element,
    );
  }

  show(data, run, step) {
    Object.assign(this, { data, run, step });
    this.chosen = Math.min(this.chosen, data.items.length - 1);
    this.draw();
  }

  draw() {
    const { data, run } = this;
    const item = data.items[this.chosen];
    this.strip.show(
      data.items.map((other, index) => ({ index, image: other.panels.at(-1).image, name: other.name })),
      this.chosen,
    );
    say(this.note, item.name);
    this.comparison.show({ title: item.name, panels: item.panels, convention: data.convention }, run.metrics, run);
    this.film.show(data, this.step, this.chosen, run);
    this.signals.show(item.panels, run);
    this.fillTable();
  }

  // One row an image, one column a network; its scores one under the other, the best student's in bold.
  fillTable() {
    const { data, run } = this;
    const scored = item => item.panels.filter(panel => panel.role !== 'target');
    const score = (panel, metric, item, n) =>
      h(
        n ? 'small' : 'span',
        {},
        h(
          bestOf(item.panels, metric).includes(panel) ? 'b' : 'span',
          {},
          fixed(panel.metrics[metric.id], metric.digits),
        ),
      );
    const first = run.metrics.map(metric => `${tx(metric.title)}${metric.unit ? ` (${metric.unit})` : ''}`).join(', ');
    replace(
      this.table,
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, t('pictures.image'), h('small', {}, first)),
            scored(data.items[0]).map(panel => h('th', { scope: 'col' }, swatch(panel, run), roleName(panel))),
          ),
        ),
        h(
          'tbody',
          {},
          data.items.map((item, i) =>
            h(
              'tr',
              { 'data-chosen': i === this.chosen },
              h('th', { scope: 'row' }, item.name),
              scored(item).map(panel =>
                h(
                  'td',
                  {},
                  run.metrics.map((metric, n) => score(panel, metric, item, n)),
                ),
              ),
            ),
          ),
        ),
      ),
    );
  }
}
