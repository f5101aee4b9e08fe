// Curves of the chosen runs over each other: one colour a run, their controls thin and gray.

import { h } from './dom.js';
import { download } from './browser.js';
import { Chart, toolButton, toolToggle } from './chart.js';
import { colorOf } from './colors.js';
import { csvOf } from './compare_csv.js';
import { nameOf, withUnit } from './compare_groups.js';
import { fixed } from './format.js';
import { t, tx } from './words.js';

export const LOSS = 'loss';
const DIRECT = 8; // so many runs fit into a legend

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

  lines() {
    const runs = this.shown;
    if (!runs.length) return { data: [], layout: {} };
    const { info } = this;
    const along = this.axis.value;
    const few = runs.length <= DIRECT;
    const data = runs.flatMap(run => {
      const curve = this.curves[run.id];
      const name = nameOf(run, this.group.runs);
      const names = Object.keys(curve.variants);
      return names
        .filter(variant => variant !== 'control' || this.controls)
        .map(variant => {
          const control = variant === 'control';
          const first = variant === names.find(other => other !== 'control');
          return {
            type: 'scatter',
            mode: curve.step.length < 3 ? 'lines+markers' : 'lines',
            name: names.length > 2 || control ? `${name} · ${variant}` : name,
            legendgroup: run.id,
            showlegend: few && first,
            x: curve[along],
            y: curve.variants[variant],
            line: control
              ? { color: colorOf('control'), width: 1, dash: 'dash' }
              : { color: this.choice.color(run), width: first ? 2.4 : 1.4 },
            marker: { size: 4 },
            hovertemplate: `%{y:.${info.digits}f} · %{fullData.name}<extra></extra>`,
          };
        });
    });
    data.sort((a, b) => a.line.width - b.line.width); // thin lines below
    return {
      data: [...this.teachers(runs, along), ...data],
      layout: {
        uirevision: `${runs.map(run => run.id).join()}/${this.view}`,
        hovermode: few ? 'x unified' : 'closest',
        xaxis: { title: { text: t(`compare.axis.${along}`), font: { size: 11 }, standoff: 4 }, rangemode: 'tozero' },
        yaxis: { title: { text: withUnit(info.title, info), font: { size: 11 }, standoff: 6 } },
      },
      label: `${t('compare.curves')}. ${info.title}: ${this.last()
        .rows.map(row => row.slice(0, 2).join(' '))
        .join(', ')}`,
    };
  }

  teachers(runs, along) {
    const levels = [...new Set(runs.map(run => this.curves[run.id].teacher).filter(Number.isFinite))];
    const end = Math.max(...runs.map(run => this.curves[run.id][along].at(-1)));
    return levels.map((level, i) => ({
      type: 'scatter',
      mode: 'lines',
      name: t('role.teacher'),
      legendgroup: 'teacher',
      showlegend: runs.length <= DIRECT && !i,
      x: [0, end],
      y: [level, level],
      line: { color: colorOf('teacher'), width: 1.4 },
      hovertemplate: `%{y:.${this.info.digits}f}`,
    }));
  }

  // The last point of every curve.
  last() {
    const { info } = this;
    const names = [...new Set(this.shown.flatMap(run => Object.keys(this.curves[run.id].variants)))];
    return {
      head: [
        t('history.name'),
        ...names.map(name => `${name} ${info.title}`),
        t('compare.axis.step'),
        t('compare.axis.seconds'),
      ],
      rows: this.shown.map(run => {
        const curve = this.curves[run.id];
        return [
          nameOf(run, this.group.runs),
          ...names.map(name => fixed(curve.variants[name]?.at(-1), info.digits)),
          String(curve.step.at(-1)),
          fixed(curve.seconds.at(-1), 1),
        ];
      }),
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
