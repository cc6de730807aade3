/**
 * Common Media Client Data (CTA-5004) as request headers. Pure.
 *
 * Headers and not a query: a query would make another URL of the same bytes for the browser's own cache.
 */

/** @param {Record<string, string | number | boolean | undefined>} facts */
function list(facts) {
  return Object.entries(facts)
    .filter(([, value]) => value !== undefined && value !== false && value !== "")
    .map(([key, value]) => (value === true ? key : `${key}=${value}`))
    .sort()
    .join(",");
}

const hundreds = (/** @type {number} */ n) => Math.max(Math.round(n / 100) * 100, 0);

/**
 * @param {{session: string, rung: import("./types.js").Rung, step: import("./types.js").PlanStep, durationMs: number,
 *   aheadS: number, bps: number, isStarting: boolean, isStarved: boolean}} facts
 * @returns {Record<string, string>}
 */
export function cmcd({ session, rung, step, durationMs, aheadS, bps, isStarting, isStarved }) {
  const object = { br: Math.round(rung.bandwidth_bps / 1000), d: durationMs, ot: "av" };
  const request = { bl: hundreds(aheadS * 1000), mtp: hundreds(bps / 1000) || undefined, su: isStarting };
  return {
    "cmcd-object": list(object),
    "cmcd-request": list(request),
    "cmcd-session": list({ cid: `"${step.video}"`, sf: "o", sid: `"${session}"`, st: "v" }),
    ...(isStarved && { "cmcd-status": "bs" }),
  };
}
