/**
 * Numbers, times and header values as a viewer reads them. Pure.
 */

/** 1234 → "1.2K". @param {number} n */
export function count(n) {
  for (const [unit, size] of /** @type {[string, number][]} */ ([["B", 1e9], ["M", 1e6], ["K", 1e3]])) {
    if (n >= size) return (n / size).toFixed(n < 10 * size ? 1 : 0).replace(/\.0$/, "") + unit;
  }
  return String(n);
}

/** Time since `atMs`: "now", "5m", "3h", "2d", "5w", "3y". @param {number} atMs @param {number} nowMs */
export function ago(atMs, nowMs) {
  const minutes = Math.max(0, Math.floor((nowMs - atMs) / 60_000));
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (hours < 24) return `${hours}h`;
  if (days < 14) return `${days}d`;
  return days < 365 ? `${Math.floor(days / 7)}w` : `${Math.floor(days / 365)}y`;
}

/** Seconds as a clock: 75 → "1:15". @param {number} s */
export function clock(s) {
  return `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;
}

/** What stands for somebody without a picture: the first letter, or the first sign of any kind. @param {string} name */
export function initial(name) {
  return [...new Intl.Segmenter().segment(name)][0]?.segment.toUpperCase() ?? "";
}

/** Two hues for a handle, so that everybody looks a little different. @param {string} id */
export function hues(id) {
  let sum = 7;
  for (const char of id) sum = (sum * 31 + char.charCodeAt(0)) % 360;
  return [sum, (sum + 48) % 360];
}

/** What a sound is called; without a title it is its creator's own. @param {string} title @param {string} name */
export function soundTitle(title, name) {
  return title || (name ? `Original sound · ${name}` : "Original sound");
}

/** 1 → "1 video", 1200 → "1.2K videos". @param {number} n @param {string} noun */
export function plural(n, noun) {
  return `${count(n)} ${noun}${n === 1 ? "" : "s"}`;
}
