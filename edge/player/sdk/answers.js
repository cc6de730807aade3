/**
 * What of an edge's answers the player leans on: an answer without that is none, and an item without it is left out. Pure.
 *
 * @typedef {import("./types.js").Slice} Slice
 * @typedef {import("./types.js").Plan} Plan
 */

/** An answer that is not 2xx, or not what was asked for; `status` 0 means that there was none. */
export class ApiError extends Error {
  /** @param {number} status @param {string} detail */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  /** What was said is at fault: said again, it is refused again. */
  get isRefusal() {
    return [400, 413, 422].includes(this.status);
  }
}

/** @param {any} told @param {string[]} names */
const hasTexts = (told, ...names) => names.every((name) => typeof told?.[name] === "string");

/** @param {any} rung */
function isRung(rung) {
  const lists = [rung?.chunk_ms, rung?.chunk_bytes];
  return hasTexts(rung, "name", "path", "codecs") && lists.every((list) => Array.isArray(list) && list.length && list.every(Number.isFinite));
}

/** @param {any} item */
function isItem(item) {
  const rungs = item?.card?.rungs;
  return hasTexts(item, "video", "base", "master") && Array.isArray(rungs) && rungs.length > 0 && rungs.every(isRung);
}

/** Raises ApiError. @param {any} told @returns {Plan} */
export function planOf(told) {
  if (!Array.isArray(told?.plan)) throw new ApiError(0, "the answer is no plan");
  const plan = told.plan.filter((/** @type {any} */ step) => hasTexts(step, "video", "url", "rung"));
  return { ...told, plan, cancel: Array.isArray(told.cancel) ? told.cancel : [] };
}

/** Raises ApiError. @param {any} told @returns {Slice} */
export function sliceOf(told) {
  if (!Array.isArray(told?.items)) throw new ApiError(0, "the answer is no slice");
  return { ...told, ...planOf(told), items: told.items.filter(isItem) };
}

/** @param {string} text @returns {any} null: it is no JSON */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
