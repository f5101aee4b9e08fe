// A square that a person marks on a picture: dragged, placed by a press, or moved and sized by keys and buttons.

import { h, say } from './dom.js';
import { t } from './words.js';

const LEAST = 4; // pixels a side
const MOST = 48; // no more than half of what is looked at
const FIRST = 6; // of the picture's side, so many patches would stand side by side
const SETTLE = 250; // ms the keys must rest
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SIZES = { '+': 1, '=': 1, '-': -1 };

export class PatchMarker {
  // changed(): the person has marked another patch
  constructor(changed) {
    Object.assign(this, { changed, marked: false, size: null, patch: null });
    this.image = h('img', { alt: '', draggable: 'false' });
    this.frame = h('div', { class: 'k-patch' });
    this.says = h('output', { class: 'k-note k-tabular' });
    this.view = h(
      'div',
      {
        class: 'k-patch-view',
        role: 'application',
        tabindex: 0,
        'aria-label': t('lam.marker'),
        'aria-keyshortcuts': 'ArrowLeft ArrowRight ArrowUp ArrowDown + -',
      },
      this.image,
      this.frame,
    );
    const size = (text, key, by) =>
      h(
        'button',
        { type: 'button', class: 'k-tool', 'aria-label': t(key), title: t(key), onclick: () => this.grow(by) },
        text,
      );
    this.element = h(
      'figure',
      { class: 'k-picture k-marker' },
      this.view,
      h(
        'figcaption',
        { class: 'k-patch-line' },
        this.says,
        h('span', { class: 'k-tools' }, size('−', 'lam.smaller', -1), size('+', 'lam.larger', 1)),
      ),
    );
    this.listen();
  }

  listen() {
    const { view } = this;
    view.addEventListener('keydown', event => {
      if (event.ctrlKey || event.metaKey || event.altKey || !this.patch) return;
      const { left, top, side } = this.patch;
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(side / 4));
      if (MOVES[event.key]) {
        const [x, y] = MOVES[event.key];
        this.put({ left: left + x * step, top: top + y * step, side });
      } else if (SIZES[event.key]) this.grow(SIZES[event.key]);
      else return;
      event.preventDefault();
      this.soon();
    });
    view.addEventListener('pointerdown', event => {
      if (event.button || !this.patch) return;
      this.from = { at: this.place(event), patch: this.patch };
      view.setPointerCapture(event.pointerId);
    });
    view.addEventListener('pointermove', event => this.from && this.drag(this.place(event)));
    view.addEventListener('pointerup', event => {
      if (!this.from) return;
      const [x, y] = this.place(event);
      const { side } = this.from.patch;
      if (!this.dragged) this.put({ left: x - side / 2, top: y - side / 2, side });
      this.release();
      this.mark();
    });
    view.addEventListener('pointercancel', () => {
      if (this.from) this.put(this.from.patch);
      this.release();
    });
  }

  // Where the pointer is, in pixels of the picture.
  place(event) {
    const box = this.view.getBoundingClientRect();
    return [
      ((event.clientX - box.left) / box.width) * this.size[0],
      ((event.clientY - box.top) / box.height) * this.size[1],
    ];
  }

  drag([x, y]) {
    const [fromX, fromY] = this.from.at;
    const side = Math.max(Math.abs(x - fromX), Math.abs(y - fromY));
    if (side < LEAST) return;
    this.dragged = true;
    this.put({ left: x < fromX ? fromX - side : fromX, top: y < fromY ? fromY - side : fromY, side });
  }

  release() {
    Object.assign(this, { from: null, dragged: false });
  }

  grow(by) {
    if (!this.patch) return;
    const { left, top, side } = this.patch;
    const next = Math.round(by > 0 ? Math.max(side + 2, side * 1.25) : Math.min(side - 2, side / 1.25));
    this.put({ left: left + (side - next) / 2, top: top + (side - next) / 2, side: next });
    this.soon();
  }

  // The nearest patch that fits.
  put({ left, top, side }) {
    const [width, height] = this.size;
    const fit = Math.max(LEAST, Math.min(Math.round(side), MOST, Math.floor(Math.min(width, height) / 2)));
    const within = (value, length) => Math.max(0, Math.min(Math.round(value), length - fit));
    this.patch = { left: within(left, width), top: within(top, height), side: fit };
    outline(this.frame, this.patch, [0, 0, width, height]);
    say(
      this.says,
      t('lam.patch', { side: fit, left: this.patch.left, top: this.patch.top, width, height }),
    );
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.mark(), SETTLE);
  }

  mark() {
    clearTimeout(this.timer);
    this.marked = true;
    this.view.toggleAttribute('data-marked', true);
    this.changed();
  }

  forget() {
    clearTimeout(this.timer);
    this.release();
    Object.assign(this, { marked: false, size: null, patch: null });
    this.view.toggleAttribute('data-marked', false);
    this.image.removeAttribute('src');
    say(this.says, '\u00a0');
  }

  // Shows another picture; the patch stays where it is, if it is of the same size.
  async show(uri) {
    if (this.image.getAttribute('src') !== uri) this.image.src = uri;
    await this.image.decode();
    const size = [this.image.naturalWidth, this.image.naturalHeight];
    if (this.size?.join() === size.join()) return;
    this.size = size;
    this.view.style.aspectRatio = size.join(' / ');
    const side = Math.min(...size) / FIRST;
    this.put({ left: (size[0] - side) / 2, top: (size[1] - side) / 2, side });
  }
}

// Places the outline of a patch over a part [left, top, width, height] of the picture.
export function outline(element, { left, top, side }, [x, y, width, height]) {
  const share = (value, of) => `${(100 * value) / of}%`;
  Object.assign(element.style, {
    left: share(left - x, width),
    top: share(top - y, height),
    width: share(side, width),
    height: share(side, height),
  });
}
