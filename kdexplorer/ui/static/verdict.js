// The answer in words and numbers: each variant against its control, with the interval drawn around zero.

import { h, replace, svg } from './dom.js';
import { signed } from './format.js';
import { colorOf } from './colors.js';
import { t } from './words.js';

function interval(verdict, reach, color) {
  const x = value => 130 + (120 * value) / reach;
  return svg(
    'svg',
    { viewBox: '0 0 260 30', class: 'k-interval', 'aria-hidden': 'true' },
    svg('line', { x1: 8, x2: 252, y1: 15, y2: 15, class: 'k-axis' }),
    svg('line', { x1: 130, x2: 130, y1: 5, y2: 25, class: 'k-zero' }),
    svg('rect', {
      x: x(verdict.low),
      width: Math.max(2, x(verdict.high) - x(verdict.low)),
      y: 10,
      height: 10,
      rx: 5,
      fill: color,
      opacity: 0.35,
    }),
    svg('circle', { cx: x(verdict.difference), cy: 15, r: 5, fill: color }),
  );
}

export class Verdicts {
  constructor() {
    this.body = h('div', { class: 'k-verdicts' });
    this.element = h(
      'section',
      { class: 'k-panel k-verdict-panel', 'aria-label': t('verdict.title'), 'aria-live': 'polite' },
      this.body,
    );
    this.empty();
  }

  empty() {
    this.shown = '';
    replace(this.body, h('p', { class: 'k-ghost-text' }, t('verdict.empty')));
  }

  show(run) {
    const evaluation = run.evaluations.findLast(found => found.verdicts?.length);
    if (!evaluation) {
      const text = !run.started
        ? t('verdict.empty')
        : run.config && !run.config.control
          ? t('verdict.noControl')
          : run.config && !run.config.variants.length
            ? t('verdict.onlyControl')
            : t('verdict.soon');
      if (this.shown !== text) {
        this.shown = text;
        replace(this.body, h('p', { class: 'k-ghost-text' }, text));
      }
      return;
    }
    const key = JSON.stringify([evaluation.step, evaluation.verdicts]);
    if (key === this.shown) return;
    this.shown = key;
    const reach = Math.max(...evaluation.verdicts.map(v => Math.max(Math.abs(v.low), Math.abs(v.high)))) || 1;
    replace(
      this.body,
      evaluation.verdicts.map(verdict => {
        const metric = run.metrics.find(found => found.id === verdict.metric) || {
          digits: 2,
          unit: '',
          convention: '',
        };
        const color = colorOf(verdict.variant, run.variants);
        const clear = verdict.low > 0 || verdict.high < 0;
        return h(
          'div',
          { class: 'k-verdict' },
          h(
            'div',
            { class: 'k-verdict-number' },
            h(
              'b',
              { class: 'k-delta' },
              signed(verdict.difference, metric.digits),
              h('small', {}, ` ${metric.unit === '%' ? t('verdict.points') : metric.unit}`),
            ),
            h(
              'span',
              {},
              t(clear ? (verdict.difference > 0 ? 'verdict.better' : 'verdict.worse') : 'verdict.open', {
                variant: verdict.variant,
              }),
            ),
          ),
          interval(verdict, reach * 1.05, color),
          h(
            'div',
            { class: 'k-verdict-words' },
            h('p', {}, verdict.sentence),
            h(
              'p',
              { class: 'k-note' },
              [t('verdict.at', { step: evaluation.step.toLocaleString('en-US') }), metric.convention]
                .filter(Boolean)
                .join(' · '),
            ),
          ),
        );
      }),
    );
  }
}
