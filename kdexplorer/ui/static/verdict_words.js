// The verdict in words: composed from its numbers, so that every language says the same.

import { fixed, signed } from './format.js';
import { t } from './words.js';

const unitOf = metric => (metric.unit ? ` ${metric.unit}` : '');
export const deltaUnit = metric => (metric.unit === '%' ? t('verdict.points') : metric.unit);

// Above 0 where the student is better, whichever way the metric goes.
const sign = metric => (metric.higher_is_better === false ? -1 : 1);
export const gainOf = (verdict, metric) => sign(metric) * verdict.difference;
export const bounds = (verdict, metric) =>
  sign(metric) > 0 ? [verdict.low, verdict.high] : [-verdict.high, -verdict.low];

// 'better', 'worse' or 'open': what the interval allows to say.
export function judge(verdict, metric) {
  const [low, high] = bounds(verdict, metric);
  return low > 0 ? 'better' : high < 0 ? 'worse' : 'open';
}

const judgements = () => ({ better: t('verdict.helps'), worse: t('verdict.hurts'), open: t('verdict.undecided') });

export const intervalText = (verdict, metric) =>
  `[${signed(verdict.low, metric.digits)}, ${signed(verdict.high, metric.digits)}]`;

export const delta = (verdict, metric) => `${signed(verdict.difference, metric.digits)} ${deltaUnit(metric)}`.trim();

export function sentenceOf(verdict, metric) {
  const numbers = {
    variant: verdict.variant,
    value: `${fixed(verdict.value, metric.digits)}${unitOf(metric)}`,
    control: fixed(verdict.control, metric.digits),
    difference: delta(verdict, metric),
    interval: intervalText(verdict, metric),
    better: verdict.better,
    worse: verdict.worse,
    total: verdict.total,
  };
  if (verdict.better === 0 && verdict.worse === 0) return t('verdict.same', numbers);
  return t('verdict.sentence', { ...numbers, judgement: judgements()[judge(verdict, metric)] });
}

// Best first.
export const ranked = (verdicts, metric) => [...verdicts].sort((a, b) => gainOf(b, metric) - gainOf(a, metric));

// What a ranking allows to say, and what it does not: who leads, whether the next ones are really behind, and how
// often so many comparisons find something by chance (at most 5 % each, whatever their dependence).
export function rankingSentences(order, metric) {
  const [first, ...others] = order;
  const [low] = bounds(first, metric);
  const numbers = { variant: first.variant, difference: delta(first, metric), interval: intervalText(first, metric) };
  const found = judge(first, metric);
  const overlapping = others.filter(other => bounds(other, metric)[1] >= low).map(other => other.variant);
  return [
    t(found === 'better' ? 'ranking.leads' : found === 'worse' ? 'ranking.allWorse' : 'ranking.none', numbers),
    found === 'better' &&
      (overlapping.length ? t('ranking.overlap', { names: overlapping.join(', ') }) : t('ranking.apart')),
    t('ranking.many', { k: order.length, share: Math.min(100, 5 * order.length) }),
  ].filter(Boolean);
}
