// Dark knowledge: what a network says, on average, of the images of each class, at a temperature.

import { h, say, svg } from './dom.js';
import { fixed } from './format.js';
import { toolToggle } from './chart.js';
import { colorOf } from './colors.js';
import { QuickChart, breadth, set, write } from './quick_chart.js';
import { luminance, shade, stopsOn } from './shades.js';
import { similarity } from './softmax.js';
import { t } from './words.js';

const SHORTEST = 11; // px of a row that can carry its name
const MANY = 30; // classes; more are one picture
const BLANK = [128, 128, 128];
const SPACIOUS = 26; // px of a cell that can carry its number
export class SimilarityChart extends QuickChart {
  constructor() {
    const whose = h('select', { class: 'k-tool', 'aria-label': t('soft.whose') });
    const others = toolToggle(t('soft.others'), t('soft.others.help'), false, on => {
      this.others = on;
      this.drawNow();
    });
    super({
      id: 'soft-targets-similarity',
      title: t('soft.similarity'),
      caption: t('soft.similarity.caption'),
      empty: t('soft.empty'),
      tools: [whose, others],
      draw: (tone, width, height) => this.data && this.picture(tone, width, height),
      table: () => this.cells(),
    });
    Object.assign(this, { whose, others: false, data: null, temperature: 1, truth: null });
    whose.addEventListener('change', () => this.drawNow());
  }

  // data: {networks: [{name, title, values}], labels, classes}, or null
  show(data, temperature, truth) {
    if (data?.networks.map(network => network.title).join() !== this.names) {
      this.names = data?.networks.map(network => network.title).join();
      this.whose.replaceChildren(
        ...(data?.networks ?? []).map(({ name, title }) => h('option', { value: name }, title)),
      );
    }
    Object.assign(this, { data, temperature, truth });
    this.drawNow();
  }

  move(temperature) {
    this.temperature = temperature;
    this.slide();
  }

  get matrix() {
    const { networks, labels, classes } = this.data;
    const network = networks.find(({ name }) => name === this.whose.value) ?? networks[0];
    const rows = similarity(network.values, labels, classes.length, this.temperature);
    if (this.others) rows.forEach((row, i) => (row[i] = NaN));
    return rows;
  }

  picture(tone, width, height) {
    const { classes } = this.data;
    const count = classes.length;
    const stops = stopsOn(tone('surface'));
    const names = Math.min(0.3 * width, 10 + Math.max(...classes.map(breadth)));
    const room = Math.min(width - names - 8, height - 74);
    const cell = Math.max(1.5, room / count);
    const side = cell * count;
    const left = names + Math.max(0, (width - names - side - 8) / 2);
    const top = 40;
    const named = cell >= SHORTEST;
    const ink = tone('muted');
    const steep = named && classes.some(name => breadth(name) > cell - 2);
    const small = count <= MANY;
    const whole = svg('image', { x: left, y: top, width: side, height: side, style: { imageRendering: 'pixelated' } });
    const cells = Array.from({ length: small ? count * count : 0 }, (_, n) => {
      const x = left + (n % count) * cell;
      const y = top + Math.floor(n / count) * cell;
      const middle = { 'text-anchor': 'middle', 'font-size': cell > 34 ? 11 : 9.5 };
      return [
        svg('rect', { x, y, width: cell - 1, height: cell - 1 }),
        cell >= SPACIOUS && write(x + cell / 2 - 0.5, y + cell / 2 + 3, '', middle),
      ];
    });
    const most = write(left + 136, 13, '', { fill: ink });
    const blank = tone('grid');
    let rows = [];
    const scale = Array.from({ length: 22 }, (_, i) =>
      svg('rect', { x: left + 22 + i * 5, y: 4, width: 5.3, height: 9, fill: `rgb(${shade(i / 21, stops)})` }),
    );
    const heads = named
      ? classes.map((name, i) => {
          const x = left + (i + 0.5) * cell;
          const tint = { fill: i === this.truth ? tone('ink') : ink, 'font-weight': i === this.truth ? 700 : 400 };
          const y = top + (i + 0.5) * cell + 4;
          const under = top + side + 13;
          return [
            write(left - 6, y, name, { ...tint, 'text-anchor': 'end' }),
            steep
              ? write(x + 4, under - 4, name, {
                  ...tint,
                  'text-anchor': 'end',
                  transform: `rotate(-35 ${x + 4} ${under - 4})`,
                })
              : write(x, under, name, { ...tint, 'text-anchor': 'middle' }),
          ];
        })
      : write(left + side / 2, top + side + 14, t('soft.classes', { count }), { fill: ink, 'text-anchor': 'middle' });
    return {
      nodes: [
        write(left + 16, 13, '0', { fill: ink, 'text-anchor': 'end' }),
        scale,
        most,
        write(left, 32, t('soft.similarity.axis'), { fill: ink }),
        small ? cells : whole,
        heads,
        this.truth !== null &&
          svg('rect', {
            x: left - 1.5,
            y: top + this.truth * cell - 1.5,
            width: side + 2,
            height: cell + 2,
            fill: 'none',
            stroke: colorOf('target'),
            'stroke-width': 2,
            rx: 2,
          }),
      ],
      move: () => {
        rows = this.matrix;
        const peak = rows.reduce((top, row) => row.reduce((a, value) => (value > a ? value : a), top), 1e-9);
        say(most, `${short(peak)} %`);
        if (!small) set(whole, { href: this.pixels(rows, peak, stops) });
        cells.forEach(([rect, number], n) => {
          const value = rows[Math.floor(n / count)][n % count];
          const known = Number.isFinite(value);
          const color = shade(known ? value / peak : 0, stops);
          set(rect, { fill: known ? `rgb(${color})` : blank });
          if (!number) return;
          say(number, known ? short(value) : '');
          set(number, { fill: luminance(color) > 140 ? '#16191d' : '#ffffff' });
        });
      },
      label: () => `${t('soft.similarity')}, T = ${this.temperature}. ${this.words(rows)}`,
    };
  }

  // The pair of classes that is confused most.
  words(rows) {
    let best = [0, 1, -1];
    rows.forEach((row, i) =>
      row.forEach((value, j) => {
        if (i !== j && value > best[2]) best = [i, j, value];
      }),
    );
    const { classes } = this.data;
    return t('soft.similarity.closest', { a: classes[best[0]], b: classes[best[1]], share: short(best[2]) });
  }

  pixels(rows, peak, stops) {
    const canvas = (this.canvas ??= h('canvas'));
    canvas.width = rows.length;
    canvas.height = rows.length;
    const context = canvas.getContext('2d');
    const found = context.createImageData(rows.length, rows.length);
    const ramp = Array.from({ length: 256 }, (_, level) => shade(level / 255, stops));
    let at = 0;
    for (const row of rows) {
      for (const value of row) {
        const [r, g, b] = value >= 0 ? ramp[Math.round((255 * value) / peak)] : BLANK;
        found.data[at] = r;
        found.data[at + 1] = g;
        found.data[at + 2] = b;
        found.data[at + 3] = 255;
        at += 4;
      }
    }
    context.putImageData(found, 0, 0);
    return canvas.toDataURL('image/png');
  }

  cells() {
    if (!this.data) return { head: [], rows: [] };
    const { classes } = this.data;
    return {
      head: [t('soft.truth'), ...classes.map(name => `${name} %`)],
      rows: this.matrix.map((row, i) => [classes[i], ...[...row].map(value => fixed(100 * value, 2))]),
    };
  }
}

const short = share => (100 * share >= 9.95 ? fixed(100 * share, 0) : fixed(100 * share, 100 * share >= 0.095 ? 1 : 2));
