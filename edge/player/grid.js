/**
 * A grid of videos by their posters: links, so that each can be opened, copied and reached by Tab or the arrows.
 *
 * @typedef {import("./sdk/types.js").Item} Item
 */
import { el, icon, paint } from "./ui.js";
import { count } from "./words.js";

/**
 * @param {Item[]} items
 * @param {(video: string) => string} hrefOf
 * @returns {HTMLElement}
 */
export function grid(items, hrefOf) {
  const list = el("ul", "grid");
  list.append(...items.map((item) => cell(item, hrefOf(item.video))));
  list.addEventListener("keydown", (event) => {
    const cells = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("a")]);
    const to = cells[neighbour(cells.indexOf(/** @type {HTMLElement} */ (event.target)), event.key, columns(cells), cells.length)];
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  return list;
}

/** Where an arrow leads from cell `at`; -1 when nowhere. Pure. @param {number} at @param {string} key @param {number} nColumns @param {number} n */
export function neighbour(at, key, nColumns, n) {
  if (key === "Home") return 0;
  if (key === "End") return n - 1;
  const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -nColumns, ArrowDown: nColumns }[key];
  return at < 0 || !by || at + by < 0 || at + by >= n ? -1 : at + by;
}

/** Cells in the first row. @param {HTMLElement[]} cells */
function columns(cells) {
  const next = cells.findIndex(({ offsetTop }) => offsetTop !== cells[0].offsetTop);
  return next < 0 ? cells.length : next;
}

/** @param {Item} item @param {string} href */
function cell({ video, base, card }, href) {
  const link = el("a", "cell");
  link.setAttribute("href", href);
  link.dataset.video = video;
  const likes = card.likes ?? 0;
  const name = card.creator_name || card.creator_id;
  link.setAttribute("aria-label", `${card.caption || "Video"}, by ${name}, ${likes} ${likes === 1 ? "like" : "likes"}`);
  const canvas = document.createElement("canvas");
  paint(canvas, card.blurhash ?? "");
  link.append(canvas);
  const poster = card.poster || card.poster_jpeg;
  if (poster) link.append(picture(base + poster));
  const liked = el("span", "liked");
  liked.append(icon("i-like"), count(likes));
  link.append(el("span", "title", card.caption), liked);
  const place = el("li");
  place.append(link);
  return place;
}

/** Comes in softly; one that fails leaves the blurhash. @param {string} src */
function picture(src) {
  const image = Object.assign(new Image(), { alt: "", loading: "lazy", decoding: "async", src });
  image.addEventListener("load", () => image.classList.add("is-loaded"));
  return image;
}

/** Grey places while the videos are on their way. @param {number} n */
export function skeleton(n = 9) {
  const list = el("ul", "grid is-loading");
  list.setAttribute("aria-hidden", "true");
  list.append(...Array.from({ length: n }, () => el("li")));
  return list;
}

/** Focus a video's cell, if it is there. @param {HTMLElement} root @param {string} video */
export function focusCell(root, video) {
  const link = /** @type {HTMLElement | null} */ (root.querySelector(`.cell[data-video="${CSS.escape(video)}"]`));
  (link ?? root).focus({ preventScroll: !link });
}
