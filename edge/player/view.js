/**
 * What all pages with a grid share: loading, abort, a state for nothing found and one for an edge that is away.
 *
 * @typedef {import("./sdk/types.js").Item} Item
 * @typedef {import("./sdk/types.js").Card} Card
 */
import { skeleton } from "./grid.js";
import { el } from "./ui.js";

const TIMEOUT_MS = 8_000;

/** The edge said no. */
export class ReadError extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`answer ${status}`);
    this.status = status;
  }
}

/** A page; `load` and `draw` are its own. @template T */
export class View {
  /** What its grid shows, in order. @type {Item[]} */
  items = [];
  key = "";
  /** Settled when what was asked for last is drawn, or has failed. @type {Promise<void>} */
  ready = Promise.resolve();
  /** Its cells are others now. */
  onDrawn = () => {};
  #abort = new AbortController();
  #isLoaded = false;
  #base;

  /** @param {HTMLElement} root @param {HTMLElement} body @param {() => string} base of the edge */
  constructor(root, body, base) {
    this.root = root;
    this.body = body;
    this.#base = base;
  }

  /** What it is called, in the title of the window. @returns {string} */
  get title() {
    return "";
  }

  /** @param {string} _key @param {AbortSignal} _signal @returns {Promise<T>} */
  load(_key, _signal) {
    throw new Error("each page loads its own");
  }

  /** @param {T} _answer @returns {Node[]} */
  draw(_answer) {
    throw new Error("each page draws its own");
  }

  /** Show what `key` names; what is there already stays as it is. @param {string} key */
  open(key) {
    if (key === this.key && this.#isLoaded) return this.ready;
    const isOther = key !== this.key;
    this.key = key;
    this.#isLoaded = true;
    this.#abort.abort();
    this.#abort = new AbortController();
    this.wait(isOther);
    this.ready = this.#fill(key, this.#abort.signal);
    return this.ready;
  }

  /** While it loads. @param {boolean} _isOther another page than before */
  wait(_isOther) {
    this.items = [];
    this.body.replaceChildren(skeleton());
    this.body.setAttribute("aria-busy", "true");
  }

  /** @param {string} key @param {AbortSignal} signal */
  async #fill(key, signal) {
    let nodes;
    try {
      nodes = this.draw(await this.load(key, signal));
    } catch (error) {
      if (signal.aborted) return;
      this.#isLoaded = false;
      this.items = [];
      nodes = [this.#failed(error)];
    }
    if (signal.aborted) return;
    this.body.removeAttribute("aria-busy");
    this.body.replaceChildren(...nodes);
    this.onDrawn();
  }

  /** A read from the edge, given up with the page. @param {string} path @param {AbortSignal} signal @returns {Promise<any>} */
  async read(path, signal) {
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(`${this.#base()}/v1/${path}`, { signal: AbortSignal.any([signal, limit]) });
    if (!response.ok) throw new ReadError(response.status);
    return response.json();
  }

  /** @param {unknown} error */
  #failed(error) {
    if (error instanceof ReadError && error.status === 404) return said("There is nothing here", "It may have been taken away.");
    const told = said("This can't be reached right now", "What plays goes on. Try again in a moment.");
    const again = el("button", "pill", "Try again");
    again.addEventListener("click", () => void this.open(this.key));
    told.append(again);
    return told;
  }
}

/** A page's word in the middle of it. @param {string} title @param {string} text */
export function said(title, text) {
  const box = el("div", "said-page");
  box.setAttribute("role", "status");
  box.append(el("h2", "", title), el("p", "", text));
  return box;
}

/** A card as it is queued. @param {Card} card @param {string} text why it is here @param {string} [base] @returns {Item} */
export function itemOf(card, text, base = `/v/${card.id}/`) {
  const why = { source: "list", score: 0, rank_moved: 0, text };
  return { video: card.id, base, master: `${base}master.m3u8`, card, why };
}
