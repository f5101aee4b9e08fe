// What makes thousands of noisy points readable: an average along the curve, and fewer of them.

// An exponential average that starts unbiased, as TensorBoard has it.
export function smoothed(values, weight) {
  if (!weight) return values;
  let mean = 0;
  let seen = 0;
  return values.map(value => {
    if (value === null) return null;
    mean = mean * weight + value * (1 - weight);
    seen += 1;
    return mean / (1 - weight ** seen);
  });
}

// Always new arrays: Plotly takes one that it has seen before for unchanged.
export const thin = (values, stride) => values.filter((_, i) => i % stride === 0 || i === values.length - 1);
