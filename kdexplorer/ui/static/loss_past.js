// What the losses of a fork were before it: its parents' own, drawn faintly under the same names.

const FAINT = 0.38;

// past: [{step, losses: {variant: {term: {value, weight}}}}] in order; traces, lines: the run's own, one of each a term
export function pastLines(past, traces, lines, weighted) {
  if (!past.length) return [];
  const steps = past.map(point => point.step);
  return traces.flatMap(({ name, term }, i) => {
    const found = past.map(point => point.losses[name]?.[term]);
    if (!found.some(Boolean)) return [];
    return {
      ...lines[i],
      showlegend: false,
      opacity: FAINT,
      x: steps,
      y: found.map(known => (known ? known.value * (weighted ? known.weight : 1) : null)),
    };
  });
}
