// Quality against what it costs: teacher, students and controls, and the front that nothing beats on both axes.

import { h } from './dom.js';
import { download } from './browser.js';
import { Chart, toolButton } from './chart.js';
import { colorOf, tone } from './colors.js';
import { csvOf } from './compare_csv.js';
import { nameOf, withUnit } from './compare_groups.js';
import { brief, fixed } from './format.js';
import { t, tx } from './words.js';

const PRICES = ['parameters', 'latency_ms', 'multiply_adds'];
const NAMED = 6; // so many points can carry their names

export class ComparePrice extends Chart {
  constructor(choice) {
    const price = h(
      'select',
      { class: 'k-tool', 'aria-label': t('compare.price') },
      PRICES.map(id => h('option', { value: id }, t(`compare.price.${id}`))),
    );
    super({
      id: 'compare-price',
      title: t('compare.priceTitle'),
      caption: t('compare.price.caption'),
      empty: t('compare.price.empty'),
      tools: [
        price,
        toolButton('PNG', t('chart.png'), () => this.image('compare-cost')),
        toolButton('CSV', t('chart.csv'), () => download('compare-cost.csv', csvOf(this.numbers()))),
      ],
      figure: () => this.plane(),
      table: () => this.numbers(),
    });
    Object.assign(this, { choice, price, group: null });
    price.addEventListener('change', () => this.drawNow());
  }

  show(group) {
    this.group = group;
    this.drawNow();
  }

  // Every network of the group once: {run, name, role, x, y}.
  get points() {
    const key = this.price.value;
    const metric = this.group?.metric;
    const seen = new Set();
    return (this.group?.runs ?? [])
      .flatMap(run => {
        const of = (role, name, scores) => ({
          run,
          role,
          name,
          x: run.cost[role === 'teacher' ? role : 'student']?.[key],
          y: scores?.[metric.id],
        });
        return [
          ...Object.entries(run.scores.variants).map(([name, scores]) =>
            of(name === 'control' ? 'control' : 'student', name, scores),
          ),
          of('teacher', 'teacher', run.scores.teacher),
        ];
      })
      .filter(point => Number.isFinite(point.x) && Number.isFinite(point.y))
      .filter(point => {
        const whose = point.role === 'student' ? `${point.run.id}/${point.name}` : '';
        const same = [point.role, whose, point.x, point.y].join('/');
        return !seen.has(same) && seen.add(same);
      });
  }

  plane() {
    const { points } = this;
    if (!points.length) return { data: [], layout: {} };
    const { metric, runs } = this.group;
    const key = this.price.value;
    const front = frontOf(points, metric.higher_is_better ? 1 : -1);
    const trace = role => {
      const found = points.filter(point => point.role === role);
      const color = found.map(point => (role === 'student' ? this.choice.color(point.run) : colorOf(role)));
      return {
        type: 'scatter',
        mode: role === 'student' && found.length <= NAMED ? 'markers+text' : 'markers',
        name: t(`compare.role.${role}`),
        x: found.map(point => point.x),
        y: found.map(point => point.y),
        text: found.map(point => nameOf(point.run, runs)),
        textposition: 'top center',
        textfont: { size: 10.5, color: tone('muted') },
        cliponaxis: false,
        marker: {
          size: role === 'student' ? 10 : 9,
          symbol: { teacher: 'square', control: 'circle-open', student: 'circle' }[role],
          color,
          line: { width: role === 'control' ? 2 : 1, color: role === 'control' ? color : tone('surface') },
        },
        hovertemplate: `%{text} · ${t(`compare.role.${role}`)}<br>%{x:.4s} · %{y:.${metric.digits}f}<extra></extra>`,
      };
    };
    return {
      data: [
        {
          type: 'scatter',
          mode: 'lines',
          name: t('compare.front'),
          x: front.map(point => point.x),
          y: front.map(point => point.y),
          line: { color: tone('muted'), width: 1.4, dash: 'dot', shape: 'hv' },
          hoverinfo: 'skip',
        },
        ...['control', 'teacher', 'student'].filter(role => points.some(point => point.role === role)).map(trace),
      ],
      layout: {
        hovermode: 'closest',
        xaxis: {
          type: 'log',
          title: { text: t(`compare.price.${key}`), font: { size: 11 }, standoff: 4 },
          exponentformat: 'SI',
        },
        yaxis: { title: { text: withUnit(tx(metric.title), metric), font: { size: 11 }, standoff: 6 } },
      },
      label: `${t('compare.priceTitle')}: ${front
        .map(point => `${nameOf(point.run, runs)} ${point.name} ${brief(point.x)}, ${fixed(point.y, metric.digits)}`)
        .join('; ')}`,
    };
  }

  numbers() {
    const { metric, runs } = this.group ?? { metric: { digits: 2, title: '' }, runs: [] };
    const front = new Set(frontOf(this.points, metric.higher_is_better === false ? -1 : 1));
    return {
      head: [
        t('compare.name'),
        t('compare.network'),
        t(`compare.price.${this.price.value}`),
        tx(metric.title),
        t('compare.front'),
      ],
      rows: this.points.map(point => [
        nameOf(point.run, runs),
        point.name,
        brief(point.x, 4),
        fixed(point.y, metric.digits),
        front.has(point) ? t('compare.yes') : '–',
      ]),
    };
  }
}

// The points that no other beats on both axes, from cheap to dear.
function frontOf(points, sign) {
  const found = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || sign * (b.y - a.y))) {
    if (!found.length || sign * (point.y - found.at(-1).y) > 0) found.push(point);
  }
  return found;
}
