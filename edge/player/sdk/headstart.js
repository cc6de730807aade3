/**
 * Headstart's player: an endless feed of short videos in which a swipe does not wait.
 *
 * A swipe does, in this order: (1) abort what is no longer wanted, (2) note the watch of the video that leaves and the
 * impression of the one that comes, (3) play, (4) in a task of its own, for browsers end an aborted request only once the
 * task is over that aborted it: fetch on, and one POST to the edge, whose answer is the next slice and plan,
 * (5) a little later, give the elements of what is behind to what is ahead.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Slice} Slice
 * @typedef {Object} Options
 * @property {string} [edge] URL of an edge; where the page is from when left out
 * @property {HTMLElement} [root] where the elements are stacked, the one on screen on top; or give `place`
 * @property {(entry: Entry, video: HTMLVideoElement) => void} [place] puts an element where its video is shown
 * @property {number} [size] of the pool, 3 to 5 elements
 * @property {import("./types.js").Store} [store] the browser's own when left out
 * @typedef {{list: {entries: Entry[], removed: Entry[]}, show: {entry: Entry, index: number}, play: {isPlaying: boolean},
 *   wait: {isWaiting: boolean}, time: {atS: number, durationS: number}, swipe: {}, empty: {}, reach: {isReachable: boolean},
 *   trouble: {entry: Entry, isGone: boolean}}} Events what `on` tells; the README says when
 */
import { ApiError, Edge, backoffMs, browserStore } from "./edge.js";
import { Link } from "./link.js";
import { keepLink, knownLink } from "./linkstore.js";
import { Mending } from "./mending.js";
import { Pilot } from "./pilot.js";
import { Pool } from "./pool.js";
import { prime } from "./prime.js";
import { around, merge, without } from "./queue.js";
import { Showings } from "./showings.js";

/** Videos kept behind the one on screen; beyond twice as many the oldest are let go. */
const MAX_BEHIND = 20;
/** A video that was left goes back to its beginning, once the next one plays. */
const REWIND_MS = 400;
/** Elements behind go to what is ahead this long after a swipe: not in the frames that the viewer waits for. */
const ARRANGE_MS = 120;
/** Videos of a list that the edge is told: as many as it takes. */
const MAX_LISTED = 8;

export { browserStore };

/** The feed of one viewer. */
export class Headstart {
  /** @type {Entry[]} */
  entries = [];
  index = -1;
  /** @type {Slice | null} */
  slice = null;
  isMuted = true;
  hasCaptions = false;
  /** The viewer wants it to stand still. */
  isPaused = false;
  /** The entries are a list of the page: the edge plans for them instead of its queue. */
  isList = false;
  /** Of a grid in front of the player: one of them may be opened at any moment. @type {string[]} */
  #browsed = [];
  /** May the next video be replaced, and old ones be let go? Not while a finger is on them. */
  mayMove = () => true;
  #nextKey = 1;
  #isPolling = false;
  /** Elements are about to be given from behind to ahead. */
  #arranging = 0;
  /** The video on screen is to be left as soon as there is another one. */
  #isLeaving = false;
  /** @type {Map<string, Set<(told: any) => void>>} */
  #listeners = new Map();
  #place;
  #store;
  #link;
  #pool;
  #pilot;
  #showings;
  #mending;
  #nAhead;

  /** @param {Options} [options] */
  constructor({ edge = "", root, place, size = 5, store = browserStore() } = {}) {
    this.#store = store;
    this.#place = place ?? ((_, video) => root?.append(video));
    this.#nAhead = Math.min(Math.max(size, 3), 5) - 2;
    this.#link = new Link(knownLink(store));
    this.edge = new Edge({ base: edge, store });
    this.edge.context = () => this.#context();
    this.edge.onSlice = (slice, video) => this.take(slice, video);
    this.edge.onReachable = (isReachable) => this.#tell("reach", { isReachable });
    this.edge.onMoved = () => this.#arrange(true);
    this.#showings = new Showings(this.edge);
    this.#mending = new Mending(this.edge);
    this.#pool = new Pool(() => this.#element(!place), this.#nAhead + 2);
    this.#pool.onBroken = (entry, error) => this.#broken(entry, error);
    this.#pool.onLeave = (lane) => this.#left(lane);
    this.#pool.onOpened = ({ clip, key, video }) => {
      const isCurrent = () => key === this.current?.key;
      if (!isCurrent()) void prime(video, isCurrent);
      else if (clip.opened) this.#showings.record.opened(clip.video, clip.opened);
    };
    this.#pilot = new Pilot({ edge: this.edge, pool: this.#pool, link: this.#link, window: () => this.#window() });
    this.#pilot.onRefused = (lane, error) => this.#pool.fail(lane, error);
    this.#showings.record.onChange = () => this.#tell("swipe", {});
  }

  /** Be told of something. @template {keyof Events} K @param {K} kind @param {(told: Events[K]) => void} act @returns {() => void} stops it */
  on(kind, act) {
    const acts = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, acts.add(act));
    return () => acts.delete(act);
  }

  /** @template {keyof Events} K @param {K} kind @param {Events[K]} told */
  #tell(kind, told) {
    for (const act of this.#listeners.get(kind) ?? []) act(told);
  }

  /** Open the session and play. @param {(slice: Slice) => Promise<Slice> | Slice} [first] may put a video in front */
  async start(first = (slice) => slice) {
    this.take(await first(await this.edge.open()));
    this.edge.listen({
      queue: async ({ queue_version: version }) => {
        if (version > (this.slice?.queue_version ?? 0)) await this.#refill();
      },
      withdrawn: ({ video }) => this.drop((item) => item.video === video),
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.video?.pause();
      else if (!this.isPaused) void this.play();
    });
    addEventListener("pagehide", () => {
      this.noteWatch();
      for (const lane of this.#pool.lanes) this.#left(lane);
      this.edge.farewell();
    });
  }

  get swipes() {
    return this.#showings.record.kept;
  }

  /** @returns {Entry | undefined} */
  get current() {
    return this.entries[this.index];
  }

  /** The element on screen. @returns {HTMLVideoElement | undefined} */
  get video() {
    return this.#pool.lane(this.current?.key)?.video;
  }

  /** What the player tells its edge's planner. */
  get state() {
    return this.#pilot.state();
  }

  #window(index = this.index) {
    const nexts = this.entries.slice(index + 1, index + 1 + this.#nAhead).map(({ key }) => this.#pool.lane(key));
    const ahead = this.isList ? this.entries.slice(index + 1) : [];
    const listed = this.#browsed.length ? this.#browsed : ahead.map(({ item }) => item.video);
    return {
      current: this.#pool.lane(this.entries[index]?.key),
      nexts: nexts.filter((lane) => lane !== undefined),
      ahead: this.#nAhead,
      listed: listed.slice(0, MAX_LISTED),
    };
  }

  /** @returns {import("./edge.js").Context} */
  #context() {
    const current = this.current?.item.video;
    const held = this.#pool.ready(this.entries.slice(this.index + 1, this.index + 1 + this.#nAhead));
    return { current, held, ...(current && this.video && { player: this.state }) };
  }

  /** Take the next videos, and a plan that was made for this video on screen. @param {Slice} slice @param {string} [video] */
  take(slice, video = "") {
    this.slice = slice;
    const next = this.entries[this.index + 1];
    const isHeld = next && (this.#pool.lane(next.key)?.clip.opened || !this.mayMove());
    const options = { pinned: isHeld ? 1 : 0, nextKey: this.#nextKey };
    const { entries, removed } = merge(this.entries, this.index, slice.items, options);
    this.#nextKey += slice.items.length;
    this.#replace(entries, removed);
    if (this.index < 0 && entries.length) this.show(0);
    else this.#arrange();
    this.#pilot.follow(slice, video);
    if (this.#isLeaving && this.index + 1 < entries.length) this.step(1);
    if (entries.length - this.index < 3) void this.#poll();
    this.#tell("swipe", {});
  }

  next() {
    this.step(1);
  }

  previous() {
    this.step(-1);
  }

  /** Swipe by so many videos. @param {number} by */
  step(by) {
    const to = this.index + by;
    if (to >= this.entries.length) {
      this.#tell("empty", {});
      void this.#poll();
    }
    this.show(to);
  }

  /** The viewer looks at these in a grid: the edge is asked to have their openings at hand. @param {string[]} videos empty: no longer */
  browse(videos) {
    this.#browsed = videos;
    if (videos.length && this.current) this.#pilot.ask();
  }

  /** Put the video at `index` on screen. @param {number} index @param {number} [atMs] when the viewer asked for it */
  show(index, atMs = performance.now()) {
    const entry = this.entries[index];
    if (!entry || index === this.index) return;
    this.#pilot.giveUp(this.#window(index));
    this.#leave();
    this.#isLeaving = this.isPaused = false;
    this.index = index;
    this.#showings.announce(entry);
    if (!this.video) this.#arrange();
    const lane = this.#pool.lane(entry.key);
    if (lane) this.#showings.begin(lane, this.slice, atMs);
    if (lane) lane.video.muted = this.isMuted;
    void this.play();
    for (const video of this.#pool.videos) video.classList.toggle("is-current", video === this.video);
    if (!lane?.clip.opened) this.#pilot.goOn();
    this.#tell("show", { entry, index });
    clearTimeout(this.#arranging);
    this.#arranging = setTimeout(() => this.#arrange(), ARRANGE_MS);
    afterwards(() => {
      this.#pilot.goOn();
      this.sync();
    });
    if (index > 2 * MAX_BEHIND) this.#trim();
  }

  /** One POST: what happened, what is on screen, what is preloaded. */
  sync() {
    this.edge.flush();
  }

  /** Something that the viewer did with the video on screen: like, share, follow… @param {string} kind @param {Partial<import("./types.js").PlayerEvent>} [facts] */
  note(kind, facts) {
    if (!this.current) return;
    this.edge.note(kind, this.current.item.video, facts);
    this.sync();
  }

  async play() {
    const { video } = this;
    this.isPaused = false;
    this.#tell("play", { isPlaying: true });
    try {
      await video?.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || video !== this.video) return;
      if (this.isMuted) this.pause();
      else {
        this.mute(true);
        await this.play();
      }
    }
  }

  pause() {
    this.isPaused = true;
    this.video?.pause();
    this.#tell("play", { isPlaying: false });
  }

  toggle() {
    if (this.video?.paused) void this.play();
    else this.pause();
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.isMuted = isMuted;
    for (const video of this.#pool.videos) video.muted = isMuted;
  }

  /** Show captions, where a video has some: in the viewer's language, else the first. @param {boolean} isShown */
  captions(isShown) {
    this.hasCaptions = isShown;
    for (const { textTracks } of this.#pool.videos) {
      const tracks = [...textTracks];
      const mine = tracks.find(({ language }) => navigator.language.startsWith(language.slice(0, 2))) ?? tracks[0];
      for (const track of tracks) track.mode = isShown && track === mine ? "showing" : "disabled";
    }
  }

  get durationS() {
    return this.#showings.durationS;
  }

  /** @param {number} atS */
  seek(atS) {
    if (!this.video) return;
    this.video.currentTime = Math.min(Math.max(atS, 0), Math.max(this.durationS - 0.05, 0));
    this.#showings.jump(this.video.currentTime);
    this.#tell("time", { atS: this.video.currentTime, durationS: this.durationS });
    this.#pilot.tick();
  }

  /** Take upcoming videos away; the one on screen is swiped past. @param {(item: Item) => boolean} isUnwanted */
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
    if (this.current) this.#showings.noteWatch(this.current, this.#pool.lane(this.current.key));
  }

  #leave() {
    const { video, current } = this;
    this.noteWatch();
    this.#showings.record.flow();
    video?.pause();
    setTimeout(() => {
      if (video && this.current !== current && this.#pool.lane(current?.key)?.video === video) video.currentTime = 0;
    }, REWIND_MS);
  }

  /** @param {import("./pool.js").Lane} lane */
  #left(lane) {
    this.#showings.left(lane);
    keepLink(this.#store, this.#link);
  }

  /** @param {Entry[]} entries @param {Entry[]} removed */
  #replace(entries, removed) {
    this.entries = entries;
    this.#tell("list", { entries, removed });
  }

  /** @param {boolean} [isAnew] the edge is another one: what is not held comes from there */
  #arrange(isAnew = false) {
    if (!this.current) return;
    const place = (/** @type {Entry} */ entry, /** @type {HTMLVideoElement} */ video) => {
      video.muted = this.isMuted;
      video.setAttribute("aria-label", entry.item.card.caption || "Video");
      this.#place(entry, video);
    };
    if (isAnew) for (const { clip, entry } of this.#pool.lanes) clip.base = this.edge.base + entry.item.base;
    this.#pool.arrange(around(this.entries, this.index, this.#nAhead), this.edge.base, place);
    this.captions(this.hasCaptions);
    this.#pilot.tick();
  }

  /** A media element of the pool, wired once. @param {boolean} isStacked */
  #element(isStacked) {
    const video = document.createElement("video");
    Object.assign(video, { playsInline: true, loop: true, muted: true, preload: "auto", disablePictureInPicture: true, tabIndex: -1 });
    if (isStacked) video.className = "headstart";
    const whenCurrent = (/** @type {() => void} */ act) => () => video === this.video && act();
    video.addEventListener("timeupdate", whenCurrent(() => {
      const lane = this.#pool.lane(this.current?.key);
      if (lane) this.#showings.see(lane);
      this.#pilot.tick();
      this.#tell("time", { atS: video.currentTime, durationS: this.durationS });
    }));
    video.addEventListener("waiting", whenCurrent(() => {
      this.#pool.lane(this.current?.key)?.clip.recheck();
      this.#pilot.tick();
      this.#tell("wait", { isWaiting: true });
      if (!video.seeking) this.#showings.record.stall();
    }));
    video.addEventListener("playing", whenCurrent(() => {
      this.#showings.record.flow();
      this.#tell("wait", { isWaiting: false });
    }));
    video.addEventListener("ended", whenCurrent(() => void this.play()));
    return video;
  }

  /** @param {Entry} entry @param {unknown} error */
  #broken(entry, error) {
    const waitMs = this.#mending.after(entry, error);
    const isGone = waitMs === null;
    if (entry.key === this.current?.key) this.#tell("trouble", { entry, isGone });
    if (isGone) {
      this.drop(({ video }) => video === entry.item.video);
      return;
    }
    setTimeout(() => {
      this.#arrange();
      if (entry.key === this.current?.key && !this.isPaused) void this.play();
    }, waitMs);
  }

  async #refill() {
    try {
      this.take(await this.edge.feed());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Ask for more until there is something to swipe to. */
  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    for (let n = 0; this.entries.length - this.index < 3; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, backoffMs(Math.min(n, 4))));
      await this.#refill();
    }
    this.#isPolling = false;
  }

  #trim() {
    if (!this.mayMove()) return;
    const gone = this.entries.slice(0, this.index - MAX_BEHIND);
    this.index -= gone.length;
    this.#replace(this.entries.slice(gone.length), gone);
  }
}

const turn = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];
turn.port1.onmessage = () => waiting.shift()?.();

/** In a task of its own, as soon as this one is over. @param {() => void} act */
function afterwards(act) {
  waiting.push(act);
  turn.port2.postMessage(0);
}
