/**
 * Where the player keeps what outlives a page: viewer, unsent events, the link's estimate.
 *
 * @typedef {import("./types.js").Store} Store
 */

/** @type {Store} */
const nowhere = { getItem: () => null, setItem() { throw new Error("forbidden"); } };

/** The browser's store, or memory where it is forbidden. @returns {Store} */
export function browserStore() {
  try {
    return sturdy(localStorage);
  } catch {
    return sturdy(nowhere);
  }
}

/** A store that never fails: what it does not take (it is full, or forbidden) lives on in memory. @param {Store} store @returns {Store} */
export function sturdy(store) {
  /** @type {Map<string, string>} */
  const refused = new Map();
  return {
    getItem(key) {
      try {
        return refused.get(key) ?? store.getItem(key);
      } catch {
        return null;
      }
    },
    setItem(key, value) {
      try {
        store.setItem(key, value);
        refused.delete(key);
      } catch {
        refused.set(key, value);
      }
    },
  };
}
