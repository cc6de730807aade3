/**
 * Blurhash → RGBA pixels (the published algorithm, woltapp/blurhash). Pure.
 */

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#$%*+,-.:;=?@[]^_{|}~";

/** @param {string} text */
function base83(text) {
  return [...text].reduce((value, char) => value * 83 + DIGITS.indexOf(char), 0);
}

/** @param {number} value */
function toLinear(value) {
  const v = value / 255;
  return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
}

/** @param {number} value */
function toSrgb(value) {
  const v = Math.min(Math.max(value, 0), 1);
  return Math.round(255 * (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055));
}

/** @param {number} value @param {number} top */
function factor(value, top) {
  const v = (value - 9) / 9;
  return Math.sign(v) * v * v * top;
}

/**
 * @param {string} hash
 * @returns {{nx: number, ny: number, colors: number[][]} | null} null when it is not a blurhash
 */
function parse(hash) {
  if (hash.length < 6 || [...hash].some((char) => !DIGITS.includes(char))) return null;
  const size = base83(hash[0]);
  const nx = (size % 9) + 1;
  const ny = Math.floor(size / 9) + 1;
  if (hash.length !== 4 + 2 * nx * ny) return null;
  const top = (base83(hash[1]) + 1) / 166;
  const dc = base83(hash.slice(2, 6));
  const colors = [[dc >> 16, (dc >> 8) & 255, dc & 255].map(toLinear)];
  for (let i = 6; i < hash.length; i += 2) {
    const ac = base83(hash.slice(i, i + 2));
    colors.push([Math.floor(ac / 361), Math.floor(ac / 19) % 19, ac % 19].map((v) => factor(v, top)));
  }
  return { nx, ny, colors };
}

/**
 * @param {string} hash
 * @param {number} width
 * @param {number} height
 * @returns {Uint8ClampedArray<ArrayBuffer> | null}
 */
export function pixels(hash, width, height) {
  const parsed = parse(hash);
  if (!parsed) return null;
  const { nx, ny, colors } = parsed;
  const out = new Uint8ClampedArray(width * height * 4).fill(255);
  for (let at = 0; at < width * height; at += 1) {
    const x = (Math.PI * (at % width)) / width;
    const y = (Math.PI * Math.floor(at / width)) / height;
    for (let channel = 0; channel < 3; channel += 1) {
      let sum = 0;
      colors.forEach((color, k) => (sum += color[channel] * Math.cos(x * (k % nx)) * Math.cos(y * Math.floor(k / nx))));
      out[4 * at + channel] = toSrgb(sum);
    }
  }
  return ny > 0 ? out : null;
}
