// One picture, large and pixel-exact; the arrow keys flip through its neighbours in place.

import { h, say } from './dom.js';
import { pageElement } from './browser.js';
import { t } from './words.js';

let dialog = null;

export function enlarge(pictures, index) {
  if (!dialog) {
    const image = h('img', { alt: '' });
    const caption = h('p', { class: 'k-zoom-caption' });
    const close = h(
      'button',
      { type: 'button', class: 'k-icon', 'aria-label': t('close'), onclick: () => dialog.element.close() },
      '×',
    );
    const step = by => () =>
      dialog.show(dialog.pictures, (dialog.index + by + dialog.pictures.length) % dialog.pictures.length);
    const element = h(
      'dialog',
      { class: 'k-zoom', 'aria-label': t('zoom.title') },
      h(
        'div',
        { class: 'k-zoom-head' },
        h('button', { type: 'button', class: 'k-icon', 'aria-label': t('zoom.previous'), onclick: step(-1) }, '‹'),
        caption,
        h('button', { type: 'button', class: 'k-icon', 'aria-label': t('zoom.next'), onclick: step(1) }, '›'),
        close,
      ),
      image,
    );
    element.addEventListener('keydown', event => {
      if (event.key === 'ArrowLeft') step(-1)();
      if (event.key === 'ArrowRight') step(1)();
    });
    element.addEventListener('click', event => {
      if (event.target === element) element.close();
    });
    pageElement().append(element);
    dialog = {
      element,
      show(found, at) {
        Object.assign(dialog, { pictures: found, index: at });
        image.src = found[at].image;
        image.alt = found[at].caption;
        say(caption, found[at].caption);
      },
    };
  }
  dialog.show(pictures, index);
  if (!dialog.element.open) dialog.element.showModal();
}
