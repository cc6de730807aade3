/**
 * The overlay (key `d`): for each swipe, how long to the first frame, where the bytes came from, why this video.
 *
 * @typedef {import("./sdk/types.js").Slice} Slice
 * @typedef {import("./sdk/swipes.js").Swipe} Swipe
 */
import { find } from "./ui.js";

const ROWS = 8;

/** A panel over the page; drawn only while it is shown. */
export class Overlay {
  #root = find(document, "#overlay");
  /** @type {Swipe[]} */
  #swipes = [];
  /** @type {Slice | null} */
  #slice = null;

  get isShown() {
    return !this.#root.hidden;
  }

  toggle() {
    this.#root.hidden = !this.#root.hidden;
    this.#draw();
  }

  /** @param {Swipe[]} swipes @param {Slice | null} slice */
  update(swipes, slice) {
    this.#swipes = swipes;
    this.#slice = slice;
    this.#draw();
  }

  #draw() {
    const now = this.#swipes.at(-1);
    if (!this.isShown || !now) return;
    const fields = {
      ms: now.first_frame_ms === null ? "…" : now.first_frame_ms.toFixed(0),
      from: origin(now),
      rung: `${now.rung || "…"} · ${(now.bytes / 1000).toFixed(0)} kB`,
      why: now.why.text || now.why.source,
      source: `${now.why.source} · score ${now.why.score.toFixed(3)}`,
      moved: moved(now.why.rank_moved),
      queue: `${version(this.#slice?.queue_version ?? now.queue_version)} · ${this.#slice?.origin ?? now.origin}`,
      model: this.#slice?.model || "none",
    };
    for (const [name, text] of Object.entries(fields)) find(this.#root, `[data-field=${name}]`).textContent = text;
    find(this.#root, "tbody").replaceChildren(...this.#swipes.slice(-ROWS).reverse().map(row));
  }
}

/** @param {Swipe} swipe */
function row(swipe) {
  const line = document.createElement("tr");
  const ms = swipe.first_frame_ms;
  const cells = [String(swipe.n), ms === null ? "…" : ms.toFixed(0), origin(swipe), swipe.category, swipe.why.source];
  line.append(...cells.map((textContent) => Object.assign(document.createElement("td"), { textContent })));
  line.className = ms === null ? "" : ms <= 50 ? "is-fast" : ms <= 200 ? "is-fair" : "is-slow";
  return line;
}

/** @param {Swipe} swipe */
function origin({ from, tier }) {
  if (from === "player") return tier ? `player (${tier})` : "player";
  return tier || "…";
}

/** A queue's version is the brain's clock. @param {number} ms */
function version(ms) {
  return ms ? new Date(ms).toLocaleTimeString() : "none";
}

/** @param {number} places */
function moved(places) {
  if (!places) return "as the brain ranked it";
  return `${places > 0 ? "up" : "down"} ${Math.abs(places)} here, at the edge`;
}
