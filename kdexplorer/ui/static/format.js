// Numbers as a person reads them, in a fixed number of digits so that nothing jumps.

const MINUS = '\u2212';

export function fixed(value, digits = 2) {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return value.toFixed(digits).replace(/^-/, MINUS);
}

export const signed = (value, digits = 2) => (value >= 0 ? '+' : '') + fixed(value, digits);

// At most `digits` significant digits, no trailing zeros: what a box or a summary shows.
export function brief(value, digits = 3) {
  if (typeof value !== 'number' || !Number.isFinite(value)) return String(value ?? '–');
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return value.toLocaleString('en-US');
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e6))
    return value
      .toExponential(digits - 1)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  return String(Number(value.toPrecision(digits)));
}

export function count(value) {
  if (value === null || value === undefined) return '–';
  if (value < 1000) return String(value);
  if (value < 999_500) return `${Number((value / 1000).toPrecision(3))} k`;
  return `${Number((value / 1e6).toPrecision(3))} M`;
}

export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return '–:––';
  const whole = Math.round(seconds);
  const two = value => String(value).padStart(2, '0');
  const hours = Math.floor(whole / 3600);
  const rest = `${hours ? two(Math.floor((whole % 3600) / 60)) : Math.floor(whole / 60)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}

export function when(seconds) {
  if (!seconds) return '–';
  const date = new Date(seconds * 1000);
  const today = new Date().toDateString() === date.toDateString();
  const time = date.toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
  return today ? time : `${date.toLocaleDateString([], { month: 'short', day: 'numeric' })}, ${time}`;
}
