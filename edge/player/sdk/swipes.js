/**
 * The record of swipes: how long to the first frame, stalls, where the bytes came from, why this video.
 *
 * @typedef {import("./types.js").Tier} Tier
 * @typedef {Object} Swipe
 * @property {number} n counted from 0
 * @property {string} video
 * @property {string} category
 * @property {number} at_ms on the page's clock
 * @property {number | null} first_frame_ms from the swipe to the next frame on screen
 * @property {"player"|"network"} from `player`: the opening chunk was already in the element
 * @property {Tier} tier where the edge had the opening chunk when it was fetched
 * @property {string} rung
 * @property {number} bytes
 * @property {number} stalls after the first frame
 * @property {number} stalled_ms
 * @property {number} watched_ms
 * @property {number} queue_version
 * @property {string} origin who made the queue: brain, local, fallback
 * @property {import("./types.js").Why} why
 */

const MAX_KEPT = 200;

/** The latest swipes, oldest first. */
export class Swipes {
  /** @type {Swipe[]} */
  kept = [];
  n = 0;
  /** Since when the video on screen has run dry; 0: it has not. */
  #dryMs = 0;

  /** Something in the record is new. @type {() => void} */
  onChange = () => {};

  /** @returns {Swipe | undefined} the video on screen */
  get last() {
    return this.kept.at(-1);
  }

  /**
   * A video comes on screen now; call it before `play()`.
   *
   * @param {import("./pool.js").Lane} lane
   * @param {import("./types.js").Slice | null} slice
   * @param {number} atMs when the viewer asked for it
   */
  begin({ entry: { item }, clip, video }, slice, atMs) {
    this.flow();
    const swipe = /** @type {Swipe} */ ({
      n: this.n++,
      video: item.video,
      category: item.card.category,
      at_ms: atMs,
      first_frame_ms: null,
      from: clip.opened ? "player" : "network",
      tier: "",
      rung: "",
      bytes: 0,
      stalls: 0,
      stalled_ms: 0,
      watched_ms: 0,
      queue_version: slice?.queue_version ?? 0,
      origin: slice?.origin ?? "",
      why: item.why,
    });
    this.kept.push(swipe);
    if (this.kept.length > MAX_KEPT) this.kept.shift();
    onFrame(video, () => {
      swipe.first_frame_ms ??= performance.now() - swipe.at_ms;
      this.onChange();
    });
    if (clip.opened) this.opened(item.video, clip.opened);
    this.onChange();
  }

  /** The opening chunk of the video on screen is in. @param {string} video @param {import("./clip.js").Opening} opening */
  opened(video, { tier, rung, bytes }) {
    const { last } = this;
    if (!last || last.video !== video || last.rung) return;
    Object.assign(last, { tier, rung, bytes });
    this.onChange();
  }

  /** The video on screen ran dry after it had begun. */
  stall() {
    if (!this.last || this.last.first_frame_ms === null || this.#dryMs) return;
    this.#dryMs = performance.now();
    this.last.stalls += 1;
  }

  /** The tab goes out of sight, or comes back: a viewer who does not look does not wait. */
  pause() {
    this.flow();
    if (this.last?.first_frame_ms === null) this.last.at_ms = performance.now();
  }

  /** It plays again, or the viewer left. */
  flow() {
    if (this.last && this.#dryMs) this.last.stalled_ms += performance.now() - this.#dryMs;
    this.#dryMs = 0;
  }
}

/** @param {HTMLVideoElement} video @param {() => void} act */
function onFrame(video, act) {
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(act);
  else /** @type {HTMLVideoElement} */ (video).addEventListener("playing", act, { once: true });
}
