// The unseen class and its bias, after Hinton: lift one logit and see what the student knew all along.
// What that costs the other classes stands beside it. Computed here, from the logits that come with a preview.

import { h, replace, say, svg } from './dom.js';
import { fixed, signed } from './format.js';
import { roleColor, roleName } from './roles.js';
import { t } from './words.js';

const REACH = 15;
const POINTS = 61;
const order = { teacher: 0, variant: 1, control: 2 };

// Share of the images of the unseen classes that are recognised, and of all others, with `bias` on the unseen logits.
export function scores(values, labels, excluded, bias) {
  const unseen = new Set(excluded);
  const found = [0, 0];
  const total = [0, 0];
  values.forEach((row, i) => {
    let best = 0;
    let top = -Infinity;
    row.forEach((logit, c) => {
      const lifted = unseen.has(c) ? logit + bias : logit;
      if (lifted > top) {
        top = lifted;
        best = c;
      }
    });
    const part = unseen.has(labels[i]) ? 0 : 1;
    total[part] += 1;
    if (best === labels[i]) found[part] += 1;
  });
  return { unseen: total[0] ? (100 * found[0]) / total[0] : NaN, seen: total[1] ? (100 * found[1]) / total[1] : NaN };
}

export class BiasSlider {
  constructor() {
    this.slider = h('input', {
      type: 'range',
      min: 0,
      max: REACH,
      step: 0.1,
      value: 0,
      'aria-label': t('bias.slider'),
    });
    this.value = h('output', { class: 'k-tabular' });
    this.words = h('p', { class: 'k-bias-words', 'aria-live': 'polite' });
    this.chart = h('div', { class: 'k-bias-chart' });
    this.table = h('div', { class: 'k-table-wrap' });
    this.element = h(
      'section',
      { class: 'k-bias', 'aria-label': t('bias.title') },
      h('h4', {}, t('bias.title')),
      h('p', { class: 'k-note' }, t('bias.help')),
      h('div', { class: 'k-bias-line' }, h('label', {}, t('bias.label'), this.slider), this.value),
      this.words,
      h('div', { class: 'k-bias-row' }, this.chart, this.table),
      h('p', { class: 'k-note' }, t('bias.read')),
    );
    this.slider.addEventListener('input', () => this.update());
  }

  show(data, run) {
    Object.assign(this, { data, run });
    this.networks = [...data.logits.networks].sort((a, b) => order[a.role] - order[b.role]);
    this.curves = this.networks.map(network =>
      Array.from(
        { length: POINTS },
        (_, i) => scores(network.values, data.logits.labels, data.excluded, (REACH * i) / (POINTS - 1)),
      ),
    );
    this.draw();
    this.update();
  }

  color(network) {
    return roleColor(network, this.run);
  }

  draw() {
    const x = i => 30 + (260 * i) / (POINTS - 1);
    const y = share => 110 - share;
    this.cursor = svg('line', { y1: 10, y2: 110, class: 'k-zero' });
    replace(
      this.chart,
      svg(
        'svg',
        { viewBox: '0 0 300 132', role: 'img', 'aria-label': t('bias.chart') },
        [0, 50, 100].map(share => [
          svg('line', { x1: 30, x2: 290, y1: y(share), y2: y(share), class: 'k-axis' }),
          svg('text', { x: 25, y: y(share) + 3, class: 'k-tick', 'text-anchor': 'end' }, share),
        ]),
        ['seen', 'unseen'].flatMap(part =>
          this.curves.map((curve, n) =>
            svg('polyline', {
              points: curve.map((point, i) => `${x(i)},${y(point[part])}`).join(' '),
              fill: 'none',
              stroke: this.color(this.networks[n]),
              'stroke-width': part === 'unseen' ? 2.4 : 1,
              'stroke-dasharray': this.networks[n].role === 'control' ? '5 4' : undefined,
            }),
          ),
        ),
        this.cursor,
        svg('text', { x: 30, y: 127, class: 'k-tick' }, '0'),
        svg('text', { x: 290, y: 127, class: 'k-tick', 'text-anchor': 'end' }, `+${REACH}`),
        svg('text', { x: 160, y: 127, class: 'k-tick', 'text-anchor': 'middle' }, t('bias.axis')),
      ),
    );
  }

  update() {
    if (!this.data) return;
    const { data } = this;
    const bias = Number(this.slider.value);
    const names = data.excluded.map(i => data.classes[i]).join(', ');
    this.slider.style.setProperty('--at', `${(100 * bias) / REACH}%`);
    say(this.value, signed(bias, 1));
    const at = 30 + (260 * bias) / REACH;
    this.cursor.setAttribute('x1', at);
    this.cursor.setAttribute('x2', at);
    const rows = this.networks.map((network, n) => {
      const found = scores(network.values, data.logits.labels, data.excluded, bias);
      return { network, ...found, cost: this.curves[n][0].seen - found.seen };
    });
    const student = rows.find(row => row.network.role === 'variant');
    const twin = rows.find(row => row.network.role === 'control');
    say(
      this.words,
      student
        ? t('bias.words', {
            name: student.network.name,
            classes: names,
            bias: signed(bias, 1),
            share: fixed(student.unseen, 0),
            others: fixed(student.seen, 0),
          }) + (twin ? ` ${t('bias.twin', { share: fixed(twin.unseen, 0), others: fixed(twin.seen, 0) })}` : '')
        : '',
    );
    replace(
      this.table,
      h(
        'table',
        {},
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            ['', t('bias.unseen', { classes: names }), t('bias.seen')].map(cell => h('th', { scope: 'col' }, cell)),
            h('th', { scope: 'col', title: t('bias.cost.help') }, t('bias.cost')),
          ),
        ),
        h(
          'tbody',
          {},
          rows.map(row =>
            h(
              'tr',
              {},
              h(
                'th',
                { scope: 'row' },
                h('span', { class: 'k-swatch', style: { background: this.color(row.network) } }),
                roleName(row.network),
              ),
              h('td', {}, `${fixed(row.unseen, 1)} %`),
              h('td', {}, `${fixed(row.seen, 1)} %`),
              h('td', {}, t('bias.points', { n: row.cost ? signed(-row.cost, 1) : fixed(0, 1) })),
            ),
          ),
        ),
      ),
    );
  }
}
