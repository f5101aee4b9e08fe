// A chart that follows a slider: drawn by hand in a millisecond, in the same frame as those that Plotly draws.

import { append, h, svg } from './dom.js';
import { download } from './browser.js';
import { Chart, LIGHT, toolButton } from './chart.js';
import { tone } from './colors.js';
import { csv } from './run_axes.js';
import { t } from './words.js';

const SETTLE = 200; // ms a slider must rest before the open table is filled
const FONT = 'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

export class QuickChart extends Chart {
  // draw(tone, width, height) → {nodes: of an SVG of that size, move(), label()} or null while there is nothing.
  // What a slider changes is set by `move`, in the nodes that are there.
  constructor({ id, draw, tools = [], ...texts }) {
    super({
      ...texts,
      id,
      tools: [
        tools,
        toolButton('PNG', t('chart.png'), () => this.image(id)),
        toolButton('CSV', t('chart.csv'), () => download(`${id}.csv`, csv(this.table()))),
      ],
      figure: () => ({ data: [] }),
    });
    Object.assign(this, { paint: draw, size: null });
    this.svg = svg('svg', { class: 'k-quick', 'aria-hidden': 'true' });
    this.plot.append(this.svg);
    new ResizeObserver(([{ contentRect }]) => {
      const { width, height } = contentRect;
      if (!width || (this.size?.width === width && this.size.height === height)) return;
      this.size = { width, height };
      this.svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
      this.drawNow();
    }).observe(this.plot);
  }

  set height(pixels) {
    this.plot.parentElement.style.height = `${pixels}px`;
  }

  drawNow() {
    if (!this.size) return;
    this.found = this.paint(tone, this.size.width, this.size.height) || null;
    this.ghost.hidden = Boolean(this.found);
    this.svg.replaceChildren();
    if (!this.found) return;
    append(this.svg, this.found.nodes);
    this.slide();
  }

  slide() {
    if (!this.found) {
      this.drawNow();
      return;
    }
    this.found.move();
    this.plot.setAttribute('aria-label', this.found.label());
    if (!this.twin.open) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.fillTable(), SETTLE);
  }

  // As on the page, but light and twice as large, for slides.
  image(name) {
    const { width, height } = this.size ?? {};
    const found = width && this.paint(color => LIGHT[color], width, height);
    if (!found) return;
    found.move();
    const drawing = svg(
      'svg',
      { width: 2 * width, height: 2 * height, viewBox: `0 0 ${width} ${height}`, 'font-family': FONT },
      svg('rect', { width, height, fill: LIGHT.surface }),
      found.nodes,
    );
    const picture = new Image();
    picture.onload = () => {
      const canvas = h('canvas', { width: 2 * width, height: 2 * height });
      canvas.getContext('2d').drawImage(picture, 0, 0);
      h('a', { href: canvas.toDataURL('image/png'), download: `${name}.png` }).click();
    };
    picture.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(drawing))}`;
  }
}

// Sets attributes of a node that is there.
export function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
}

export const write = (x, y, text, attributes) => svg('text', { x, y, 'font-size': 11, ...attributes }, text);

const CHARACTER = 6.4; // px, on the average, of a text of 11 px; ideographs are twice as wide
export const breadth = text => [...text].reduce((sum, letter) => sum + (letter > '\u2e80' ? 11.5 : CHARACTER), 0);

// Names with their marks, in as many lines as they need: {nodes, height}. An entry: {name, mark(x, y) → node}
export function legend(entries, width, ink) {
  let x = 0;
  let y = 10;
  const nodes = entries.map(({ name, mark }) => {
    const wide = 22 + breadth(name) + 14;
    if (x && x + wide > width) {
      x = 0;
      y += 17;
    }
    const found = [mark(x, y), write(x + 22, y + 4, name, { fill: ink })];
    x += wide;
    return found;
  });
  return { nodes, height: y + 10 };
}

export const stroke = (x, y, attributes) => svg('line', { x1: x, x2: x + 17, y1: y, y2: y, ...attributes });
