// Quality on held-out data: every student, the teacher's level, or the difference to the control.

import { h } from './dom.js';
import { fixed, signed } from './format.js';
import { download } from './browser.js';
import { colorOf } from './colors.js';
import { Chart, marksLayout, plain, toolButton, toolToggle } from './chart.js';
import { networkName } from './roles.js';
import { csv, lineOf, marksOf, stepAxis } from './run_axes.js';
import { t, tx } from './words.js';

const FAINT = 0.42; // how strong the curves of other runs of the family are
const FATE = 0.32; // and what became of a parent after this run had left it

export class QualityChart extends Chart {
  // fork(step): a person pressed on the curve there
  constructor(fork) {
    const select = h('select', { class: 'k-tool', 'aria-label': t('chart.metric') });
    const gap = toolToggle(t('chart.gap'), t('chart.gap.help'), false, on => {
      this.gap = on;
      this.view += 1;
      this.drawNow();
    });
    super({
      id: 'quality',
      title: t('chart.quality'),
      caption: t('chart.quality.caption'),
      empty: t('chart.quality.empty'),
      tools: [
        select,
        gap,
        toolButton('PNG', t('chart.png'), () => this.image('quality')),
        toolButton('CSV', t('chart.csv'), () => download('quality.csv', csv(this.table()))),
      ],
      figure: () => (this.gap ? this.gapFigure() : this.metricFigure()),
      table: () => this.rows(),
      clicked: step => {
        if (this.run?.checkpoints.length) fork(step);
      },
    });
    Object.assign(this, { branches: [], select, gapButton: gap, gap: false, view: 0, run: null });
    select.addEventListener('change', () => {
      this.view += 1;
      this.drawNow();
    });
  }

  show(run) {
    const other = run !== this.run;
    this.run = run;
    const titles = run.metrics.map(metric => metric.title).join();
    if (titles !== this.titles) {
      this.titles = titles;
      this.select.replaceChildren(...run.metrics.map(metric => h('option', { value: metric.id }, tx(metric.title))));
    }
    if (other) this.drawNow();
    else this.draw(true);
  }

  // The curves that this run branched from, and those that branched from it: see the server's `family`.
  showFamily(branches) {
    this.branches = branches;
    if (this.run) this.draw();
  }

  // What was measured last of the line to this run, up to `step`: where a fork's curve begins.
  forkPoint(step) {
    const own = this.run.evaluations.filter(point => point.step <= step);
    const before = this.branches
      .filter(branch => branch.until !== null)
      .flatMap(branch => branch.evaluations.filter(point => point.step <= Math.min(branch.until, step)));
    return [...before, ...own].reduce((last, point) => (last && last.step > point.step ? last : point), null);
  }

  // This run's evaluations, from the parent's point on.
  get measured() {
    const { run } = this;
    const at = run.row?.parent_step;
    const start = at ? this.forkPoint(Math.min(at, run.evaluations[0].step)) : null;
    return start && start.step < run.evaluations[0].step ? [start, ...run.evaluations] : run.evaluations;
  }

  // One line a student of another run: up to where this run leaves it as its own past, beyond that as its other fate.
  branchLines(metric) {
    const { run } = this;
    const end = run.over ? Math.max(run.row.step, 1) : run.row.steps;
    const line = (branch, name, part, points, named) => ({
      type: 'scatter',
      mode: 'lines',
      name: plain(
        part === 'past'
          ? `${networkName(name)} · ${branch.name || branch.id}`
          : t(part === 'child' ? 'chart.forked' : 'chart.wentOn', { name: branch.name || branch.id }),
      ),
      legendgroup: branch.id,
      showlegend: named,
      opacity: part === 'other' ? FATE : FAINT,
      x: points.map(point => point.step),
      y: points.map(point => point.variants[name]?.[metric.id] ?? null),
      line: { ...lineOf(name, run), width: 1.6, ...(part === 'past' ? {} : { dash: 'dot' }) },
      hoverinfo: part === 'past' ? undefined : 'skip',
      hovertemplate: part === 'past' ? `%{y:.${metric.digits}f}` : undefined,
    });
    return this.branches.flatMap(branch => {
      const known = branch.evaluations.filter(point => point.step >= branch.from && point.step <= end);
      const names = Object.keys(known[0]?.variants ?? {}).filter(name => run.variants.includes(name));
      const start = branch.until === null ? this.forkPoint(branch.from) : null;
      const whole = start && start.step < known[0]?.step ? [start, ...known] : known;
      return names.flatMap((name, i) => {
        if (branch.until === null) return [line(branch, name, 'child', whole, i === 0)];
        const past = known.filter(point => point.step <= branch.until);
        const other = known.filter(point => point.step >= (past.at(-1)?.step ?? branch.until));
        const named = i === 0 && other.length > 1;
        return [line(branch, name, 'past', past, false), line(branch, name, 'other', other, named)];
      });
    });
  }

  get metric() {
    return this.run?.metrics.find(metric => metric.id === this.select.value) ?? this.run?.metrics[0];
  }

  get names() {
    const found = Object.keys(this.run.evaluations[0]?.variants ?? {});
    return [...found.filter(name => name !== 'control'), ...found.filter(name => name === 'control')];
  }

  layout(metric, axis = {}) {
    const { run } = this;
    const unit = metric.unit ? ` (${metric.unit})` : '';
    return {
      uirevision: `${run.id}/${this.view}`,
      ...marksLayout(marksOf(run), stepAxis(run).range[1]),
      xaxis: stepAxis(run),
      yaxis: { title: { text: `${tx(metric.title)}${unit}`, font: { size: 11 }, standoff: 6 }, ...axis },
    };
  }

  metricFigure() {
    const { run, metric } = this;
    if (!run?.evaluations.length || !metric) return { data: [], layout: {} };
    const { measured } = this;
    const steps = measured.map(evaluation => evaluation.step);
    const hover = `%{y:.${metric.digits}f}`;
    const data = this.branchLines(metric);
    data.push(...this.names.map(name => ({
      type: 'scatter',
      mode: steps.length < 40 ? 'lines+markers' : 'lines',
      name: plain(networkName(name)),
      x: steps,
      y: measured.map(evaluation => evaluation.variants[name]?.[metric.id] ?? null),
      line: lineOf(name, run),
      marker: { size: 4.5, color: lineOf(name, run).color },
      hovertemplate: hover,
    })));
    const level = run.evaluations.findLast(found => found.teacher?.[metric.id] !== undefined)?.teacher[metric.id];
    if (level !== undefined && level !== null) {
      data.push({
        type: 'scatter',
        mode: 'lines',
        name: t('role.teacher'),
        x: [0, Math.max(run.row.steps, steps.at(-1))],
        y: [level, level],
        line: { color: colorOf('teacher'), width: 1.8 },
        hovertemplate: hover,
      });
    }
    const last = this.names
      .map(name => `${networkName(name)} ${fixed(run.evaluation.variants[name]?.[metric.id], metric.digits)}`)
      .join(', ');
    return {
      data,
      layout: this.layout(metric),
      label: `${t('chart.quality')}. ${tx(metric.title)}, ${t('chart.step')} ${steps.at(-1)}: ${last}`,
    };
  }

  // Distilled minus control with its interval: what the verdict is about, over time.
  gapFigure() {
    const { run } = this;
    const found = run?.evaluations.filter(evaluation => evaluation.step > 0 && evaluation.verdicts?.length) ?? [];
    if (!found.length) return { data: [], layout: {} };
    const metric = run.metrics.find(known => known.id === found[0].verdicts[0].metric) ?? run.metrics[0];
    const names = found.at(-1).verdicts.map(verdict => verdict.variant);
    const steps = found.map(evaluation => evaluation.step);
    const data = names.flatMap(name => {
      const color = colorOf(name, run.variants);
      const of = key =>
        found.map(evaluation => evaluation.verdicts.find(verdict => verdict.variant === name)?.[key] ?? null);
      return [
        {
          type: 'scatter',
          mode: 'lines',
          x: steps,
          y: of('low'),
          line: { width: 0 },
          hoverinfo: 'skip',
          showlegend: false,
          legendgroup: name,
        },
        {
          type: 'scatter',
          mode: 'lines',
          x: steps,
          y: of('high'),
          line: { width: 0 },
          fill: 'tonexty',
          fillcolor: `${color}30`,
          hoverinfo: 'skip',
          showlegend: false,
          legendgroup: name,
        },
        {
          type: 'scatter',
          mode: 'lines+markers',
          name: plain(`${name} − ${networkName('control')}`),
          x: steps,
          y: of('difference'),
          line: { color, width: 2.4 },
          marker: { size: 4.5 },
          hovertemplate: `%{y:+.${metric.digits}f}`,
          legendgroup: name,
        },
      ];
    });
    const layout = this.layout({ ...metric, title: `Δ ${tx(metric.title)}` }, { zeroline: true, zerolinewidth: 1.5 });
    return {
      data,
      layout,
      label: `${t('chart.gap.help')}: ${names.map(name => signed(found.at(-1).verdicts.find(v => v.variant === name).difference, metric.digits)).join(', ')}`,
    };
  }

  rows() {
    const { run } = this;
    if (!run) return { head: [], rows: [] };
    const columns = this.names.flatMap(name => run.metrics.map(metric => [name, metric]));
    return {
      head: [
        t('chart.step'),
        ...columns.map(([name, metric]) => `${networkName(name)} ${tx(metric.title)}${metric.unit ? ` ${metric.unit}` : ''}`),
      ],
      rows: run.evaluations
        .slice(-40)
        .reverse()
        .map(evaluation => [
          String(evaluation.step),
          ...columns.map(([name, metric]) => fixed(evaluation.variants[name]?.[metric.id], metric.digits)),
        ]),
    };
  }
}
