/**
 * What the page shows of the feed: a slide for each entry, the spinner, progress, and the scroll position.
 *
 * @typedef {import("./sdk/types.js").Entry} Entry
 * @typedef {import("./headstart.js").Headstart} Headstart
 */
import { Scroller } from "./scroller.js";
import { Slide, find, notice, paint } from "./ui.js";

/** The slides of a feed. */
export class Screen {
  /** @type {Map<number, Slide>} */
  #slides = new Map();
  #box = find(document, "#feed");
  #feed;
  #social;
  #scroller;
  /** None of the slides was there before: there is nothing to scroll from. */
  #isOther = true;

  /** @param {Headstart} feed @param {import("./social.js").Social} social */
  constructor(feed, social) {
    this.#feed = feed;
    this.#social = social;
    this.#scroller = new Scroller(this.#box, (index, atMs) => feed.show(index, atMs), () => feed.index);
    feed.mayMove = () => !this.#scroller.isMoving;
    feed.on("list", ({ entries }) => this.#list(entries));
    feed.on("show", ({ entry, index }) => this.#show(entry, index));
    feed.on("play", ({ isPlaying }) => this.slide?.mark("is-paused", !isPlaying));
    feed.on("wait", ({ isWaiting }) => {
      this.slide?.mark("is-waiting", isWaiting);
      if (!isWaiting) this.slide?.mark("is-playing", true);
    });
    feed.on("time", ({ atS, durationS }) => this.slide?.progress(atS, durationS));
    feed.on("empty", () => notice("Looking for more videos…"));
    feed.on("trouble", ({ isGone }) => notice(isGone ? "That video is not available. On to the next." : "Reconnecting…"));
    feed.on("reach", ({ isReachable }) => find(document, "#offline").classList.toggle("is-shown", !isReachable));
  }

  /** On screen. @returns {Slide | undefined} */
  get slide() {
    return this.#slides.get(this.#feed.current?.key ?? 0);
  }

  /** Where the pool puts an element. @param {Entry} entry @param {HTMLVideoElement} video */
  place(entry, video) {
    this.#slides.get(entry.key)?.hold(video);
  }

  /** Likes and follows changed, perhaps of a maker of several videos. */
  update() {
    for (const slide of this.#slides.values()) slide.update();
  }

  /** @param {Entry[]} entries */
  #list(entries) {
    const keys = new Set(entries.map(({ key }) => key));
    const gone = [...this.#slides].filter(([key]) => !keys.has(key));
    this.#isOther = gone.length === this.#slides.size;
    for (const [key, { root }] of gone) {
      root.remove();
      this.#slides.delete(key);
    }
    entries.forEach((entry, i) => {
      const slide = this.#slides.get(entry.key) ?? this.#slide(entry);
      slide.entry = entry;
      if (this.#box.children[i] !== slide.root) this.#box.insertBefore(slide.root, this.#box.children[i] ?? null);
      slide.root.setAttribute("aria-posinset", String(i + 1));
    });
    find(document, "#waiting").hidden = entries.length > 0;
    if (this.slide && gone.length && this.#scroller.isStill) this.#scroller.jump(this.#feed.index);
  }

  /** @param {Entry} entry */
  #surround(entry) {
    paint(find(document, "#ambient"), entry.item.card.blurhash ?? "");
    find(document, "#live").textContent = this.slide?.root.getAttribute("aria-label") ?? "";
  }

  /** @param {Entry} entry */
  #slide(entry) {
    const slide = new Slide(entry, this.#social);
    const feed = this.#feed;
    slide.onSeek(
      (share) => feed.seek(share * feed.durationS),
      (byS) => feed.seek((feed.video?.currentTime ?? 0) + byS),
    );
    for (const part of [".more", ".caption"]) {
      find(slide.root, part).addEventListener("click", ({ target }) => {
        if (!(/** @type {Element} */ (target).closest("a"))) slide.tell(!slide.root.classList.contains("is-told"));
      });
    }
    this.#slides.set(entry.key, slide);
    return slide;
  }

  /** @param {Entry} entry @param {number} index */
  #show(entry, index) {
    for (const slide of this.#slides.values()) if (slide !== this.slide) slide.focus(false);
    this.slide?.focus(true);
    if (this.#isOther) this.#scroller.cut(index);
    else this.#scroller.go(index);
    this.#isOther = false;
    setTimeout(() => this.#surround(entry)); // not in the way of the swipe's first frame
  }
}
