// The confusion matrix of one network over all held-out images: rows are true classes, columns what it says.

import { say, svg } from './dom.js';
import { fixed } from './format.js';
import { QuickChart, breadth, write } from './quick_chart.js';
import { panelColor, roleName } from './pictures_panel.js';
import { t } from './words.js';

const SHORTEST = 10; // px of a row that can carry its name
const SPACIOUS = 15; // px of a cell that can carry its count
const LARGEST = 460; // px of a side
const NARROWEST = 120; // px in which it can be drawn

const channels = color => [1, 3, 5].map(at => parseInt(color.slice(at, at + 2), 16));
const mix = (from, to, share) => from.map((value, c) => Math.round(value + (to[c] - value) * share));

function luminance(rgb) {
  const linear = rgb.map(value => ((value / 255 + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

// Whichever of black and white is read more easily on a colour.
const readable = rgb => (luminance(rgb) > 0.179 ? '#16191d' : '#ffffff');

export class Confusion extends QuickChart {
  constructor(network) {
    super({
      id: `confusion-${network.name}`,
      title: roleName(network),
      caption: '',
      empty: t('preview.empty'),
      draw: (tone, width) => this.subject && this.wide && this.picture(tone, width),
      table: () => this.rows(),
    });
    this.network = network;
    this.element.classList.add('k-confusion');
  }

  // subject: {counts [true][said], data: {classes, excluded}, run}
  show(subject) {
    this.subject = subject;
    say(this.element.querySelector('.k-note'), this.sentence());
    this.drawNow();
  }

  // Where the cells lie: they are squares, and the chart is as high as they need.
  place(width) {
    const { counts, data } = this.subject;
    const longest = Math.max(...data.classes.map(breadth));
    const left = Math.min(0.3 * width, 12 + longest) + 14;
    const room = Math.min(width, LARGEST) - left - 4;
    const steep = longest > room / counts.length;
    const named = room / counts.length >= SHORTEST;
    const side = named && steep ? room - Math.min(50, 0.5 * breadth(data.classes.at(-1))) : room;
    const top = named && steep ? Math.min(70, 12 + 0.72 * longest) : 18;
    return { left, top, side, cell: side / counts.length, steep, named };
  }

  resize() {
    if (!this.wide) return;
    const { top, side } = this.place(this.size.width);
    this.height = Math.ceil(top + side + 20);
  }

  get wide() {
    return (this.size?.width ?? 0) > NARROWEST;
  }

  drawNow() {
    if (this.subject) this.resize();
    super.drawNow();
  }

  picture(tone, width) {
    const { counts, data, run } = this.subject;
    const { left, top, side, cell, steep, named } = this.place(width);
    const full = channels(panelColor(this.network, run));
    const bare = channels(tone('sunken'));
    const muted = tone('muted');
    const nodes = [
      svg('rect', { x: left, y: top, width: side, height: side, fill: tone('sunken') }),
      named &&
        data.classes.map((title, i) => [
          write(left - 5, top + (i + 0.5) * cell + 4, this.short(title, left - 18), {
            fill: data.excluded.includes(i) ? tone('warn') : tone('ink'),
            'text-anchor': 'end',
          }),
          this.head(
            title,
            left + (i + 0.5) * cell,
            top - 5,
            steep,
            data.excluded.includes(i) ? tone('warn') : tone('ink'),
          ),
        ]),
      write(9, top + side / 2, t('pictures.confusion.true'), {
        fill: muted,
        'text-anchor': 'middle',
        transform: `rotate(-90 9 ${top + side / 2})`,
      }),
      write(left + side / 2, top + side + 15, t('pictures.confusion.said'), { fill: muted, 'text-anchor': 'middle' }),
    ];
    counts.forEach((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      row.forEach((count, j) => {
        if (!count) return;
        const share = count / total;
        const color = mix(bare, full, 0.1 + 0.9 * share);
        const x = left + j * cell;
        const y = top + i * cell;
        nodes.push(
          svg(
            'rect',
            {
              x: x + 0.5,
              y: y + 0.5,
              width: Math.max(0.5, cell - 1),
              height: Math.max(0.5, cell - 1),
              fill: `rgb(${color.join(' ')})`,
            },
            svg(
              'title',
              {},
              t('pictures.confusion.cell', { label: data.classes[i], said: data.classes[j], count, total }),
            ),
          ),
          cell >= SPACIOUS &&
            write(x + cell / 2, y + cell / 2 + 3.5, count, {
              fill: readable(color),
              'text-anchor': 'middle',
              'font-size': Math.min(11, 0.52 * cell),
              'font-weight': i === j ? 650 : 400,
              'pointer-events': 'none',
            }),
        );
      });
    });
    const label = () => `${t('pictures.confusion')}, ${roleName(this.network)}. ${this.sentence()}`;
    return { nodes, move() {}, label };
  }

  head(title, x, y, steep, fill) {
    return steep
      ? write(x + 3, y, this.short(title, 90), { fill, transform: `rotate(-45 ${x + 3} ${y})` })
      : write(x, y, title, { fill, 'text-anchor': 'middle' });
  }

  short(title, room) {
    let text = title;
    while (text.length > 2 && breadth(text) > room) text = `${text.slice(0, -2)}…`;
    return text;
  }

  // How many are right, and the mistake that is made most.
  sentence() {
    const { counts, data } = this.subject;
    let right = 0;
    let all = 0;
    let worst = [0, 0, 0, 1];
    counts.forEach((row, i) => {
      const total = row.reduce((sum, count) => sum + count, 0);
      all += total;
      right += row[i];
      row.forEach((count, j) => {
        if (i !== j && count > worst[2]) worst = [i, j, count, total];
      });
    });
    const known = t('pictures.confusion.right', { right, all, share: fixed((100 * right) / all, 1) });
    if (!worst[2]) return known;
    const [i, j, count, total] = worst;
    return `${known} ${t('pictures.confusion.worst', { label: data.classes[i], said: data.classes[j], count, total })}`;
  }

  rows() {
    if (!this.subject) return { head: [], rows: [] };
    const { counts, data } = this.subject;
    return {
      head: [t('pictures.confusion.corner'), ...data.classes],
      rows: counts.map((row, i) => [data.classes[i], ...row.map(String)]),
    };
  }
}
