/**
 * A sound's page: what it is called, whose it is, and the videos with it, the original first.
 *
 * @typedef {import("./paged.js").Told} Told
 * @typedef {{id: string, title: string, creator_id: string, creator_name: string, n_videos: number, video: Told | null}} Sound
 * @typedef {import("./paged.js").Page} Page
 */
import { PagedView } from "./paged.js";
import { format } from "./routes.js";
import { find, paint } from "./ui.js";
import { said } from "./view.js";
import { hues, plural, soundTitle } from "./words.js";

/** The page of one sound at a time. @extends {PagedView<{sound: Sound, page: Page}>} */
export class SoundPage extends PagedView {
  /** @type {Sound | null} */
  #sound = null;

  /** @param {() => string} base */
  constructor(base) {
    const root = find(document, "#page-sound");
    super(root, find(root, ".body"), base);
    const image = find(root, ".cover img");
    image.addEventListener("load", () => image.classList.add("is-loaded"));
  }

  /** @override */
  get title() {
    return this.#sound ? soundTitle(this.#sound.title, this.#sound.creator_name || this.#sound.creator_id) : "Sound";
  }

  /** @override @param {boolean} isOther */
  wait(isOther) {
    super.wait(isOther);
    if (isOther) this.#sound = null;
    this.#head();
  }

  /** @override @param {string} key @param {AbortSignal} signal */
  async load(key, signal) {
    const sound = this.read(`sounds/${encodeURIComponent(key)}`, signal);
    const [told, page] = await Promise.all([sound, this.firstPage(key, signal)]);
    return { sound: told, page };
  }

  /** @override @param {{sound: Sound, page: Page}} told */
  draw({ sound, page }) {
    this.#sound = sound;
    const list = this.drawn(page, sound.id);
    this.#head();
    return [list ?? said("No videos with it now", "The first one that uses it will be here.")];
  }

  /** @override @param {string} key */
  pathOf(key) {
    return `sounds/${encodeURIComponent(key)}/videos`;
  }

  /** @override */
  get why() {
    return `With ${this.title}`;
  }

  /** @override @param {string} video */
  hrefOf(video) {
    return format({ page: "sound", key: this.key, video });
  }

  #head() {
    const sound = this.#sound;
    find(this.root, "h1").textContent = this.title;
    find(this.root, ".note").textContent = sound ? plural(sound.n_videos, "video") : "\u00a0";
    find(this.root, ".gone").hidden = !sound || sound.video !== null;
    const maker = find(this.root, ".maker");
    maker.hidden = !sound?.creator_id;
    maker.textContent = `@${sound?.creator_name || sound?.creator_id}`;
    maker.setAttribute("href", format({ page: "user", key: sound?.creator_id ?? "" }));
    this.#cover(sound?.video ?? null);
  }

  /** The source's poster, which plays it; a note on the sound's colours when there is none. @param {Told | null} video */
  #cover(video) {
    const cover = find(this.root, ".cover");
    const [hue, other] = hues(this.key);
    cover.style.setProperty("--hue", String(hue));
    cover.style.setProperty("--hue2", String(other));
    cover.classList.toggle("is-playable", video !== null);
    if (video) cover.setAttribute("href", format({ page: "sound", key: this.key, video: video.id }));
    else cover.removeAttribute("href");
    paint(find(cover, "canvas"), video?.blurhash ?? "");
    const image = /** @type {HTMLImageElement} */ (find(cover, "img"));
    const poster = video?.poster || video?.poster_jpeg;
    const src = video && poster ? (video.base ?? `/v/${video.id}/`) + poster : "";
    if (image.getAttribute("src") === src) return;
    image.classList.remove("is-loaded");
    if (src) image.src = src;
    else image.removeAttribute("src");
  }
}
