// One zoom and one place for all pictures that are shown together: wheel, drag, two fingers, keys.

const LARGEST = 32;
const STEP = 1.25; // of one press, or one notch of a wheel
const MOVE = 0.1; // of the picture's width, by an arrow key

const MOVES = { ArrowLeft: [MOVE, 0], ArrowRight: [-MOVE, 0], ArrowUp: [0, MOVE], ArrowDown: [0, -MOVE] };

// Sets --zoom, --pan-x and --pan-y on `root`; pictures take them as their transform. Places are shares of a view's size.
export class Viewport {
  constructor(root, changed) {
    Object.assign(this, { root, changed, scale: 1, x: 0, y: 0, pointers: new Map() });
    this.apply();
  }

  apply() {
    const { scale, root } = this;
    this.x = Math.min(0, Math.max(1 - scale, this.x));
    this.y = Math.min(0, Math.max(1 - scale, this.y));
    root.style.setProperty('--zoom', scale);
    root.style.setProperty('--pan-x', `${100 * this.x}%`);
    root.style.setProperty('--pan-y', `${100 * this.y}%`);
    root.toggleAttribute('data-zoomed', scale > 1);
    this.changed?.(scale);
  }

  // Enlarges by `factor`; the point (x, y) of the view stays where it is.
  zoom(factor, x = 0.5, y = 0.5) {
    const scale = Math.min(LARGEST, Math.max(1, this.scale * factor));
    const by = scale / this.scale;
    this.x = x - (x - this.x) * by;
    this.y = y - (y - this.y) * by;
    this.scale = scale;
    this.apply();
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.apply();
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0 });
    this.apply();
  }

  // A wheel scrolls the page until a person has pressed a picture, or holds Ctrl or ⌘ (as a pinched touchpad does).
  watch(view) {
    const place = event => {
      const box = view.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    };
    view.addEventListener(
      'wheel',
      event => {
        const meant = event.ctrlKey || event.metaKey || this.root.contains(document.activeElement);
        if (!meant || (event.deltaY > 0 && this.scale === 1 && !event.ctrlKey)) return;
        event.preventDefault();
        this.zoom(STEP ** (-Math.sign(event.deltaY) * Math.min(1, Math.abs(event.deltaY) / 40)), ...place(event));
      },
      { passive: false },
    );
    view.addEventListener('pointerdown', event => {
      if (event.button || event.target.closest('[role=slider]')) return;
      this.pointers.set(event.pointerId, place(event));
      view.setPointerCapture(event.pointerId);
    });
    view.addEventListener('pointermove', event => this.drag(event, place(event)));
    for (const name of ['pointerup', 'pointercancel'])
      view.addEventListener(name, event => this.pointers.delete(event.pointerId));
    view.addEventListener('dblclick', event => (this.scale > 1 ? this.reset() : this.zoom(4, ...place(event))));
  }

  drag(event, now) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const others = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    this.pointers.set(event.pointerId, now);
    if (!others.length) {
      this.move(now[0] - before[0], now[1] - before[1]);
      return;
    }
    const far = at => Math.hypot(at[0] - others[0][0], at[1] - others[0][1]) || 1e-3;
    this.zoom(far(now) / far(before), (now[0] + others[0][0]) / 2, (now[1] + others[0][1]) / 2);
    this.move((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
  }

  // Keys of the element that holds the pictures; true where the key meant something here.
  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    if (event.key === '+' || event.key === '=') this.zoom(STEP);
    else if (event.key === '-') this.zoom(1 / STEP);
    else if (event.key === '0' || event.key === 'Escape') this.reset();
    else if (MOVES[event.key] && this.scale > 1) this.move(...MOVES[event.key]);
    else return false;
    event.preventDefault();
    return true;
  }
}
