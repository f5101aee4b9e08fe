// The ring around what a lesson's step is about: brought into sight, and the card out of its way.

const TICK = 250; // ms between two looks: the part may still be on its way, or be drawn anew, or be pushed down
const EDGE = 14; // px kept free around the ring
const HEADER = 64; // px of the page's head, which stays
const OURS = ['wheel', 'touchmove', 'pointerdown', 'keydown'];
const narrow = matchMedia('(max-width: 900px)');
const calm = matchMedia('(prefers-reduced-motion: reduce)');
const sides = () => (narrow.matches ? ['bottom', 'top'] : ['bottom-right', 'bottom-left', 'top-right', 'top-left']);

const area = (a, b) =>
  Math.max(0, Math.min(a.right, b.right) - Math.max(a.left, b.left)) *
  Math.max(0, Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top));

export class Spot {
  // card: what must not cover the ring
  constructor(card) {
    Object.assign(this, { card, place: null, node: null, pressed: false });
    card.dataset.side = sides()[0];
    for (const name of OURS)
      document.addEventListener(
        name,
        event => {
          if (!card.contains(event.target)) this.left = true; // the page is the learner's from now on
        },
        { capture: true, passive: true },
      );
    card.addEventListener('pointerdown', () => (this.pressed = true));
    for (const name of ['pointerup', 'pointercancel'])
      document.addEventListener(name, () => (this.pressed = false), { capture: true, passive: true });
  }

  // selector: of what is pointed at, the first that is in sight; null ends it
  show(selector) {
    if (selector === this.place) return;
    clearInterval(this.timer);
    this.place = selector;
    this.ring(null);
    if (!selector) return;
    this.timer = setInterval(() => this.look(), TICK);
    this.look();
  }

  ring(node) {
    this.node?.classList.remove('k-spot');
    Object.assign(this, { node, left: false, before: null });
    node?.classList.add('k-spot');
  }

  look() {
    const node = [...document.querySelectorAll(this.place)].find(found => found.offsetParent) ?? null;
    if (node !== this.node) {
      this.ring(node);
      if (node instanceof HTMLDetailsElement) node.open = true;
    }
    if (!node || this.left) return;
    const { top, left } = node.getBoundingClientRect();
    const here = `${Math.round(top)} ${Math.round(left)}`;
    const moving = this.before !== null && this.before !== here;
    this.before = here;
    if (moving) return;
    if (!this.seen) this.scroll();
    if (!this.pressed) this.dodge(); // a button that goes away under a finger is never pressed
  }

  // What of the window the card leaves free, where it lies along an edge of it; of the form, what its foot leaves.
  get room() {
    const { card, node } = this;
    const own = card.getBoundingClientRect();
    const { side } = card.dataset;
    if (narrow.matches)
      return { top: side === 'top' ? own.bottom : HEADER, bottom: side === 'bottom' ? own.top : innerHeight };
    const within = node.closest('.k-form-scroll')?.getBoundingClientRect();
    return { top: HEADER, bottom: Math.min(innerHeight, within?.bottom ?? innerHeight) };
  }

  // All of it is in sight; or its beginning, where it is too large.
  get seen() {
    const { top, bottom } = this.node.getBoundingClientRect();
    const room = this.room;
    if (bottom - top + 2 * EDGE > room.bottom - room.top) return Math.abs(top - room.top - EDGE) < 2 * EDGE;
    return top >= room.top && bottom <= room.bottom;
  }

  scroll() {
    const { node } = this;
    const room = this.room;
    const large = node.offsetHeight + 2 * EDGE > room.bottom - room.top;
    node.style.scrollMargin = `${room.top + EDGE}px 0 ${innerHeight - room.bottom + EDGE}px`;
    node.scrollIntoView({ block: large ? 'start' : 'center', behavior: calm.matches ? 'auto' : 'smooth' });
    node.style.scrollMargin = '';
  }

  // The side on which the card covers least of the ring; it stays where it is if that is as good.
  dodge() {
    const { card } = this;
    const ring = this.node.getBoundingClientRect();
    const now = card.dataset.side;
    const covered = side => {
      card.dataset.side = side;
      return area(card.getBoundingClientRect(), ring);
    };
    const order = [...new Set([...sides().filter(side => side === now), ...sides()])];
    const costs = order.map(covered);
    card.dataset.side = order[costs.indexOf(Math.min(...costs))];
  }
}
