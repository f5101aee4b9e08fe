// Quality against what it costs: teacher, students and controls, and the front that nothing beats on both axes.

import { h, say } from './dom.js';
import { download } from './browser.js';
import { Chart, toolButton } from './chart.js';
import { colorOf, tone } from './colors.js';
import { csvOf } from './compare_csv.js';
import { fitLegend } from './compare_frame.js';
import { nameOf, withUnit } from './compare_groups.js';
import { linesOf } from './compare_seeds.js';
import { brief, count, fixed } from './format.js';
import { t, tx } from './words.js';

const PRICES = ['parameters', 'latency_ms', 'multiply_adds', 'peak_bytes'];
const SYMBOLS = ['circle', 'diamond', 'triangle-up', 'cross']; // of a run's variants; control and teacher have theirs

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
    this.note = h('p', { class: 'k-note', role: 'status' });
    this.twin.before(this.note);
    price.addEventListener('change', () => this.show(this.group));
  }

  show(group) {
    this.group = group;
    const ended = (group?.runs ?? []).filter(run => ['finished', 'stopped'].includes(run.status));
    const older = ended.filter(run => !Number.isFinite(run.cost.student?.[this.price.value])).length;
    const words = t('compare.price.older', { count: older, price: t(`compare.price.${this.price.value}`) });
    const empty = !this.points.length;
    say(this.ghost, older && empty ? words : t('compare.price.empty'));
    say(this.note, older && !empty ? words : '');
    this.drawNow();
  }

  // Every network of the group once: {run, name, role, x, y}.
  get points() {
    const key = this.price.value;
    const metric = this.group?.metric;
    const seen = new Set();
    return (this.group?.runs ?? [])
      .filter(run => run.evaluated)
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
    const students = linesOf(runs)
      .filter(line => !line.control)
      .map(({ runs: members, variant, name }) => ({
        name,
        symbol: SYMBOLS[this.choice.rank(members[0], variant) % SYMBOLS.length],
        color: this.choice.color(members[0], variant),
        found: points.filter(({ role, run, name: own }) => role === 'student' && own === variant && members.includes(run)),
      }));
    const others = ['control', 'teacher'].map(role => ({
      name: t(`compare.role.${role}`),
      symbol: { teacher: 'square', control: 'circle-open' }[role],
      color: colorOf(role),
      found: points.filter(point => point.role === role),
    }));
    const kinds = [...others, ...students].filter(kind => kind.found.length);
    fitLegend(this.plot, [t('compare.front'), ...kinds.map(kind => kind.name)]);
    const trace = ({ name, symbol, color, found }) => ({
      type: 'scatter',
      mode: 'markers',
      name,
      x: found.map(point => point.x),
      y: found.map(point => point.y),
      text: found.map(point => [nameOf(point.run, runs), point.name].join(' · ')),
      cliponaxis: false,
      marker: { size: 10, symbol, color, line: { width: symbol.endsWith('open') ? 2 : 1, color: symbol.endsWith('open') ? color : tone('surface') } },
      hovertemplate: `%{text}<br>%{x:.4s} · %{y:.${metric.digits}f}<extra></extra>`,
    });
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
        ...kinds.map(trace),
      ],
      layout: {
        hovermode: 'closest',
        xaxis: {
          type: 'log',
          ...ticksOf(points.map(point => point.x)),
          title: { text: t(`compare.price.${key}`), font: { size: 11 }, standoff: 4 },
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

// Round numbers, as many of every power of ten as there is room for; words instead of powers.
function ticksOf(values) {
  const [low, high] = [Math.min(...values) / 1.1, Math.max(...values) * 1.1];
  const powers = Array.from({ length: 40 }, (_, i) => i - 20);
  const all = [[1, 1.5, 2, 2.5, 3, 4, 5, 6, 8], [1, 2, 3, 5], [1, 2, 5], [1]].map(parts =>
    powers.flatMap(power => parts.map(part => Number(`${part}e${power}`))).filter(value => value >= low && value <= high),
  );
  const tickvals = all.find(found => found.length <= 6) ?? all.at(-1);
  return tickvals.length < 2 ? {} : { tickvals, ticktext: tickvals.map(value => (value < 1000 ? brief(value) : count(value))) };
}

// The points that no other beats on both axes, from cheap to dear.
function frontOf(points, sign) {
  const found = [];
  for (const point of [...points].sort((a, b) => a.x - b.x || sign * (b.y - a.y))) {
    if (!found.length || sign * (point.y - found.at(-1).y) > 0) found.push(point);
  }
  return found;
}
