/**
 * What is done about a video that fails: given up when it is gone, otherwise tried again, later and later; one whose
 * signature has expired is asked for anew.
 */
import { backoffMs } from "./edge.js";
import { Refused } from "./loader.js";
import { Unplayable } from "./pool.js";

/** A video that fails so often is skipped. */
const MAX_RETRIES = 5;

/** Failures so far, by entry. */
export class Mending {
  /** @type {Map<number, number>} */
  #failures = new Map();
  /** Entries that are let be, and until when. @type {Map<number, number>} */
  #rests = new Map();
  #edge;

  /** @param {import("./edge.js").Edge} edge */
  constructor(edge) {
    this.#edge = edge;
  }

  /** @param {import("./types.js").Entry} entry @param {unknown} error @returns {number | null} milliseconds until it is tried again; null: it is gone */
  after(entry, error) {
    const n = this.#failures.get(entry.key) ?? 0;
    this.#failures.set(entry.key, n + 1);
    const isGone = (error instanceof Refused && error.isGone) || error instanceof Unplayable || n >= MAX_RETRIES;
    const waitMs = isGone ? Infinity : backoffMs(n);
    this.#rests.set(entry.key, performance.now() + waitMs);
    return isGone ? null : waitMs;
  }

  /** Not to be tried now. @param {import("./types.js").Entry} entry */
  isResting({ key }) {
    return performance.now() < (this.#rests.get(key) ?? 0);
  }

  /** It may be tried at once. @param {import("./types.js").Entry} entry */
  wake({ key }) {
    this.#rests.delete(key);
  }

  /** Its URLs have expired: they are asked for anew, and what is held plays on. @param {import("./pool.js").Lane} lane @returns {boolean} false: it was in vain too often */
  resign({ key, entry: { item }, clip }) {
    const n = this.#failures.get(key) ?? 0;
    this.#failures.set(key, n + 1);
    const taken = (/** @type {any} */ answer) => {
      if (!answer?.base) return;
      Object.assign(item, { base: answer.base, master: `${answer.base}master.m3u8` });
      clip.base = this.#edge.base + item.base;
    };
    if (n < MAX_RETRIES) void this.#edge.read(`videos/${item.video}`).catch(() => null).then(taken);
    return n < MAX_RETRIES;
  }
}
