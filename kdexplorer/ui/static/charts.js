// The two live charts of a run: quality on held-out data, and the losses.

import { h } from './dom.js';
import { brief, fixed, signed } from './format.js';
import { download } from './browser.js';
import { colorOf } from './colors.js';
import { Chart, marksLayout, plain, toolButton, toolToggle } from './chart.js';
import { spoken } from './fields.js';
import { t } from './words.js';

const DASHES = ['solid', 'dot', 'dashdot', 'longdash', '4px,2px', '10px,3px,2px,3px', '2px,2px', '12px,4px'];
const MAX_DRAWN = 1_500; // points of a trace on the screen

function marksOf(run) {
  const marks = run.knobs.map(knob => ({
    step: knob.step, text: plain(`${spoken(knob.knob.split('.').at(-1))} ${brief(knob.old)} → ${brief(knob.new)}`),
  }));
  if (run.row?.parent_step) marks.unshift({ step: run.row.parent_step, text: t('chart.forkedHere') });
  return marks.slice(-24);
}

const csv = table => [table.head, ...table.rows].map(row => row.map(cell => (/[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(',')).join('\n');
const lineOf = (name, run) => (name === 'control' ? { color: colorOf('control'), width: 2, dash: 'dash' } : { color: colorOf(name, run.variants), width: 2.4 });

// From 0 to the run's last step from the start: the curve grows into its frame instead of shifting it.
const stepAxis = run => ({ title: { text: t('chart.step'), font: { size: 11 }, standoff: 4 }, range: [0, (run.over ? Math.max(run.row.step, run.evaluation?.step ?? 0) : run.row?.steps) || 1], autorange: false });

// Labels of a logarithmic axis: 1, 2, 5 in each decade, or the decades alone where there are many.
function ticksOf(data) {
  const values = data.flatMap(trace => trace.y).filter(value => value > 0);
  return Math.max(...values) / Math.min(...values) > 300 ? 1 : 'D2';
}

export class QualityChart extends Chart {
  constructor() {
    const select = h('select', { class: 'k-tool', 'aria-label': t('chart.metric') });
    const gap = toolToggle(t('chart.gap'), t('chart.gap.help'), false, on => { this.gap = on; this.view += 1; this.draw(); });
    super({
      id: 'quality', title: t('chart.quality'), caption: t('chart.quality.caption'), empty: t('chart.quality.empty'),
      tools: [select, gap, toolButton('PNG', t('chart.png'), () => this.image('quality')), toolButton('CSV', t('chart.csv'), () => download('quality.csv', csv(this.table())))],
      figure: () => (this.gap ? this.gapFigure() : this.metricFigure()), table: () => this.rows(),
    });
    Object.assign(this, { select, gapButton: gap, gap: false, view: 0, run: null });
    select.addEventListener('change', () => { this.view += 1; this.draw(); });
  }

  show(run) {
    this.run = run;
    const titles = run.metrics.map(metric => metric.title).join();
    if (titles !== this.titles) {
      this.titles = titles;
      this.select.replaceChildren(...run.metrics.map(metric => h('option', { value: metric.id }, metric.title)));
    }
    this.draw();
  }

  get metric() { return this.run?.metrics.find(metric => metric.id === this.select.value) ?? this.run?.metrics[0]; }

  get names() {
    const found = Object.keys(this.run.evaluations[0]?.variants ?? {});
    return [...found.filter(name => name !== 'control'), ...found.filter(name => name === 'control')];
  }

  layout(metric, axis = {}) {
    const { run } = this;
    const unit = metric.unit ? ` (${metric.unit})` : '';
    return {
      uirevision: `${run.id}/${this.view}`, ...marksLayout(marksOf(run)),
      xaxis: stepAxis(run),
      yaxis: { title: { text: `${metric.title}${unit}`, font: { size: 11 }, standoff: 6 }, ...axis },
    };
  }

  metricFigure() {
    const { run, metric } = this;
    if (!run?.evaluations.length || !metric) return { data: [], layout: {} };
    const steps = run.evaluations.map(evaluation => evaluation.step);
    const hover = `%{y:.${metric.digits}f}`;
    const data = this.names.map(name => ({
      type: 'scatter', mode: steps.length < 40 ? 'lines+markers' : 'lines', name: plain(name), x: steps,
      y: run.evaluations.map(evaluation => evaluation.variants[name]?.[metric.id] ?? null),
      line: lineOf(name, run), marker: { size: 4.5, color: lineOf(name, run).color }, hovertemplate: hover,
    }));
    const level = run.evaluation.teacher?.[metric.id];
    if (level !== undefined && level !== null) {
      data.push({
        type: 'scatter', mode: 'lines', name: t('role.teacher'), x: [0, Math.max(run.row.steps, steps.at(-1))], y: [level, level],
        line: { color: colorOf('teacher'), width: 1.8 }, hovertemplate: hover,
      });
    }
    const last = this.names.map(name => `${name} ${fixed(run.evaluation.variants[name]?.[metric.id], metric.digits)}`).join(', ');
    return { data, layout: this.layout(metric), label: `${t('chart.quality')}. ${metric.title}, ${t('chart.step')} ${steps.at(-1)}: ${last}` };
  }

  // Distilled minus control with its interval: what the verdict is about, over time.
  gapFigure() {
    const { run } = this;
    const found = run?.evaluations.filter(evaluation => evaluation.verdicts?.length) ?? [];
    if (!found.length) return { data: [], layout: {} };
    const metric = run.metrics.find(known => known.id === found[0].verdicts[0].metric) ?? run.metrics[0];
    const names = found.at(-1).verdicts.map(verdict => verdict.variant);
    const steps = found.map(evaluation => evaluation.step);
    const data = names.flatMap(name => {
      const color = colorOf(name, run.variants);
      const of = key => found.map(evaluation => evaluation.verdicts.find(verdict => verdict.variant === name)?.[key] ?? null);
      return [
        { type: 'scatter', mode: 'lines', x: steps, y: of('low'), line: { width: 0 }, hoverinfo: 'skip', showlegend: false, legendgroup: name },
        { type: 'scatter', mode: 'lines', x: steps, y: of('high'), line: { width: 0 }, fill: 'tonexty', fillcolor: `${color}30`, hoverinfo: 'skip', showlegend: false, legendgroup: name },
        { type: 'scatter', mode: 'lines+markers', name: plain(`${name} − control`), x: steps, y: of('difference'), line: { color, width: 2.4 }, marker: { size: 4.5 }, hovertemplate: `%{y:+.${metric.digits}f}`, legendgroup: name },
      ];
    });
    const layout = this.layout({ ...metric, title: `Δ ${metric.title}` }, { zeroline: true, zerolinewidth: 1.5 });
    return { data, layout, label: `${t('chart.gap.help')}: ${names.map(name => signed(found.at(-1).verdicts.find(v => v.variant === name).difference, metric.digits)).join(', ')}` };
  }

  rows() {
    const { run } = this;
    if (!run) return { head: [], rows: [] };
    const columns = this.names.flatMap(name => run.metrics.map(metric => [name, metric]));
    return {
      head: [t('chart.step'), ...columns.map(([name, metric]) => `${name} ${metric.title}${metric.unit ? ` ${metric.unit}` : ''}`)],
      rows: run.evaluations.slice(-40).reverse().map(evaluation => [String(evaluation.step), ...columns.map(([name, metric]) => fixed(evaluation.variants[name]?.[metric.id], metric.digits))]),
    };
  }
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

const thin = (values, stride) => (stride === 1 ? values : values.filter((_, i) => i % stride === 0 || i === values.length - 1));

export class LossChart extends Chart {
  constructor() {
    const range = h('input', { type: 'range', min: 0, max: 0.98, step: 0.02, value: 0, 'aria-label': t('chart.smooth') });
    range.addEventListener('input', () => { this.smooth = Number(range.value); range.style.setProperty('--at', `${(100 * this.smooth) / 0.98}%`); this.draw(); });
    super({
      id: 'losses', title: t('chart.losses'), caption: t('chart.losses.caption'), empty: t('chart.losses.empty'),
      tools: [
        toolToggle('log', t('chart.log'), true, on => { this.log = on; this.view += 1; this.draw(); }),
        toolToggle('× w', t('chart.weighted'), false, on => { this.weighted = on; this.view += 1; this.draw(); }),
        h('label', { class: 'k-tool k-smooth', title: t('chart.smooth') }, h('span', { 'aria-hidden': 'true' }, '∿'), range),
        toolButton('PNG', t('chart.png'), () => this.image('losses')), toolButton('CSV', t('chart.csv'), () => download('losses.csv', csv(this.rows(Infinity)))),
      ],
      figure: () => this.lossFigure(), table: () => this.rows(),
    });
    Object.assign(this, { log: true, weighted: false, smooth: 0, view: 0, run: null });
  }

  show(run) {
    this.run = run;
    this.draw();
  }

  traces() {
    const { losses } = this.run;
    const names = Object.keys(losses);
    const ordered = [...names.filter(name => name !== 'control'), ...names.filter(name => name === 'control')];
    const terms = [...new Set(names.flatMap(name => Object.keys(losses[name])))];
    return ordered.flatMap(name => Object.entries(losses[name]).map(([term, [values, weights]]) => ({
      name, term, dash: DASHES[terms.indexOf(term) % DASHES.length],
      values: this.weighted ? values.map((value, i) => (value === null ? null : value * weights[i])) : values,
    })));
  }

  lossFigure() {
    const { run } = this;
    if (!run?.steps.length) return { data: [], layout: {} };
    const stride = Math.max(1, Math.ceil(run.steps.length / MAX_DRAWN));
    const steps = thin(run.steps, stride);
    const data = this.traces().map(trace => ({
      type: 'scatter', mode: 'lines', name: plain(`${trace.name} · ${spoken(trace.term)}`), x: steps, y: thin(smoothed(trace.values, this.smooth), stride),
      line: { ...lineOf(trace.name, run), width: 1.6, dash: trace.name === 'control' && trace.term === 'task' ? 'dash' : trace.dash, shape: 'linear' },
      hovertemplate: '%{y:.4g}',
    }));
    const title = t(this.weighted ? 'chart.lossWeighted' : 'chart.loss');
    return {
      data, label: `${t('chart.losses')}, ${t('chart.step')} ${run.steps.at(-1)}`,
      layout: {
        uirevision: `${run.id}/${this.view}`, ...marksLayout(marksOf(run)),
        xaxis: stepAxis(run),
        yaxis: { type: this.log ? 'log' : 'linear', title: { text: title, font: { size: 11 }, standoff: 6 }, tickformat: '~g', ...(this.log ? { dtick: ticksOf(data) } : {}) },
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
      rows: steps.slice(from).map((step, i) => [String(step), ...traces.map(trace => (trace.values[from + i] === null ? '' : String(Number(trace.values[from + i].toPrecision(5)))))]).reverse(),
    };
  }
}
