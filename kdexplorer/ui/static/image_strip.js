// A row of thumbnails of which one is chosen: one stop of the Tab key, arrow keys within.

import { h, replace } from './dom.js';

const MOVES = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };

export class ImageStrip {
  constructor(label, choose) {
    Object.assign(this, { choose, order: [] });
    this.element = h('div', { class: 'k-strip', role: 'radiogroup', 'aria-label': label });
    this.element.addEventListener('keydown', event => {
      const by = MOVES[event.key];
      const at = this.order.indexOf(this.chosen);
      if (by === undefined || !this.order.length) return;
      event.preventDefault();
      this.take(this.order[Math.min(this.order.length - 1, Math.max(0, at + by))]);
      this.element.children[this.order.indexOf(this.chosen)]?.focus();
    });
  }

  // pictures: [{index, image, name}], in the order in which they stand
  show(pictures, chosen) {
    const order = pictures.map(picture => picture.index);
    if (order.join() !== this.order.join() || pictures[0]?.image !== this.first) {
      this.order = order;
      this.first = pictures[0]?.image;
      replace(
        this.element,
        pictures.map(({ index, image, name }) =>
          h(
            'button',
            {
              type: 'button',
              class: 'k-thumb',
              role: 'radio',
              'aria-label': name,
              title: name,
              onclick: () => this.take(index),
            },
            h('img', { src: image, alt: '', loading: 'lazy' }),
          ),
        ),
      );
    }
    this.mark(chosen);
  }

  mark(chosen) {
    this.chosen = chosen;
    const stop = this.order.includes(chosen) ? chosen : this.order[0];
    [...this.element.children].forEach((button, i) => {
      const on = this.order[i] === chosen;
      button.toggleAttribute('data-chosen', on);
      button.setAttribute('aria-checked', String(on));
      button.tabIndex = this.order[i] === stop ? 0 : -1;
    });
  }

  take(index) {
    if (index === this.chosen) return;
    this.mark(index);
    this.choose(index);
  }
}
