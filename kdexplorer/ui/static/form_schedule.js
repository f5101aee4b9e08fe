// How a knob moves over the run, set where it is drawn.

import { h, replace } from './dom.js';
import { field } from './fields.js';
import { curveOf } from './form_schedule_curve.js';
import { fieldsFor } from './form_parts.js';
import { follow, refresh } from './form_term_parts.js';
import { t } from './words.js';

const KINDS = ['constant', 'linear', 'cosine', 'warmup', 'step'];
const MOST_STEPS = 10_000_000;
export const CONSTANT = { kind: 'constant', start: 1, end: 1, begin: 0, until: 0 };

export const moves = schedule => Boolean(schedule) && schedule.kind !== 'constant';

function boundsOf(kind) {
  const factor = name => ({ name, kind: 'float', minimum: 0, maximum: 1000, default: 1 });
  const step = name => ({ name, kind: 'int', minimum: 0, maximum: MOST_STEPS, default: 0 });
  return [
    ...(['constant', 'warmup'].includes(kind) ? [] : [factor('start'), factor('end')]),
    ...(kind === 'constant' ? [] : [step('begin')]),
    ...(['constant', 'step'].includes(kind) ? [] : [step('until')]),
  ].map(spec => ({ ...spec, title: t(`schedule.${spec.name}`), help: t(`schedule.${spec.name}.help`) }));
}

// knob: {name, title, spec, value(), get(), put(schedule)} of a weight or a live parameter.
export function scheduleEditor(form, knob) {
  const inside = h('div', { class: 'k-schedule-fields' });
  const curve = h('div', { class: 'k-schedule-curve' });
  const draw = () => {
    const now = knob.get() ?? CONSTANT;
    replace(inside, fieldsFor(form, boundsOf(now.kind), now));
  };
  const spec = {
    kind: 'choice',
    name: `schedule.${knob.name}`,
    title: knob.title,
    help: t('form.schedule.help'),
    choices: KINDS.map(kind => ({ value: kind, title: t(`schedule.kind.${kind}`) })),
    segments: false,
  };
  const choice = field(spec, (knob.get() ?? CONSTANT).kind, kind => {
    const now = { ...CONSTANT, ...knob.get(), kind };
    const flat = now.start === now.end && !['constant', 'warmup'].includes(kind);
    if (flat) Object.assign(now, { start: 0, end: 1 }); // a curve that does not move explains nothing
    if (kind === 'step' && !now.begin) now.begin = Math.round(form.config.training.steps / 2);
    knob.put(now);
    draw();
    form.changed();
    refresh(form);
  });
  draw();
  follow(form, () => {
    const now = knob.get() ?? CONSTANT;
    replace(
      curve,
      curveOf(
        { schedule: now, value: knob.value(), spec: knob.spec, title: knob.title },
        form.config.training.steps,
      ),
    );
  });
  return h('div', { class: 'k-schedule' }, choice.element, inside, curve);
}

// A way of moving that is known by a name: one press sets it, another takes it back.
export function recipe(form, { name, title, help, on, set, unset }) {
  return h(
    'button',
    {
      type: 'button',
      class: 'k-chip k-recipe',
      'data-name': `recipe.${name}`,
      'aria-pressed': String(on()),
      title: help,
      onclick: () => {
        if (on()) unset();
        else set();
        form.changed();
        form.rebuild('distillation');
      },
    },
    title,
  );
}
