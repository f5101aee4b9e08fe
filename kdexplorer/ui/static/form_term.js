// One term of a variant's objective as a card: how much it weighs, what it compares, when, from whom, and why.

import { h } from './dom.js';
import { field } from './fields.js';
import { termId } from './form_differences.js';
import { fieldsFor, paramsFor, weightFor } from './form_parts.js';
import { teacherField } from './form_teachers.js';
import { featuresFold } from './form_term_features.js';
import { methodCard } from './form_term_head.js';
import { schedulesFold } from './form_term_schedules.js';
import { stageFold } from './form_term_stage.js';
import { whyFold } from './form_term_why.js';
import { t, tx } from './words.js';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const TASK = 'task'; // what the task's own loss is called

export function freshName(variant, stem) {
  const taken = variant.terms.map(termId);
  let number = 2;
  while (taken.includes(`${stem.slice(0, 28)}-${number}`)) number += 1;
  return `${stem.slice(0, 28)}-${number}`;
}

function nameField(form, variant, term) {
  const others = variant.terms.filter(other => other !== term).map(termId);
  const check = text => {
    const id = text || term.method;
    if (text && !NAME.test(text)) return t('variants.nameRule');
    if (id === TASK) return t('term.isTask');
    return others.includes(id) ? t('term.taken') : '';
  };
  const spec = {
    kind: 'text',
    name: 'term.name',
    title: t('term.name'),
    help: t('term.name.help'),
    maximum: 32,
    check,
  };
  return field(spec, term.name ?? '', (name, final) => {
    term.name = name;
    form.changed();
    if (final) form.rebuild('distillation');
  }).element;
}

// actions: {remove(term), add(entry)}; `full()` says why no term more has room.
export function termCard(form, entry, variant, term, { remove, another, full }) {
  const id = termId(term);
  const key = `${variant.name}.${id}`;
  const several = variant.terms.filter(other => other.method === term.method).length > 1;
  const mini = (name, text, act, disabled = false) =>
    h('button', { type: 'button', class: 'k-mini', 'data-name': name, disabled, onclick: act }, text);
  return methodCard(
    form,
    entry,
    {
      title: term.name ? `${tx(entry.title)} · ${term.name}` : tx(entry.title),
      name: id,
      on: true,
      facts: () => form.facts?.terms?.[variant.name]?.[id] ?? form.facts?.methods?.[entry.id],
      toggled: () => remove(term),
    },
    (several || term.name) && nameField(form, variant, term),
    fieldsFor(form, form.schema.parts.term, term, { around: () => weightFor(form.config.task, entry) || 1 }),
    paramsFor(form, entry, term),
    teacherField(form, term, () => form.rebuild('distillation')),
    h(
      'div',
      { class: 'k-folds' },
      whyFold(form, entry, key),
      schedulesFold(form, term, key),
      stageFold(form, variant, term, key),
      featuresFold(form, entry, variant, term, key),
    ),
    h(
      'div',
      { class: 'k-minis' },
      mini(`another.${id}`, t('term.another'), () => another(entry, term), Boolean(full())),
      several && mini(`remove.${id}`, t('term.remove'), () => remove(term)),
    ),
  );
}
