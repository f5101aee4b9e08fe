// Group 3: what the student learns from the teacher. One card a term: its weight, its parameters, its schedule.

import { h } from './dom.js';
import { brief } from './format.js';
import { field } from './fields.js';
import { formula } from './formula.js';
import { titleOfTerm } from './form_differences.js';
import { card, fieldsFor, fits, more, paramsFor } from './form_parts.js';
import { chosen, variantsBlock } from './form_variants.js';
import { t, tx } from './words.js';

const KINDS = ['constant', 'linear', 'cosine', 'warmup', 'step'];
const NEW_SCHEDULE = () => ({ kind: 'constant', start: 1, end: 1, begin: 0, until: 0 });

function edited(form) {
  if (!chosen(form)) form.config.variants.push({ name: 'distilled', task_weight: 1, terms: [] });
  return chosen(form);
}

function schedule(form, term) {
  term.schedule ??= NEW_SCHEDULE();
  const bounded = (name, kind, maximum) => ({
    name,
    kind,
    title: t(`schedule.${name}`),
    help: t(`schedule.${name}.help`),
    minimum: 0,
    maximum,
    default: kind === 'int' ? 0 : 1,
  });
  const inside = h('div', { class: 'k-fields' });
  const draw = () => {
    const moves = term.schedule.kind !== 'constant';
    const ends = !['constant', 'warmup'].includes(term.schedule.kind);
    inside.replaceChildren(
      ...fieldsFor(
        form,
        [
          ...(ends ? [bounded('start', 'float', 1000), bounded('end', 'float', 1000)] : []),
          ...(moves ? [bounded('begin', 'int', 10_000_000)] : []),
          ...(moves && term.schedule.kind !== 'step' ? [bounded('until', 'int', 10_000_000)] : []),
        ],
        term.schedule,
      ),
    );
  };
  const spec = {
    kind: 'choice',
    name: 'schedule',
    title: t('form.schedule'),
    help: t('form.schedule.help'),
    choices: KINDS,
  };
  const choice = field(spec, term.schedule.kind, kind => {
    term.schedule.kind = kind;
    draw();
    form.changed();
  });
  draw();
  return more([choice.element, inside], t('form.schedule'));
}

export function distillationGroup(form) {
  const { config, schema } = form;
  const find = id => chosen(form)?.terms.find(term => term.method === id);
  const learns = chosen(form) ? fieldsFor(form, schema.parts.variant, chosen(form)) : null;
  const methods = schema.catalog.methods.filter(entry => fits(entry, config.task) || find(entry.id));
  const [on, off] = [true, false].map(used => methods.filter(entry => Boolean(find(entry.id)) === used));
  const cards = [...on, ...off].map(entry =>
    card({
      title: entry.title,
      summary: entry.summary,
      on: Boolean(find(entry.id)),
      name: entry.id,
      toggled: on => {
        const first = !chosen(form);
        const target = edited(form);
        target.terms = target.terms.filter(term => term.method !== entry.id);
        if (on)
          target.terms.push({
            method: entry.id,
            weight: entry.default_weight ?? 1,
            schedule: NEW_SCHEDULE(),
            params: {},
            layers: [],
          });
        form.changed();
        if (first) form.rebuild('distillation');
      },
      body: () => {
        const terms = chosen(form).terms.filter(term => term.method === entry.id);
        return [
          entry.formula && formula(entry.formula),
          terms.map(term => [
            terms.length > 1 && h('h4', { class: 'k-term-name' }, term.name || tx(entry.title)),
            fieldsFor(form, schema.parts.term, term, { around: () => entry.default_weight || 1 }),
            paramsFor(form, entry, term),
            schedule(form, term),
          ]),
        ];
      },
    }),
  );
  return [
    variantsBlock(form),
    learns,
    fieldsFor(
      form,
      schema.fields.distillation.filter(spec => !spec.path.includes('.')),
      config,
    ),
    cards,
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
