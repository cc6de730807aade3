/**
 * What to fetch now: the edge's plan while it is fresh, otherwise a simple rule of the player's own. Pure.
 *
 * @typedef {import("./types.js").PlanStep} PlanStep
 * @typedef {import("./types.js").Rung} Rung
 * @typedef {Object} View what is known of a clip
 * @property {string} video
 * @property {string} base
 * @property {Rung[]} rungs
 * @property {number[]} times
 * @property {(i: number) => number} rungOf the rung in which a chunk is held, -1 when it is not
 *
 * @typedef {Object} Now
 * @property {number} atS playhead of the video on screen
 * @property {number} aheadS seconds buffered from there on
 * @property {number} bps
 * @property {number} shortEdgePx of the screen
 * @property {Map<string, string>} [opening] rung of the opening by video, where the edge named one
 * @property {string} [opensWith] the rung of the latest opening that it named: in that it has other videos' at hand
 */
import { chooseRung, missing } from "./timeline.js";

/** The video on screen comes first up to here, and the others wait. */
export const CALM_S = 3;
/** How far the video on screen is fetched at all. */
const GOAL_S = 10;
/** With less than this ahead the video on screen is looked after whatever the plan says. */
const URGENT_S = 0.7;
/** Before a loop, chunks of a lower rung are fetched again. */
const LOOP_S = 2.5;

/** @param {View} view @param {number} i @param {number} k @returns {PlanStep} */
function step(view, i, k) {
  const { name, path, chunk_bytes: sizes, open_bytes: opening } = view.rungs[k];
  const url = `${view.base}${path}/${i ? `${i}.m4s` : "open.mp4"}`;
  return { video: view.video, url, rung: name, chunk: i, bytes: i ? (sizes[i] ?? 0) : opening, at_s: 0 };
}

/** @param {View} view @param {Now} now */
function opening(view, { opening: named, opensWith }) {
  const wanted = named?.get(view.video) ?? opensWith;
  return step(view, 0, Math.max(0, view.rungs.findIndex(({ name }) => name === wanted)));
}

/** The video on screen up to `goalS` ahead. @param {View} view @param {Now} now @param {number} goalS @returns {PlanStep[]} */
function onScreen(view, now, goalS) {
  if (view.rungOf(0) < 0 && now.aheadS <= 0) return [opening(view, now)];
  const isHeld = (/** @type {number} */ i) => view.rungOf(i) >= 0;
  const wanted = missing({ times: view.times, playheadS: now.atS, goalS, isHeld });
  return wanted.map((i) => step(view, i, chooseRung(view.rungs, { i, ...now })));
}

/**
 * Chunks that would look worse than the video's end when a loop comes to them, the next first.
 *
 * @param {View} view @param {Now} now @returns {PlanStep[]}
 */
export function beforeTheLoop(view, now) {
  const last = view.times.length - 2;
  const k = view.rungOf(last);
  if (k <= 0) return [];
  const best = Math.min(k, chooseRung(view.rungs, { i: 0, ...now, aheadS: CALM_S }));
  const isWorse = (/** @type {number} */ i) => view.rungOf(i) >= 0 && view.rungOf(i) < best;
  const inS = (/** @type {number} */ i) => view.times[i] - now.atS + (view.times[i] > now.atS ? 0 : view.times[last + 1]);
  const near = [...Array(last).keys()].filter((i) => isWorse(i) && inS(i) < LOOP_S);
  return near.sort((a, b) => inS(a) - inS(b)).map((i) => step(view, i, best));
}

/**
 * The player's own order: the video on screen 3 s ahead, the openings of the next, the rest of what is on screen.
 *
 * @param {View | undefined} current
 * @param {View[]} nexts
 * @param {Now} now
 * @returns {PlanStep[]}
 */
export function ownSteps(current, nexts, now) {
  if (!current) return [];
  const openings = nexts.filter((view) => view.rungOf(0) < 0).map((view) => opening(view, now));
  const near = onScreen(current, now, CALM_S);
  return [...near, ...openings, ...onScreen(current, now, GOAL_S).slice(near.length), ...beforeTheLoop(current, now)];
}

/**
 * The video on screen is about to run dry, or has not begun: what it needs, before any plan.
 *
 * @param {View | undefined} current
 * @param {Now} now
 * @returns {PlanStep[]}
 */
export function urgentSteps(current, now) {
  return current && now.aheadS < URGENT_S ? onScreen(current, now, URGENT_S).slice(0, 1) : [];
}

/**
 * The first step that is neither done nor under way: it, or null when it must wait for the playhead or nothing is left.
 *
 * @param {PlanStep[]} steps
 * @param {number} atS
 * @param {(step: PlanStep) => boolean} isDone
 * @returns {{step: PlanStep | null, isOver: boolean}} `isOver`: no step is left
 */
export function following(steps, atS, isDone) {
  const next = steps.find((one) => !isDone(one));
  if (!next) return { step: null, isOver: true };
  return { step: (next.at_s ?? 0) <= atS ? next : null, isOver: false };
}
