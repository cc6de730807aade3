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
 * @param {string} [original] the video that the others of this grid come from
 * @returns {HTMLElement}
 */
export function grid(items, hrefOf, original) {
  const list = el("ul", "grid");
  list.append(...cells(items, hrefOf, original));
  list.addEventListener("keydown", (event) => {
    const links = /** @type {HTMLElement[]} */ ([...list.querySelectorAll("a")]);
    const to = links[neighbour(links.indexOf(/** @type {HTMLElement} */ (event.target)), event.key, columns(links), links.length)];
    if (!to) return;
    event.preventDefault();
    to.focus();
  });
  return list;
}

/** What `grid` is made of, also to be put behind it. @param {Item[]} items @param {(video: string) => string} hrefOf @param {string} [original] */
export function cells(items, hrefOf, original) {
  return items.map((item) => cell(item, hrefOf(item.video), item.video === original));
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

/** @param {Item} item @param {string} href @param {boolean} isOriginal */
function cell({ video, base, card }, href, isOriginal) {
  const link = el("a", "cell");
  link.setAttribute("href", href);
  link.dataset.video = video;
  const likes = card.likes ?? 0;
  const name = card.creator_name || card.creator_id;
  const label = `${card.caption || "Video"}, by ${name}, ${likes.toLocaleString("en")} ${likes === 1 ? "like" : "likes"}`;
  link.setAttribute("aria-label", isOriginal ? `Original: ${label}` : label);
  const canvas = document.createElement("canvas");
  canvas.setAttribute("aria-hidden", "true");
  paint(canvas, card.blurhash ?? "");
  link.append(canvas);
  const poster = card.poster || card.poster_jpeg;
  if (poster) link.append(picture(base + poster));
  const liked = el("span", "liked");
  liked.append(icon("i-like"), count(likes));
  link.append(el("span", "title", card.caption), liked);
  if (isOriginal) link.append(el("span", "original", "Original"));
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
