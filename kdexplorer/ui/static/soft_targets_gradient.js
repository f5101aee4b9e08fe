// How strongly soft targets pull at the student's logits, against T: with the T² of the loss, and without it.

import { svg } from './dom.js';
import { brief } from './format.js';
import { colorOf } from './colors.js';
import { QuickChart, legend, set, stroke, write } from './quick_chart.js';
import { gradient, labelGradient } from './softmax.js';
import { t } from './words.js';

export const HOTTEST = 20;
const POINTS = 61;
const TICKS = [1, 2, 4, 10, 20];
const DOTS = '1.5 3.5';
const temperatures = Array.from({ length: POINTS }, (_, i) => HOTTEST ** (i / (POINTS - 1)));

export class GradientChart extends QuickChart {
  constructor() {
    super({
      id: 'soft-targets-gradient',
      title: t('soft.gradient'),
      caption: t('soft.gradient.caption'),
      empty: t('soft.gradient.none'),
      draw: (tone, width, height) => this.curves.length && this.picture(tone, width, height),
      table: () => this.rows(),
    });
    this.curves = [];
  }

  // state: {teacher: logits, students: [{name, title, color, logits}], label}
  show({ teacher, students, label } = { students: [] }, temperature = 1) {
    this.curves = students.map(student => ({
      ...student,
      pull: temperatures.map(value => gradient(teacher, student.logits, value)),
      exact: value => gradient(teacher, student.logits, value),
    }));
    this.level = students.length ? labelGradient(students[0].logits, label) : null;
    this.temperature = temperature;
    this.drawNow();
  }

  move(temperature) {
    this.temperature = temperature;
    this.slide();
  }

  picture(tone, width, height) {
    const { curves, level } = this;
    const ink = tone('muted');
    const title = (curve, text) => (curves.length > 1 ? `${curve.title} ${text}` : text);
    const key = legend(
      [
        ...curves.flatMap(({ color, ...curve }) => [
          {
            name: title(curve, t('soft.gradient.with')),
            mark: (x, y) => stroke(x, y, { stroke: color, 'stroke-width': 2.4 }),
          },
          {
            name: title(curve, t('soft.gradient.without')),
            mark: (x, y) => stroke(x, y, { stroke: color, 'stroke-width': 2.4, 'stroke-dasharray': DOTS }),
          },
        ]),
        {
          name: t('soft.gradient.label'),
          mark: (x, y) => stroke(x, y, { stroke: colorOf('target'), 'stroke-width': 2 }),
        },
      ],
      width,
      tone('ink'),
    );
    const all = curves.flatMap(({ pull }) => [...pull, ...pull.map((value, i) => value * temperatures[i] ** 2)]);
    const sizes = [...all, level].filter(value => value > 1e-12);
    const low = Math.floor(Math.log10(Math.min(...sizes)));
    const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...sizes))));
    const left = 44;
    const right = width - 12;
    const top = key.height + 6;
    const bottom = height - 34;
    const x = value => left + ((right - left) * Math.log(value)) / Math.log(HOTTEST);
    const y = value => bottom - ((bottom - top) * (Math.log10(Math.max(value, 10 ** low)) - low)) / (high - low);
    const path = values =>
      values.map((value, i) => `${i ? 'L' : 'M'}${x(temperatures[i]).toFixed(1)} ${y(value).toFixed(1)}`).join('');
    const cursor = svg('line', { y1: top, y2: bottom, stroke: ink });
    const dots = curves.map(({ color, exact }) => ({
      exact,
      nodes: [0, 1].map(() => svg('circle', { r: 4.5, fill: color, stroke: tone('surface') })),
    }));
    const every = Math.ceil((high - low) / 6);
    const decades = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter(i => (i - low) % every === 0);
    return {
      nodes: [
        key.nodes,
        TICKS.map(value => [
          svg('line', { x1: x(value), x2: x(value), y1: top, y2: bottom, stroke: tone('grid') }),
          write(x(value), bottom + 15, value, { fill: ink, 'text-anchor': value === HOTTEST ? 'end' : 'middle' }),
        ]),
        decades.map(power => [
          svg('line', { x1: left, x2: right, y1: y(10 ** power), y2: y(10 ** power), stroke: tone('grid') }),
          write(left - 6, y(10 ** power) + 4, power >= -2 && power <= 3 ? 10 ** power : `1e${power}`, {
            fill: ink,
            'text-anchor': 'end',
          }),
        ]),
        write((left + right) / 2, height - 4, t('soft.temperature'), { fill: ink, 'text-anchor': 'middle' }),
        svg('line', { x1: left, x2: right, y1: y(level), y2: y(level), stroke: colorOf('target'), 'stroke-width': 2 }),
        cursor,
        curves.map(({ color, pull }) => {
          const line = { fill: 'none', stroke: color, 'stroke-width': 2.4 };
          return [
            svg('path', { d: path(pull), ...line, 'stroke-dasharray': DOTS }),
            svg('path', { d: path(pull.map((value, i) => value * temperatures[i] ** 2)), ...line }),
          ];
        }),
        dots.map(pair => pair.nodes),
      ],
      move: () => {
        const { temperature } = this;
        set(cursor, { x1: x(temperature), x2: x(temperature) });
        for (const { exact, nodes } of dots) {
          const now = exact(temperature);
          [now, now * temperature ** 2].forEach((value, i) => set(nodes[i], { cx: x(temperature), cy: y(value) }));
        }
      },
      label: () => `${t('soft.gradient')}. ${curves.map(curve => this.words(curve)).join(' ')}`,
    };
  }

  words({ title, exact }) {
    const { temperature } = this;
    const size = exact(temperature);
    return t('soft.gradient.now', {
      name: title,
      T: temperature,
      without: brief(size, 2),
      with: brief(size * temperature ** 2, 2),
    });
  }

  rows() {
    return {
      head: [
        'T',
        ...this.curves.flatMap(({ title }) => [
          `${title} ${t('soft.gradient.with')}`,
          `${title} ${t('soft.gradient.without')}`,
        ]),
      ],
      rows: [1, 1.5, 2, 3, 4, 6, 8, 10, 15, 20].map(value => [
        String(value),
        ...this.curves.flatMap(({ exact }) => [brief(exact(value) * value ** 2, 3), brief(exact(value), 3)]),
      ]),
    };
  }
}
