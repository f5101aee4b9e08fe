// Each run's difference to its own control with its interval; several seeds of one configuration averaged.

import { h, replace } from './dom.js';
import { download } from './browser.js';
import { Chart, plain, toolButton } from './chart.js';
import { ink, tone } from './colors.js';
import { csvOf } from './compare_csv.js';
import { nameOf, unitOf } from './compare_groups.js';
import { fixed, signed } from './format.js';
import { t, tx } from './words.js';

const LINE = 24; // px a row
const FRAME = 84; // px around the rows

export class CompareForest extends Chart {
  constructor(choice) {
    const words = h('div', { class: 'k-seed-words', 'aria-live': 'polite' });
    super({
      id: 'compare-forest',
      title: t('compare.forest'),
      caption: t('compare.forest.caption'),
      empty: t('compare.forest.empty'),
      tools: [
        toolButton('PNG', t('chart.png'), () => this.image('compare-results')),
        toolButton('CSV', t('chart.csv'), () => download('compare-differences.csv', csvOf(this.numbers()))),
      ],
      figure: () => this.forest(),
      table: () => this.numbers(),
    });
    Object.assign(this, { choice, words, group: null, batches: [] });
    this.twin.before(words);
  }

  show(group, batches) {
    const ids = new Set((group?.runs ?? []).map(run => run.batch).filter(Boolean));
    Object.assign(this, { group, batches: batches.filter(found => ids.has(found.batch)) });
    const rows = this.rows.length;
    this.plot.parentElement.style.height = `${Math.max(290, FRAME + LINE * rows)}px`;
    replace(
      this.words,
      this.batches.map(batch => h('p', {}, this.sentence(batch))),
    );
    this.drawNow();
  }

  // The rows from top to bottom: the best first; the mean of a batch above its seeds.
  get rows() {
    const runs = this.group?.runs ?? [];
    const single = run =>
      run.verdicts.map(verdict => ({
        ...verdict,
        run,
        label: run.variants.length > 1 ? `${nameOf(run, runs)} · ${plain(verdict.variant)}` : nameOf(run, runs),
      }));
    const blocks = runs.filter(run => !this.meanOf(run)).map(run => single(run).sort(best(this.sign)));
    for (const batch of new Set(this.batches.map(found => found.batch))) {
      const members = runs.filter(run => run.batch === batch);
      const means = this.batches.filter(found => found.batch === batch);
      const singles = members.flatMap(single);
      blocks.push(
        means
          .sort(best(this.sign))
          .flatMap(mean => [
            { ...mean, run: members[0], mean: true, label: bold(this.nameOfMean(mean, true), true), short: this.shortMean(mean) },
            ...singles.filter(row => row.variant === mean.variant),
          ]),
      );
    }
    return blocks
      .filter(block => block.length)
      .sort((a, b) => best(this.sign)(a[0], b[0]))
      .flat();
  }

  get sign() {
    return this.group?.metric.higher_is_better === false ? -1 : 1;
  }

  meanOf(run) {
    return this.batches.find(found => found.batch === run.batch);
  }

  // With its variant where the batch has several.
  nameOfMean(mean, whole = false) {
    const run = this.group.runs.find(other => other.batch === mean.batch);
    const name = run.name || run.id;
    const many = whole && run.variants.length > 1;
    return plain(t('compare.mean', { name: many ? `${name} · ${mean.variant}` : name, count: mean.count }));
  }

  // Where there is no room, the diamond says that it is a mean.
  shortMean({ batch, variant }) {
    const run = this.group.runs.find(other => other.batch === batch);
    const tail = run.variants.length > 1 ? ` · ${variant.slice(0, 8)}` : '';
    const name = run.name || run.id;
    const room = 17 - tail.length;
    return bold(plain(`${name.length > room ? `${name.slice(0, room - 1)}…` : name}${tail}`), true);
  }

  sentence(mean) {
    const { metric } = this.group;
    const clear = mean.low > 0 || mean.high < 0;
    const better = mean.difference * this.sign > 0;
    return t('compare.seeds', {
      name: this.nameOfMean(mean),
      variant: mean.variant,
      difference: `${signed(mean.difference, metric.digits)} ${unitOf(metric)}`,
      low: signed(mean.low, metric.digits),
      high: signed(mean.high, metric.digits),
      words: t(`compare.${clear ? (better ? 'helps' : 'hurts') : 'unclear'}`),
    });
  }

  forest() {
    const { rows } = this;
    if (!rows.length) return { data: [], layout: {} };
    const { metric } = this.group;
    const number = value => signed(value, metric.digits);
    const narrow = this.plot.clientWidth < 460;
    const trace = (found, at, mean) => ({
      type: 'scatter',
      mode: 'markers',
      showlegend: false,
      x: found.map(row => row.difference),
      y: at,
      error_x: {
        type: 'data',
        symmetric: false,
        array: found.map(row => row.high - row.difference),
        arrayminus: found.map(row => row.difference - row.low),
        thickness: mean ? 3 : 1.6,
        width: 0,
        color: mean ? ink() : tone('muted'),
      },
      marker: {
        size: mean ? 12 : 8,
        symbol: mean ? 'diamond' : 'circle',
        color: found.map(row => this.choice.color(row.run, row.variant)),
        line: { width: 1, color: tone('surface') },
      },
      text: found.map(row => row.label),
      hovertemplate: `%{text}<br>%{x:+.${metric.digits}f}<extra></extra>`,
    });
    const placed = rows.map((row, i) => [row, i]);
    const split = [false, true].map(mean => placed.filter(([row]) => Boolean(row.mean) === mean));
    const short = row => (narrow ? (row.short ?? middle(row.label)) : row.label);
    return {
      data: split
        .filter(part => part.length)
        .map(part =>
          trace(
            part.map(([row]) => row),
            part.map(([, i]) => i),
            part[0][0].mean,
          ),
        ),
      layout: {
        hovermode: 'closest',
        margin: { l: 20, r: narrow ? 12 : 150, t: 8, b: 38 },
        shapes: [
          {
            type: 'line',
            xref: 'x',
            yref: 'paper',
            x0: 0,
            x1: 0,
            y0: 0,
            y1: 1,
            line: { color: tone('muted'), width: 1.4 },
          },
        ],
        annotations: narrow
          ? []
          : rows.map((row, i) => ({
              xref: 'paper',
              x: 1.01,
              y: i,
              xanchor: 'left',
              showarrow: false,
              text: `${bold(number(row.difference), row.mean)} [${number(row.low)}, ${number(row.high)}]`,
              font: { size: 11, color: tone('ink') },
            })),
        xaxis: {
          title: { text: `Δ ${tx(metric.title)}${metric.unit ? ` (${unitOf(metric)})` : ''}`, font: { size: 11 }, standoff: 4 },
          nticks: narrow ? 4 : 8,
          tickangle: 0,
        },
        yaxis: {
          tickvals: rows.map((_, i) => i),
          ticktext: rows.map(short),
          range: [rows.length - 0.4, -0.6],
          fixedrange: true,
          showgrid: false,
          ticks: '',
        },
      },
      label: `${t('compare.forest')}: ${rows.map(row => `${thin(row.label)} ${number(row.difference)}`).join(', ')}`,
    };
  }

  numbers() {
    const { metric } = this.group ?? { metric: { digits: 2, title: '' } };
    return {
      head: ['name', 'variant', 'value', 'control', 'difference', 'low', 'high', 'better'].map(key => t(`compare.${key}`)),
      rows: this.rows.map(row => [
        thin(row.label),
        row.variant,
        fixed(row.value, metric.digits),
        fixed(row.control, metric.digits),
        signed(row.difference, metric.digits),
        signed(row.low, metric.digits),
        signed(row.high, metric.digits),
        row.mean ? t('compare.overSeeds') : `${row.better} / ${row.total}`,
      ]),
    };
  }
}

const middle = text => (text.length > 18 ? `${text.slice(0, 8)}…${text.slice(-9)}` : text); // what tells two apart is mostly at the end
const bold = (text, on) => (on ? `<b>${text}</b>` : text);
const thin = text => text.replace(/<\/?b>/g, '');
const best = sign => (a, b) => sign * (b.difference - a.difference);
