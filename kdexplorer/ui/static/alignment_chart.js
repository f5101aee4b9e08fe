// How well the maps agree with the teacher's, over the run's checkpoints: means over several images, with intervals.

import { h, say } from './dom.js';
import { fixed } from './format.js';
import { download } from './browser.js';
import { colorOf, tone } from './colors.js';
import { Chart, plain, toolButton } from './chart.js';
import { MEASURES } from './attention_maps.js';
import { networkName } from './roles.js';
import { csv, lineOf, stepAxis } from './run_axes.js';
import { t } from './words.js';

const ORDER = name => (name === 'teacher' ? 0 : name === 'control' ? 2 : 1);

export class AlignmentChart extends Chart {
  // go(step): look at that checkpoint
  constructor(go) {
    const select = h('select', { class: 'k-tool', 'aria-label': t('look.measure') });
    super({
      id: 'alignment',
      title: t('look.curve'),
      caption: t('look.curve.caption'),
      empty: t('look.curve.empty'),
      tools: [
        select,
        toolButton('PNG', t('chart.png'), () => this.image('alignment')),
        toolButton('CSV', t('chart.csv'), () => download('alignment.csv', csv(this.table()))),
      ],
      figure: () => this.lines(),
      table: () => this.rows(),
    });
    Object.assign(this, { select, go, run: null, points: new Map(), step: null });
    this.status = h('p', { class: 'k-note k-curve-status', role: 'status' });
    this.leftOut = h('p', { class: 'k-note' });
    this.element.querySelector('.k-plot-frame').after(this.status, this.leftOut);
    select.addEventListener('change', () => {
      this.count();
      this.drawNow();
    });
  }

  // points: step → {network: {measure: {mean, low, high, images, of}}}; step: the one that is looked at
  show(run, points, step) {
    Object.assign(this, { run, points, step });
    const known = this.measures;
    this.select.hidden = !known.length;
    if (known.join() !== this.shown) {
      this.shown = known.join();
      const before = this.select.value;
      this.select.replaceChildren(...known.map(id => h('option', { value: id }, t(`attention.${id}`))));
      if (known.includes(before)) this.select.value = before;
    }
    this.count();
    this.draw();
  }

  // How many images the mean at this step leaves out, their maps being empty.
  count() {
    const listed = this.names
      .map(name => [name, this.points.get(this.step)?.[name]?.[this.select.value]])
      .filter(([, found]) => found && found.images < found.of)
      .map(([name, found]) =>
        t('look.leftOut.one', { name: networkName(name), count: found.of - found.images, total: found.of }),
      );
    say(this.leftOut, listed.length ? t('look.leftOut', { listed: listed.join(', ') }) : '\u00a0');
  }

  get measures() {
    const found = new Set([...this.points.values()].flatMap(Object.values).flatMap(Object.keys));
    return MEASURES.filter(id => found.has(id));
  }

  get names() {
    const id = this.select.value;
    const names = new Set([...this.points.values()].flatMap(Object.keys));
    return [...names]
      .filter(name => [...this.points.values()].some(point => point[name]?.[id]))
      .sort((a, b) => ORDER(a) - ORDER(b));
  }

  drawNow() {
    super.drawNow();
    if (!this.drawn || this.hooked) return;
    this.hooked = true;
    this.plot.on('plotly_click', event => this.go(event.points[0].x));
  }

  lines() {
    const { run, points, step } = this;
    if (!points.size) return { data: [], layout: {} };
    const id = this.select.value;
    const steps = [...points.keys()].sort((a, b) => a - b);
    const data = this.names.flatMap(name => {
      const of = key => steps.map(at => points.get(at)[name]?.[id]?.[key] ?? null);
      const color = colorOf(name, run.variants);
      const edge = {
        type: 'scatter',
        mode: 'lines',
        x: steps,
        line: { width: 0 },
        hoverinfo: 'skip',
        showlegend: false,
        legendgroup: name,
      };
      return [
        { ...edge, y: of('low') },
        { ...edge, y: of('high'), fill: 'tonexty', fillcolor: `${color}2b` },
        {
          type: 'scatter',
          mode: 'lines+markers',
          name: plain(networkName(name)),
          x: steps,
          y: of('mean'),
          line: name === 'teacher' ? { color, width: 1.8 } : lineOf(name, run),
          marker: { size: 6, color },
          hovertemplate: '%{y:.2f} (%{text})',
          text: steps.map(at => {
            const found = points.get(at)[name]?.[id];
            return found ? t('look.counted', { count: found.images, total: found.of }) : '';
          }),
          legendgroup: name,
        },
      ];
    });
    const last = points.get(steps.at(-1));
    return {
      data,
      layout: {
        uirevision: `${run.id}/${id}`,
        xaxis: stepAxis(run),
        yaxis: { title: { text: t(`attention.${id}`), font: { size: 11 }, standoff: 6 } },
        shapes: [
          { type: 'line', x0: step, x1: step, yref: 'paper', y0: 0, y1: 1, line: { color: tone('muted'), width: 1 } },
        ],
      },
      label: `${t('look.curve')}, ${t('chart.step')} ${steps.at(-1)}: ${this.names
        .map(name => `${networkName(name)} ${t(`attention.${id}`)} ${fixed(last[name]?.[id]?.mean)}`)
        .join(', ')}`,
    };
  }

  rows() {
    const { points, measures } = this;
    const names = [...new Set([...points.values()].flatMap(Object.keys))].sort((a, b) => ORDER(a) - ORDER(b));
    const columns = names.flatMap(name =>
      measures.filter(id => [...points.values()].some(point => point[name]?.[id])).map(id => [name, id]),
    );
    return {
      head: [t('chart.step'), ...columns.map(([name, id]) => `${networkName(name)} ${t(`attention.${id}`)}`)],
      rows: [...points.keys()]
        .sort((a, b) => a - b)
        .map(at => [
          String(at),
          ...columns.map(([name, id]) => {
            const found = points.get(at)[name]?.[id];
            if (!found) return '–';
            const counted = found.images < found.of ? `, ${found.images} / ${found.of}` : '';
            return `${fixed(found.mean)} (${fixed(found.low)} … ${fixed(found.high)}${counted})`;
          }),
        ]),
    };
  }
}
