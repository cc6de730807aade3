/**
 * The record of swipes: how long to the first frame, where the bytes came from, why this video.
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

  /** Something in the record is new. @type {() => void} */
  onChange = () => {};

  /**
   * A video comes on screen now; call it before `play()`.
   *
   * @param {import("./pool.js").Lane} lane
   * @param {import("./types.js").Slice | null} slice
   */
  begin({ entry: { item }, source, video }, slice) {
    const swipe = /** @type {Swipe} */ ({
      n: this.n++,
      video: item.video,
      category: item.card.category,
      at_ms: performance.now(),
      first_frame_ms: null,
      from: source.opened ? "player" : "network",
      tier: "",
      rung: "",
      bytes: 0,
      stalls: 0,
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
    const opened = (/** @type {import("./source.js").Opening} */ { tier, rung, bytes }) => {
      Object.assign(swipe, { tier, rung, bytes });
      this.onChange();
    };
    source.open().then(opened, () => {});
    this.onChange();
  }

  /** The video on screen ran dry after it had begun. */
  stall() {
    const swipe = this.kept.at(-1);
    if (swipe && swipe.first_frame_ms !== null) swipe.stalls += 1;
  }
}

/** @param {HTMLVideoElement} video @param {() => void} act */
function onFrame(video, act) {
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(act);
  else /** @type {HTMLVideoElement} */ (video).addEventListener("playing", act, { once: true });
}
