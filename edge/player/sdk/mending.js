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
  #edge;

  /** @param {import("./edge.js").Edge} edge */
  constructor(edge) {
    this.#edge = edge;
  }

  /** @param {import("./types.js").Entry} entry @param {unknown} error @returns {number | null} milliseconds until it is tried again; null: it is gone */
  after(entry, error) {
    const n = this.#failures.get(entry.key) ?? 0;
    this.#failures.set(entry.key, n + 1);
    if ((error instanceof Refused && error.isGone) || error instanceof Unplayable || n >= MAX_RETRIES) return null;
    if (error instanceof Refused) void this.#resign(entry);
    return backoffMs(n);
  }

  /** @param {import("./types.js").Entry} entry */
  async #resign({ item }) {
    const answer = await this.#edge.read(`videos/${item.video}`).catch(() => null);
    if (answer?.base) Object.assign(item, { base: answer.base, master: `${answer.base}master.m3u8` });
  }
}
