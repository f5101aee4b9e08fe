// The losses: each term of each student, as its formula gives it or as it counts in the sum.

import { h } from './dom.js';
import { download } from './browser.js';
import { Chart, marksLayout, plain, toolButton, toolToggle } from './chart.js';
import { spoken } from './fields.js';
import { csv, lineOf, marksOf, stepAxis } from './run_axes.js';
import { t } from './words.js';

const DASHES = ['solid', 'dot', 'dashdot', 'longdash', '4px,2px', '10px,3px,2px,3px', '2px,2px', '12px,4px'];
const MAX_DRAWN = 1_500; // points of a trace on the screen

// Labels of a logarithmic axis: the more of a decade's digits, the fewer decades there are.
function ticksOf(data) {
  const values = data.flatMap(trace => trace.y).filter(value => value > 0);
  const ratio = Math.max(...values) / Math.min(...values);
  return ratio > 300 ? 1 : ratio > 8 ? 'D2' : 'D1';
}

// An exponential average that starts unbiased, as TensorBoard has it.
function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0;
  let seen = 0;
  return values.map(value => {
    if (value === null) return null;
    mean = mean * weight + value * (1 - weight);
    seen += 1;
    return mean / (1 - weight ** seen);
  });
}

// Always new arrays: Plotly takes one that it has seen before for unchanged.
const thin = (values, stride) => values.filter((_, i) => i % stride === 0 || i === values.length - 1);

export class LossChart extends Chart {
  constructor() {
    const range = h('input', {
      type: 'range',
      min: 0,
      max: 0.98,
      step: 0.02,
      value: 0,
      'aria-label': t('chart.smooth'),
    });
    range.addEventListener('input', () => {
      this.smooth = Number(range.value);
      range.style.setProperty('--at', `${(100 * this.smooth) / 0.98}%`);
      this.drawNow();
    });
    super({
      id: 'losses',
      title: t('chart.losses'),
      caption: t('chart.losses.caption'),
      empty: t('chart.losses.empty'),
      tools: [
        toolToggle('log', t('chart.log'), true, on => {
          this.log = on;
          this.view += 1;
          this.drawNow();
        }),
        toolToggle('× w', t('chart.weighted'), false, on => {
          this.weighted = on;
          this.view += 1;
          this.drawNow();
        }),
        h(
          'label',
          { class: 'k-tool k-smooth', title: t('chart.smooth') },
          h('span', { 'aria-hidden': 'true' }, '∿'),
          range,
        ),
        toolButton('PNG', t('chart.png'), () => this.image('losses')),
        toolButton('CSV', t('chart.csv'), () => download('losses.csv', csv(this.rows(Infinity)))),
      ],
      figure: () => this.lossFigure(),
      table: () => this.rows(),
    });
    Object.assign(this, { log: true, weighted: false, smooth: 0, view: 0, run: null });
  }

  show(run) {
    const other = run !== this.run;
    this.run = run;
    if (other) this.drawNow();
    else this.draw(true);
  }

  traces() {
    const { losses } = this.run;
    const names = Object.keys(losses);
    const ordered = [...names.filter(name => name !== 'control'), ...names.filter(name => name === 'control')];
    const terms = [...new Set(names.flatMap(name => Object.keys(losses[name])))];
    return ordered.flatMap(name =>
      Object.entries(losses[name]).map(([term, [values, weights]]) => ({
        name,
        term,
        dash: DASHES[terms.indexOf(term) % DASHES.length],
        values: this.weighted ? values.map((value, i) => (value === null ? null : value * weights[i])) : values,
      })),
    );
  }

  lossFigure() {
    const { run } = this;
    if (!run?.steps.length) return { data: [], layout: {} };
    const stride = Math.max(1, Math.ceil(run.steps.length / MAX_DRAWN));
    const steps = thin(run.steps, stride);
    const data = this.traces().map(trace => ({
      type: 'scatter',
      mode: 'lines',
      name: plain(`${trace.name} · ${spoken(trace.term)}`),
      x: steps,
      y: thin(smoothed(trace.values, this.smooth), stride),
      line: {
        ...lineOf(trace.name, run),
        width: 1.6,
        dash: trace.name === 'control' && trace.term === 'task' ? 'dash' : trace.dash,
        shape: 'linear',
      },
      hovertemplate: '%{y:.4g}',
    }));
    const title = t(this.weighted ? 'chart.lossWeighted' : 'chart.loss');
    return {
      data,
      label: `${t('chart.losses')}, ${t('chart.step')} ${run.steps.at(-1)}`,
      layout: {
        uirevision: `${run.id}/${this.view}`,
        ...marksLayout(marksOf(run), stepAxis(run).range[1]),
        xaxis: stepAxis(run),
        yaxis: {
          type: this.log ? 'log' : 'linear',
          title: { text: title, font: { size: 11 }, standoff: 6 },
          tickformat: '~g',
          ...(this.log ? { dtick: ticksOf(data) } : {}),
        },
      },
    };
  }

  rows(limit = 40) {
    if (!this.run) return { head: [], rows: [] };
    const { steps } = this.run;
    const traces = this.traces();
    const from = Math.max(0, steps.length - limit);
    return {
      head: [t('chart.step'), ...traces.map(trace => `${trace.name} ${trace.term}`)],
      rows: steps
        .slice(from)
        .map((step, i) => [
          String(step),
          ...traces.map(trace =>
            trace.values[from + i] === null ? '' : String(Number(trace.values[from + i].toPrecision(5))),
          ),
        ])
        .reverse(),
    };
  }
}
