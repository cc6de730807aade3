/**
 * The local list of videos: what a new slice from the edge changes in it, and what it may not. Pure.
 *
 * The video on screen never moves. The first `pinned` videos after it never move either: they are attached,
 * decoded and perhaps already under the finger. Everything further down follows the edge's order.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./types.js").Item} Item
 */

/** Most videos kept ahead of the one on screen. */
export const MAX_AHEAD = 10;
/** Videos shown this recently do not come back through a slice that was computed before they were shown. */
const RECENT = 6;

/**
 * The list after a slice: `{entries, added, removed}`. `index` is the place on screen, -1 when there is none.
 * Old upcoming videos that the slice does not name stay behind it as a reserve, for when the edge is away.
 *
 * @param {Entry[]} entries
 * @param {number} index
 * @param {Item[]} items
 * @param {{pinned: number, nextKey: number}} options
 * @returns {{entries: Entry[], added: Entry[], removed: Entry[]}}
 */
export function merge(entries, index, items, { pinned, nextKey }) {
  const fixed = entries.slice(0, index + 1 + pinned);
  const reserve = entries.slice(fixed.length);
  const isFixed = new Set(entries.slice(Math.max(index, 0), fixed.length).map((entry) => entry.item.video));
  const recent = new Set(entries.slice(Math.max(index - RECENT, 0), index + 1).map((entry) => entry.item.video));
  let fresh = items.filter((item) => !isFixed.has(item.video) && !recent.has(item.video));
  if (fresh.length + reserve.length + pinned === 0) fresh = items.filter((item) => !isFixed.has(item.video));
  const known = new Map(reserve.map((entry) => [entry.item.video, entry]));
  const added = /** @type {Entry[]} */ ([]);
  const ordered = unique(fresh).map((item) => {
    const entry = known.get(item.video);
    if (entry) return { ...entry, item };
    added.push({ key: nextKey + added.length, item });
    return added[added.length - 1];
  });
  const named = new Set(ordered.map((entry) => entry.item.video));
  const rest = reserve.filter((entry) => !named.has(entry.item.video));
  const ahead = [...ordered, ...rest].slice(0, Math.max(MAX_AHEAD - pinned, 0));
  const kept = new Set(ahead.map((entry) => entry.key));
  return {
    entries: [...fixed, ...ahead],
    added: added.filter((entry) => kept.has(entry.key)),
    removed: reserve.filter((entry) => !kept.has(entry.key)),
  };
}

/**
 * The list without every upcoming place of a video (withdrawn, broken, not wanted); the one on screen stays.
 *
 * @param {Entry[]} entries
 * @param {number} index
 * @param {(item: Item) => boolean} isUnwanted
 * @returns {{entries: Entry[], removed: Entry[]}}
 */
export function without(entries, index, isUnwanted) {
  const removed = entries.slice(index + 1).filter((entry) => isUnwanted(entry.item));
  return { entries: entries.filter((entry) => !removed.includes(entry)), removed };
}

/**
 * What the pool should hold around `index`, most urgent first: on screen, the next `n`, the one before.
 *
 * @param {Entry[]} entries
 * @param {number} index
 * @param {number} n
 * @returns {Entry[]}
 */
export function around(entries, index, n = 2) {
  const wanted = [entries[index], ...entries.slice(index + 1, index + 1 + n), entries[index - 1]];
  return wanted.filter(Boolean);
}

/**
 * @param {Item[]} items
 * @returns {Item[]} each video once, the first time it is named
 */
function unique(items) {
  return [...new Map(items.map((item) => [item.video, item])).values()].slice(0, MAX_AHEAD);
}
