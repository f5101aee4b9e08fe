// What the methods of a run look at: pictures of their inner state, and what they noted beside their loss over the steps.

import { h, replace } from './dom.js';
import { brief } from './format.js';
import { download } from './browser.js';
import { Chart, plain, toolButton } from './chart.js';
import { spoken } from './fields.js';
import { networkName } from './roles.js';
import { csv, lineOf, stepAxis } from './run_axes.js';
import { t, tx } from './words.js';

const DASHES = ['solid', 'dot', 'dashdot', 'longdash'];
const MAX_DRAWN = 800; // points of a curve

class NotesChart extends Chart {
  constructor() {
    const select = h('select', { class: 'k-tool', 'aria-label': t('inside.which') });
    super({
      id: 'inside',
      title: t('inside.chart'),
      caption: t('inside.chart.caption'),
      empty: t('inside.chart.empty'),
      tools: [
        select,
        toolButton('PNG', t('chart.png'), () => this.image('inside')),
        toolButton('CSV', t('chart.csv'), () => download('inside.csv', csv(this.rows(Infinity)))),
      ],
      figure: () => this.lines(),
      table: () => this.rows(),
    });
    Object.assign(this, { select, run: null });
    select.addEventListener('change', () => this.drawNow());
  }

  show(run) {
    this.run = run;
    const terms = [...new Set(run.seen.flatMap(({ values }) => Object.values(values).flatMap(Object.keys)))];
    if (terms.join() !== this.terms) {
      this.terms = terms.join();
      const before = this.select.value;
      this.select.replaceChildren(...terms.map(term => h('option', { value: term }, tx(spoken(term)))));
      if (terms.includes(before)) this.select.value = before;
      this.select.hidden = terms.length < 2;
    }
    this.draw(true);
  }

  // [{variant, name, values}] of the chosen term.
  get traces() {
    const term = this.select.value;
    const found = new Map();
    for (const { values } of this.run?.seen ?? [])
      for (const [variant, terms] of Object.entries(values))
        for (const name of Object.keys(terms[term] ?? {})) found.set(`${variant}/${name}`, { variant, name });
    return [...found.values()].map(({ variant, name }) => ({
      variant,
      name,
      values: this.run.seen.map(({ values }) => values[variant]?.[term]?.[name] ?? null),
    }));
  }

  lines() {
    const { run, traces } = this;
    if (!traces.length) return { data: [], layout: {} };
    const stride = Math.max(1, Math.ceil(run.seen.length / MAX_DRAWN));
    const kept = (_, i) => i % stride === 0 || i === run.seen.length - 1;
    const names = [...new Set(traces.map(({ name }) => name))];
    const several = new Set(traces.map(({ variant }) => variant)).size > 1;
    const title = ({ variant, name }) => (several ? `${networkName(variant)}: ${tx(name)}` : tx(name));
    return {
      data: traces.map(trace => ({
        type: 'scatter',
        mode: 'lines',
        name: plain(title(trace)),
        x: run.seen.map(({ step }) => step).filter(kept),
        y: trace.values.filter(kept),
        line: { ...lineOf(trace.variant, run), dash: DASHES[names.indexOf(trace.name) % DASHES.length] },
        hovertemplate: '%{y:.4g}',
      })),
      layout: { uirevision: `${run.id}/${this.select.value}`, xaxis: stepAxis(run), yaxis: { rangemode: 'tozero' } },
      label: `${t('inside.chart')}, ${t('chart.step')} ${run.seen.at(-1).step}: ${traces
        .map(trace => `${title(trace)} ${brief(trace.values.at(-1) ?? 0, 3)}`)
        .join(', ')}`,
    };
  }

  rows(limit = 40) {
    const { traces } = this;
    const steps = (this.run?.seen ?? []).map(({ step }) => step);
    const from = Math.max(0, steps.length - limit);
    return {
      head: [t('chart.step'), ...traces.map(({ variant, name }) => `${variant} ${name}`)],
      rows: steps
        .slice(from)
        .map((step, i) => [String(step), ...traces.map(({ values }) => String(values[from + i] ?? ''))])
        .reverse(),
    };
  }
}

export class Inside {
  constructor() {
    this.chart = new NotesChart();
    this.shown = h('div', { class: 'k-inside-terms' });
    this.element = h(
      'section',
      { class: 'k-inside', 'aria-label': t('inside.title'), hidden: true },
      h(
        'section',
        { class: 'k-panel' },
        h('h3', {}, t('inside.title')),
        h('p', { class: 'k-note' }, t('inside.help')),
        this.shown,
      ),
      this.chart.element,
    );
  }

  // found: [{variant, term, title, pictures: [{name, image}]}] of the step that is looked at.
  show(run, found) {
    this.element.hidden = !found.length;
    if (!found.length) return;
    replace(
      this.shown,
      found.map(({ variant, title, pictures }) =>
        h(
          'section',
          { class: 'k-inside-term', 'aria-label': `${variant}: ${tx(title)}` },
          h('h4', {}, `${networkName(variant)} · ${tx(title)}`),
          h(
            'div',
            { class: 'k-inside-pictures' },
            pictures.map(({ name, image }) =>
              h('figure', {}, h('img', { src: image, alt: tx(name) }), h('figcaption', {}, tx(name))),
            ),
          ),
        ),
      ),
    );
    this.follow(run);
  }

  follow(run) {
    if (!this.element.hidden) this.chart.show(run);
  }
}
