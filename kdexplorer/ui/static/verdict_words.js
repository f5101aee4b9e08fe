// The verdict in words: composed from its numbers, so that every language says the same. The log's sentence, in
// `training/evaluation.py`, follows the same rules.

import { fixed, signed } from './format.js';
import { t } from './words.js';

const MORE = 4; // digits beyond the metric's, at most

const unitOf = metric => (metric.unit ? ` ${metric.unit}` : '');
// A difference of two shares is no share of anything.
export const deltaUnit = metric => (metric.unit === '%' ? t('verdict.points') : metric.unit);

// Above 0 where the student is better, whichever way the metric goes.
const sign = metric => (metric.higher_is_better === false ? -1 : 1);
export const gainOf = (verdict, metric) => sign(metric) * verdict.difference;
export const bounds = (verdict, metric) =>
  sign(metric) > 0 ? [verdict.low, verdict.high] : [-verdict.high, -verdict.low];

// 'better', 'worse' or 'open': what the interval allows to say; 'same' where no image tells the two apart.
export function judge(verdict, metric) {
  if (verdict.better === 0 && verdict.worse === 0) return 'same';
  const [low, high] = bounds(verdict, metric);
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'open';
}

// The metric's digits, or more where the interval's ends would look alike, or a clear difference like none.
export function digitsOf({ low, high }, metric) {
  const clear = low > 0 || high < 0;
  for (let digits = metric.digits; digits < metric.digits + MORE; digits += 1) {
    const ends = [low, high].map(end => Number(end.toFixed(digits)));
    if ((ends[0] !== ends[1] || low === high) && !(clear && ends.some(end => end === 0))) return digits;
  }
  return metric.digits + MORE;
}

export function intervalText(verdict, metric, unit = true) {
  const digits = digitsOf(verdict, metric);
  const text = `[${signed(verdict.low, digits)}, ${signed(verdict.high, digits)}]`;
  return unit ? `${text} ${deltaUnit(metric)}`.trim() : text;
}

export const delta = (verdict, metric) =>
  `${signed(verdict.difference, digitsOf(verdict, metric))} ${deltaUnit(metric)}`.trim();

export function sentenceOf(verdict, metric) {
  const judged = judge(verdict, metric);
  const digits = judged === 'same' ? metric.digits : digitsOf(verdict, metric);
  const numbers = {
    variant: verdict.variant,
    value: `${fixed(verdict.value, digits)}${unitOf(metric)}`,
    control: `${fixed(verdict.control, digits)}${unitOf(metric)}`,
    difference: delta(verdict, metric),
    interval: intervalText(verdict, metric),
    better: verdict.better,
    worse: verdict.worse,
    total: verdict.total,
  };
  return t(`verdict.sentence.${judged}`, numbers);
}

// Best first.
export const ranked = (verdicts, metric) => [...verdicts].sort((a, b) => gainOf(b, metric) - gainOf(a, metric));

// What a ranking allows to say, and what it does not: who leads, who is clearly worse, whether the next ones are
// really behind, and how often so many comparisons find something by chance (at most 5 % each, whatever their
// dependence).
export function rankingSentences(order, metric) {
  const [first, ...others] = order;
  const judged = verdict => judge(verdict, metric);
  const told = verdict => ({
    variant: verdict.variant,
    number: signed(verdict.difference, digitsOf(verdict, metric)),
    difference: delta(verdict, metric),
    interval: intervalText(verdict, metric),
    total: verdict.total,
  });
  const many = t('ranking.many', { k: order.length, share: Math.min(100, 5 * order.length) });
  if (order.every(verdict => judged(verdict) === 'same')) return [t('ranking.same', told(first))];
  if (order.every(verdict => judged(verdict) === 'worse')) return [t('ranking.allWorse', told(first)), many];
  const worse = order.filter(verdict => judged(verdict) === 'worse');
  const listed = worse.map(found => t('ranking.one', told(found))).join(t('ranking.separator'));
  const [low] = bounds(first, metric);
  const near = others.filter(other => bounds(other, metric)[1] >= low).map(other => other.variant);
  const found = judged(first) === 'better';
  const even = judged(first) === 'same';
  return [
    t(found ? 'ranking.leads' : even ? 'ranking.even' : 'ranking.none', told(first)),
    found && (near.length ? t('ranking.overlap', { names: near.join(', ') }) : t('ranking.apart')),
    worse.length && t('ranking.worse', { listed }),
    many,
  ].filter(Boolean);
}
