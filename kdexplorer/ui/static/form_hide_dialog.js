// What a link is to hide, chosen from what the form shows now.

import { h, say } from './dom.js';
import { MOST, hiddenInAddress, namesIn } from './form_hide.js';
import { t } from './words.js';

const box = (name, title, chosen, changed) => {
  const input = h('input', { type: 'checkbox', value: name, onchange: changed });
  input.checked = chosen.has(name);
  return h('label', { class: 'k-hide-choice' }, input, title);
};

// copy(names): puts a link that hides them on the clipboard
export function openHideDialog(form, copy) {
  const chosen = new Set(hiddenInAddress());
  const said = h('p', { class: 'k-note', role: 'status' });
  const go = h('button', { type: 'button', class: 'k-button k-strong' }, t('hide.copy'));
  const names = () => [...dialog.querySelectorAll('input:checked:enabled')].map(input => input.value);
  const changed = () => {
    for (const part of dialog.querySelectorAll('fieldset')) {
      const whole = part.querySelector(':scope > label > input')?.checked;
      for (const input of part.querySelectorAll('details input')) input.disabled = whole;
    }
    const { length } = names();
    say(said, length > MOST ? t('hide.tooMany', { most: MOST }) : t('hide.count', { n: length }));
    go.disabled = !length || length > MOST;
  };
  const single = (element, skip = []) => {
    const found = [...namesIn(element)].filter(([name]) => !skip.includes(name));
    return (
      found.length > 0 &&
      h(
        'details',
        { class: 'k-more', open: found.some(([name]) => chosen.has(name)) },
        h('summary', {}, t('hide.single', { n: found.length })),
        h('div', { class: 'k-hide-list' }, found.map(([name, title]) => box(name, title, chosen, changed))),
      )
    );
  };
  const dialog = h(
    'dialog',
    { class: 'k-dialog k-hide', 'aria-labelledby': 'kdx-hide-title' },
    h('h2', { id: 'kdx-hide-title' }, t('hide.title')),
    h('p', { class: 'k-note' }, t('hide.help')),
    h('fieldset', {}, box('presets', t('form.presets'), chosen, changed)),
    Object.entries(form.groups).map(([id, { body }]) =>
      h(
        'fieldset',
        {},
        box(id, t('hide.group', { group: t(`group.${id}`) }), chosen, changed),
        id === 'distillation' && box('variants', t('variants.title'), chosen, changed),
        single(body),
      ),
    ),
    h('fieldset', {}, box('share', t('share.title'), chosen, changed), single(form.foot.share.element)),
    said,
    h(
      'div',
      { class: 'k-dialog-foot' },
      h('button', { type: 'button', class: 'k-button', onclick: () => dialog.close() }, t('cancel')),
      go,
    ),
  );
  go.addEventListener('click', () => {
    const wanted = names();
    dialog.close();
    copy(wanted);
  });
  dialog.addEventListener('close', () => dialog.remove());
  changed();
  form.element.append(dialog);
  dialog.showModal();
}
