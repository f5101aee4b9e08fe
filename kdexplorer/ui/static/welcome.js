// What a person sees before the first run: the idea in one picture, and what to press.

import { h, svg } from './dom.js';
import { t } from './words.js';

function picture() {
  const arrow = (x1, y1, x2, y2, color = 'var(--muted)') =>
    svg('path', {
      d: `M${x1} ${y1}L${x2} ${y2}`,
      stroke: color,
      'stroke-width': 1.6,
      'marker-end': 'url(#kdx-tip)',
      fill: 'none',
    });
  const label = (x, y, text, anchor = 'middle') =>
    svg('text', { x, y, 'text-anchor': anchor, class: 'k-welcome-label' }, text);
  return svg(
    'svg',
    { viewBox: '0 0 420 170', class: 'k-welcome-picture', role: 'img', 'aria-label': t('welcome.picture') },
    svg(
      'defs',
      {},
      svg(
        'marker',
        {
          id: 'kdx-tip',
          viewBox: '0 0 8 8',
          refX: 7,
          refY: 4,
          markerWidth: 6,
          markerHeight: 6,
          orient: 'auto-start-reverse',
        },
        svg('path', { d: 'M1 1L7 4L1 7', fill: 'none', stroke: 'context-stroke', 'stroke-width': 1.4 }),
      ),
    ),
    [0, 1, 2].map(i =>
      svg('rect', { x: 14 + 7 * i, y: 62 + 7 * i, width: 36, height: 36, rx: 4, class: 'k-welcome-batch' }),
    ),
    label(46, 132, t('welcome.batch')),
    arrow(72, 76, 128, 52),
    arrow(72, 92, 262, 92),
    arrow(72, 104, 262, 138),
    svg('circle', { cx: 166, cy: 44, r: 32, fill: 'var(--teacher)' }),
    svg('text', { x: 166, y: 48, 'text-anchor': 'middle', class: 'k-welcome-inside' }, t('role.teacher')),
    arrow(202, 52, 264, 80, 'var(--teacher)'),
    svg('circle', { cx: 281, cy: 90, r: 13, fill: 'var(--distilled)' }),
    label(300, 88, t('welcome.distilled'), 'start'),
    svg('circle', {
      cx: 281,
      cy: 142,
      r: 13,
      fill: 'none',
      stroke: 'var(--control)',
      'stroke-width': 2.4,
      'stroke-dasharray': '5 3',
    }),
    label(300, 146, t('role.control'), 'start'),
    svg('path', { d: 'M368 90h10v52h-10', fill: 'none', stroke: 'var(--muted)', 'stroke-width': 1.4 }),
    svg('text', { x: 386, y: 121, class: 'k-welcome-delta' }, 'Δ'),
  );
}

export function welcome(title, text) {
  return [h('div', { class: 'k-welcome-words' }, h('h2', {}, title), h('p', {}, text)), picture()];
}
