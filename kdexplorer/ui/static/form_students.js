// Students of earlier runs as teachers: what each is, how good it was and how it was trained, so that they can be
// told apart.

import { brief, fixed, when } from './format.js';
import { t, tx } from './words.js';

// The first metric's value at the end of the run, where the run had a control.
function scoreOf({ metric, verdicts }, variant) {
  const own = verdicts.find(verdict => verdict.variant === variant);
  const value = own?.value ?? (variant === 'control' ? verdicts[0]?.control : undefined);
  if (!metric || value === undefined) return '';
  return `${tx(metric.title)} ${fixed(value, metric.digits)}${metric.unit ? ` ${metric.unit}` : ''}`;
}

const titleOf = (run, variant) =>
  [
    run.name || run.id,
    variant,
    scoreOf(run, variant),
    t('teacher.studentSteps', { steps: brief(run.step) }),
    Number.isInteger(run.seed) && t('history.seed', { seed: run.seed }),
    when(run.created),
  ]
    .filter(Boolean)
    .join(' · ');

// Of the runs in the history, newest first: {value: its weights, title, task, network}; the best of a run first.
export const studentsOf = runs =>
  runs
    .filter(run => ['finished', 'stopped'].includes(run.status) && run.student && run.variants)
    .flatMap(run => {
      const sign = run.metric?.higher_is_better === false ? -1 : 1;
      const gain = variant => sign * (run.verdicts.find(found => found.variant === variant)?.difference ?? -Infinity);
      const variants = run.variants.length ? [...run.variants].sort((a, b) => gain(b) - gain(a) || 0) : ['control'];
      return variants.map(variant => ({
        value: `run:${run.id}/${variant}`,
        title: titleOf(run, variant),
        task: run.task,
        network: run.student,
      }));
    });
