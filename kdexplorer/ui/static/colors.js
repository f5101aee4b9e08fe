// One colour, one meaning: teacher, distilled, control, target, input; further variants by order.

let palette = { roles: {}, further: [] };

export function useColors(found) {
  palette = found;
  const root = document.documentElement.style;
  for (const [role, color] of Object.entries(found.roles)) root.setProperty(`--${role}`, color);
}

export const ink = () => getComputedStyle(document.documentElement).getPropertyValue('--ink').trim() || '#16191d';
export const tone = name => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// `variants`: the names of the cohort in order, the control last.
export function colorOf(name, variants = []) {
  if (name === 'control') return palette.roles.control;
  if (name === 'teacher') return palette.roles.teacher;
  if (name === 'target') return palette.roles.target;
  if (name === 'input') return ink();
  const index = variants.filter(other => other !== 'control').indexOf(name);
  return index <= 0 ? palette.roles.distilled : palette.further[(index - 1) % palette.further.length];
}

// A colour as a background image, of which the style sheet takes a stripe.
export const stripe = color => `linear-gradient(${color}, ${color})`;
