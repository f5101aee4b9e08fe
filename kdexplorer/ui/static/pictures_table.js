// The scores of the pictures of a preview: what there is to list where the other held-out images were not scored.

import { h, replace } from './dom.js';
import { fixed } from './format.js';
import { bestOf } from './pictures_comparison.js';
import { roleName, swatch } from './pictures_panel.js';
import { t, tx } from './words.js';

export class PreviewTable {
  constructor() {
    this.wrap = h('div', { class: 'k-table-wrap', role: 'region', tabindex: 0, 'aria-label': t('pictures.table') });
    this.element = h(
      'div',
      { class: 'k-scores-table' },
      h('h4', {}, t('pictures.table')),
      this.wrap,
      h('p', { class: 'k-note' }, t('pictures.table.help')),
    );
  }

  // One row an image, one column a network; its scores one under the other, the best student's in bold.
  show(data, run, chosen) {
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
      this.wrap,
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
              { 'data-chosen': i === chosen },
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
