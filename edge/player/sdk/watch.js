/**
 * How much of a video was watched, from its playhead alone. Pure.
 *
 * Loops count on; a jump that is not the loop's does not count.
 */

/** What an edge believes of one showing. */
const MAX_COMPLETION = 100;
const MAX_WATCHED_MS = 86_400_000;
/** The playhead may be this far from the end when a loop wraps it (timeupdate comes four times a second). */
const WRAP_S = 1.2;

/** Watch time of one showing. */
export class Watch {
  /** @param {number} durationS @param {number} [atS] */
  constructor(durationS, atS = 0) {
    this.durationS = durationS;
    this.watchedS = 0;
    this.loops = 0;
    this.atS = atS;
  }

  /** The playhead was seen at `t`. @param {number} t */
  see(t) {
    const step = t - this.atS;
    if (step >= 0 && step < WRAP_S) this.watchedS += step;
    else if (step < 0 && this.durationS - this.atS < WRAP_S && t < WRAP_S) {
      this.watchedS += this.durationS - this.atS + t;
      this.loops += 1;
    }
    this.atS = t;
  }

  /** As the edge wants it: milliseconds, and the share of the video (above 1 with loops). */
  get report() {
    const completion = this.durationS > 0 ? this.watchedS / this.durationS : 0;
    return {
      watched_ms: Math.min(Math.round(this.watchedS * 1000), MAX_WATCHED_MS),
      completion: Math.min(Math.round(completion * 1000) / 1000, MAX_COMPLETION),
    };
  }
}
