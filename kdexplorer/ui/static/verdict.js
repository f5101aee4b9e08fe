// The answer: each variant against the control, with the interval drawn around zero; several of them as a ranking.

import { h, replace, svg } from './dom.js';
import { signed } from './format.js';
import { colorOf } from './colors.js';
import { t, tx } from './words.js';
import {
  delta,
  deltaUnit,
  digitsOf,
  intervalText,
  judge,
  ranked,
  rankingSentences,
  sentenceOf,
} from './verdict_words.js';

const ROW = 31; // px of a row of the ranking
const AROUND = 150; // px of what stands above and below the rows
const narrow = matchMedia('(max-width: 640px)');
const UNKNOWN = { digits: 2, unit: '', convention: '', title: '' };

function interval(verdict, reach, color, width = 260) {
  const middle = width / 2;
  const x = value => middle + ((middle - 10) * value) / reach;
  return svg(
    'svg',
    { viewBox: `0 0 ${width} 30`, class: 'k-interval', 'aria-hidden': 'true' },
    svg('line', { x1: 8, x2: width - 8, y1: 15, y2: 15, class: 'k-axis' }),
    svg('line', { x1: middle, x2: middle, y1: 3, y2: 27, class: 'k-zero' }),
    svg('rect', {
      x: x(verdict.low),
      width: Math.max(2, x(verdict.high) - x(verdict.low)),
      y: 10,
      height: 10,
      rx: 5,
      fill: color,
      opacity: 0.35,
    }),
    svg('circle', { cx: x(verdict.difference), cy: 15, r: 5, fill: color }),
  );
}

function note(evaluation, metric) {
  const parts = [t('verdict.at', { step: evaluation.step.toLocaleString('en-US') }), tx(metric.convention)];
  return h('p', { class: 'k-note' }, parts.filter(Boolean).join(' · '));
}

function single(run, evaluation, metric, reach) {
  const [verdict] = evaluation.verdicts;
  return h(
    'div',
    { class: 'k-verdict' },
    h(
      'div',
      { class: 'k-verdict-number' },
      h(
        'b',
        { class: 'k-delta' },
        signed(verdict.difference, digitsOf(verdict, metric)),
        h('small', {}, ` ${deltaUnit(metric)}`),
      ),
      h('span', {}, t(`verdict.${judge(verdict, metric)}`, verdict)),
    ),
    interval(verdict, reach, colorOf(verdict.variant, run.variants)),
    h('div', { class: 'k-verdict-words' }, h('p', {}, sentenceOf(verdict, metric)), note(evaluation, metric)),
  );
}

function ranking(run, evaluation, metric, reach) {
  const order = ranked(evaluation.verdicts, metric);
  const row = (verdict, i) => {
    const color = colorOf(verdict.variant, run.variants);
    const swatch = h('span', { class: 'k-swatch', style: { background: color } });
    return h(
      'tr',
      { dataset: { variant: verdict.variant, judged: judge(verdict, metric) } },
      h('td', { class: 'k-rank' }, i + 1),
      h('th', { scope: 'row' }, swatch, verdict.variant),
      h('td', { class: 'k-rank-delta' }, delta(verdict, metric)),
      h('td', { class: 'k-rank-bar' }, interval(verdict, reach, color, narrow.matches ? 200 : 400)),
      h('td', { class: 'k-rank-interval' }, intervalText(verdict, metric, false)),
      h(
        'td',
        { class: 'k-rank-count' },
        t(judge(verdict, metric) === 'same' ? 'ranking.alike' : 'ranking.count', verdict),
      ),
    );
  };
  const head = [
    'ranking.rank',
    'ranking.variant',
    'ranking.delta',
    'ranking.bar',
    'ranking.interval',
    'ranking.images',
  ];
  return [
    h('h3', {}, t('ranking.title')),
    h(
      'table',
      { class: 'k-ranking' },
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          head.map(key => h('th', { scope: 'col' }, t(key, { unit: deltaUnit(metric) }))),
        ),
      ),
      h('tbody', {}, order.map(row)),
    ),
    h(
      'div',
      { class: 'k-verdict-words' },
      rankingSentences(order, metric).map(sentence => h('p', {}, sentence)),
      h('p', { class: 'k-note' }, t('verdict.read')),
      note(evaluation, metric),
    ),
  ];
}

export class Verdicts {
  constructor() {
    this.body = h('div', { class: 'k-verdicts' });
    this.element = h(
      'section',
      { class: 'k-panel k-verdict-panel', 'aria-label': t('verdict.title'), 'aria-live': 'polite' },
      this.body,
    );
    this.empty();
  }

  empty() {
    this.shown = '';
    this.body.style.minHeight = '';
    replace(this.body, h('p', { class: 'k-ghost-text' }, t('verdict.empty')));
  }

  show(run) {
    const expected = run.config?.control ? run.config.variants.length : 0;
    this.body.style.minHeight = expected > 1 ? `${ROW * expected + AROUND}px` : '';
    // Before the first step nobody has learnt anything; older runs have a verdict there.
    const evaluation = run.evaluations.findLast(found => found.step > 0 && found.verdicts?.length);
    if (!evaluation) {
      this.wait(run);
      return;
    }
    const key = JSON.stringify([evaluation.step, evaluation.verdicts]);
    if (key === this.shown) return;
    this.shown = key;
    const { verdicts } = evaluation;
    const metric = run.metrics.find(found => found.id === verdicts[0].metric) || UNKNOWN;
    const reach = 1.05 * (Math.max(...verdicts.map(v => Math.max(Math.abs(v.low), Math.abs(v.high)))) || 1);
    replace(this.body, (verdicts.length > 1 ? ranking : single)(run, evaluation, metric, reach));
  }

  wait(run) {
    const text = !run.started
      ? t('verdict.empty')
      : run.config && !run.config.control
        ? t('verdict.noControl')
        : run.config && !run.config.variants.length
          ? t('verdict.onlyControl')
          : t('verdict.soon');
    if (this.shown === text) return;
    this.shown = text;
    replace(this.body, h('p', { class: 'k-ghost-text' }, text));
  }
}
