/**
 * The link's estimate from page to page.
 *
 * @typedef {import("./types.js").Store} Store
 */
import { parsed } from "./answers.js";

const KEY = "headstart.link";
const KEPT_MS = 600_000;

/** @param {Store} store @returns {{bps?: number, spread?: number, rtt_ms?: number}} empty: nothing, or too old */
export function knownLink(store) {
  const known = parsed(store.getItem(KEY) ?? "");
  return Math.abs(Date.now() - known?.at_ms) < KEPT_MS ? known : {};
}

/** @param {Store} store @param {import("./link.js").Link} link */
export function keepLink(store, { bps, spread, rttMs }) {
  if (bps) store.setItem(KEY, JSON.stringify({ bps, spread, rtt_ms: rttMs, at_ms: Date.now() }));
}
