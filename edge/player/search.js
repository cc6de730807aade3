/**
 * Search while one types, and what is trending while the field is empty; the page of a hashtag.
 *
 * @typedef {import("./sdk/types.js").Card} Card
 * @typedef {{query: string, videos: {video: string, base: string, card: Card}[], hashtags: {tag: string, n_videos: number}[],
 *   creators: {id: string, name: string, n_videos: number}[]}} Found
 */
import { grid } from "./grid.js";
import { format } from "./routes.js";
import { el, face, find } from "./ui.js";
import { View, itemOf, said } from "./view.js";
import { plural } from "./words.js";

const DEBOUNCE_MS = 180;
const MAX_FOUND = 48;
const MAX_TAGS = 12;
const MAX_CREATORS = 6;

/** @param {Found["videos"]} videos @param {string} text */
const itemsOf = (videos, text) => videos.map(({ base, card }) => itemOf(card, text, base));

/** The search page. @extends {View<Found>} */
export class Search extends View {
  #input = /** @type {HTMLInputElement} */ (find(document, "#page-search input"));
  #timer = 0;

  /** The words are others now. @type {(words: string) => void} */
  onWords = () => {};

  /** @param {() => string} base */
  constructor(base) {
    const root = find(document, "#page-search");
    super(root, find(root, ".body"), base);
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#typed(), DEBOUNCE_MS);
    });
    find(root, "form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#typed();
    });
    find(root, ".clear").addEventListener("click", () => {
      this.#input.value = "";
      this.#typed();
      this.focus();
    });
    this.#input.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown") return;
      event.preventDefault();
      /** @type {HTMLElement | null} */ (this.body.querySelector("a"))?.focus();
    });
  }

  /** @override */
  get title() {
    return this.key ? `“${this.key}”` : "Search";
  }

  focus() {
    this.#input.focus();
    this.#input.select();
  }

  #typed() {
    clearTimeout(this.#timer);
    const words = this.#input.value.trim();
    if (words === this.key) return;
    this.onWords(words);
    void this.open(words);
  }

  /** What is there stays until the answer is here. @override @param {boolean} isOther */
  wait(isOther) {
    if (this.#input.value.trim() !== this.key) this.#input.value = this.key;
    if (!this.body.querySelector(".grid:not(.is-loading)")) super.wait(isOther);
    this.body.setAttribute("aria-busy", "true");
  }

  /** @override @param {string} key @param {AbortSignal} signal @returns {Promise<Found>} */
  load(key, signal) {
    const query = new URLSearchParams({ ...(key && { q: key }), n: String(MAX_FOUND) });
    return this.read(`${key ? "search" : "trends"}?${query}`, signal);
  }

  /** @override @param {Found} found */
  draw({ videos, hashtags, creators }) {
    const words = this.key;
    this.items = itemsOf(videos, words ? `You searched for ${words}` : "Trending in your region");
    this.root.scrollTop = 0;
    const hrefOf = (/** @type {string} */ video) => format({ page: "search", key: words, video });
    const parts = [
      hashtags.length && section(words ? "Hashtags" : "Trending hashtags", chips(hashtags.slice(0, MAX_TAGS))),
      words && creators.length && section("Creators", people(creators.slice(0, MAX_CREATORS))),
      videos.length && section(words ? "Videos" : "Trending videos", grid(this.items, hrefOf)),
    ].filter((part) => part instanceof Node);
    const told = el("p", "unseen", words ? `${plural(videos.length, "video")} found` : "");
    told.setAttribute("role", "status");
    if (parts.length) return [told, ...parts];
    if (words) return [said(`Nothing found for “${words}”`, "Try fewer or other words, or a #hashtag.")];
    return [said("Nothing is trending yet", "Videos show up here as people watch them.")];
  }
}

/** The page of a hashtag. @extends {View<Found>} */
export class Tag extends View {
  /** @param {() => string} base */
  constructor(base) {
    const root = find(document, "#page-tag");
    super(root, find(root, ".body"), base);
  }

  /** @override */
  get title() {
    return `#${this.key}`;
  }

  /** @override @param {boolean} isOther */
  wait(isOther) {
    super.wait(isOther);
    find(this.root, "h1").textContent = this.title;
    find(this.root, ".note").textContent = "\u00a0";
  }

  /** @override @param {string} key @param {AbortSignal} signal @returns {Promise<Found>} */
  load(key, signal) {
    return this.read(`search?${new URLSearchParams({ q: `#${key}`, n: String(MAX_FOUND) })}`, signal);
  }

  /** @override @param {Found} found */
  draw({ videos, hashtags }) {
    this.items = itemsOf(videos, `You opened #${this.key}`);
    const n = hashtags.find(({ tag }) => tag === this.key)?.n_videos ?? videos.length;
    find(this.root, ".note").textContent = plural(n, "video");
    if (!videos.length) return [said(`Nothing with #${this.key} yet`, "The first video with it will be here.")];
    return [grid(this.items, (video) => format({ page: "tag", key: this.key, video }))];
  }
}

/** @param {string} title @param {Node} content */
function section(title, content) {
  const box = el("section", "found");
  box.append(el("h2", "", title), content);
  return box;
}

/** @param {Found["hashtags"]} tags */
function chips(tags) {
  const list = el("ul", "chips");
  for (const { tag, n_videos: n } of tags) {
    const link = el("a", "chip", `#${tag}`);
    link.setAttribute("href", format({ page: "tag", key: tag }));
    link.setAttribute("aria-label", `#${tag}, ${plural(n, "video")}`);
    link.append(el("span", "", String(n)));
    const place = el("li");
    place.append(link);
    list.append(place);
  }
  return list;
}

/** @param {Found["creators"]} creators */
function people(creators) {
  const list = el("ul", "people");
  for (const { id, name, n_videos: n } of creators) {
    const link = el("a", "person");
    link.setAttribute("href", format({ page: "user", key: id }));
    const words = el("span", "words");
    words.append(el("b", "", `@${name || id}`), el("span", "", plural(n, "video")));
    link.append(face(id, name), words);
    const place = el("li");
    place.append(link);
    list.append(place);
  }
  return list;
}
