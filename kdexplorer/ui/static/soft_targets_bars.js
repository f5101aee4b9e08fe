// What every network says of one image at a temperature: a group of bars a class, a tick where it was at T = 1.

import { say, svg } from './dom.js';
import { fixed } from './format.js';
import { toolToggle } from './chart.js';
import { colorOf } from './colors.js';
import { QuickChart, breadth, legend, set, write } from './quick_chart.js';
import { softmax } from './softmax.js';
import { t } from './words.js';

const MOST = 12; // classes; of more, the likeliest to the teacher, and the true one
const GAP = 9;
const VALUE = 34; // px that a bar's number takes
const FLOOR = 1e-4; // the logarithmic axis begins here
const thick = count => (count <= 3 ? 10 : count <= 5 ? 7 : 5);

// The classes that are shown. A temperature does not change which are the likeliest, so the rows stay.
export function shownClasses(logits, label, classes) {
  const all = classes.map((_, i) => i);
  if (all.length <= MOST) return all;
  const found = [...all].sort((a, b) => logits[b] - logits[a]).slice(0, MOST);
  if (label !== null && !found.includes(label)) found[MOST - 1] = label;
  return found.sort((a, b) => a - b);
}

export class Bars extends QuickChart {
  constructor() {
    const log = toolToggle(t('soft.log'), t('chart.log'), false, on => {
      this.log = on;
      this.drawNow();
    });
    super({
      id: 'soft-targets',
      title: t('soft.bars'),
      caption: t('soft.bars.caption'),
      empty: t('soft.empty'),
      tools: [log],
      draw: (tone, width) => this.state && this.picture(tone, width),
      table: () => this.rows(),
    });
    Object.assign(this, { state: null, log: false });
  }

  // state: {networks: [{name, title, color, logits}], label, classes, excluded}
  show(state, temperature) {
    Object.assign(this, { state, temperature });
    const top = legend(this.legend(), this.size?.width ?? 600, '').height;
    this.height = top + this.row * Math.min(MOST, state.classes.length) + 34;
    this.drawNow();
  }

  move(temperature) {
    this.temperature = temperature;
    this.slide();
  }

  get row() {
    const { length } = this.state.networks;
    return length * thick(length) + GAP;
  }

  legend() {
    return this.state.networks.map(network => ({
      name: network.title,
      mark: (x, y) => svg('rect', { x: x + 2, y: y - 5, width: 14, height: 10, ...this.fill(network) }),
    }));
  }

  fill({ name, color }) {
    if (name !== 'control') return { fill: color };
    return { fill: color, 'fill-opacity': 0.28, stroke: color, 'stroke-dasharray': '3 2' };
  }

  picture(tone, width) {
    const { networks, label, classes, excluded } = this.state;
    const shown = shownClasses(networks[0].logits, label, classes);
    const names = shown.map(i => classes[i]);
    const left = Math.min(0.32 * width, 16 + Math.max(...names.map(breadth), excluded.length ? 62 : 0));
    const right = width - 44;
    const key = legend(this.legend(), width, tone('ink'));
    const bottom = key.height + this.row * shown.length;
    const at = share => left + (right - left) * (this.log ? Math.max(0, 1 - Math.log(share) / Math.log(FLOOR)) : share);
    const bar = thick(networks.length);
    const before = networks.map(network => softmax(network.logits, 1));
    const ticks = this.log ? [1e-4, 1e-3, 1e-2, 0.1, 1] : [0, 0.25, 0.5, 0.75, 1];
    const grid = ticks.map(share => [
      svg('line', { x1: at(share), x2: at(share), y1: key.height, y2: bottom, stroke: tone('grid') }),
      write(at(share), bottom + 15, `${share * 100} %`, { fill: tone('muted'), 'text-anchor': 'middle' }),
    ]);
    const moving = [];
    const rows = shown.map((c, n) => {
      const top = key.height + n * this.row;
      const truth = c === label;
      const unseen = excluded.includes(c);
      const middle = top + this.row / 2 + 4 - (unseen && this.row > 30 ? 6 : 0);
      const color = truth ? colorOf('target') : tone('ink');
      return [
        truth && svg('rect', { x: 0, y: top + 1, width, height: this.row - 2, rx: 4, fill: color, opacity: 0.1 }),
        truth && svg('rect', { x: 0, y: top + 1, width: 3, height: this.row - 2, fill: color }),
        write(left - 8, middle, classes[c], {
          fill: tone('ink'),
          'text-anchor': 'end',
          'font-weight': truth ? 700 : 400,
        }),
        unseen &&
          this.row > 30 &&
          write(left - 8, middle + 12, t('predict.unseen'), {
            fill: tone('muted'),
            'text-anchor': 'end',
            'font-size': 9.5,
          }),
        networks.map((network, k) => {
          const y = top + GAP / 2 + k * bar;
          const was = at(before[k][c]);
          const rect = svg('rect', { x: left, y: y + 0.5, height: bar - 1.5, ...this.fill(network) });
          const tick = { stroke: tone('ink'), 'stroke-width': 1.4, opacity: 0.55 };
          const value = write(0, y + 8.5, '', {
            fill: tone('muted'),
            'font-size': 9.5,
            style: { fontVariantNumeric: 'tabular-nums' },
          });
          moving.push({ k, c, rect, value, was });
          return [rect, svg('line', { x1: was, x2: was, y1: y, y2: y + bar - 0.5, ...tick }), bar >= 10 && value];
        }),
      ];
    });
    let shares = before;
    return {
      nodes: [
        key.nodes,
        grid,
        rows,
        svg('line', { x1: left, x2: left, y1: key.height, y2: bottom, stroke: tone('line') }),
      ],
      move: () => {
        shares = networks.map(network => softmax(network.logits, this.temperature));
        for (const { k, c, rect, value, was } of moving) {
          const end = at(shares[k][c]);
          set(rect, { width: Math.max(0.8, end - left) });
          set(value, { x: (was > end - 4 && was < end + VALUE ? was : end) + 5 });
          say(value, percent(shares[k][c]));
        }
      },
      label: () => {
        const said = networks.map((network, k) => {
          const best = shares[k].indexOf(Math.max(...shares[k]));
          return `${network.title}: ${classes[best]} ${percent(shares[k][best])}`;
        });
        return `${t('soft.bars')}, T = ${this.temperature}. ${said.join(', ')}`;
      },
    };
  }

  rows() {
    if (!this.state) return { head: [], rows: [] };
    const { temperature } = this;
    const { networks, label, classes } = this.state;
    const shares = networks.map(network => softmax(network.logits, temperature));
    return {
      head: [`T = ${temperature}`, ...networks.map(network => `${network.title} %`)],
      rows: classes.map((name, c) => [
        c === label ? `${name} (${t('soft.truth')})` : name,
        ...shares.map(found => fixed(100 * found[c], 3)),
      ]),
    };
  }
}

// As many digits as say something: 99.98 %, 12 %, 0.03 %.
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.001) return '< 0.001 %';
  const near = Math.min(value, 100 - value);
  return `${fixed(value, near >= 10 ? 0 : near >= 0.1 || near === 0 ? 1 : near >= 0.01 ? 2 : 3)} %`;
}
