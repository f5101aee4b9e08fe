// Group 3: what the student learns from the teacher. The terms in use with all their settings, then what else there is.

import { h } from './dom.js';
import { brief } from './format.js';
import { titleOfTerm } from './form_differences.js';
import { methodsBlock } from './form_methods.js';
import { fieldsFor, weightFor } from './form_parts.js';
import { newTeacherOf } from './form_teachers.js';
import { chosen, variantsBlock } from './form_variants.js';
import { freshName, termCard } from './form_term.js';
import { beginFollowing, refresh } from './form_term_parts.js';
import { labelFold } from './form_term_schedules.js';
import { isStaged, timeline } from './form_term_stage.js';
import { t } from './words.js';

const WARMUP = 1 / 12; // of the run: 20 of 240 epochs
const clone = value => JSON.parse(JSON.stringify(value));

function edited(form) {
  if (!chosen(form)) form.config.variants.push({ name: 'distilled', task_weight: 1, terms: [] });
  return chosen(form);
}

function termOf(form, entry, layers) {
  const term = clone(form.schema.term);
  const { steps } = form.config.training;
  if (entry.schedule === 'warmup')
    Object.assign(term.schedule, { kind: 'warmup', until: Math.max(1, Math.round(steps * WARMUP)) });
  const teacher = newTeacherOf(form, entry);
  return { ...term, method: entry.id, weight: weightFor(form.config.task, entry), layers, teacher };
}

// Draws the group anew with the card of `name` in sight.
function redraw(form, name) {
  form.changed();
  form.rebuild('distillation');
  const box = form.groups.distillation.body.querySelector(`input[data-name="${CSS.escape(name)}"]`);
  box?.focus({ preventScroll: true });
  box?.closest('.k-card').scrollIntoView({ block: 'nearest' });
}

function actions(form) {
  const most = form.schema.most.terms;
  return {
    full: () => ((chosen(form)?.terms.length ?? 0) >= most ? t('methods.most', { n: most }) : ''),
    add: (entry, pair) => {
      edited(form).terms.push(termOf(form, entry, pair ? [{ ...pair }] : []));
      redraw(form, entry.id);
    },
    another: (entry, term) => {
      const variant = chosen(form);
      const name = freshName(variant, entry.id);
      variant.terms.splice(variant.terms.indexOf(term) + 1, 0, { ...clone(term), name });
      redraw(form, name);
    },
    remove: term => {
      const variant = chosen(form);
      variant.terms = variant.terms.filter(other => other !== term);
      redraw(form, term.method);
    },
  };
}

export function distillationGroup(form) {
  const { config, schema } = form;
  form.drawVariants = form.drawDynamics = null; // of the variant that was shown before; there may be none now
  beginFollowing(form);
  form.showFacts = () => refresh(form);
  const variant = chosen(form);
  const terms = variant?.terms ?? [];
  const act = actions(form);
  const used = terms.map(term => {
    const entry = form.entry('methods', term.method) ?? { id: term.method, title: term.method, layers: 'none' };
    return termCard(form, entry, variant, term, act);
  });
  return [
    variantsBlock(form),
    variant && fieldsFor(form, schema.parts.variant, variant),
    variant && labelFold(form, variant),
    fieldsFor(
      form,
      schema.fields.distillation.filter(spec => !spec.path.includes('.')),
      config,
    ),
    terms.some(isStaged) && timeline(form, variant),
    used.length > 0 && h('div', { class: 'k-terms' }, used),
    methodsBlock(form, { ...act, used: entry => terms.some(term => term.method === entry.id) }),
  ];
}

export function distillationSummary(form) {
  const { variants } = form.config;
  if (variants.length > 1)
    return t('variants.summary', { n: variants.length, names: variants.map(variant => variant.name).join(', ') });
  const terms = variants[0]?.terms || [];
  if (!terms.length) return t('form.noTerms');
  return terms.map(term => `${titleOfTerm(form, term)} × ${brief(term.weight)}`).join(' · ');
}
