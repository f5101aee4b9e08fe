// Softmax at a temperature and what is read off it, in nats; by log-sum-exp, so that no logit is too large.

function largest(logits) {
  let top = -Infinity;
  for (let i = 0; i < logits.length; i += 1) if (logits[i] > top) top = logits[i];
  return top;
}

export function logSoftmax(logits, temperature) {
  const found = new Float64Array(logits.length);
  const top = largest(logits);
  let sum = 0;
  for (let i = 0; i < found.length; i += 1) {
    found[i] = (logits[i] - top) / temperature;
    sum += Math.exp(found[i]);
  }
  const rest = Math.log(sum);
  for (let i = 0; i < found.length; i += 1) found[i] -= rest;
  return found;
}

// `found`: where to put it, for those who ask often.
export function softmax(logits, temperature, found = new Float64Array(logits.length)) {
  const top = largest(logits);
  let sum = 0;
  for (let i = 0; i < found.length; i += 1) {
    found[i] = Math.exp((logits[i] - top) / temperature);
    sum += found[i];
  }
  for (let i = 0; i < found.length; i += 1) found[i] /= sum;
  return found;
}

export function entropy(logits, temperature) {
  let sum = 0;
  for (const log of logSoftmax(logits, temperature)) sum -= log > -Infinity ? Math.exp(log) * log : 0;
  return sum;
}

// KL(teacher ‖ student), both softened: the soft-target loss without its T².
export function divergence(teacher, student, temperature) {
  const p = logSoftmax(teacher, temperature);
  const q = logSoftmax(student, temperature);
  let sum = 0;
  for (let i = 0; i < p.length; i += 1) sum += p[i] > -Infinity ? Math.exp(p[i]) * (p[i] - q[i]) : 0;
  return Math.max(0, sum);
}

function distance(p, q) {
  let sum = 0;
  for (let i = 0; i < p.length; i += 1) sum += (p[i] - q[i]) ** 2;
  return Math.sqrt(sum);
}

// Length of the divergence's gradient with respect to the student's logits, (q − p) ∕ T: falls as 1 ∕ T².
export const gradient = (teacher, student, temperature) =>
  distance(softmax(teacher, temperature), softmax(student, temperature)) / temperature;

// The same of the cross-entropy with the label, at T = 1.
export const labelGradient = (logits, label) =>
  distance(
    softmax(logits, 1),
    logits.map((_, i) => Number(i === label)),
  );

// Mean softened probabilities by true class: `classes` rows of `classes`; a class without images has a row of NaN.
export function similarity(values, labels, classes, temperature) {
  const rows = Array.from({ length: classes }, () => new Float64Array(classes));
  const counts = new Array(classes).fill(0);
  const shares = new Float64Array(classes);
  for (let n = 0; n < values.length; n += 1) {
    const row = rows[labels[n]];
    softmax(values[n], temperature, shares);
    for (let i = 0; i < classes; i += 1) row[i] += shares[i];
    counts[labels[n]] += 1;
  }
  rows.forEach((row, c) => {
    for (let i = 0; i < classes; i += 1) row[i] /= counts[c];
  });
  return rows;
}
