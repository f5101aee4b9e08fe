// What moves a variant's weights beside their schedules, and where its students begin.

import { h, replace } from './dom.js';
import { field } from './fields.js';
import { plateauFold } from './form_plateau.js';
import { fromStudents } from './form_teachers.js';
import { t } from './words.js';

const specsOf = form => Object.fromEntries(form.schema.parts.dynamics.map(spec => [spec.name, spec]));
const hears = (variant, rule) => variant.terms.some(term => rule(term.teacher));

// Students that teach each other and begin with the same weights say the same: nothing is taught.
function alikeStarts(form) {
  const { variants } = form.config;
  if (!variants.some(variant => hears(variant, fromStudents))) return [];
  const common = variants.filter(variant => !variant.own_start);
  return common.length > 1 ? common.slice(1) : [];
}

function proposal(form) {
  const alike = alikeStarts(form);
  if (!alike.length) return null;
  const give = () => {
    for (const variant of alike) variant.own_start = true;
    form.changed();
  };
  return h(
    'div',
    { class: 'k-note k-warn k-starts', role: 'status' },
    t('variants.alike'),
    ' ',
    h('button', { type: 'button', class: 'k-mini', 'data-name': 'variants.starts', onclick: give }, t('variants.starts')),
  );
}

// Settings that matter only to some variants are shown where they do, or where they are set.
function shown(form, variant) {
  const spec = specsOf(form);
  const mutual = form.config.variants.some(other => hears(other, fromStudents));
  return [
    variant.terms.length > 0 && { ...spec.balance, segments: false },
    hears(variant, who => who === 'ema') && { ...spec.ema_decay, slider: false },
    (mutual || variant.own_start) && spec.own_start,
  ].filter(Boolean);
}

// The fields of `chosen(form)`, drawn anew whenever another set of them makes sense.
export function dynamicsOf(form, chosen) {
  const inside = h('div', { class: 'k-fields k-dynamics' });
  const plateau = plateauFold(form, specsOf(form).patience, chosen);
  let before = '';
  form.drawDynamics = () => {
    plateau.draw();
    const variant = chosen(form);
    const specs = shown(form, variant);
    const alike = alikeStarts(form).length;
    const now = JSON.stringify([form.chosen, alike, specs.map(({ name }) => [name, variant[name]])]);
    if (now === before || inside.contains(document.activeElement?.closest('input[type=text]'))) return;
    before = now;
    const name = document.activeElement?.dataset?.name;
    const within = inside.contains(document.activeElement);
    const put = spec => value => {
      variant[spec.name] = value;
      form.changed();
    };
    replace(
      inside,
      specs.map(spec => field(spec, variant[spec.name] ?? spec.default, put(spec)).element),
      proposal(form),
    );
    const same = inside.querySelector(`[data-name="${CSS.escape(name ?? '')}"]`);
    if (within) (same ?? inside.querySelector('[data-name=own_start]'))?.focus({ preventScroll: true });
  };
  form.drawDynamics();
  return [inside, plateau.element];
}
