/**
 * The sound of a video: its own, or that of another one, picked from the most used or pasted as id or link.
 *
 * @typedef {import("./preview.js").Rung} Rung
 * @typedef {{id: string, title: string, creator_name: string, n_videos: number, is_available: boolean,
 *   video: {id: string, poster: string, rungs: Rung[]} | null}} Sound
 */
import { play } from "./preview.js";
import { soundId } from "./words.js";

const N_PICKS = 6;
const OWN = "the video's own";

export class SoundField {
  /** @type {Sound | null} */
  #chosen = null;
  /** Stops the preview, and what is still being asked. */
  #ends = new AbortController();
  #audio = new Audio();

  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.input = /** @type {HTMLInputElement} */ (root.querySelector("#sound"));
    this.input.addEventListener("change", () => void this.#look());
    for (const range of this.#ranges()) range.addEventListener("input", () => this.#tell(range));
    this.#audio.loop = true;
    void this.#offer();
  }

  /** What the upload says of it; nothing for the video's own. @returns {Record<string, string>} */
  get fields() {
    const sound = soundId(this.input.value) || this.input.value.trim().slice(0, 64);
    return sound ? { sound, ...Object.fromEntries(this.#ranges().map((range) => [range.name, range.value])) } : {};
  }

  clear() {
    this.input.value = "";
    this.#show(null, OWN);
  }

  /** The preview of the sound ends; the choice stays. */
  hush() {
    this.#ends.abort();
    this.#audio.pause();
    this.#audio.removeAttribute("src");
  }

  #ranges() {
    return /** @type {HTMLInputElement[]} */ ([...this.root.querySelectorAll("input[type=range]")]);
  }

  /** @param {HTMLInputElement} range */
  #tell(range) {
    const output = this.root.querySelector(`output[for=${range.id}]`);
    if (output) output.textContent = `${Math.round(Number(range.value) * 100)} %`;
    if (range.name === "sound_volume") this.#audio.volume = Math.min(1, Number(range.value));
  }

  async #offer() {
    const answer = await ask(`/v1/sounds?n=${N_PICKS}`);
    const picks = /** @type {Sound[]} */ (answer?.items ?? []).map((sound) => this.#pick(sound));
    this.root.querySelector(".picks")?.replaceChildren(...picks);
  }

  /** @param {Sound} sound */
  #pick(sound) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "pick" });
    button.dataset.sound = sound.id;
    button.setAttribute("aria-pressed", "false");
    if (sound.video?.poster) {
      button.append(Object.assign(new Image(), { src: `/v/${sound.video.id}/${sound.video.poster}`, alt: "" }));
    }
    const uses = sound.n_videos === 1 ? "1 video" : `${sound.n_videos} videos`;
    const name = Object.assign(document.createElement("b"), { textContent: sound.creator_name });
    button.append(name, Object.assign(document.createElement("span"), { textContent: uses }));
    button.addEventListener("click", () => {
      if (this.#chosen?.id === sound.id) return this.clear();
      this.input.value = sound.id;
      this.#show(sound, sound.title);
    });
    const item = document.createElement("li");
    item.append(button);
    return item;
  }

  /** What was pasted may be any video: its sound is looked up. */
  async #look() {
    const id = soundId(this.input.value);
    if (!id) return this.#show(null, OWN);
    const video = await ask(`/v1/videos/${id}`);
    const sound = await ask(`/v1/sounds/${video?.card?.sound_id ?? id}`);
    if (soundId(this.input.value) !== id) return;
    if (sound?.is_available) this.#show(sound, sound.title);
    else this.#show(null, sound ? "may not be used any more" : "no such video", true);
  }

  /** @param {Sound | null} sound @param {string} words @param {boolean} [isWrong] */
  #show(sound, words, isWrong = false) {
    this.hush();
    this.#chosen = sound;
    this.root.classList.toggle("is-wrong", isWrong);
    this.root.querySelector(".note")?.replaceChildren(words);
    /** @type {HTMLElement | null} */ (this.root.querySelector(".mix"))?.toggleAttribute("hidden", !sound);
    for (const pick of this.root.querySelectorAll(".pick")) {
      pick.setAttribute("aria-pressed", String(/** @type {HTMLElement} */ (pick).dataset.sound === sound?.id));
    }
    if (!sound?.video) return;
    this.#ends = new AbortController();
    const { video } = sound;
    play(this.#audio, video.id, video.rungs[0], this.#ends.signal).catch(() => {});
  }
}

/** @param {string} url */
async function ask(url) {
  const answer = await fetch(url, { cache: "no-store" }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}
