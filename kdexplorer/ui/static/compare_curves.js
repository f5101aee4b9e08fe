// Curves of the chosen runs over each other: seeds as their mean and band, the controls dashed and gray.

import { h } from './dom.js';
import { download } from './browser.js';
import { Chart, toolButton, toolToggle } from './chart.js';
import { colorOf } from './colors.js';
import { csvOf } from './compare_csv.js';
import { fitLegend } from './compare_frame.js';
import { withUnit } from './compare_groups.js';
import { linesOf, meanCurve } from './compare_seeds.js';
import { fixed } from './format.js';
import { t, tx } from './words.js';

export const LOSS = 'loss';
const DIRECT = 8; // so many lines can be read off at once
const FIRST = 900; // before all that has no rank
const DASHES = ['solid', 'dot', 'dashdot', 'longdashdot']; // of a run's variants; the control has 'dash'

export class CompareCurves extends Chart {
  constructor(choice, asked) {
    const metric = h('select', { class: 'k-tool', 'aria-label': t('chart.metric') });
    const axis = h(
      'select',
      { class: 'k-tool', 'aria-label': t('compare.axis') },
      ['step', 'seconds'].map(id => h('option', { value: id }, t(`compare.axis.${id}`))),
    );
    super({
      id: 'compare-curves',
      title: t('compare.curves'),
      caption: t('compare.curves.caption'),
      empty: t('compare.curves.empty'),
      tools: [
        metric,
        axis,
        toolToggle(t('role.control'), t('compare.controls.help'), true, on => {
          this.controls = on;
          this.drawNow();
        }),
        toolButton('PNG', t('chart.png'), () => this.image('compare-curves')),
        toolButton('CSV', t('chart.csv'), () => download('compare-curves.csv', csvOf(this.whole()))),
      ],
      figure: () => this.lines(),
      table: () => this.last(),
    });
    Object.assign(this, { choice, metric, axis, controls: true, group: null, curves: {}, view: 0, wanted: null });
    metric.addEventListener('change', () => {
      this.wanted = metric.value;
      asked();
    });
    axis.addEventListener('change', () => {
      this.view += 1;
      this.drawNow();
    });
  }

  get quantity() {
    return this.metric.value || LOSS;
  }

  get info() {
    const found = this.group?.metrics.find(metric => metric.id === this.quantity);
    return found ? { ...found, title: tx(found.title) } : { id: LOSS, title: t('compare.taskLoss'), unit: '', digits: 4 };
  }

  // The group's metrics to choose from; what was chosen stays if it can.
  offer(group) {
    this.group = group;
    const options = [...(group?.metrics ?? []).map(metric => [metric.id, tx(metric.title)]), [LOSS, t('compare.taskLoss')]];
    const key = options.join();
    if (key === this.offered) return;
    this.offered = key;
    this.metric.replaceChildren(...options.map(([id, title]) => h('option', { value: id }, title)));
    if (options.some(([id]) => id === this.wanted)) this.metric.value = this.wanted;
    this.view += 1;
  }

  show(curves) {
    this.curves = curves;
    this.drawNow();
  }

  get shown() {
    return (this.group?.runs ?? []).filter(run => this.curves[run.id]?.step.length);
  }

  // What is drawn, the controls on top: {runs, variant, name, control, curve}.
  get strokes() {
    return linesOf(this.shown, this.group?.runs)
      .filter(line => !line.control || this.controls)
      .map(line => ({ ...line, curve: meanCurve(line.runs.map(run => this.curves[run.id]), line.variant) }))
      .filter(line => line.curve.step.length)
      .sort((a, b) => a.control - b.control);
  }

  lines() {
    const { strokes } = this;
    if (!strokes.length) return { data: [], layout: {} };
    const { info } = this;
    const along = this.axis.value;
    const runs = this.shown;
    fitLegend(this.plot, [
      ...['teacher', 'control'].map(role => t(`role.${role}`)),
      ...strokes.filter(line => !line.control).map(line => line.name),
    ]);
    const first = strokes.find(line => line.control);
    return {
      data: [...this.teachers(runs, along), ...strokes.flatMap(line => this.tracesOf(line, along, line === first))],
      layout: {
        uirevision: `${runs.map(run => run.id).join()}/${this.view}`,
        hovermode: strokes.length <= DIRECT ? 'x unified' : 'closest',
        xaxis: { title: { text: t(`compare.axis.${along}`), font: { size: 11 }, standoff: 4 }, rangemode: 'tozero' },
        yaxis: { title: { text: withUnit(info.title, info), font: { size: 11 }, standoff: 6 } },
      },
      label: `${t('compare.curves')}. ${info.title}: ${this.last()
        .rows.map(row => row.slice(0, 2).join(' '))
        .join(', ')}`,
    };
  }

  // A line; of several seeds their band and the single ones, faint, below their mean.
  tracesOf({ runs, variant, name, control, curve }, along, first) {
    const color = control ? colorOf('control') : this.choice.color(runs[0], variant);
    const label = control ? `${name} · ${t('role.control')}` : name;
    const trace = (x, y, rest) => ({ type: 'scatter', mode: 'lines', x, y, legendgroup: label, showlegend: false, ...rest });
    const edge = { line: { width: 0 }, hoverinfo: 'skip' };
    const seeds =
      runs.length > 1 && !control
        ? [
            trace(curve[along], curve.low, edge),
            trace(curve[along], curve.high, { ...edge, fill: 'tonexty', fillcolor: `${color}2e` }),
            ...runs.map(run =>
              trace(this.curves[run.id][along], this.curves[run.id].variants[variant], {
                name: `${name} · ${t('history.seed', { seed: run.seed })}`,
                line: { color, width: 1 },
                opacity: 0.4,
                hoverinfo: 'skip',
              }),
            ),
          ]
        : [];
    const main = trace(curve[along], curve.y, {
      mode: curve.step.length < 3 ? 'lines+markers' : 'lines',
      name: control ? t('role.control') : name,
      meta: label,
      showlegend: control ? first : true,
      line: { color, width: control ? 1.8 : 2.4, dash: control ? 'dash' : DASHES[this.choice.rank(runs[0], variant) % 4] },
      marker: { size: 4 },
      hovertemplate: `%{y:.${this.info.digits}f} · %{meta}<extra></extra>`,
    });
    if (control) Object.assign(main, { legendgroup: 'control', legendrank: FIRST });
    return [...seeds, main];
  }

  dress(layout, from) {
    const dressed = super.dress(layout, from);
    return { ...dressed, legend: { ...dressed.legend, tracegroupgap: 0 } };
  }

  teachers(runs, along) {
    const levels = [...new Set(runs.map(run => this.curves[run.id].teacher).filter(Number.isFinite))];
    const end = Math.max(...runs.map(run => this.curves[run.id][along].at(-1)));
    return levels.map((level, i) => ({
      type: 'scatter',
      mode: 'lines',
      name: t('role.teacher'),
      legendgroup: 'teacher',
      showlegend: !i,
      legendrank: FIRST,
      x: [0, end],
      y: [level, level],
      line: { color: colorOf('teacher'), width: 1.4 },
      hovertemplate: `%{y:.${this.info.digits}f}`,
    }));
  }

  // The last point of every line.
  last() {
    const { info, strokes } = this;
    const digits = value => fixed(value, info.digits);
    const band = ({ low, high }) => `${digits(low.at(-1))} … ${digits(high.at(-1))}`;
    return {
      head: [t('history.name'), info.title, t('compare.band'), t('compare.axis.step'), t('compare.axis.seconds')],
      rows: strokes.map(({ name, control, runs, curve }) => [
        control ? `${name} · ${t('role.control')}` : name,
        digits(curve.y.at(-1)),
        runs.length > 1 ? band(curve) : '–',
        String(curve.step.at(-1)),
        fixed(curve.seconds.at(-1), 1),
      ]),
    };
  }

  whole() {
    return {
      head: ['run', 'name', 'variant', 'step', 'seconds', this.quantity],
      rows: this.shown.flatMap(run => {
        const curve = this.curves[run.id];
        return Object.entries(curve.variants).flatMap(([variant, values]) =>
          values.map((value, i) => [run.id, run.name, variant, curve.step[i], curve.seconds[i], value ?? '']),
        );
      }),
    };
  }
}
