// What is seen at a temperature, in one sentence with this image's numbers.

import { brief } from './format.js';
import { percent } from './soft_targets_bars.js';
import { entropy, logSoftmax } from './softmax.js';
import { t } from './words.js';

const INVISIBLE = 0.005; // what all other classes have together, where nobody sees them
const EVEN = 0.985; // of the largest entropy: every class about as likely

const times = ratio =>
  ratio < 9.95 ? ratio.toFixed(1) : ratio < 9_950 ? brief(Math.round(ratio)) : t('soft.words.many');

// network: {title, logits}; label: the true class.
export function sentence({ title, logits }, label, classes, temperature) {
  const logs = logSoftmax(logits, temperature);
  const order = [...logs.keys()].sort((a, b) => logs[b] - logs[a]);
  const [first, second] = order;
  const last = order.at(-1);
  const share = i => percent(Math.exp(logs[i]));
  const known = {
    T: brief(temperature),
    who: title,
    first: classes[first],
    second: classes[second],
    last: classes[last],
    truth: classes[label],
    share: share(first),
    secondShare: share(second),
    truthShare: share(label),
    low: share(last),
    high: share(first),
    ratio: times(Math.exp(logs[second] - logs[last])),
  };
  if (entropy(logits, temperature) > EVEN * Math.log(classes.length)) return t('soft.words.even', known);
  if (first !== label) return t('soft.words.wrong', known);
  if (1 - Math.exp(logs[first]) < INVISIBLE) return t('soft.words.sure', known);
  return t(classes.length > 2 ? 'soft.words.also' : 'soft.words.two', known);
}
