// The lines of a comparison: one a variant of a run, or of a batch of seeds, which are averaged.

import { keyOf } from './compare_choice.js';
import { lineName } from './compare_groups.js';

const CONTROL = 'control';

// [{runs, variant, name, control}], a batch's seeds together; each owner's control after its variants.
export function linesOf(runs, named = runs) {
  const owners = new Map();
  for (const run of runs) owners.set(keyOf(run), [...(owners.get(keyOf(run)) ?? []), run]);
  return [...owners.values()].flatMap(members =>
    [...members[0].variants, CONTROL].map(variant => ({
      runs: members,
      variant,
      control: variant === CONTROL,
      name: lineName(members, variant, named),
    })),
  );
}

const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

// Over the steps at which all of the curves have a value: {step, seconds, y, low, high}; the band is the lowest and
// the highest of them.
export function meanCurve(curves, variant) {
  const found = curves.map(
    ({ step, seconds, variants }) =>
      new Map(
        step.map((at, i) => [at, { y: variants[variant]?.[i], seconds: seconds[i] }]).filter(([, { y }]) => Number.isFinite(y)),
      ),
  );
  const step = [...found[0].keys()].filter(at => found.every(one => one.has(at)));
  const over = (how, key) => step.map(at => how(found.map(one => one.get(at)[key])));
  return {
    step,
    seconds: over(mean, 'seconds'),
    y: over(mean, 'y'),
    low: over(values => Math.min(...values), 'y'),
    high: over(values => Math.max(...values), 'y'),
  };
}
