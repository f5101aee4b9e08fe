// A button on top of the page with a panel below it: opened by a press or an arrow key, closed by Escape or elsewhere.

import { h, unique } from './dom.js';

export class Menu {
  // opened(panel): fill it, each time
  constructor({ title, opened }) {
    const id = unique('menu');
    this.panel = h('div', { id, class: 'k-topmenu-panel', hidden: true, role: 'group', 'aria-label': title });
    this.button = h(
      'button',
      {
        type: 'button',
        class: 'k-topmenu-button',
        'aria-expanded': 'false',
        'aria-controls': id,
        onclick: () => this.toggle(this.panel.hidden),
      },
      title,
    );
    this.opened = opened;
    this.element = h('div', { class: 'k-topmenu', onkeydown: event => this.key(event) }, this.button, this.panel);
    document.addEventListener('pointerdown', event => {
      if (!this.element.contains(event.target)) this.toggle(false);
    });
    this.element.addEventListener('focusout', event => {
      if (event.relatedTarget && !this.element.contains(event.relatedTarget)) this.toggle(false);
    });
  }

  toggle(on) {
    if (this.panel.hidden === !on) return;
    this.panel.hidden = !on;
    this.button.setAttribute('aria-expanded', String(on));
    if (on) this.opened(this.panel);
  }

  close() {
    this.toggle(false);
    this.button.focus();
  }

  key(event) {
    if (event.key === 'Escape') {
      this.close();
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    if (this.panel.hidden) this.toggle(true);
    const items = [...this.panel.querySelectorAll('button, a')];
    const at = items.indexOf(document.activeElement);
    items.at((at + step + (at < 0 && step < 0 ? 1 : 0)) % items.length)?.focus();
  }
}
