// Shares as shades of the teacher's blue: even in lightness, from the page's own paper to beyond.

const LIGHT = [
  [255, 255, 255],
  [186, 214, 234],
  [86, 160, 209],
  [0, 114, 178],
  [0, 50, 88],
];
const DARK = [
  [22, 25, 30],
  [14, 52, 80],
  [0, 98, 153],
  [70, 165, 220],
  [205, 232, 248],
];

export const luminance = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b;

// The shades that suit a paper of this colour, '#rrggbb'.
export function stopsOn(paper) {
  const hex = paper.replace('#', '');
  return luminance([0, 2, 4].map(i => parseInt(hex.slice(i, i + 2), 16))) > 128 ? LIGHT : DARK;
}

// [r, g, b] of a share from 0 to 1.
export function shade(share, stops) {
  const place = Math.min(0.9999, Math.max(0, share)) * (stops.length - 1);
  const low = Math.floor(place);
  return stops[low].map((from, i) => Math.round(from + (stops[low + 1][i] - from) * (place - low)));
}
