/**
 * A page whose grid goes on: the next page of its list is asked for as its end comes near.
 *
 * @typedef {import("./sdk/types.js").Card & {base?: string}} Told
 * @typedef {{items: Told[], next?: string}} Page `next`: what to ask for behind it
 */
import { cells, grid } from "./grid.js";
import { el } from "./ui.js";
import { View, itemOf } from "./view.js";

const PAGE_VIDEOS = 48;
const MAX_VIDEOS = 480;
/** The next page is asked for when the end of this one is so near. */
const AHEAD = "800px";

/** @template T @extends {View<T>} */
export class PagedView extends View {
  #signal = AbortSignal.abort();

  /** Where the list is read. @param {string} _key @returns {string} */
  pathOf(_key) {
    throw new Error("each page has its own list");
  }

  /** Why its videos are played. @returns {string} */
  get why() {
    return "";
  }

  /** @param {string} _video @returns {string} */
  hrefOf(_video) {
    throw new Error("each page has its own links");
  }

  /** The first page; those behind it are given up with this load. @param {string} key @param {AbortSignal} signal */
  firstPage(key, signal) {
    this.#signal = signal;
    return this.#page(key, "");
  }

  /** The grid of a first page that has videos. @param {Page} page @param {string} [original] @returns {HTMLElement | null} */
  drawn(page, original) {
    this.items = this.#itemsOf(page);
    if (!this.items.length) return null;
    const list = grid(this.items, (video) => this.hrefOf(video), original);
    this.#goOn(list, page.next, original);
    return list;
  }

  /** @param {string} key @param {string} before @returns {Promise<Page>} */
  #page(key, before) {
    const query = new URLSearchParams({ limit: String(PAGE_VIDEOS), ...(before && { before }) });
    return this.read(`${this.pathOf(key)}?${query}`, this.#signal);
  }

  /** @param {Page} page */
  #itemsOf({ items }) {
    return items.filter(({ rungs }) => rungs?.length).map((card) => itemOf(card, this.why, card.base));
  }

  /** Put the next page behind the list as its end comes near. @param {HTMLElement} list @param {string} [next] @param {string} [original] */
  #goOn(list, next, original) {
    const last = list.lastElementChild;
    if (!next || !last || this.items.length >= MAX_VIDEOS) return;
    const signal = this.#signal;
    const end = new IntersectionObserver(
      (changes) => {
        if (!changes.some(({ isIntersecting }) => isIntersecting)) return;
        end.disconnect();
        void this.#append(list, next, original, signal);
      },
      { root: this.root, rootMargin: AHEAD },
    );
    end.observe(last);
  }

  /** @param {HTMLElement} list @param {string} next @param {string | undefined} original @param {AbortSignal} signal */
  async #append(list, next, original, signal) {
    const page = await this.#page(this.key, next).catch(() => null);
    if (signal.aborted) return;
    if (!page) {
      this.#offer(list, () => this.#append(list, next, original, signal));
      return;
    }
    const items = this.#itemsOf(page);
    this.items = [...this.items, ...items];
    list.append(...cells(items, (video) => this.hrefOf(video), original));
    this.onDrawn();
    this.#goOn(list, page.next, original);
  }

  /** To try again what failed, below the list. @param {HTMLElement} list @param {() => Promise<void>} again */
  #offer(list, again) {
    const button = el("button", "pill more", "Show more");
    button.addEventListener("click", () => {
      button.remove();
      void again();
    });
    list.after(button);
  }
}
