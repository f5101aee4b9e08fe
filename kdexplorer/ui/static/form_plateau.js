// Stages that end when a variant no longer improves: its patience, and after which plateau each term joins and leaves.

import { h, replace } from './dom.js';
import { field } from './fields.js';
import { termId, titleOfTerm } from './form_differences.js';
import { t } from './words.js';

const MOST = 8;
const ALWAYS = { begin: 0, until: 0, stage: 0, until_stage: 0 };

const staged = variant => variant.terms.some(term => term.active?.stage || term.active?.until_stage);

function termRow(form, term) {
  const put = name => value => {
    term.active = { ...ALWAYS, ...term.active, [name]: value };
    form.changed();
  };
  const bounds = { kind: 'int', minimum: 0, maximum: MOST, default: 0, slider: false };
  const count = (name, title, help) => {
    const spec = { ...bounds, name: `plateau.${termId(term)}.${name}`, title, help };
    return field(spec, term.active?.[name] ?? 0, put(name)).element;
  };
  return [
    h('h4', { class: 'k-term-name' }, titleOfTerm(form, term)),
    count('stage', t('plateau.joins'), t('plateau.joins.help')),
    count('until_stage', t('plateau.leaves'), t('plateau.leaves.help')),
  ];
}

// `spec` is that of the variant's patience. Returns {element, draw}: it is drawn again when other terms are there.
export function plateauFold(form, spec, chosen) {
  const rows = h('div', { class: 'k-fields' });
  const fields = h('div', { class: 'k-fields' });
  const element = h('details', { class: 'k-more' }, h('summary', {}, t('plateau.title')), fields);
  let before = '';
  const drawRows = variant =>
    replace(rows, (variant.patience > 0 || staged(variant)) && variant.terms.map(term => termRow(form, term)));
  const draw = () => {
    const variant = chosen(form);
    element.hidden = !variant.terms.length;
    const now = JSON.stringify([form.chosen, variant.terms.map(termId)]);
    if (now === before) return;
    before = now;
    if (variant.patience > 0) element.open = true;
    const patience = field({ ...spec, slider: false }, variant.patience ?? spec.default, value => {
      variant.patience = value;
      drawRows(variant);
      form.changed();
    });
    replace(fields, h('p', { class: 'k-note' }, t('plateau.help')), patience.element, rows);
    drawRows(variant);
  };
  draw();
  return { element, draw };
}
