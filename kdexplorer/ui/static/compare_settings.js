// In what the chosen runs differ: a row a setting, a column a run.

import { h, replace } from './dom.js';
import { toolToggle } from './chart.js';
import { nameOf, settingName } from './compare_groups.js';
import { brief } from './format.js';
import { t } from './words.js';

const TURNED = 'knobs';

export class CompareSettings {
  constructor(choice) {
    Object.assign(this, { choice, runs: [], titles: {}, equal: false });
    this.body = h('div', { class: 'k-differences', tabindex: 0, role: 'region', 'aria-label': t('compare.settings') });
    this.element = h(
      'section',
      { class: 'k-panel', 'aria-label': t('compare.settings') },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h3', {}, t('compare.settings')),
        h(
          'div',
          { class: 'k-tools' },
          toolToggle(t('compare.equal'), t('compare.equal.help'), false, on => {
            this.equal = on;
            this.draw();
          }),
        ),
      ),
      this.body,
      h('p', { class: 'k-note' }, t('compare.settings.caption')),
    );
  }

  // titles: what the form calls each path, in parts
  show(runs, titles) {
    Object.assign(this, { runs, titles });
    this.draw();
  }

  // A setting that only some runs have, at its default there, says nothing.
  get rows() {
    const paths = [...new Set(this.runs.flatMap(run => Object.keys(run.settings)))];
    const rows = paths.map(path => {
      const values = this.runs.map(run => run.settings[path]);
      const differs = new Set(values.map(value => JSON.stringify(value))).size > 1;
      const idle = this.runs.every(run => !(path in run.settings) || run.defaults.includes(path));
      return { path, values, differs, idle: idle && values.includes(undefined) };
    });
    if (this.runs.some(run => run.turned)) {
      const values = this.runs.map(run => run.turned);
      rows.push({ path: TURNED, values, differs: new Set(values).size > 1, idle: false });
    }
    return rows;
  }

  draw() {
    const { runs } = this;
    const all = this.rows;
    const rows = all.filter(row => this.equal || (row.differs && !row.idle));
    if (!runs.length || !rows.length) {
      replace(this.body, h('p', { class: 'k-ghost-text' }, t(runs.length > 1 ? 'compare.same' : 'compare.settings.empty')));
      return;
    }
    const cell = (value, row) =>
      h(
        'td',
        {
          class: row.differs && JSON.stringify(value) !== JSON.stringify(row.values[0]) ? 'k-differs' : '',
        },
        shown(value),
      );
    replace(
      this.body,
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            h('th', { scope: 'col' }, t('compare.setting')),
            runs.map(run =>
              h(
                'th',
                { scope: 'col' },
                this.choice.coloring(run) &&
                  h('i', { class: 'k-swatch', style: { background: this.choice.color(run) } }),
                nameOf(run, runs),
              ),
            ),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map(row =>
            h(
              'tr',
              { class: row.differs ? '' : 'k-equal' },
              h('th', { scope: 'row', title: row.path }, row.path === TURNED ? t('compare.turned') : settingName(row.path, this.titles[row.path])),
              row.values.map(value => cell(value, row)),
            ),
          ),
        ),
      ),
    );
  }
}

function shown(value) {
  if (value === undefined || value === null || value === '') return '–';
  if (typeof value === 'boolean') return t(value ? 'compare.on' : 'compare.off');
  return typeof value === 'number' ? brief(value, 6) : String(value);
}
