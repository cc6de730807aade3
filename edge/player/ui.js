/**
 * One video's slide, and short notices. The markup is in index.html; here it is filled and kept up to date.
 *
 * @typedef {import("./sdk/types.js").Entry} Entry
 * @typedef {import("./social.js").Social} Social
 */
import { pixels } from "./blurhash.js";
import { format } from "./routes.js";
import { clock, count, hues, initial, soundTitle } from "./words.js";

const HASH_PX = 32;
const NOTICE_MS = 2600;
const SEEK_KEY_S = 1;
/** Three lines of captions and a gap: so far above the words of a slide they begin. */
const CAPTIONS_PX = 82;

/** @template {Element} [T=HTMLElement] @param {ParentNode} root @param {string} selector @returns {T} */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`no ${selector} in the page`);
  return /** @type {T} */ (found);
}

/** @param {string} tag @param {string} [className] @param {string} [text] */
export function el(tag, className = "", text = "") {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}

/** @param {string} id of a symbol in the page */
export function icon(id) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#${id}`);
  svg.append(use);
  return svg;
}

/** Somebody's initial on their colours. @param {string} id @param {string} name */
export function face(id, name) {
  const [hue, other] = hues(id);
  const disc = el("span", "avatar", initial(name || id));
  disc.setAttribute("aria-hidden", "true");
  disc.style.setProperty("--hue", String(hue));
  disc.style.setProperty("--hue2", String(other));
  return disc;
}

/** A place in the feed: poster, text, buttons; the pool puts the media element in. */
export class Slide {
  /** @param {Entry} entry @param {Social} social */
  constructor(entry, social) {
    const template = find(document, "#slide");
    const copy = /** @type {HTMLTemplateElement} */ (template).content.cloneNode(true);
    this.root = find(/** @type {DocumentFragment} */ (copy), ".slide");
    this.entry = entry;
    this.social = social;
    this.root.dataset.video = entry.item.video;
    this.root.inert = true;
    this.#fill();
    this.update();
  }

  #fill() {
    const { card, base } = this.entry.item;
    const [hue, other] = hues(card.creator_id);
    const name = card.creator_name || card.creator_id;
    this.root.style.setProperty("--hue", String(hue));
    this.root.style.setProperty("--hue2", String(other));
    this.root.classList.toggle("is-wide", card.width > 0.7 * card.height);
    this.root.setAttribute("aria-label", `${card.caption || "Video"}, by ${name}`);
    const disc = find(this.root, ".initial");
    disc.textContent = initial(name);
    disc.setAttribute("aria-label", `Profile of ${name}`);
    find(this.root, ".handle").textContent = `@${name}`;
    for (const link of [disc, find(this.root, ".handle")]) link.setAttribute("href", format({ page: "user", key: card.creator_id }));
    find(this.root, ".caption").append(...this.#caption());
    const sound = card.sound_id || card.id;
    // Whose the sound of another video is, its page tells.
    const title = soundTitle(card.sound_title ?? "", sound === card.id ? name : "");
    for (const span of this.root.querySelectorAll(".ticker span")) span.textContent = title;
    find(this.root, ".sound").setAttribute("aria-label", `Sound: ${title}`);
    find(this.root, ".sound").setAttribute("href", format({ page: "sound", key: sound }));
    const poster = card.poster || card.poster_jpeg;
    const image = find(this.root, ".poster img");
    if (poster) /** @type {HTMLImageElement} */ (image).src = base + poster;
    else image.remove();
    paint(find(this.root, ".poster canvas"), card.blurhash ?? "");
  }

  /** Caption text, and those hashtags that it does not already contain. @returns {Node[]} */
  #caption() {
    const { caption, hashtags } = this.entry.item.card;
    const said = new Set((caption.match(/#[\p{L}\p{N}_]+/gu) ?? []).map((tag) => tag.slice(1).toLowerCase()));
    const text = [caption, ...hashtags.filter((tag) => !said.has(tag)).map((tag) => `#${tag}`)].filter(Boolean).join(" ");
    return text.split(/(#[\p{L}\p{N}_]+)/u).map((part) => {
      if (!part.startsWith("#")) return document.createTextNode(part);
      const link = el("a", "tag", part);
      link.setAttribute("href", format({ page: "tag", key: part.slice(1).toLowerCase() }));
      return link;
    });
  }

  /** Counts and states after something changed. */
  update() {
    const { card, video } = this.entry.item;
    const isLiked = this.social.likes.has(video);
    const isFollowed = this.social.follows.has(card.creator_id);
    this.#button("like", isLiked, card.likes ?? 0, "Like");
    this.#button("comments", null, card.comments ?? 0, "Comments");
    this.#button("share", null, card.shares ?? 0, "Share");
    for (const button of this.root.querySelectorAll("[data-command=follow]")) {
      button.setAttribute("aria-pressed", String(isFollowed));
      button.setAttribute("aria-label", `${isFollowed ? "Following" : "Follow"} ${card.creator_name || card.creator_id}`);
    }
    find(this.root, ".meta .follow").textContent = isFollowed ? "Following" : "Follow";
  }

  /** @param {string} command @param {boolean | null} isPressed @param {number} n @param {string} label */
  #button(command, isPressed, n, label) {
    const button = find(this.root, `.rail [data-command=${command}]`);
    if (isPressed !== null) button.setAttribute("aria-pressed", String(isPressed));
    button.setAttribute("aria-label", `${label}, ${n.toLocaleString("en")}`);
    find(button, ".count").textContent = count(n);
  }

  /** @param {HTMLVideoElement} video */
  hold(video) {
    find(this.root, ".screen").append(video);
    for (const track of video.textTracks) track.addEventListener("cuechange", () => this.#lift(track));
  }

  /** Cues that name no place of their own stand above the words. @param {TextTrack} track */
  #lift(track) {
    const line = (100 * (find(this.root, ".meta").offsetTop - CAPTIONS_PX)) / find(this.root, ".frame").clientHeight;
    for (const cue of track.activeCues ?? []) {
      if (cue instanceof VTTCue && cue.line === "auto") Object.assign(cue, { snapToLines: false, line });
    }
  }

  /** @param {boolean} isCurrent */
  focus(isCurrent) {
    this.root.inert = !isCurrent;
    this.root.classList.toggle("is-current", isCurrent);
    if (isCurrent) this.#clamp();
    else this.root.classList.remove("is-paused", "is-waiting", "is-playing");
  }

  /** The whole caption, or its first lines. @param {boolean} isOpen */
  tell(isOpen) {
    const more = find(this.root, ".more");
    this.root.classList.toggle("is-told", isOpen);
    more.textContent = isOpen ? "less" : "more";
    more.setAttribute("aria-expanded", String(isOpen));
  }

  /** The button for the rest is there when there is a rest. */
  #clamp() {
    const caption = find(this.root, ".caption");
    if (!this.root.classList.contains("is-told")) find(this.root, ".more").hidden = caption.scrollHeight <= caption.clientHeight + 1;
  }

  /** @param {"is-paused"|"is-waiting"|"is-playing"} name @param {boolean} isOn */
  mark(name, isOn) {
    this.root.classList.toggle(name, isOn);
  }

  /** @param {number} atS @param {number} durationS */
  progress(atS, durationS) {
    const seek = find(this.root, ".seek");
    const share = durationS > 0 ? Math.min(atS / durationS, 1) : 0;
    // Smoothly onwards, at once back to where a loop begins.
    seek.classList.toggle("is-onwards", share > Number(seek.style.getPropertyValue("--share")));
    seek.style.setProperty("--share", String(share));
    seek.setAttribute("aria-valuenow", String(Math.round(share * 100)));
    seek.setAttribute("aria-valuetext", `${atS.toFixed(0)} of ${durationS.toFixed(0)} seconds`);
    find(this.root, ".clock").textContent = `${clock(atS)} / ${clock(durationS)}`;
  }

  /** A heart where the finger was. @param {number} x @param {number} y */
  burst(x, y) {
    const heart = find(this.root, ".heart").cloneNode(true);
    const box = find(this.root, ".frame").getBoundingClientRect();
    const style = /** @type {SVGElement} */ (heart).style;
    style.setProperty("--x", `${x - box.left}px`);
    style.setProperty("--y", `${y - box.top}px`);
    style.setProperty("--tilt", `${Math.round(Math.random() * 36 - 18)}deg`);
    /** @type {SVGElement} */ (heart).classList.add("is-beating");
    heart.addEventListener("animationend", () => /** @type {SVGElement} */ (heart).remove());
    find(this.root, ".frame").append(heart);
  }

  /** Drag, arrow keys, Home and End on the progress bar. @param {(atShare: number) => void} seekTo @param {(byS: number) => void} seekBy */
  onSeek(seekTo, seekBy) {
    const seek = find(this.root, ".seek");
    const at = (/** @type {PointerEvent} */ event) => {
      const box = seek.getBoundingClientRect();
      seekTo(Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1));
    };
    seek.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      seek.setPointerCapture(event.pointerId);
      this.root.classList.add("is-seeking");
      at(event);
    });
    seek.addEventListener("lostpointercapture", () => this.root.classList.remove("is-seeking"));
    seek.addEventListener("pointermove", (event) => seek.hasPointerCapture(event.pointerId) && at(event));
    seek.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -SEEK_KEY_S, ArrowRight: SEEK_KEY_S }[event.key];
      const to = { Home: 0, End: 1 }[event.key];
      if (by) seekBy(by);
      else if (to !== undefined) seekTo(to);
      else return;
      event.preventDefault();
    });
  }
}

/** Draw a blurhash; a plain dark surface when there is none. @param {HTMLCanvasElement} canvas @param {string} hash */
export function paint(canvas, hash) {
  const data = pixels(hash, HASH_PX, HASH_PX);
  canvas.width = canvas.height = HASH_PX;
  if (data) canvas.getContext("2d")?.putImageData(new ImageData(data, HASH_PX, HASH_PX), 0, 0);
}

let timer = 0;

/** Say something small for a moment. @param {string} text */
export function notice(text) {
  const box = find(document, "#notice");
  box.textContent = text;
  box.classList.add("is-shown");
  clearTimeout(timer);
  timer = setTimeout(() => box.classList.remove("is-shown"), NOTICE_MS);
}
