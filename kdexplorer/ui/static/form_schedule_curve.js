// How a weight or a temperature moves over a run: `distillation/schedule.py` once more, and its curve.

import { h, svg } from './dom.js';
import { brief } from './format.js';
import { t } from './words.js';

const POINTS = 120;
const WIDTH = 300;
const HEIGHT = 40;

// The factor on what a knob says, for the update from `step` to `step + 1` of a run of `steps`.
export function factorAt(schedule, step, steps) {
  if (!schedule || schedule.kind === 'constant') return 1;
  const until = schedule.until || steps;
  if (schedule.kind === 'step') return step >= schedule.begin ? schedule.end : schedule.start;
  let progress = Math.min(Math.max((step - schedule.begin) / Math.max(until - schedule.begin, 1), 0), 1);
  if (schedule.kind === 'warmup') return progress;
  if (schedule.kind === 'cosine') progress = (1 - Math.cos(Math.PI * progress)) / 2;
  return schedule.start + (schedule.end - schedule.start) * progress;
}

const within = (value, from, to = 0) => (from ?? 0) <= value && (!to || value < to);

// Whether a term is in the sum of the update that follows `step`, after `stage` plateaus.
export const isActive = (active, step, stage = 0) =>
  !active || (within(step, active.begin, active.until) && within(stage, active.stage, active.until_stage));

// What the knob of `spec` (its bounds) does: within them, and whole where it is.
export function valueAt({ schedule, value, spec }, step, steps) {
  const moved = value * factorAt(schedule, step, steps);
  const held = Math.min(spec?.maximum ?? Infinity, Math.max(spec?.minimum ?? -Infinity, moved));
  return spec?.kind === 'int' ? Math.round(held) : held;
}

// 'from 12 until step 0 to 4 from step 600 on', as a person would say it.
export function spoken(curve, steps) {
  const { schedule } = curve;
  if (!schedule || schedule.kind === 'constant') return t('schedule.still', { value: brief(curve.value) });
  const values = { from: brief(valueAt(curve, 0, steps)), to: brief(valueAt(curve, steps, steps)) };
  const begin = Math.min(schedule.begin, steps);
  if (schedule.kind === 'step') return t('schedule.jumps', { ...values, begin });
  return t('schedule.moves', { ...values, begin, until: Math.min(schedule.until || steps, steps) });
}

function points(curve, steps) {
  const jump = curve.schedule?.kind === 'step' ? [curve.schedule.begin - 1, curve.schedule.begin] : [];
  const grid = Array.from({ length: POINTS + 1 }, (_, i) => (i * steps) / POINTS);
  const at = [...grid, ...jump.filter(step => step > 0 && step < steps)].sort((a, b) => a - b);
  return at.map(step => [step / steps, valueAt(curve, step, steps)]);
}

export function shape(curve, steps, { width = WIDTH, height = HEIGHT, top = 0 } = {}) {
  const found = points(curve, steps);
  const most = top || Math.max(...found.map(([, y]) => y)) || 1;
  return {
    most,
    path: found
      .map(([x, y], i) => `${i ? 'L' : 'M'}${(x * width).toFixed(1)} ${(height - (y / most) * height).toFixed(2)}`)
      .join(''),
  };
}

const drawing = (width, height, ...inside) =>
  svg(
    'svg',
    { viewBox: `0 -1.5 ${width} ${height + 3}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
    inside,
  );

// The curve with its axes: what the knob says at the first and the last step, from 0 to the most.
export function curveOf(curve, steps) {
  const { most, path } = shape(curve, steps);
  return h(
    'figure',
    { class: 'k-curve', role: 'img', 'aria-label': `${curve.title}: ${spoken(curve, steps)}` },
    h('span', { class: 'k-curve-high' }, brief(most)),
    h('span', { class: 'k-curve-low' }, '0'),
    drawing(
      WIDTH,
      HEIGHT,
      svg('path', { class: 'k-curve-axis', d: `M0 ${HEIGHT}H${WIDTH}` }),
      svg('path', { class: 'k-curve-line', d: path }),
    ),
    h('span', { class: 'k-curve-begin' }, '0'),
    h('span', { class: 'k-curve-said' }, spoken(curve, steps)),
    h('span', { class: 'k-curve-end' }, t('schedule.atStep', { step: brief(steps) })),
  );
}

// As a mark in a line of text.
export function miniature(curve, steps) {
  const { path } = shape(curve, steps, { width: 44, height: 12 });
  return h('span', { class: 'k-mini-curve' }, drawing(44, 12, svg('path', { class: 'k-curve-line', d: path })));
}
