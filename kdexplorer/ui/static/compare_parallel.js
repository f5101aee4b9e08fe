// Many runs as lines across their settings: an axis for each that varies, the last for how the run came out.

import { h } from './dom.js';
import { download } from './browser.js';
import { Chart, plain, toolButton, toolToggle } from './chart.js';
import { tone } from './colors.js';
import { csvOf } from './compare_csv.js';
import { settingName, unitOf } from './compare_groups.js';
import { brief, signed } from './format.js';
import { t, tx } from './words.js';

const AXES = 7; // beside the result's
const KINDS = 12; // words on one axis
const SCALE = [
  [0, '#7d6fd0'],
  [0.5, '#c2607a'],
  [1, '#e6a817'],
]; // legible on both themes, and no role's colour

export class CompareParallel extends Chart {
  // asked(all): fetch the table of the chosen runs, or of all that the search finds; seen(): it came into view.
  // It is drawn by WebGL, which takes long where there is no graphics card: so only while somebody looks.
  constructor(asked, seen) {
    const menu = h('div', { class: 'k-axes' });
    const axes = h('details', { class: 'k-axes-box' }, h('summary', { class: 'k-tool' }, t('compare.axes')), menu);
    super({
      id: 'compare-parallel',
      title: t('compare.parallel'),
      caption: t('compare.parallel.caption'),
      empty: t('compare.parallel.empty'),
      tools: [
        toolToggle(t('compare.all'), t('compare.all.help'), false, on => asked(on)),
        axes,
        toolButton('CSV', t('chart.csv'), () => download('compare-many.csv', csvOf(this.numbers()))),
      ],
      figure: () => this.lines(),
      table: () => this.numbers(),
    });
    Object.assign(this, { menu, found: null, measure: null, hidden: new Set(), wanted: new Set() });
    this.note = h('p', { class: 'k-note', role: 'status' });
    this.twin.before(this.note);
    new IntersectionObserver(entries => {
      this.visible = entries.at(-1).isIntersecting;
      if (this.visible) seen();
    }).observe(this.element);
  }

  // Runs of another task, metric or convention are left out, and counted.
  show(found, measure) {
    Object.assign(this, { found, measure });
    const { runs, left } = this.shared;
    this.note.textContent = found && left ? t('compare.left', { count: left, shown: runs.length }) : '';
    this.menu.replaceChildren(
      ...this.offered.map(({ path, title }) =>
        h(
          'label',
          {},
          h('input', {
            type: 'checkbox',
            checked: this.axes.some(axis => axis.path === path),
            onchange: event => {
              (event.target.checked ? this.wanted : this.hidden).add(path);
              (event.target.checked ? this.hidden : this.wanted).delete(path);
              this.drawNow();
            },
          }),
          h('span', { title: path }, title),
        ),
      ),
    );
    this.drawNow();
  }

  get shared() {
    const all = this.found?.runs ?? [];
    const measure = this.measure ?? largest(all);
    const runs = all.filter(run => run.measure && run.measure === measure);
    return { runs, left: all.length - runs.length };
  }

  // The settings that vary among these runs, those that most of them have first.
  get offered() {
    const { runs } = this.shared;
    return (this.found?.paths ?? [])
      .map((path, i) => ({ path, title: settingName(path, this.found.titles[i]), parts: this.found.titles[i], values: runs.map(run => run.values[i]) }))
      .map(axis => ({ ...axis, there: axis.values.filter(value => value !== null && value !== '').length }))
      .filter(axis => new Set(axis.values.map(value => JSON.stringify(value))).size > 1 && axis.there > 0)
      .sort((a, b) => b.there - a.there);
  }

  get axes() {
    const usual = this.offered.slice(0, AXES).map(axis => axis.path);
    return this.offered.filter(
      axis => !this.hidden.has(axis.path) && (usual.includes(axis.path) || this.wanted.has(axis.path)),
    );
  }

  lines() {
    const { runs } = this.shared;
    const { axes } = this;
    if (runs.length < 2 || !axes.length) return { data: [], layout: {} };
    const { metric } = runs[0];
    const results = runs.map(run => run.difference);
    const reach = Math.max(...results.map(Math.abs)) || 1;
    const narrow = this.plot.clientWidth < 460;
    const font = color => ({ size: 11, color: tone(color) });
    return {
      data: [
        {
          type: 'parcoords',
          dimensions: [
            ...axes.map(axis => dimension(axis, narrow ? 1 : 2)),
            {
              label: `Δ ${plain(tx(metric.title))}${metric.unit ? ` (${plain(unitOf(metric))})` : ''}`,
              values: results,
              tickformat: `+.${metric.digits}f`,
            },
          ],
          line: {
            color: results,
            colorscale: SCALE,
            cmin: Math.min(...results),
            cmax: Math.max(...results, Math.min(...results) + reach * 1e-6),
            showscale: true,
            colorbar: { thickness: 10, len: 0.9, tickfont: font('muted'), outlinewidth: 0 },
          },
          labelfont: font('ink'),
          tickfont: font('ink'),
          rangefont: { size: 10, color: tone('muted') },
          labelangle: axes.length > 4 || narrow ? -14 : 0,
          unselected: { line: { color: tone('line'), opacity: 0.4 } },
        },
      ],
      layout: { margin: { l: 70, r: 40, t: 70, b: 28 } },
      label: `${t('compare.parallel')}: ${runs.length}; ${axes.map(axis => axis.title).join(', ')}`,
    };
  }

  dress(layout, from) {
    const { xaxis: _x, yaxis: _y, ...rest } = super.dress(layout, from);
    return rest;
  }

  numbers() {
    const { runs } = this.shared;
    const { offered } = this;
    return {
      head: [t('history.name'), ...offered.map(axis => axis.title), t('compare.value'), t('compare.difference')],
      rows: runs.map((run, i) => [
        run.alone ? run.name || run.id : `${run.name || run.id} · ${run.variant}`,
        ...offered.map(({ values }) => (typeof values[i] === 'number' ? brief(values[i], 6) : String(values[i] ?? '–'))),
        brief(run.value, 6),
        signed(run.difference, run.metric?.digits ?? 2),
      ]),
    };
  }
}

// The last parts of a title say enough on an axis.
const short = (path, parts, most) => plain(settingName(path.split('.').slice(-most).join('.'), parts?.slice(-most)));

function largest(runs) {
  const counts = new Map();
  for (const { measure } of runs) if (measure) counts.set(measure, (counts.get(measure) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
}

// Numbers as they are where all runs have one, else words with a place each.
function dimension({ path, parts, values }, most) {
  if (values.every(value => typeof value === 'number')) return { label: short(path, parts, most), values };
  const words = [...new Set(values.map(value => word(value)))].sort().slice(0, KINDS);
  return {
    label: short(path, parts, most),
    values: values.map(value => Math.max(0, words.indexOf(word(value)))),
    tickvals: words.map((_, i) => i),
    ticktext: words,
  };
}

function word(value) {
  if (value === null || value === '') return '–';
  const text = typeof value === 'boolean' ? t(value ? 'compare.on' : 'compare.off') : String(value);
  return plain(text.length > 16 ? `${text.slice(0, 15)}…` : text);
}
