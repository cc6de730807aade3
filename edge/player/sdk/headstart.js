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
 */
import { ApiError } from "./answers.js";
import { Edge, backoffMs } from "./edge.js";
import { Link } from "./link.js";
import { keepLink, knownLink } from "./linkstore.js";
import { Mending } from "./mending.js";
import { Pilot } from "./pilot.js";
import { Playback } from "./playback.js";
import { around, merge, without } from "./queue.js";
import { browserStore, sturdy } from "./store.js";
import { afterwards } from "./turn.js";

/** Videos kept behind the one on screen; beyond twice as many the oldest are let go. */
const MAX_BEHIND = 20;
/** Elements behind go to what is ahead this long after a swipe: not in the frames that the viewer waits for. */
const ARRANGE_MS = 120;
/** And what is far behind goes when the viewer has stayed so long: what is on screen moves in the list by it. Who never
 * stays has it moved once so many are behind. */
const TRIM_MS = 1500;
const MOST_BEHIND = 100;
/** Videos of a list that the edge is told: as many as it takes. */
const MAX_LISTED = 8;

export { browserStore };

/** The feed of one viewer. */
export class Headstart extends Playback {
  /** @type {Slice | null} */
  slice = null;
  /** The entries are a list of the page: the edge plans for them instead of its queue. */
  isList = false;
  /** Of a grid in front of the player: one of them may be opened at any moment. @type {string[]} */
  #browsed = [];
  /** May the next video be replaced, and old ones be let go? Not while a finger is on them. */
  mayMove = () => true;
  #nextKey = 1;
  #isPolling = false;
  /** What a swipe leaves to be done: elements go from behind to ahead, old entries go. @type {number[]} */
  #chores = [];
  /** The video on screen is to be left as soon as there is another one. */
  #isLeaving = false;
  #store;
  #link;
  #pilot;
  #mending;
  #nAhead;

  /** @param {Options} [options] */
  constructor({ edge = "", root, place, size = 5, store = browserStore() } = {}) {
    const nAhead = Math.min(Math.max(size, 3), 5) - 2;
    const kept = sturdy(store);
    super(new Edge({ base: edge, store: kept }), nAhead + 2, root, place);
    this.#store = kept;
    this.#nAhead = nAhead;
    this.#link = new Link(knownLink(kept));
    this.edge.context = () => this.#context();
    this.edge.onSlice = (slice, video) => this.take(slice, video);
    this.edge.onReachable = (isReachable) => this.tell("reach", { isReachable });
    this.edge.onMoved = () => this.#arrange(true);
    this.#mending = new Mending(this.edge);
    this.pool.onBroken = (entry, error) => this.#broken(entry, error);
    this.pool.onLeave = (lane) => this.#left(lane);
    this.#pilot = new Pilot({ edge: this.edge, pool: this.pool, link: this.#link, window: () => this.#window() });
    this.#pilot.onRefused = (lane, error) => (error.isGone || !this.#mending.resign(lane)) && this.pool.fail(lane, error);
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
    const { signal } = this.end;
    document.addEventListener("visibilitychange", () => this.seen(), { signal });
    addEventListener("pagehide", () => this.#leave(), { signal });
  }

  /** The page wants it no more: the last watch is told, the elements are free, nothing is asked again. */
  close() {
    if (this.end.signal.aborted) return;
    this.#leave();
    this.end.abort();
    this.#chores.forEach(clearTimeout);
    this.#pilot.close();
    this.edge.close();
    this.pool.arrange([], "", () => {});
    this.#replace([], this.entries);
    this.index = -1;
  }

  #leave() {
    this.noteWatch();
    for (const lane of this.pool.lanes) this.#left(lane);
    this.edge.farewell();
  }

  get swipes() {
    return this.showings.record.kept;
  }

  /** What the player tells its edge's planner. */
  get state() {
    return this.#pilot.state();
  }

  #window(index = this.index) {
    const nexts = this.entries.slice(index + 1, index + 1 + this.#nAhead).map(({ key }) => this.pool.lane(key));
    const ahead = this.isList ? this.entries.slice(index + 1) : [];
    const listed = this.#browsed.length ? this.#browsed : ahead.map(({ item }) => item.video);
    return {
      current: this.pool.lane(this.entries[index]?.key),
      nexts: nexts.filter((lane) => lane !== undefined),
      ahead: this.#nAhead,
      listed: listed.slice(0, MAX_LISTED),
    };
  }

  /** @protected @override */
  tick() {
    this.#pilot.tick();
  }

  /** @returns {import("./edge.js").Context} */
  #context() {
    const current = this.current?.item.video;
    const held = this.pool.ready(this.entries.slice(this.index + 1, this.index + 1 + this.#nAhead));
    return { current, held, ...(current && this.video && { player: this.state }) };
  }

  /** Take the next videos, and a plan that was made for this video on screen. @param {Slice} slice @param {string} [video] */
  take(slice, video = "") {
    if (this.end.signal.aborted) return;
    this.slice = slice;
    const next = this.entries[this.index + 1];
    const isHeld = next && (this.pool.lane(next.key)?.clip.opened || !this.mayMove());
    const options = { pinned: isHeld ? 1 : 0, nextKey: this.#nextKey };
    const { entries, removed } = merge(this.entries, this.index, slice.items, options);
    this.#nextKey += slice.items.length;
    this.#replace(entries, removed);
    if (this.index < 0 && entries.length) this.show(0);
    else this.#arrange();
    this.#pilot.follow(slice, video);
    if (this.#isLeaving && this.index + 1 < entries.length) this.step(1);
    if (entries.length - this.index < 3) void this.#poll();
    this.tell("swipe", {});
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
      this.tell("empty", {});
      void this.#poll();
    }
    this.show(to);
  }

  /** The viewer looks at these in a grid: the edge is asked to have their openings at hand. @param {string[]} videos empty: no longer */
  browse(videos) {
    this.#browsed = videos;
    if (videos.length) void this.#pilot.ask();
  }

  /** Put the video at `index` on screen. @param {number} index @param {number} [atMs] when the viewer asked for it */
  show(index, atMs = performance.now()) {
    const entry = this.entries[index];
    if (!entry || index === this.index) return;
    this.#pilot.giveUp(this.#window(index));
    this.#isLeaving = false;
    this.moveTo(index);
    this.#mending.wake(entry);
    this.showings.announce(entry);
    if (!this.video) this.#arrange();
    const lane = this.pool.lane(entry.key);
    if (lane) this.showings.begin(lane, this.slice, atMs);
    if (lane) lane.video.muted = this.isMuted;
    void this.play();
    for (const video of this.pool.videos) video.classList.toggle("is-current", video === this.video);
    if (!lane?.clip.opened) this.#pilot.goOn();
    this.tell("show", { entry, index });
    this.#chores.forEach(clearTimeout);
    this.#chores = [setTimeout(() => this.#arrange(), ARRANGE_MS), setTimeout(() => this.#trim(), TRIM_MS)];
    afterwards(() => {
      if (this.index > MOST_BEHIND) this.#trim();
      this.#pilot.goOn();
      this.sync();
    });
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

  /** Take upcoming videos away; the one on screen is swiped past. @param {(item: Item) => boolean} isUnwanted */
  drop(isUnwanted) {
    const { entries, removed } = without(this.entries, this.index, isUnwanted);
    this.#replace(entries, removed);
    this.#arrange();
    if (!this.current || !isUnwanted(this.current.item)) return;
    this.#isLeaving = this.index + 1 >= this.entries.length;
    this.step(1);
  }

  /** @param {import("./pool.js").Lane} lane */
  #left(lane) {
    this.showings.left(lane);
    keepLink(this.#store, this.#link);
  }

  /** @param {Entry[]} entries @param {Entry[]} removed */
  #replace(entries, removed) {
    this.entries = entries;
    this.tell("list", { entries, removed });
  }

  /** @param {boolean} [isAnew] the edge is another one: what is not held comes from there */
  #arrange(isAnew = false) {
    if (!this.current) return;
    if (isAnew) for (const { clip, entry } of this.pool.lanes) clip.base = this.edge.base + entry.item.base;
    const wanted = around(this.entries, this.index, this.#nAhead).filter((entry) => !this.#mending.isResting(entry));
    this.pool.arrange(wanted, this.edge.base, (entry, video) => this.put(entry, video));
    this.captions(this.hasCaptions);
    this.#pilot.tick();
  }

  /** @param {Entry} entry @param {unknown} error */
  #broken(entry, error) {
    const waitMs = this.#mending.after(entry, error);
    if (entry.key === this.current?.key) this.tell("trouble", { entry, isGone: waitMs === null });
    if (waitMs === null) return this.drop(({ video }) => video === entry.item.video);
    setTimeout(() => {
      this.#mending.wake(entry);
      this.#arrange();
      if (entry.key === this.current?.key && !this.isPaused) void this.play();
    }, waitMs);
  }

  async #refill() {
    try {
      this.take(await this.edge.feed());
      void this.#pilot.ask(); // what comes next may be another
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }

  /** Ask for more until there is something to swipe to. */
  async #poll() {
    if (this.#isPolling) return;
    this.#isPolling = true;
    try {
      for (let n = 0; this.entries.length - this.index < 3 && !this.end.signal.aborted; n += 1) {
        await new Promise((resolve) => setTimeout(resolve, backoffMs(Math.min(n, 4))));
        await this.#refill();
      }
    } finally {
      this.#isPolling = false;
    }
  }

  #trim() {
    if (this.index <= 2 * MAX_BEHIND || !this.mayMove()) return;
    const gone = this.entries.slice(0, this.index - MAX_BEHIND);
    this.index -= gone.length;
    this.#replace(this.entries.slice(gone.length), gone);
  }
}
