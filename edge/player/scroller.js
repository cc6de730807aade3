/**
 * The snap-scrolling feed: tells which slide the finger brought, and brings one when told.
 */

/** A smooth scroll that has not arrived by then was stopped by something. */
const ARRIVE_MS = 1200;
/** After a cut the rest of a former smooth scroll may still come, for so long. */
const CUT_MS = 600;

/** The feed's scroll position as an index. */
export class Scroller {
  #feed;
  #onIndex;
  /** Where a commanded scroll goes, -1 when the finger leads. */
  #target = -1;
  /** The target was cut to: it is held until the finger leads, or for CUT_MS. */
  #isCut = false;
  #timer = 0;

  /** @param {HTMLElement} feed @param {(index: number, atMs: number) => void} onIndex the slide that now fills most of the screen, and since when */
  constructor(feed, onIndex) {
    this.#feed = feed;
    this.#onIndex = onIndex;
    feed.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    feed.addEventListener("scrollend", () => !this.#isCut && this.#arrive());
    feed.addEventListener("touchstart", () => this.#arrive(), { passive: true });
    new ResizeObserver(() => {
      if (this.#target < 0 || this.#isCut) this.jump(this.#isCut ? this.#target : this.#index);
    }).observe(feed);
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
    if (this.#target < 0 && this.isMoving && this.#index === index) return;
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#lead(index, ARRIVE_MS);
    this.#feed.scrollTo({ top: index * this.#height, behavior: isCalm ? "instant" : "smooth" });
  }

  /** Another list: be there at once. @param {number} index */
  cut(index) {
    this.#lead(index, CUT_MS);
    this.#isCut = true;
    this.jump(index);
  }

  /** @param {number} index */
  jump(index) {
    if (this.#isCut) this.#target = index;
    this.#feed.scrollTo({ top: index * this.#height, behavior: "instant" });
  }

  #scrolled() {
    const isThere = Math.abs(this.#feed.scrollTop - this.#target * this.#height) < 2;
    if (this.#target < 0) this.#onIndex(this.#index, performance.now());
    else if (this.#isCut && !isThere) this.jump(this.#target);
    else if (isThere && !this.#isCut) this.#target = -1;
  }

  /** @param {number} index @param {number} forMs */
  #lead(index, forMs) {
    this.#arrive();
    this.#target = index;
    this.#timer = setTimeout(() => this.#arrive(), forMs);
  }

  #arrive() {
    clearTimeout(this.#timer);
    this.#target = -1;
    this.#isCut = false;
  }
}
