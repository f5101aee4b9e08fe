// What a term's card is made of: folds that stay open when the form is drawn again, and parts that follow every change.

import { h, replace } from './dom.js';

// Calls `draw` now and after every change of the form, for as long as the group is not drawn anew.
export function follow(form, draw) {
  form.followers?.push(draw);
  draw();
}

export function refresh(form) {
  for (const draw of form.followers ?? []) draw();
}

// The group is drawn anew: whoever followed is gone.
export function beginFollowing(form) {
  form.followers = [];
  if (form.followed) return;
  form.followed = true;
  for (const kind of ['input', 'change']) form.element.addEventListener(kind, () => refresh(form));
}

// One folded line of a card. `value` says in short what is set inside; `body` is drawn when it is first opened.
export function fold(form, key, title, { value = () => null, body }) {
  form.unfolded ??= new Set();
  const inside = h('div', { class: 'k-fields' });
  const said = h('span', { class: 'k-fold-value' });
  const element = h(
    'details',
    { class: 'k-fold', open: form.unfolded.has(key), 'data-fold': key },
    h('summary', { 'data-name': `fold.${key}` }, h('span', {}, title), said),
    inside,
  );
  let drawn = false;
  const open = () => {
    if (element.open) form.unfolded.add(key);
    else form.unfolded.delete(key);
    if (!element.open || drawn) return;
    drawn = true;
    replace(inside, body());
  };
  element.addEventListener('toggle', open);
  open();
  follow(form, () => replace(said, value()));
  return element;
}
