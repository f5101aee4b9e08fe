// What tells the variants of a run apart, in the words of the form.

import { brief } from './format.js';
import { spoken } from './fields.js';
import { t, tx } from './words.js';

const NAMED = new Set(['method', 'name', 'weight', 'params']);
const plainly = value => (value !== null && typeof value === 'object' ? '' : brief(value));

export const termId = term => term.name || term.method;
export const titleOfTerm = (form, term) =>
  term.name || tx(form.entry('methods', term.method)?.title ?? spoken(term.method));

// Every setting of a variant by its place: {title, value}. A term that is there counts as one itself.
function partsOf(form, variant) {
  const parts = new Map();
  const { name, task_weight: taskWeight, terms, ...rest } = variant;
  parts.set('task_weight', { title: t('form.labelWeight'), value: taskWeight });
  for (const [key, value] of Object.entries(rest)) parts.set(key, { title: tx(spoken(key)), value });
  for (const term of terms) {
    const id = termId(term);
    const title = titleOfTerm(form, term);
    parts.set(id, { title, value: true, term: true });
    parts.set(`${id}.weight`, { title: t('form.weightOf', { term: title }), value: term.weight, of: id });
    for (const param of form.entry('methods', term.method)?.params ?? []) {
      const value = term.params[param.name] ?? param.default;
      parts.set(`${id}.${param.name}`, { title: tx(param.title), value, of: id });
    }
    for (const [key, value] of Object.entries(term)) {
      if (!NAMED.has(key)) parts.set(`${id}:${key}`, { title: tx(spoken(key)), value, of: id });
    }
  }
  return parts;
}

// For every variant what it has of its own, each as a short text: 'Temperature 4', '+ Attention transfer'.
export function differencesOf(form) {
  const all = form.config.variants.map(variant => partsOf(form, variant));
  const places = [...new Set(all.flatMap(parts => [...parts.keys()]))];
  const differ = places.filter(place => {
    const found = all.map(parts => parts.get(place));
    const there = found.filter(Boolean);
    const whole = there[0].term || there.length === all.length; // a part of a term counts where all have the term
    return (
      whole &&
      (there.length < all.length || there.some(p => JSON.stringify(p.value) !== JSON.stringify(there[0].value)))
    );
  });
  return all.map(parts =>
    differ.flatMap(place => {
      const part = parts.get(place);
      if (!part) return [];
      return part.term ? `+ ${part.title}` : `${part.title} ${plainly(part.value)}`.trim();
    }),
  );
}
