/**
 * What the link carries: throughput, how much it varies, and the round trip. Pure; outlives clips and pages.
 *
 * Bodies that arrive together share the link, so bytes are counted over the time in which any body arrives.
 */

/** Samples smaller than this measure the round trip, not the link. */
const MIN_SAMPLE_BYTES = 16_000;
/** A long body is more than one sample. */
const SAMPLE_BYTES = 96_000;
/** Below this the clock and the browser's own buffers are what is measured. */
const MIN_SAMPLE_MS = 4;
const MAX_BPS = 200e6;
const N_RTTS = 8;

/** The lower of a fast and a slow average, so that a drop is believed at once. */
export class Link {
  #fast = 0;
  #slow = 0;
  #variance = 0;
  /** @type {number[]} */
  #rtts = [];
  #n = 0;
  #bytes = 0;
  #sinceMs = 0;

  /** @param {{bps?: number, spread?: number, rtt_ms?: number}} [known] from an earlier page */
  constructor({ bps = 0, spread = 0, rtt_ms: rtt = 0 } = {}) {
    this.#fast = this.#slow = Math.min(bps, MAX_BPS);
    this.#variance = (spread * bps) ** 2;
    if (rtt > 0) this.#rtts.push(rtt);
  }

  /** A body begins, asked for at `askedMs`. @param {number} askedMs @param {number} nowMs */
  begin(askedMs, nowMs) {
    if (this.#n++ === 0) {
      this.#rtts.push(Math.max(nowMs - askedMs, 0.1));
      if (this.#rtts.length > N_RTTS) this.#rtts.shift();
      this.#restart(nowMs);
    }
  }

  /** @param {number} bytes @param {number} nowMs */
  got(bytes, nowMs) {
    this.#bytes += bytes;
    if (this.#bytes >= SAMPLE_BYTES && nowMs - this.#sinceMs >= MIN_SAMPLE_MS) {
      this.sample(this.#bytes, nowMs - this.#sinceMs);
      this.#restart(nowMs);
    }
  }

  /** A body has ended, whole or not. @param {number} nowMs */
  end(nowMs) {
    this.#n -= 1;
    if (this.#n === 0) this.sample(this.#bytes, Math.max(nowMs - this.#sinceMs, MIN_SAMPLE_MS));
    if (this.#n === 0) this.#bytes = 0;
  }

  /** @param {number} bytes @param {number} ms */
  sample(bytes, ms) {
    if (bytes < MIN_SAMPLE_BYTES || ms <= 0) return;
    const bps = Math.min((bytes * 8000) / ms, MAX_BPS);
    const off = this.#slow ? bps - this.#slow : 0;
    this.#variance = 0.85 * (this.#variance + 0.15 * off * off);
    this.#fast = this.#fast ? this.#fast + 0.5 * (bps - this.#fast) : bps;
    this.#slow = this.#slow ? this.#slow + 0.15 * off : bps;
  }

  /** @param {number} nowMs */
  #restart(nowMs) {
    this.#bytes = 0;
    this.#sinceMs = nowMs;
  }

  /** Bits per second; 0 while nothing is known. */
  get bps() {
    return Math.min(this.#fast, this.#slow);
  }

  /** Relative standard deviation. */
  get spread() {
    return this.#slow ? Math.min(Math.sqrt(this.#variance) / this.#slow, 4) : 0;
  }

  /** The shortest of the latest answers; 0 while nothing is known. */
  get rttMs() {
    return this.#rtts.length ? Math.min(...this.#rtts) : 0;
  }
}
