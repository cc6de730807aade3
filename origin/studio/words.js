/**
 * Sizes, problems and states as a creator reads them. Pure.
 *
 * @typedef {import("./tus.js").Problem} Problem
 */

/** 1536 → "1.5 kB". @param {number} n */
export function bytes(n) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let k = 0;
  while (n >= 1000 && k < units.length - 1) {
    n /= 1000;
    k += 1;
  }
  return `${k && n < 100 ? n.toFixed(1).replace(/\.0$/, "") : Math.round(n)} ${units[k]}`;
}

/** "#One, two" → ["one", "two"]. @param {string} text */
export function hashtags(text) {
  const tags = text.split(/[\s,#]+/u).map((tag) => tag.toLowerCase());
  return [...new Set(tags.filter((tag) => /^[\p{L}\p{N}_]+$/u.test(tag)))];
}

/** A handle that the origin takes: id characters only. @param {string} text */
export function handle(text) {
  return text.trim().replace(/^@/, "").replace(/\s+/g, "_").replace(/[^A-Za-z0-9_-]/g, "").slice(0, 64);
}

/** The video or sound that a pasted id or link names; empty when none. @param {string} text */
export function soundId(text) {
  return /(?:^|[/=#])([\w-]{1,64})\/?$/.exec(text.trim())?.[1] ?? "";
}

/** The numbers of a problem document: `limit_bytes: 5` → ["Limit", "5 bytes"]. @param {Problem} problem */
export function facts(problem) {
  const told = new Set(["type", "title", "status", "detail", "instance"]);
  return Object.entries(problem)
    .filter(([name, value]) => !told.has(name) && value !== null && value !== "")
    .map(([name, value]) => {
      const words = name.replace(/_(bytes|s|ms|px)$/, "").replaceAll("_", " ");
      const unit = /_(bytes|s|ms|px)$/.exec(name)?.[1] ?? "";
      const number = unit === "bytes" ? bytes(Number(value)) : `${value}${unit && ` ${unit}`}`;
      return [words.charAt(0).toUpperCase() + words.slice(1), number];
    });
}

/** The steps of a video's way, and how many of them are done. @param {string} status */
export function step(status) {
  return { queued: 1, transcoding: 2, playable: 3, complete: 4, failed: -1 }[status] ?? 0;
}
