// One picture of many that are zoomed together: as it is, or how far it is from the target.

import { h, replace } from './dom.js';
import { fixed } from './format.js';
import { colored, errors, mean, pixels } from './pictures_errors.js';
import { roleColor, roleName } from './roles.js';
import { t } from './words.js';

export { roleName, roleColor as panelColor };

export const swatch = (panel, run) => h('span', { class: 'k-swatch', style: { background: roleColor(panel, run) } });

// What to draw of `panel`: its own pixels, or the error map where `errorGain` is set and there is a target.
export async function drawing(panel, target, errorGain) {
  const own = await pixels(panel.image);
  if (!errorGain || !target || panel.role === 'target') return { image: own, error: null };
  const values = errors(own, await pixels(target.image));
  if (!values) return { image: own, error: null };
  return { image: colored(values, own.width, own.height, errorGain), error: mean(values) };
}

export function paint(canvas, image) {
  if (canvas.width !== image.width || canvas.height !== image.height)
    Object.assign(canvas, { width: image.width, height: image.height });
  canvas.getContext('2d').putImageData(image, 0, 0);
}

export class PicturePanel {
  // watch(view): makes the element that holds the picture follow the common zoom
  constructor(watch) {
    this.canvas = h('canvas', { class: 'k-pixels', role: 'img' });
    this.view = h('div', { class: 'k-view' }, this.canvas);
    this.name = h('span', { class: 'k-panel-name' });
    this.scores = h('span', { class: 'k-panel-scores' });
    this.save = h(
      'button',
      { type: 'button', class: 'k-tool k-save', title: t('pictures.save'), onclick: () => this.download() },
      'PNG',
    );
    this.element = h(
      'figure',
      { class: 'k-picture' },
      this.view,
      h('figcaption', {}, h('span', { class: 'k-panel-line' }, this.name, this.save), this.scores),
    );
    watch(this.view);
  }

  // scores: [{text, best}]
  async show(panel, { run, target, gain, scores, title }) {
    this.element.dataset.role = panel.role;
    const key = `${panel.role} ${panel.name}`;
    if (this.key !== key) replace(this.name, swatch(panel, run), h('span', {}, roleName(panel)));
    this.key = key;
    this.file = `${title} ${roleName(panel)}`;
    this.save.setAttribute('aria-label', `${t('pictures.save')}: ${roleName(panel)}`);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const found = await drawing(panel, target, gain).catch(() => null);
    if (turn !== this.turn) return;
    this.view.toggleAttribute('data-broken', !found);
    if (!found) return;
    paint(this.canvas, found.image);
    this.view.style.aspectRatio = `${found.image.width} / ${found.image.height}`;
    const shown = found.error === null ? scores : [{ text: t('pictures.error', { error: fixed(found.error, 2) }) }];
    replace(
      this.scores,
      shown.map(({ text, best }) =>
        h(best ? 'b' : 'span', { title: best ? t('pictures.best') : undefined }, text, best && h('i', {}, ' ▲')),
      ),
    );
    this.canvas.setAttribute('aria-label', [roleName(panel), ...shown.map(score => score.text)].join(', '));
    this.sharpen(this.zoom ?? 1);
  }

  // Pixels stay squares where they are enlarged; where they are shrunk, they are averaged.
  sharpen(zoom) {
    this.zoom = zoom;
    const enlarged = this.view.clientWidth * zoom * devicePixelRatio >= this.canvas.width;
    this.canvas.style.imageRendering = enlarged ? 'pixelated' : 'auto';
  }

  download() {
    this.canvas.toBlob(blob => {
      const link = h('a', { href: URL.createObjectURL(blob), download: `${fileName(this.file)}.png` });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    }, 'image/png');
  }
}

const fileName = text => text.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '') || 'picture';
