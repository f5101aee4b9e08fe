// The schedules of a term and of the labels' weight, and the recipes that the field knows by name.

import { h } from './dom.js';
import { CONSTANT, moves, recipe, scheduleEditor } from './form_schedule.js';
import { miniature } from './form_schedule_curve.js';
import { fold } from './form_term_parts.js';
import { t, tx } from './words.js';

const LEAST = 0.1; // what is left of the labels, and what soft targets begin with: preset `hard_to_soft`
const HOTTEST = 3; // × the temperature that is set, where it is 1 already

const linear = (start, end) => ({ ...CONSTANT, kind: 'linear', start, end });
const isLinear = (schedule, falls) =>
  schedule?.kind === 'linear' && (falls ? schedule.end < schedule.start : schedule.end > schedule.start);

function live(form, term) {
  const entry = form.entry('methods', term.method);
  return (entry?.params ?? []).filter(param => param.live && ['int', 'float'].includes(param.kind));
}

// Everything of a term that can move, as knobs of `scheduleEditor`.
export function knobsOf(form, term) {
  const weight = {
    name: 'weight',
    title: t('form.weight'),
    spec: form.schema.parts.term.find(spec => spec.name === 'weight'),
    value: () => term.weight,
    get: () => term.schedule,
    put: schedule => {
      term.schedule = schedule;
    },
  };
  return [
    weight,
    ...live(form, term).map(spec => ({
      name: spec.name,
      title: tx(spec.title),
      spec,
      value: () => term.params[spec.name] ?? spec.default,
      get: () => term.schedules?.[spec.name],
      put: schedule => {
        const { [spec.name]: _, ...others } = term.schedules ?? {};
        term.schedules = moves(schedule) ? { ...others, [spec.name]: schedule } : others;
      },
    })),
  ];
}

function coolingDown(form, term) {
  const knob = knobsOf(form, term).find(found => found.name === 'temperature');
  if (!knob) return null;
  return recipe(form, {
    name: 'adaptive',
    title: t('recipe.adaptive'),
    help: t('recipe.adaptive.help'),
    on: () => isLinear(knob.get(), true),
    set: () => {
      const now = knob.value();
      knob.put(now > 1 ? linear(1, Number((1 / now).toPrecision(4))) : linear(HOTTEST, 1));
    },
    unset: () => knob.put(CONSTANT),
  });
}

const moving = (form, knobs) => () => {
  const found = knobs.filter(knob => moves(knob.get()));
  if (!found.length) return t('schedule.none');
  return found.map(knob => [
    ' ',
    knob.title,
    ' ',
    miniature({ schedule: knob.get(), value: knob.value(), spec: knob.spec }, form.config.training.steps),
  ]);
};

export function schedulesFold(form, term, key) {
  const knobs = knobsOf(form, term);
  return fold(form, `${key}.schedules`, t('form.schedule'), {
    value: moving(form, knobs),
    body: () => [
      h('div', { class: 'k-chips' }, coolingDown(form, term)),
      knobs.map(knob => scheduleEditor(form, knob)),
      h('p', { class: 'k-note' }, t('schedule.read')),
    ],
  });
}

// From labels to soft targets: the labels' weight falls while the first term's grows.
function hardToSoft(form, variant) {
  const [term] = variant.terms;
  if (!term) return null;
  return recipe(form, {
    name: 'hardToSoft',
    title: t('recipe.hardToSoft'),
    help: t('recipe.hardToSoft.help'),
    on: () => isLinear(variant.task_schedule, true) && isLinear(term.schedule, false),
    set: () => {
      if (!variant.task_weight) variant.task_weight = 1;
      variant.task_schedule = linear(1, LEAST);
      term.schedule = linear(LEAST, 1);
    },
    unset: () => {
      variant.task_schedule = { ...CONSTANT };
      term.schedule = { ...CONSTANT };
    },
  });
}

export function labelFold(form, variant) {
  const knob = {
    name: 'task_weight',
    title: t('form.labelWeight'),
    spec: form.schema.parts.variant.find(spec => spec.name === 'task_weight'),
    value: () => variant.task_weight,
    get: () => variant.task_schedule,
    put: schedule => {
      variant.task_schedule = schedule;
    },
  };
  return fold(form, `${variant.name}.labels`, t('schedule.ofLabels'), {
    value: moving(form, [knob]),
    body: () => [
      h('div', { class: 'k-chips' }, hardToSoft(form, variant)),
      scheduleEditor(form, knob),
      h('p', { class: 'k-note' }, t('schedule.read')),
    ],
  });
}
