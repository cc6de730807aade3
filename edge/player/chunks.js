/**
 * Which one-second chunk to fetch next, and in which rung. Pure.
 *
 * @typedef {import("./types.js").Rung} Rung
 * @typedef {{start: number, end: number}[]} Ranges buffered parts of the timeline, in seconds
 */

/** A rung may use this share of the measured throughput. */
const SHARE_OF_LINK = 0.75;
/** A chunk must arrive within this share of what is buffered ahead. */
const SHARE_OF_BUFFER = 0.5;
/** Samples smaller than this measure the round trip, not the link. */
const MIN_SAMPLE_BYTES = 16_000;
const MAX_BPS = 200e6;

/** Throughput of the link: the lower of a fast and a slow average, so that a drop is believed at once. */
export class Meter {
  #fast = 0;
  #slow = 0;

  /** @param {number} bytes @param {number} ms */
  sample(bytes, ms) {
    if (bytes < MIN_SAMPLE_BYTES || ms <= 0) return;
    const bps = Math.min((bytes * 8000) / ms, MAX_BPS);
    this.#fast = this.#fast ? this.#fast + 0.5 * (bps - this.#fast) : bps;
    this.#slow = this.#slow ? this.#slow + 0.15 * (bps - this.#slow) : bps;
  }

  /** Bits per second; 0 while nothing is known. */
  get bps() {
    return Math.min(this.#fast, this.#slow);
  }
}

/**
 * Start times of the chunks in seconds, and the end of the last.
 *
 * @param {number[]} chunkMs
 * @returns {number[]} one more than there are chunks
 */
export function starts(chunkMs) {
  const times = [0];
  for (const ms of chunkMs) times.push(times[times.length - 1] + ms / 1000);
  return times;
}

/**
 * The next chunk that is missing, walking from the playhead to the end and round to the beginning (a clip
 * loops), not further than `goalS` ahead; null when there is none.
 *
 * @param {{times: number[], ranges: Ranges, playheadS: number, goalS: number, given: (i: number) => boolean}} state
 *   `given` says that a chunk was tried so often that its hole is taken for the file's own
 * @returns {number | null}
 */
export function nextMissing({ times, ranges, playheadS, goalS, given }) {
  const n = times.length - 1;
  const total = times[n];
  let first = 0;
  while (first < n - 1 && times[first + 1] <= playheadS) first += 1;
  for (let step = 0; step < n; step += 1) {
    const i = (first + step) % n;
    const lead = times[i] - playheadS + (i < first ? total : 0);
    if (lead > goalS) return null;
    if (!isCovered(ranges, (times[i] + times[i + 1]) / 2) && !given(i)) return i;
  }
  return null;
}

/**
 * The rung for chunk `i`: the best one that the screen can show, the link sustains and whose bytes come in time.
 *
 * @param {Rung[]} rungs lowest first
 * @param {{i: number, bps: number, aheadS: number, shortEdgePx: number}} facts
 * @returns {number} index of the rung
 */
export function chooseRung(rungs, { i, bps, aheadS, shortEdgePx }) {
  let best = 0;
  for (let k = 1; k < rungs.length; k += 1) {
    const below = rungs[k - 1];
    const isUseful = Math.min(below.width, below.height) < shortEdgePx;
    const bits = 8 * ((rungs[k].chunk_bytes[i] ?? 0) + rungs[k].init_bytes);
    if (!isUseful || rungs[k].bandwidth_bps > SHARE_OF_LINK * bps) break;
    if (bits / bps <= SHARE_OF_BUFFER * aheadS) best = k;
  }
  return best;
}

/**
 * Seconds buffered without a gap from `t` on.
 *
 * @param {Ranges} ranges
 * @param {number} t
 */
export function aheadOf(ranges, t) {
  const range = ranges.find(({ start, end }) => start <= t + 0.1 && t < end);
  return range ? range.end - t : 0;
}

/** @param {Ranges} ranges @param {number} t */
function isCovered(ranges, t) {
  return ranges.some(({ start, end }) => start <= t && t < end);
}
