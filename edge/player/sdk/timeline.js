/**
 * A video's one-second chunks: when they begin, which is missing, and in which rung to fetch it. Pure.
 *
 * @typedef {import("./types.js").Rung} Rung
 * @typedef {{start: number, end: number}[]} Ranges buffered parts of the timeline, in seconds
 */

/** A rung may use this share of the measured throughput. */
const SHARE_OF_LINK = 0.75;
/** A chunk must arrive within this share of what is buffered ahead. */
const SHARE_OF_BUFFER = 0.5;

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

/** The chunk at a playhead. @param {number[]} times @param {number} atS */
export function chunkAt(times, atS) {
  let i = 0;
  while (i < times.length - 2 && times[i + 1] <= atS) i += 1;
  return i;
}

/**
 * The chunks that are missing from the playhead on, round the loop, not further than `goalS` ahead.
 *
 * @param {{times: number[], playheadS: number, goalS: number, isHeld: (i: number) => boolean}} state
 * @returns {number[]} the most urgent first
 */
export function missing({ times, playheadS, goalS, isHeld }) {
  const n = times.length - 1;
  const first = chunkAt(times, playheadS);
  const found = [];
  for (let step = 0; step < n; step += 1) {
    const i = (first + step) % n;
    if (times[i] - playheadS + (i < first ? times[n] : 0) > goalS) break;
    if (!isHeld(i)) found.push(i);
  }
  return found;
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

/** Seconds buffered without a gap from `t` on. @param {Ranges} ranges @param {number} t */
export function aheadOf(ranges, t) {
  const range = ranges.find(({ start, end }) => start <= t + 0.1 && t < end);
  return range ? range.end - t : 0;
}

/** Chunk numbers as ranges: [0, 1, 3] → [[0, 1], [3, 3]]. @param {number[]} chunks @returns {number[][]} */
export function runs(chunks) {
  /** @type {number[][]} */
  const found = [];
  for (const i of [...chunks].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === i - 1) last[1] = i;
    else found.push([i, i]);
  }
  return found;
}
