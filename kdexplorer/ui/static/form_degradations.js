// What makes the input worse: chips that switch degradations on, the parameters of those that are on in their order,
// and a picture of what they do together.

import { h, replace, say, unique } from './dom.js';
import { DegradationPreview } from './form_degradation_preview.js';
import { fits, paramsFor } from './form_parts.js';
import { t, tx } from './words.js';

const moved = (list, from, to) => {
  const next = list.slice();
  next.splice(to, 0, ...next.splice(from, 1));
  return next;
};

export function degradations(form) {
  const { data, task } = form.config;
  const entries = form.entries('degradations').filter(entry => fits(entry, task));
  const rows = h('div', { class: 'k-fields' });
  const on = id => data.degradations.some(component => component.id === id);
  const titleOf = id => tx(form.entry('degradations', id)?.title ?? id);

  const mover = (index, step, key, sign) => {
    const to = index + step;
    return h(
      'button',
      {
        type: 'button',
        class: 'k-move',
        'aria-label': t(key, { name: titleOf(data.degradations[index].id) }),
        'data-name': `${key}.${data.degradations[index].id}`,
        disabled: to < 0 || to >= data.degradations.length,
        onclick: event => {
          const { name } = event.currentTarget.dataset;
          data.degradations = moved(data.degradations, index, to);
          draw();
          const again = rows.querySelector(`[data-name="${CSS.escape(name)}"]`);
          (again.disabled ? again.parentElement.querySelector('button:not(:disabled)') : again)?.focus();
          form.changed();
        },
      },
      sign,
    );
  };
  const row = (component, index) => {
    const entry = form.entry('degradations', component.id);
    const several = data.degradations.length > 1;
    return h(
      'section',
      { class: 'k-sub k-degradation', 'aria-label': titleOf(component.id) },
      h(
        'h4',
        {},
        h('span', { class: 'k-place' }, several ? `${index + 1}. ` : '', titleOf(component.id)),
        several && [mover(index, -1, 'form.earlier', '↑'), mover(index, 1, 'form.later', '↓')],
      ),
      paramsFor(form, entry, component),
    );
  };
  const draw = () => replace(rows, data.degradations.map(row));

  const aboutId = unique('about');
  const about = h('p', { class: 'k-note k-chip-note', id: aboutId }, t('form.degradations.help'));
  const chips = entries.map(entry => {
    const chip = h(
      'button',
      {
        type: 'button',
        class: 'k-chip',
        'aria-pressed': String(on(entry.id)),
        'data-name': entry.id,
        'aria-describedby': aboutId,
        onpointerenter: () => say(about, tx(entry.summary)),
        onfocus: () => say(about, tx(entry.summary)),
        onclick: () => {
          const rest = data.degradations.filter(component => component.id !== entry.id);
          data.degradations = on(entry.id) ? rest : [...rest, { id: entry.id, params: {} }];
          chip.setAttribute('aria-pressed', String(on(entry.id)));
          draw();
          form.changed();
        },
      },
      tx(entry.title),
    );
    return chip;
  });
  draw();
  form.degradation ??= new DegradationPreview(form);
  form.degradation.changed();
  if (form.paired()) return [h('p', { class: 'k-note' }, t('form.degradations.given')), form.degradation.element];
  return [h('div', { class: 'k-chips' }, chips), about, form.degradation.element, rows];
}
