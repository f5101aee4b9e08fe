// The variants of a run as chips: the one that is chosen is the one that the form edits.

import { h, replace } from './dom.js';
import { colorOf, stripe } from './colors.js';
import { field } from './fields.js';
import { differencesOf } from './form_differences.js';
import { dynamicsOf } from './form_dynamics.js';
import { openSweep } from './form_sweep.js';
import { t } from './words.js';

const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const clone = value => JSON.parse(JSON.stringify(value));

// The variant that the form edits; null where the control is trained alone.
export const chosen = form => form.config.variants[form.chosen] ?? form.config.variants[0] ?? null;

export function choose(form, index) {
  form.chosen = index;
  form.rebuild('distillation');
}

function add(form) {
  const { variants } = form.config;
  const names = variants.map(variant => variant.name);
  const stem = chosen(form).name.replace(/-\d+$/, '').slice(0, 28);
  let number = 2;
  while (names.includes(`${stem}-${number}`)) number += 1;
  variants.push({ ...clone(chosen(form)), name: `${stem}-${number}` });
  form.changed();
  choose(form, variants.length - 1);
}

function remove(form) {
  form.config.variants.splice(form.chosen, 1);
  form.changed();
  choose(form, Math.max(0, form.chosen - 1));
}

// Terms may learn from another variant by its name: they follow it.
function rename(form, name) {
  const old = `variant:${chosen(form).name}`;
  chosen(form).name = name;
  for (const term of form.config.variants.flatMap(variant => variant.terms))
    if (term.teacher === old) term.teacher = `variant:${name}`;
  form.changed();
}

function nameField(form) {
  const others = form.config.variants.filter(variant => variant !== chosen(form)).map(variant => variant.name);
  const spec = {
    kind: 'text',
    name: 'variant.name',
    title: t('variants.name'),
    help: t('variants.name.help'),
    maximum: 32,
    check: text =>
      !NAME.test(text) ? t('variants.nameRule') : [...others, 'control'].includes(text) ? t('variants.taken') : '',
  };
  return field(spec, chosen(form).name, name => rename(form, name)).element;
}

function chips(form) {
  const { variants } = form.config;
  const names = variants.map(variant => variant.name);
  const differences = differencesOf(form);
  return variants.map((variant, index) =>
    h(
      'button',
      {
        type: 'button',
        class: 'k-variant',
        'aria-pressed': String(variant === chosen(form)),
        'data-name': `variant.${index}`,
        style: { backgroundImage: stripe(colorOf(variant.name, names)) },
        onclick: () => choose(form, index),
      },
      h('b', {}, variant.name),
      variants.length > 1 &&
        h(
          'small',
          {},
          differences[index].slice(0, 2).join(', ') || t('variants.same'),
          differences[index].length > 2 && ` +${differences[index].length - 2}`,
        ),
    ),
  );
}

export function variantsBlock(form) {
  const { variants } = form.config;
  if (!variants.length) return null;
  const several = variants.length > 1;
  const row = h('div', { class: 'k-variants', role: 'group', 'aria-label': t('variants.title') });
  const draw = () => replace(row, chips(form));
  form.drawVariants = draw;
  draw();
  const act = (text, name, act, disabled = false) =>
    h('button', { type: 'button', class: 'k-mini', 'data-name': name, disabled, onclick: act }, text);
  return h(
    'div',
    { class: 'k-block k-variant-block' },
    row,
    h(
      'div',
      { class: 'k-minis' },
      act(t('variants.add'), 'variants.add', () => add(form), variants.length >= form.most.variants),
      act(t('variants.sweep'), 'variants.sweep', () => openSweep(form, chosen(form))),
      several && act(t('variants.remove', { name: chosen(form).name }), 'variants.remove', () => remove(form)),
    ),
    several ? nameField(form) : h('p', { class: 'k-note' }, t('variants.help', { n: form.most.variants })),
    dynamicsOf(form, chosen),
  );
}
