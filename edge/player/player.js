/**
 * The coordinator: which video is on screen, what the pool holds, what the edge hears.
 *
 * A swipe does, in this order: (1) note the watch of the video that leaves and the impression of the one that
 * comes, (2) play, (3) one POST to the edge, whose answer reorders what is further down, (4) before the next
 * frame, arrange the pool: abort what is behind, fetch what is ahead.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Slice} Slice
 */
import { backoffMs } from "./api.js";
import { Meter } from "./chunks.js";
import { around, merge, without } from "./feed.js";
import { Pool, Unplayable } from "./pool.js";
import { Scroller } from "./scroller.js";
import { Gone } from "./source.js";
import { Slide, find, notice, paint } from "./ui.js";
import { Swipes } from "./swipes.js";
import { Watch } from "./watch.js";

/** Videos kept behind the one on screen; beyond twice as many the oldest are let go. */
const MAX_BEHIND = 20;
/** A video that was left goes back to its beginning, once the next one plays. */
const REWIND_MS = 400;
/** A video that the network fails so often is skipped. */
const MAX_RETRIES = 5;

/** The feed on one page. */
export class Player {
  /** @type {Entry[]} */
  entries = [];
  index = -1;
  /** @type {Slice | null} */
  slice = null;
  isMuted = true;
  #record = new Swipes();
  #nextKey = 1;
  /** @type {Map<number, Slide>} */
  #slides = new Map();
  /** @type {Map<number, number>} */
  #retries = new Map();
  #watch = new Watch(0);
  #isPolling = false;
  /** The video on screen is to be left as soon as there is another one. */
  #isLeaving = false;
  #api;
  #social;
  #pool;
  #scroller;

  /** @param {{api: import("./api.js").Api, social: import("./social.js").Social, overlay: import("./overlay.js").Overlay}} parts */
  constructor({ api, social, overlay }) {
    this.#api = api;
    this.#social = social;
    this.#pool = new Pool(() => this.#element(), new Meter());
    this.#pool.onBroken = (entry, error) => this.#broken(entry, error);
    this.#scroller = new Scroller(find(document, "#feed"), (index) => this.show(index));
    this.#record.onChange = () => overlay.update(this.swipes, this.slice);
    api.onSlice = (slice) => this.take(slice);
  }

  get swipes() {
    return this.#record.kept;
  }

  /** @returns {Entry | undefined} */
  get current() {
    return this.entries[this.index];
  }

  /** @returns {Slide | undefined} */
  get slide() {
    return this.#slides.get(this.current?.key ?? 0);
  }

  /** @returns {HTMLVideoElement | undefined} */
  get video() {
    return this.#pool.lane(this.current?.key)?.video;
  }

  /** @param {Slice} slice */
  take(slice) {
    this.slice = slice;
    this.#pool.follow(slice.plan);
    const next = this.entries[this.index + 1];
    const isHeld = next && (this.#pool.lane(next.key)?.source.opened || this.#scroller.isMoving);
    const options = { pinned: isHeld ? 1 : 0, nextKey: this.#nextKey };
    const { entries, removed } = merge(this.entries, this.index, slice.items, options);
    this.#nextKey += slice.items.length;
    this.#replace(entries, removed);
    if (this.index < 0 && entries.length) this.show(0);
    else this.#arrange();
    if (this.#isLeaving && this.index + 1 < entries.length) this.step(1);
    if (entries.length - this.index < 3) void this.#poll();
    this.#record.onChange();
  }

  /** Swipe by so many videos, with the motion. @param {number} by */
  step(by) {
    const to = this.index + by;
    if (to >= this.entries.length) {
      notice("Looking for more videos…");
      void this.#poll();
    }
    if (to < 0 || to >= this.entries.length) return;
    this.show(to);
    this.#scroller.go(to);
  }

  /** Put the video at `index` on screen. @param {number} index */
  show(index) {
    const entry = this.entries[index];
    if (!entry || index === this.index) return;
    this.#leave();
    this.#isLeaving = false;
    this.index = index;
    this.#watch = new Watch(entry.item.card.duration_ms / 1000);
    this.#api.note("impression", entry.item.video, { position: this.#record.n });
    if (!this.video) this.#arrange();
    const lane = this.#pool.lane(entry.key);
    if (lane) this.#record.begin(lane, this.slice);
    void this.play();
    this.slide?.focus(true);
    requestAnimationFrame(() => this.#arrange());
    paint(find(document, "#ambient"), entry.item.card.blurhash ?? "");
    find(document, "#live").textContent = this.slide?.root.getAttribute("aria-label") ?? "";
    this.sync();
    if (index > 2 * MAX_BEHIND) this.#scroller.whenStill(() => this.#trim());
  }

  /** One POST: what happened, what is on screen, what is preloaded. */
  sync() {
    const ahead = this.entries.slice(this.index + 1, this.index + 3);
    this.#api.flush({ current: this.current?.item.video, held: this.#pool.held(ahead) });
  }

  async play() {
    const { video, slide } = this;
    slide?.mark("is-paused", false);
    try {
      await video?.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || video !== this.video) return;
      if (this.isMuted) slide?.mark("is-paused", true);
      else {
        this.mute(true);
        await this.play();
      }
    }
  }

  pause() {
    this.video?.pause();
    this.slide?.mark("is-paused", true);
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.isMuted = isMuted;
    for (const video of this.#pool.videos) video.muted = isMuted;
    document.documentElement.classList.toggle("is-muted", isMuted);
  }

  /** @param {number} atS */
  seek(atS) {
    if (!this.video) return;
    this.video.currentTime = Math.min(Math.max(atS, 0), Math.max(this.#watch.durationS - 0.05, 0));
    this.#watch.atS = this.video.currentTime;
    this.slide?.progress(this.video.currentTime, this.#watch.durationS);
  }

  /** Take upcoming videos away; the one on screen is swiped past. @param {(item: import("./types.js").Item) => boolean} isUnwanted */
  drop(isUnwanted) {
    const { entries, removed } = without(this.entries, this.index, isUnwanted);
    this.#replace(entries, removed);
    this.#arrange();
    if (!this.current || !isUnwanted(this.current.item)) return;
    this.#isLeaving = this.index + 1 >= this.entries.length;
    this.step(1);
  }

  /** What is watched of the video on screen, as an event: it is leaving. */
  noteWatch() {
    if (!this.current || !this.swipes.length) return;
    if (this.video) this.#watch.see(this.video.currentTime);
    const report = this.#watch.report;
    if (report.watched_ms > 0 || this.#watch.durationS > 0) {
      this.#api.note("watch", this.current.item.video, { ...report, position: this.#record.n - 1 });
    }
    this.#watch = new Watch(this.#watch.durationS, this.video?.currentTime ?? 0);
  }

  #leave() {
    const { video, slide } = this;
    this.noteWatch();
    slide?.focus(false);
    video?.pause();
    const { current } = this;
    setTimeout(() => {
      if (video && this.current !== current && this.#pool.lane(current?.key)?.video === video) video.currentTime = 0;
    }, REWIND_MS);
  }

  /** @param {Entry[]} entries @param {Entry[]} removed */
  #replace(entries, removed) {
    for (const { key } of removed) {
      this.#slides.get(key)?.root.remove();
      this.#slides.delete(key);
    }
    this.entries = entries;
    const feed = find(document, "#feed");
    entries.forEach((entry, i) => {
      const slide = this.#slides.get(entry.key) ?? this.#slide(entry);
      slide.entry = entry;
      if (feed.children[i] !== slide.root) feed.insertBefore(slide.root, feed.children[i] ?? null);
      slide.root.setAttribute("aria-posinset", String(i + 1));
    });
    find(document, "#waiting").hidden = entries.length > 0;
  }

  /** @param {Entry} entry */
  #slide(entry) {
    const slide = new Slide(entry, this.#social);
    slide.onSeek(
      (share) => this.seek(share * this.#watch.durationS),
      (byS) => this.seek((this.video?.currentTime ?? 0) + byS),
    );
    this.#slides.set(entry.key, slide);
    return slide;
  }

  #arrange() {
    if (!this.current) return;
    const place = (/** @type {Entry} */ entry, /** @type {HTMLVideoElement} */ video) => {
      video.muted = this.isMuted;
      this.#slides.get(entry.key)?.hold(video);
    };
    this.#pool.arrange(around(this.entries, this.index), place);
  }

  /** A media element of the pool, wired once. */
  #element() {
    const video = document.createElement("video");
    Object.assign(video, { playsInline: true, loop: true, muted: true, preload: "auto", disablePictureInPicture: true });
    video.tabIndex = -1;
    const whenCurrent = (/** @type {() => void} */ act) => () => video === this.video && act();
    video.addEventListener("timeupdate", whenCurrent(() => {
      this.#watch.see(video.currentTime);
      this.slide?.progress(video.currentTime, this.#watch.durationS);
    }));
    video.addEventListener("waiting", whenCurrent(() => {
      this.slide?.mark("is-waiting", true);
      if (!video.seeking) this.#record.stall();
    }));
    video.addEventListener("playing", whenCurrent(() => {
      this.slide?.mark("is-waiting", false);
      this.slide?.mark("is-playing", true);
    }));
    video.addEventListener("ended", whenCurrent(() => void this.play()));
    return video;
  }

  /** @param {Entry} entry @param {unknown} error */
  #broken(entry, error) {
    const isCurrent = entry.key === this.current?.key;
    const n = this.#retries.get(entry.key) ?? 0;
    this.#retries.set(entry.key, n + 1);
    if (error instanceof Gone || error instanceof Unplayable || n >= MAX_RETRIES) {
      if (isCurrent) notice("That video is not available. On to the next.");
      this.drop(({ video }) => video === entry.item.video);
      return;
    }
    if (isCurrent) notice("Reconnecting…");
    setTimeout(() => {
      this.#arrange();
      if (entry.key === this.current?.key && !this.slide?.root.classList.contains("is-paused")) void this.play();
    }, backoffMs(n));
  }

  /** Ask for more until there is something to swipe to. */
  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    for (let n = 0; this.entries.length - this.index < 3; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, backoffMs(Math.min(n, 4))));
      const slice = await this.#api.feed().catch(() => null);
      if (slice) this.take(slice);
    }
    this.#isPolling = false;
  }

  #trim() {
    const gone = this.entries.slice(0, this.index - MAX_BEHIND);
    this.index -= gone.length;
    this.#replace(this.entries.slice(gone.length), gone);
    this.#scroller.jump(this.index);
  }
}
