// Why this term: its formula, what the symbols mean, when it helps, and where it was published.

import { h } from './dom.js';
import { formula } from './formula.js';
import { paper } from './form_term_head.js';
import { fold } from './form_term_parts.js';
import { t, tx } from './words.js';

export function whyFold(form, entry, key) {
  return fold(form, `${key}.why`, t('term.why'), {
    body: () => [
      entry.formula && formula(entry.formula),
      h('p', { class: 'k-term-why' }, tx(entry.summary)),
      t(`why.${entry.id}`)
        .split('\n')
        .map(line => h('p', { class: 'k-term-why' }, line)),
      entry.paper && h('p', { class: 'k-term-why' }, t('term.paper'), ' ', paper(entry)),
    ],
  });
}
