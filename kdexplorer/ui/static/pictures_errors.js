// Error maps: how far each pixel is from the target, in 8-bit units, in colours that are even in lightness.

// Cividis at eleven points: 0 is dark, the largest error bright, and the same to colour-blind eyes.
const CIVIDIS = [
  [0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120],
  [165, 156, 116], [195, 179, 105], [225, 204, 85], [248, 225, 66], [254, 232, 56],
]; // prettier-ignore
const KEPT = 120; // pictures whose pixels are kept

export const GAINS = [1, 2, 4, 8, 16];
const kept = new Map();

// The pixels of a PNG in a data URI: {width, height, data: RGBA}. Rejects where it cannot be decoded.
export function pixels(uri) {
  let found = kept.get(uri);
  if (!found) {
    found = decode(uri);
    kept.set(uri, found);
    if (kept.size > KEPT) kept.delete(kept.keys().next().value);
  }
  return found;
}

async function decode(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

// Mean of |ΔR|, |ΔG|, |ΔB| at every pixel, 0–255; null where the sizes differ.
export function errors(picture, target) {
  if (picture.width !== target.width || picture.height !== target.height) return null;
  const found = new Float32Array(picture.width * picture.height);
  const a = picture.data;
  const b = target.data;
  for (let i = 0, at = 0; i < found.length; i += 1, at += 4)
    found[i] = (Math.abs(a[at] - b[at]) + Math.abs(a[at + 1] - b[at + 1]) + Math.abs(a[at + 2] - b[at + 2])) / 3;
  return found;
}

export const mean = values => values.reduce((sum, value) => sum + value, 0) / values.length;

// An error from 0 to 255 / gain as a colour; what is larger takes the last one.
const table = new Uint8ClampedArray(256 * 3);
for (let i = 0; i < 256; i += 1) {
  const place = (i / 255) * (CIVIDIS.length - 1);
  const low = Math.min(CIVIDIS.length - 2, Math.floor(place));
  for (let c = 0; c < 3; c += 1)
    table[3 * i + c] = CIVIDIS[low][c] + (place - low) * (CIVIDIS[low + 1][c] - CIVIDIS[low][c]);
}

export function colored(values, width, height, gain) {
  const image = new ImageData(width, height);
  for (let i = 0; i < values.length; i += 1) {
    const at = 3 * Math.min(255, Math.round(values[i] * gain));
    image.data.set([table[at], table[at + 1], table[at + 2], 255], 4 * i);
  }
  return image;
}

export const gradient = `linear-gradient(to right, ${CIVIDIS.map(rgb => `rgb(${rgb.join(' ')})`).join(', ')})`;
