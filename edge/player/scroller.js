/**
 * The snap-scrolling feed: tells which slide the finger brought, and brings one when told.
 */

/** A smooth scroll that has not arrived by then was stopped by something, or has no frames: the rest of its way is cut. */
const ARRIVE_MS = 1200;
/** After a cut the rest of a former smooth scroll may still come, for so long after the last of it. */
const CUT_MS = 600;

/** The feed's scroll position as an index. */
export class Scroller {
  #feed;
  #onIndex;
  /** Where a commanded scroll goes, -1 when the finger leads. */
  #target = -1;
  /** Since the finger let go: where the scroll was last, and its direction. @type {{top: number, sign: number} | null} */
  #free = null;
  /** Where the snap brings what the finger let go, -1 while that is open. */
  #coming = -1;
  /** The target was cut to: it is held until the finger leads, or for CUT_MS. */
  #isCut = false;
  #timer = 0;

  /**
   * @param {HTMLElement} feed
   * @param {(index: number, atMs: number) => void} onIndex the slide that the finger brought, and since when
   * @param {() => number} [where] the slide that belongs on screen, when the window changes
   */
  constructor(feed, onIndex, where = () => -1) {
    this.#feed = feed;
    this.#onIndex = onIndex;
    feed.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    feed.addEventListener("scrollend", () => this.#ended());
    feed.addEventListener("touchstart", () => this.#arrive(), { passive: true });
    const release = (/** @type {TouchEvent} */ { touches }) => (this.#free = touches.length ? null : { top: feed.scrollTop, sign: 0 });
    feed.addEventListener("touchend", release, { passive: true });
    feed.addEventListener("touchcancel", release, { passive: true });
    new ResizeObserver(() => where() >= 0 && this.cut(where())).observe(feed);
  }

  get #height() {
    return this.#feed.clientHeight || 1;
  }

  get #index() {
    return Math.round(this.#feed.scrollTop / this.#height);
  }

  /** Between two slides. */
  get isMoving() {
    return Math.abs(this.#feed.scrollTop - this.#index * this.#height) > 2;
  }

  /** Nothing moves and nothing is about to. */
  get isStill() {
    return (this.#target < 0 || this.#isCut) && !this.isMoving;
  }

  /** Bring a slide, unless it is the finger that brings it. @param {number} index */
  go(index) {
    if (this.#target < 0 && this.isMoving && (this.#coming < 0 ? this.#index : this.#coming) === index) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#lead(index);
    this.#timer = setTimeout(() => this.cut(index), ARRIVE_MS);
    this.#feed.scrollTo({ top: index * this.#height, behavior: isCalm ? "instant" : "smooth" });
  }

  /** Another list: be there at once. @param {number} index */
  cut(index) {
    this.#lead(index);
    this.#isCut = true;
    this.jump(index);
  }

  /** @param {number} index */
  jump(index) {
    if (this.#isCut) this.#hold(index);
    this.#feed.scrollTo({ top: index * this.#height, behavior: "instant" });
  }

  /** The finger's release decides the swipe, long before the slide arrives: two steps the same way tell which. */
  #follow() {
    const { scrollTop: top } = this.#feed;
    if (this.#free) {
      const sign = Math.sign(top - this.#free.top);
      const at = (top - 2 * sign) / this.#height;
      if (sign && sign === this.#free.sign) this.#coming = sign > 0 ? Math.ceil(at) : Math.floor(at);
      this.#free = { top, sign };
    }
    this.#onIndex(this.#coming < 0 ? this.#index : this.#coming, performance.now());
  }

  /** What ends before a commanded scroll is there is a former one. */
  #ended() {
    if (this.#isCut || (this.#target >= 0 && !this.#isThere)) return;
    const wasToldEarly = this.#coming >= 0;
    this.#arrive();
    if (wasToldEarly) this.#onIndex(this.#index, performance.now());
  }

  #scrolled() {
    if (this.#target < 0) this.#follow();
    else if (this.#isCut && !this.#isThere) this.jump(this.#target);
    else if (this.#isThere && !this.#isCut) this.#arrive();
  }

  /** At the end of a commanded scroll. */
  get #isThere() {
    return Math.abs(this.#feed.scrollTop - this.#target * this.#height) < 2;
  }

  /** @param {number} index */
  #lead(index) {
    this.#arrive();
    this.#target = index;
  }

  /** A cut's place, until nothing has come that leads away from it. @param {number} index */
  #hold(index) {
    this.#target = index;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#arrive(), CUT_MS);
  }

  #arrive() {
    clearTimeout(this.#timer);
    this.#target = this.#coming = -1;
    this.#free = null;
    this.#isCut = false;
  }
}
