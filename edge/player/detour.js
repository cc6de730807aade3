/**
 * The feed, and lists beside it: a grid's videos play in the same player, and the feed waits where it was left.
 *
 * The edge's slices are about the feed. During a detour the list comes first and the slice behind it, so that its end
 * is no dead end; the edge is told what comes, and plans for that.
 *
 * @typedef {import("./sdk/types.js").Item} Item
 * @typedef {import("./sdk/types.js").Slice} Slice
 * @typedef {{entries: import("./sdk/types.js").Entry[], index: number, atS: number}} Place `atS`: the playhead of the video on screen
 */
import { Headstart } from "./headstart.js";

/** One player for the feed and for lists of its own. */
export class DetourFeed extends Headstart {
  /** The list that plays; empty: the feed. @type {Item[]} */
  list = [];
  /** Where the feed was left. @type {Place | null} */
  #left = null;
  #lastKey = 0;
  /** The feed's latest. @type {Slice | null} */
  #latest = null;

  get isAway() {
    return this.#left !== null;
  }

  /** Play a list of its own from one of its videos. @param {Item[]} items @param {number} at */
  leave(items, at) {
    const left = this.#left ?? { entries: this.entries, index: this.index, atS: this.video?.currentTime ?? 0 };
    this.list = items;
    this.#left = left;
    this.isList = true;
    // Keys below zero: the feed's own count upwards.
    this.#put(items.map((item) => ({ key: (this.#lastKey -= 1), item })), at);
  }

  /** The feed again, at the video that it was left at, and at its second. */
  home() {
    const left = this.#left;
    if (!left) return;
    const seen = new Set(this.entries.slice(0, this.index + 1).map(({ item }) => item.video));
    const entries = left.entries.filter(({ item }, i) => i <= left.index || !seen.has(item.video));
    this.#left = null;
    this.isList = false;
    this.list = [];
    if (left.index >= 0) {
      this.#put(entries, left.index);
      this.#resume(left.atS);
    } else {
      this.#put([], -1);
      if (this.#latest) this.take(this.#latest);
    }
  }

  /** @override @param {Slice} slice @param {string} [video] */
  take(slice, video) {
    this.#latest = slice;
    if (!this.#left) super.take(slice, video);
    else super.take({ ...slice, items: [...this.#upcoming(), ...slice.items] }, video);
  }

  /** @override @param {(item: Item) => boolean} isUnwanted */
  drop(isUnwanted) {
    const { current } = this;
    this.list = this.list.filter((item) => item.video === current?.item.video || !isUnwanted(item));
    if (this.#left) {
      const { entries, index } = this.#left;
      this.#left.entries = entries.filter(({ item }, i) => i <= index || !isUnwanted(item));
    }
    super.drop(isUnwanted);
  }

  /** What of the list is ahead. */
  #upcoming() {
    const at = this.list.findIndex(({ video }) => video === this.current?.item.video);
    return at < 0 ? [] : this.list.slice(at + 1);
  }

  /** The video on screen goes on at a second of its own, once it is there. @param {number} atS */
  #resume(atS) {
    const { video } = this;
    const go = () => video === this.video && this.seek(atS);
    if (atS > 0) video?.addEventListener("loadeddata", go, { once: true });
  }

  /** @param {import("./sdk/types.js").Entry[]} entries @param {number} index */
  #put(entries, index) {
    this.noteWatch();
    this.video?.pause();
    this.index = -1;
    this.entries = entries;
    // Tells the page of the new list, and drops nothing.
    super.drop(() => false);
    this.show(index);
  }
}
