// The methods that the variant does not use yet, in groups by what they match; a box finds one by a word.

import { h, say, unique } from './dom.js';
import { field } from './fields.js';
import { fits } from './form_parts.js';
import { methodCard } from './form_term_head.js';
import { fold } from './form_term_parts.js';
import { t, tx } from './words.js';

const GROUPS = {
  responses: () => t('methods.responses'),
  features: () => t('methods.features'),
  attention: () => t('methods.attention'),
  relations: () => t('methods.relations'),
};

const groupOf = entry => (entry.knowledge in GROUPS ? entry.knowledge : 'features');
const textOf = entry =>
  [entry.id, entry.title, tx(entry.title), entry.matches, tx(entry.matches), tx(entry.summary), entry.paper]
    .join(' ')
    .toLowerCase();

// add(entry, pair): a term of it, its layers automatic or this one pair. `full`: no term more has room.
export function methodsBlock(form, { used, add, full }) {
  const offered = form.entries('methods').filter(entry => fits(entry, form.config.task) && !used(entry));
  const cardOf = entry => ({
    entry,
    text: textOf(entry),
    element: methodCard(form, entry, {
      name: entry.id,
      on: false,
      facts: () => form.facts?.methods?.[entry.id],
      locked: () => full(),
      toggled: () => add(entry),
      use: pair =>
        h(
          'button',
          { type: 'button', class: 'k-mini', 'data-name': `use.${entry.id}`, onclick: () => add(entry, pair) },
          t('methods.instead', pair),
        ),
    }),
  });
  const groups = Object.entries(GROUPS)
    .map(([id, title]) => ({ id, title, cards: offered.filter(entry => groupOf(entry) === id).map(cardOf) }))
    .filter(group => group.cards.length);
  const nothing = h('p', { class: 'k-note', role: 'status' });
  for (const group of groups) {
    group.element = fold(form, `methods.${group.id}`, group.title(), {
      value: () => String(group.cards.length),
      body: () => group.cards.map(card => card.element),
    });
  }
  // While a word is looked for, the groups that have it are open and the others away.
  const find = word => {
    const asked = word.trim().toLowerCase();
    form.methodWord = word;
    let found = 0;
    for (const group of groups) {
      const hits = group.cards.filter(card => card.text.includes(asked));
      for (const card of group.cards) card.element.hidden = !hits.includes(card);
      group.element.hidden = !hits.length;
      if (asked && hits.length) group.element.open = true;
      found += hits.length;
    }
    say(nothing, found ? '' : t('methods.nothing'));
  };
  const id = unique('methods');
  const box = field(
    { kind: 'text', name: 'methods.find', title: t('methods.find'), help: t('methods.find.help'), maximum: 60 },
    form.methodWord ?? '',
    find,
  ).element;
  find(form.methodWord ?? '');
  return h(
    'section',
    { class: 'k-methods', 'aria-labelledby': id },
    h('h3', { id, class: 'k-caps' }, t('methods.more', { n: offered.length })),
    box,
    full() && h('p', { class: 'k-note' }, full()),
    groups.map(group => group.element),
    nothing,
  );
}
