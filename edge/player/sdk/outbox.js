/**
 * Events that the edge has not confirmed yet: bounded, and kept over a reload.
 *
 * @typedef {import("./types.js").PlayerEvent} PlayerEvent
 */
import { parsed } from "./answers.js";

const KEY = "headstart.outbox";
/** As many as fit one POST of the edge's. */
export const MAX_BATCH = 64;
const MAX_KEPT = 512;

/** Oldest first; when it is full the oldest impression goes first, then the oldest. */
export class Outbox {
  /** @type {PlayerEvent[]} */
  #events;
  #store;

  /** @param {import("./types.js").Store} store */
  constructor(store) {
    this.#store = store;
    const kept = parsed(store.getItem(KEY) ?? "");
    this.#events = Array.isArray(kept) ? kept.slice(-MAX_KEPT) : [];
  }

  get size() {
    return this.#events.length;
  }

  /** @param {PlayerEvent} event */
  push(event) {
    this.#events.push(event);
    if (this.#events.length > MAX_KEPT) {
      const at = this.#events.findIndex(({ kind }) => kind === "impression");
      this.#events.splice(Math.max(at, 0), 1);
    }
    this.#save();
  }

  /** The oldest unconfirmed events. @returns {PlayerEvent[]} */
  batch() {
    return this.#events.slice(0, MAX_BATCH);
  }

  /** The edge has them, or will never take them. @param {PlayerEvent[]} events */
  confirm(events) {
    const ids = new Set(events.map(({ id }) => id));
    this.#events = this.#events.filter(({ id }) => !ids.has(id));
    this.#save();
  }

  #save() {
    this.#store.setItem(KEY, JSON.stringify(this.#events));
  }
}
