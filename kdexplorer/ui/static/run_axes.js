// What both charts of a run share: line styles, the step axis, marks of what happened, the table as CSV.

import { brief } from './format.js';
import { colorOf } from './colors.js';
import { plain } from './chart.js';
import { spoken } from './fields.js';
import { t } from './words.js';

export function marksOf(run) {
  const marks = run.knobs.map(knob => ({
    step: knob.step,
    text: plain(`${spoken(knob.knob.split('.').at(-1))} ${brief(knob.old)} → ${brief(knob.new)}`),
  }));
  if (run.row?.parent_step) marks.unshift({ step: run.row.parent_step, text: t('chart.forkedHere') });
  return marks.slice(-24);
}

export const csv = table =>
  [table.head, ...table.rows]
    .map(row => row.map(cell => (/[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell)).join(','))
    .join('\n');
export const lineOf = (name, run) =>
  name === 'control'
    ? { color: colorOf('control'), width: 2, dash: 'dash' }
    : { color: colorOf(name, run.variants), width: 2.4 };

// From 0 to the run's last step from the start: the curve grows into its frame instead of shifting it.
export const stepAxis = run => ({
  title: { text: t('chart.step'), font: { size: 11 }, standoff: 4 },
  range: [0, (run.over ? Math.max(run.row.step, run.evaluation?.step ?? 0) : run.row?.steps) || 1],
  autorange: false,
});
