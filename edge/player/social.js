/**
 * What this viewer likes and follows, at once and over a reload; the edge hears of it by events.
 */

const MAX_KEPT = 500;

/** Two bounded sets in the browser's store. */
export class Social {
  #store;

  /** @param {import("./sdk/types.js").Store} store */
  constructor(store) {
    this.#store = store;
    this.likes = this.#load("likes");
    this.follows = this.#load("follows");
  }

  /**
   * Put an id in or take it out.
   *
   * @param {"likes"|"follows"} name
   * @param {string} id
   * @param {boolean} [wanted] the other way round when left out
   * @returns {boolean} whether it is in now
   */
  toggle(name, id, wanted = !this[name].has(id)) {
    this[name].delete(id);
    if (wanted) this[name].add(id);
    const kept = [...this[name]].slice(-MAX_KEPT);
    try {
      this.#store.setItem(`headstart.${name}`, JSON.stringify(kept));
    } catch {
      // A full or forbidden store: it holds until the page is closed.
    }
    return wanted;
  }

  /** @param {string} name @returns {Set<string>} */
  #load(name) {
    try {
      return new Set(JSON.parse(this.#store.getItem(`headstart.${name}`) ?? "[]"));
    } catch {
      return new Set();
    }
  }
}
