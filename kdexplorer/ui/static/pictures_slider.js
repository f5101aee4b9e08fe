// Any two of the pictures, one before and one behind a line that is dragged across.

import { h, replace, say } from './dom.js';
import { drawing, paint, roleName } from './pictures_panel.js';
import { t } from './words.js';

const KEYS = {
  ArrowLeft: -2,
  ArrowDown: -2,
  ArrowRight: 2,
  ArrowUp: 2,
  PageDown: -10,
  PageUp: 10,
  Home: -100,
  End: 100,
};

export class BeforeAfter {
  constructor(watch) {
    this.at = 50;
    this.canvases = [0, 1].map(() => h('canvas', { class: 'k-pixels', 'aria-hidden': 'true' }));
    this.labels = [0, 1].map(i => h('span', { class: `k-half-label k-half-${i ? 'right' : 'left'}` }));
    this.line = h('div', {
      class: 'k-split',
      role: 'slider',
      tabindex: 0,
      'aria-valuemin': 0,
      'aria-valuemax': 100,
      'aria-label': t('pictures.split'),
    });
    this.view = h(
      'div',
      { class: 'k-view k-before-after' },
      h('div', { class: 'k-half' }, this.canvases[0]),
      h('div', { class: 'k-half k-behind' }, this.canvases[1]),
      this.labels,
      this.line,
    );
    this.selects = ['pictures.left', 'pictures.right'].map(key =>
      h('select', { class: 'k-tool', 'aria-label': t(key), onchange: () => this.choose() }),
    );
    this.element = h(
      'div',
      { class: 'k-comparison-slider' },
      h(
        'div',
        { class: 'k-chart-head' },
        h('h4', {}, t('pictures.slider')),
        h('div', { class: 'k-tools' }, this.selects),
      ),
      this.view,
      h('p', { class: 'k-note' }, t('pictures.slider.help')),
    );
    watch(this.view);
    this.line.addEventListener('keydown', event => {
      const by = KEYS[event.key];
      if (by === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      this.move(this.at + by);
    });
    this.line.addEventListener('pointerdown', event => {
      this.line.setPointerCapture(event.pointerId);
      this.dragging = true;
    });
    this.line.addEventListener('pointermove', event => {
      if (!this.dragging) return;
      const box = this.view.getBoundingClientRect();
      this.move((100 * (event.clientX - box.left)) / box.width);
    });
    for (const name of ['pointerup', 'pointercancel'])
      this.line.addEventListener(name, () => {
        this.dragging = false;
      });
    this.move(50);
  }

  move(at) {
    this.at = Math.min(100, Math.max(0, at));
    this.view.style.setProperty('--split', `${this.at}%`);
    this.line.setAttribute('aria-valuenow', Math.round(this.at));
    if (this.names) {
      const [left, right] = this.names;
      this.line.setAttribute('aria-valuetext', t('pictures.splitAt', { share: Math.round(this.at), left, right }));
    }
  }

  show(panels, target, gain) {
    Object.assign(this, { panels, target, gain });
    const names = panels.map(panel => `${panel.role} ${panel.name}`).join();
    if (names !== this.known) {
      this.known = names;
      const student = panels.findIndex(panel => panel.role === 'variant');
      const start = [0, student < 0 ? Math.min(1, panels.length - 1) : student];
      this.selects.forEach((select, i) => {
        replace(
          select,
          panels.map((panel, n) => h('option', { value: n }, roleName(panel))),
        );
        select.value = start[i];
      });
    }
    this.choose();
  }

  async choose() {
    const chosen = this.selects.map(select => this.panels[Number(select.value)]);
    this.names = chosen.map(roleName);
    this.labels.forEach((label, i) => say(label, this.names[i]));
    this.move(this.at);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const found = await Promise.all(chosen.map(panel => drawing(panel, this.target, this.gain))).catch(() => null);
    if (turn !== this.turn || !found) return;
    found.forEach(({ image }, i) => paint(this.canvases[i], image));
    this.view.style.aspectRatio = `${found[0].image.width} / ${found[0].image.height}`;
    this.sharpen(this.zoom ?? 1);
  }

  sharpen(zoom) {
    this.zoom = zoom;
    for (const canvas of this.canvases)
      canvas.style.imageRendering =
        this.view.clientWidth * zoom * devicePixelRatio >= canvas.width ? 'pixelated' : 'auto';
  }
}
