// Radially averaged power spectra of pictures, by a fast Fourier transform of two dimensions.

// Luma (Rec. 601) of {width, height, data: RGBA}, 0–255.
export function luma({ data }) {
  const found = new Float64Array(data.length / 4);
  for (let i = 0, at = 0; i < found.length; i += 1, at += 4)
    found[i] = 0.299 * data[at] + 0.587 * data[at + 1] + 0.114 * data[at + 2];
  return found;
}

const powerOfTwo = length => 2 ** Math.ceil(Math.log2(length));
const hann = length => Float64Array.from({ length }, (_, i) => Math.sin((Math.PI * (i + 0.5)) / length) ** 2);

// Power by spatial frequency, averaged over all directions: {frequency (cycles a pixel), decibels}.
// A Hann window keeps the picture's edges out of it; white noise of variance v has 10 log10(v) everywhere.
export function radialSpectrum(values, width, height) {
  const [across, down] = [hann(width), hann(height)];
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const [columns, rows] = [powerOfTwo(width), powerOfTwo(height)];
  const real = new Float64Array(columns * rows);
  const imaginary = new Float64Array(columns * rows);
  let energy = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const weight = across[x] * down[y];
      real[y * columns + x] = weight * (values[y * width + x] - mean);
      energy += weight * weight;
    }
  }
  transform(real, imaginary, columns, rows);
  const bins = Math.floor(Math.min(width, height) / 2);
  const sums = new Float64Array(bins + 1);
  const counts = new Float64Array(bins + 1);
  for (let v = 0; v < rows; v += 1) {
    const fy = (v > rows / 2 ? v - rows : v) / rows;
    for (let u = 0; u < columns; u += 1) {
      const fx = (u > columns / 2 ? u - columns : u) / columns;
      const bin = Math.round(2 * bins * Math.hypot(fx, fy));
      if (bin > bins) continue;
      const at = v * columns + u;
      sums[bin] += real[at] ** 2 + imaginary[at] ** 2;
      counts[bin] += 1;
    }
  }
  const frequency = [];
  const decibels = [];
  for (let bin = 1; bin <= bins; bin += 1) {
    if (!counts[bin]) continue;
    frequency.push(bin / (2 * bins));
    decibels.push(10 * Math.log10(Math.max(sums[bin] / counts[bin] / energy, 1e-6)));
  }
  return { frequency, decibels };
}

// In place; `columns` and `rows` are powers of two.
function transform(real, imaginary, columns, rows) {
  for (let y = 0; y < rows; y += 1) line(real, imaginary, y * columns, 1, columns);
  for (let x = 0; x < columns; x += 1) line(real, imaginary, x, columns, rows);
}

// Cooley and Tukey's transform of `length` values, each `stride` after the other.
function line(real, imaginary, start, stride, length) {
  const place = i => start + i * stride;
  for (let i = 1, j = 0; i < length; i += 1) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const [a, b] = [place(i), place(j)];
      [real[a], real[b]] = [real[b], real[a]];
      [imaginary[a], imaginary[b]] = [imaginary[b], imaginary[a]];
    }
  }
  for (let size = 2; size <= length; size *= 2) {
    const half = size / 2;
    for (let k = 0; k < half; k += 1) {
      const cosine = Math.cos((-2 * Math.PI * k) / size);
      const sine = Math.sin((-2 * Math.PI * k) / size);
      for (let i = k; i < length; i += size) {
        const [a, b] = [place(i), place(i + half)];
        const re = real[b] * cosine - imaginary[b] * sine;
        const im = real[b] * sine + imaginary[b] * cosine;
        real[b] = real[a] - re;
        imaginary[b] = imaginary[a] - im;
        real[a] += re;
        imaginary[a] += im;
      }
    }
  }
}
