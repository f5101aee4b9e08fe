// The head of a method's card: its name, one line of what it matches, its paper, its cost, and why it does not fit.

import { h, replace, unique } from './dom.js';
import { count } from './format.js';
import { follow } from './form_term_parts.js';
import { t, tx } from './words.js';

const ARXIV = /^\d{4}\.\d{4,5}$/;
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytes(value) {
  const power = value < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(value) / 3));
  return `${Number((value / 1000 ** power).toPrecision(power && value / 1000 ** power < 10 ? 2 : 3))} ${UNITS[power]}`;
}

// A link that a person may follow; the page itself asks nobody.
export function paper(entry) {
  if (!entry.paper) return null;
  if (!ARXIV.test(entry.paper)) return h('span', { class: 'k-paper' }, entry.paper);
  return h(
    'a',
    {
      class: 'k-paper',
      href: `https://arxiv.org/abs/${entry.paper}`,
      target: '_blank',
      rel: 'noopener noreferrer',
      'aria-label': t('methods.paper', { id: entry.paper, title: tx(entry.title) }),
    },
    `arXiv ${entry.paper}`,
  );
}

function costs(facts) {
  if (!facts || facts.reason) return [];
  return [
    h('span', { title: t('methods.memory.help') }, t('methods.memory', { size: bytes(facts.memory) })),
    facts.learns > 0 && h('span', {}, t('methods.learns', { n: count(facts.learns) })),
    facts.shows > 0 && h('span', {}, t('methods.shows', { n: facts.shows })),
  ];
}

// facts(): what the server says of it for this pair, or undefined while it has not.
// locked(): why it cannot be switched on whatever the pair; use(pair): what offers the pair that fits instead.
export function methodCard(form, entry, card, ...body) {
  const { title = tx(entry.title), name, on, locked = () => '', facts, toggled, use } = card;
  const id = unique('card');
  const box = h('input', {
    id,
    type: 'checkbox',
    role: 'switch',
    class: 'k-switch',
    'data-name': name,
    'aria-describedby': `${id}-about`,
    onchange: () => toggled(box.checked),
  });
  box.checked = on;
  const about = h('p', { class: 'k-method-about', id: `${id}-about` });
  const reason = h('p', { class: 'k-method-reason' });
  const element = h(
    'section',
    { class: `k-card k-method${on ? ' k-on' : ''}`, dataset: { method: entry.id } },
    h(
      'div',
      { class: 'k-card-head' },
      h('label', { for: id }, h('strong', {}, title), h('small', {}, tx(entry.matches || entry.summary))),
      box,
    ),
    about,
    reason,
    on && h('div', { class: 'k-fields' }, body),
  );
  follow(form, () => {
    const found = facts();
    const why = found?.reason ?? '';
    box.disabled = !on && Boolean(why || locked());
    element.classList.toggle('k-unfit', Boolean(why));
    const said = [paper(entry), ...costs(found)].filter(Boolean);
    replace(
      about,
      said.map((part, i) => [i > 0 && ' · ', part]),
    );
    replace(reason, why && tx(why), why && found.instead && use && use(found.instead));
  });
  return element;
}
