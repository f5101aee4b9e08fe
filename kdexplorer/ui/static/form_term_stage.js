// When a term is in the sum: its stage, and the timeline of all terms of a variant.

import { h, replace, svg, unique } from './dom.js';
import { brief } from './format.js';
import { field } from './fields.js';
import { titleOfTerm } from './form_differences.js';
import { shape } from './form_schedule_curve.js';
import { fold, follow } from './form_term_parts.js';
import { t } from './words.js';

const MOST_STEPS = 10_000_000;
const WIDTH = 200;
const HEIGHT = 14;
const ALWAYS = { begin: 0, until: 0 };

const activeOf = term => term.active ?? ALWAYS;
const waits = active => Boolean(active.stage || active.until_stage); // for plateaus, whose steps nobody knows yet
export const isStaged = term => Object.values(activeOf(term)).some(Boolean);

// 'steps 200 to 600', as long as the run is.
export function stageWords(form, term) {
  const { steps } = form.config.training;
  const { begin, until, stage, until_stage: end } = activeOf(term);
  if (begin >= steps) return t('stage.never', { steps: brief(steps) });
  const whole = !begin && (!until || until >= steps);
  const found = whole ? [] : [t('stage.steps', { begin: brief(begin), until: brief(Math.min(until || steps, steps)) })];
  if (stage) found.push(t('stage.fromPlateau', { n: stage }));
  if (end) found.push(t('stage.toPlateau', { n: end }));
  return found.join(', ') || t('stage.whole');
}

function bar(curve, active, steps) {
  const begin = Math.min(1, active.begin / steps);
  const end = active.until ? Math.min(1, active.until / steps) : 1;
  const { path } = shape(curve, steps, { width: WIDTH, height: HEIGHT });
  const id = unique('stage');
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    svg(
      'clipPath',
      { id },
      svg('rect', { x: begin * WIDTH, y: 0, width: Math.max(0, end - begin) * WIDTH, height: HEIGHT }),
    ),
    svg('rect', { class: 'k-stage-all', x: 0, y: HEIGHT - 1, width: WIDTH, height: 1 }),
    begin < end &&
      svg('path', {
        class: `k-stage-on${waits(active) ? ' k-stage-waits' : ''}`,
        'clip-path': `url(#${id})`,
        d: `${path}V${HEIGHT}H0Z`,
      }),
  );
}

// Who is in the sum when, over the run's steps; the height is the weight, of its own most.
function rowsOf(form, variant) {
  const labels = {
    title: t('form.labels'),
    curve: { schedule: variant.task_schedule, value: variant.task_weight },
    active: ALWAYS,
    words: variant.task_weight ? t('stage.whole') : t('stage.off'),
  };
  return [
    labels,
    ...variant.terms.map(term => ({
      title: titleOfTerm(form, term),
      curve: { schedule: term.schedule, value: term.weight },
      active: activeOf(term),
      words: term.weight ? stageWords(form, term) : t('stage.off'),
    })),
  ];
}

export function timeline(form, variant) {
  const holder = h('div', { class: 'k-timeline' });
  follow(form, () => {
    const { steps } = form.config.training;
    const rows = rowsOf(form, variant);
    replace(
      holder,
      h(
        'div',
        {
          class: 'k-timeline-rows',
          role: 'img',
          'aria-label': `${t('stage.title')}: ${rows.map(row => `${row.title}: ${row.words}`).join('; ')}`,
        },
        rows.map(row => [
          h('span', { class: 'k-timeline-name', title: row.title }, row.title),
          bar(row.curve, row.active, steps),
        ]),
        h('span', {}),
        h(
          'span',
          { class: 'k-timeline-axis' },
          h('span', {}, '0'),
          h('span', {}, t('schedule.atStep', { step: brief(steps) })),
        ),
      ),
    );
  });
  return holder;
}

export function stageFold(form, variant, term, key) {
  return fold(form, `${key}.stage`, t('stage.title'), {
    value: () => stageWords(form, term),
    body: () => {
      const step = name =>
        field(
          {
            name,
            kind: 'int',
            title: t(`stage.${name}`),
            help: t(`stage.${name}.help`),
            minimum: 0,
            maximum: MOST_STEPS,
            default: 0,
          },
          activeOf(term)[name],
          value => {
            term.active = { ...ALWAYS, ...term.active, [name]: value };
            form.changed();
          },
        ).element;
      return [
        step('begin'),
        step('until'),
        timeline(form, variant),
        h('p', { class: 'k-note' }, t('stage.read')),
      ];
    },
  });
}
