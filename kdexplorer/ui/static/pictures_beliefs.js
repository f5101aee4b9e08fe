// What every network believes of one image: a group of bars a class, at T = 1.

import { svg } from './dom.js';
import { fixed } from './format.js';
import { colorOf } from './colors.js';
import { QuickChart, breadth, legend, write } from './quick_chart.js';
import { panelColor, roleName } from './pictures_panel.js';
import { t } from './words.js';

const MOST = 10; // classes; of more, those that any network finds likely, and the true one
const GAP = 10;
const NARROWEST = 120; // px in which it can be drawn
const thick = count => (count <= 3 ? 9 : count <= 5 ? 7 : 5);

const argmax = values => values.indexOf(Math.max(...values));

// A network's bar: filled in its colour; the control's hollow and dashed, as its curve is.
function barStyle(role, color) {
  if (role !== 'control') return { fill: color };
  return { fill: color, 'fill-opacity': 0.28, stroke: color, 'stroke-dasharray': '3 2' };
}

export class Beliefs extends QuickChart {
  constructor() {
    super({
      id: 'beliefs',
      title: t('pictures.beliefs'),
      caption: t('pictures.beliefs.caption'),
      empty: t('preview.empty'),
      draw: (tone, width) => this.subject && width > NARROWEST && this.picture(tone, width),
      table: () => this.rows(),
    });
  }

  // subject: {item: {label, predictions: [{role, name, probabilities}]}, data: {classes, excluded}, run}
  show(subject) {
    this.subject = subject;
    this.networks = subject.item.predictions.map(prediction => ({
      ...prediction,
      title: roleName(prediction),
      style: barStyle(prediction.role, panelColor(prediction, subject.run)),
    }));
    const top = legend(this.key(), this.size?.width ?? 500, '').height;
    this.height = top + this.row * Math.min(MOST, subject.data.classes.length) + 26;
    this.drawNow();
  }

  get row() {
    return this.networks.length * thick(this.networks.length) + GAP;
  }

  key() {
    return this.networks.map(({ title, style }) => ({
      name: title,
      mark: (x, y) => svg('rect', { x: x + 2, y: y - 5, width: 14, height: 10, ...style }),
    }));
  }

  get shown() {
    const { item, data } = this.subject;
    const all = data.classes.map((_, i) => i);
    if (all.length <= MOST) return all;
    const likely = all.map(c => Math.max(...this.networks.map(network => network.probabilities[c])));
    const found = [...all].sort((a, b) => likely[b] - likely[a]).slice(0, MOST);
    if (!found.includes(item.label)) found[MOST - 1] = item.label;
    return found.sort((a, b) => a - b);
  }

  picture(tone, width) {
    const { item, data } = this.subject;
    const { shown, networks } = this;
    const key = legend(this.key(), width, tone('ink'));
    const left = Math.min(0.34 * width, 18 + Math.max(...shown.map(c => breadth(data.classes[c]))));
    const right = width - 46;
    const bottom = key.height + this.row * shown.length;
    const at = share => left + (right - left) * share;
    const bar = thick(networks.length);
    const grid = [0, 0.25, 0.5, 0.75, 1].map(share => [
      svg('line', { x1: at(share), x2: at(share), y1: key.height, y2: bottom, stroke: tone('grid') }),
      write(at(share), bottom + 15, `${100 * share} %`, { fill: tone('muted'), 'text-anchor': 'middle' }),
    ]);
    const rows = shown.map((c, n) => {
      const top = key.height + n * this.row;
      const truth = c === item.label;
      const color = colorOf('target');
      const height = this.row - 2;
      return [
        truth && svg('rect', { x: 0, y: top + 1, width, height, rx: 4, fill: color, opacity: 0.12 }),
        truth && svg('rect', { x: 0, y: top + 1, width: 3, height, fill: color }),
        write(left - 8, top + this.row / 2 + 4, data.classes[c], {
          fill: data.excluded.includes(c) ? tone('warn') : tone('ink'),
          'text-anchor': 'end',
          'font-weight': truth ? 700 : 400,
        }),
        networks.map(({ probabilities, style }, k) => {
          const y = top + GAP / 2 + k * bar;
          const end = at(probabilities[c]);
          return [
            svg('rect', { x: left, y: y + 0.5, width: Math.max(0.8, end - left), height: bar - 1.5, ...style }),
            bar >= 9 &&
              probabilities[c] >= 0.005 &&
              write(end + 5, y + 8, `${fixed(100 * probabilities[c], probabilities[c] < 0.1 ? 1 : 0)} %`, {
                fill: tone('muted'),
                'font-size': 9.5,
              }),
          ];
        }),
      ];
    });
    const said = networks.map(({ title, probabilities }) => {
      const best = argmax(probabilities);
      return `${title}: ${data.classes[best]} ${fixed(100 * probabilities[best], 0)} %`;
    });
    const label = () => `${t('pictures.beliefs')}. ${said.join(', ')}`;
    return { nodes: [key.nodes, grid, rows], move() {}, label };
  }

  rows() {
    if (!this.subject) return { head: [], rows: [] };
    const { item, data } = this.subject;
    return {
      head: [t('pictures.class'), ...this.networks.map(({ title }) => `${title} %`)],
      rows: data.classes.map((name, c) => [
        c === item.label ? `${name} (${t('preview.truth')})` : name,
        ...this.networks.map(({ probabilities }) => fixed(100 * probabilities[c], 2)),
      ]),
    };
  }
}
