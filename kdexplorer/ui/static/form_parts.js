// What the groups of the form are made of: fields bound to a place in the configuration, and cards with a switch.

import { h, replace, unique } from './dom.js';
import { field } from './fields.js';
import { t, tx } from './words.js';

export const fits = (entry, task) => !entry.tasks?.length || entry.tasks.includes(task);

// The weight of a new term of a method: another one beside the loss of images in [0, 1] than beside that of classes.
export const weightFor = (task, entry) =>
  (task === 'restoration' ? entry.restoration_weight : null) ?? entry.default_weight ?? 1;

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// The widgets of `specs`, each reading and writing `target[name]`. Advanced ones are folded behind one line, unless
// they are set to something of their own: what shapes this run is in sight.
export function fieldsFor(form, specs, target, { fold = true, around = () => undefined } = {}) {
  const make = spec =>
    field({ ...spec, around: around(spec) }, target[spec.name], value => {
      target[spec.name] = value;
      form.changed();
    }).element;
  const hidden = spec =>
    fold && spec.advanced && (target[spec.name] === undefined || same(target[spec.name], spec.default));
  const plain = specs.filter(spec => !hidden(spec)).map(make);
  const advanced = specs.filter(hidden);
  if (!advanced.length) return plain;
  return [...plain, more(advanced.map(make))];
}

export function more(children, title = t('form.more')) {
  return h('details', { class: 'k-more' }, h('summary', {}, title), h('div', { class: 'k-fields' }, children));
}

// The parameters of an entry of the catalog, kept in `component.params`; those never touched stay at their defaults.
export function paramsFor(form, entry, component, skip = []) {
  const specs = (entry?.params || []).filter(param => !skip.includes(param.name));
  return fieldsFor(form, specs, component.params);
}

// A card that is on or off; its body is drawn only while it is on.
export function card({ title, summary, on, name, toggled, body }) {
  const id = unique('card');
  const inside = h('div', { class: 'k-fields' });
  const box = h('input', { id, type: 'checkbox', role: 'switch', class: 'k-switch', 'data-name': name });
  box.checked = on;
  const element = h(
    'section',
    { class: 'k-card' },
    h(
      'div',
      { class: 'k-card-head' },
      h('label', { for: id }, h('strong', {}, tx(title)), summary && h('small', {}, tx(summary))),
      box,
    ),
    inside,
  );
  const draw = () => {
    element.classList.toggle('k-on', box.checked);
    replace(inside, box.checked ? body() : null);
  };
  box.addEventListener('change', () => {
    toggled(box.checked);
    draw();
  });
  draw();
  return element;
}
