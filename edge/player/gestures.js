/**
 * Fingers, wheel and keys → what the viewer means. Touch swipes themselves are the browser's own scroll snap.
 *
 * @typedef {"next"|"previous"|"pause"|"mute"|"captions"|"like"|"comments"|"overlay"|"share"|"follow"|"skip"|"back"|"ahead"|"search"|"close"} Command
 */

/** A second tap within this time is a double tap. */
const DOUBLE_TAP_MS = 260;
/** Wheel travel that means one swipe, and the pause that ends a trackpad's run-out. */
const WHEEL_STEP_PX = 40;
const WHEEL_REST_MS = 160;
const WHEEL_MIN_MS = 320;

/** @type {Record<string, Command>} */
export const KEYS = {
  ArrowDown: "next",
  j: "next",
  PageDown: "next",
  ArrowUp: "previous",
  k: "previous",
  PageUp: "previous",
  " ": "pause",
  ArrowLeft: "back",
  ArrowRight: "ahead",
  m: "mute",
  t: "captions",
  l: "like",
  c: "comments",
  s: "share",
  f: "follow",
  x: "skip",
  d: "overlay",
  "/": "search",
  Escape: "close",
};

/**
 * The command of a key press, unless it belongs to a text field or a focused control.
 *
 * @param {KeyboardEvent} event
 * @returns {Command | undefined}
 */
export function commandOf(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return undefined;
  const target = /** @type {HTMLElement} */ (event.target);
  const command = KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (command === "close") return command;
  if (target.closest("input, textarea, [contenteditable]")) return undefined;
  if (event.key === " " && target.closest("button, a")) return undefined;
  if (target.closest("[role=slider]") && (command === "back" || command === "ahead")) return undefined;
  return command;
}

/** One swipe per flick of a wheel or trackpad, however long it runs out. Pure. */
export class Wheel {
  #sum = 0;
  #lastMs = -Infinity;
  #firedMs = -Infinity;
  #isSpent = false;

  /** -1, 0 or +1. @param {number} deltaY @param {number} nowMs */
  turn(deltaY, nowMs) {
    if (nowMs - this.#lastMs > WHEEL_REST_MS) {
      this.#sum = 0;
      this.#isSpent = false;
    }
    this.#lastMs = nowMs;
    if (this.#isSpent && nowMs - this.#firedMs > 3 * WHEEL_MIN_MS && Math.abs(deltaY) >= 100) this.#isSpent = false;
    if (this.#isSpent || nowMs - this.#firedMs < WHEEL_MIN_MS) return 0;
    this.#sum += deltaY;
    if (Math.abs(this.#sum) < WHEEL_STEP_PX) return 0;
    const step = Math.sign(this.#sum);
    this.#sum = 0;
    this.#firedMs = nowMs;
    this.#isSpent = true;
    return step;
  }
}

/**
 * Listen on the feed and the document. A command that is answered with false was not for the player.
 *
 * @param {HTMLElement} feed
 * @param {{command: (command: Command) => boolean | void, tap: () => void, doubleTap: (x: number, y: number) => void}} on
 */
export function listen(feed, on) {
  const wheel = new Wheel();
  feed.addEventListener(
    "wheel",
    (event) => {
      if (event.ctrlKey) return;
      event.preventDefault();
      const step = wheel.turn(event.deltaMode === 1 ? event.deltaY * 32 : event.deltaY, event.timeStamp);
      if (step) on.command(step > 0 ? "next" : "previous");
    },
    { passive: false },
  );
  document.addEventListener("keydown", (event) => {
    const command = commandOf(event);
    if (!command || (event.repeat && command !== "next" && command !== "previous")) return;
    if (on.command(command) !== false) event.preventDefault();
  });
  let timer = 0;
  let likedMs = -Infinity;
  feed.addEventListener("click", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (!target.closest(".frame") || target.closest("button, a, .caption, .seek")) return;
    // A third tap in the flurry is one more heart, and no pause.
    if (timer || event.timeStamp - likedMs < DOUBLE_TAP_MS) {
      clearTimeout(timer);
      timer = 0;
      likedMs = event.timeStamp;
      on.doubleTap(event.clientX, event.clientY);
      return;
    }
    timer = setTimeout(() => {
      timer = 0;
      on.tap();
    }, DOUBLE_TAP_MS);
  });
}
