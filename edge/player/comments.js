/**
 * The comments sheet: reads a video's comments, and shows what the viewer writes at once.
 *
 * @typedef {import("./types.js").Item} Item
 */
import { find } from "./ui.js";
import { ago, hues } from "./words.js";

const MAX_SHOWN = 100;

/** One sheet for the page; shown for one video at a time. */
export class Comments {
  #root = find(document, "#comments");
  #list = find(document, "#comments ol");
  #form = find(document, "#comments form");
  /** @type {Item | null} */
  #item = null;
  /** @type {Element | null} */
  #opener = null;
  #api;

  /** The viewer wrote something. @type {(item: Item, text: string) => void} */
  onComment = () => {};

  /** @param {import("./api.js").Api} api */
  constructor(api) {
    this.#api = api;
    find(this.#root, ".close").addEventListener("click", () => this.close());
    find(document, "#shade").addEventListener("click", () => this.close());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  get isOpen() {
    return this.#root.classList.contains("is-shown");
  }

  /** @param {Item} item */
  async open(item) {
    this.#item = item;
    this.#opener = document.activeElement;
    this.#say("Loading comments…");
    this.#list.replaceChildren();
    this.#show(true);
    find(this.#root, "input").focus({ preventScroll: true });
    try {
      const { items } = await this.#api.read(`videos/${item.video}/comments`);
      if (this.#item !== item) return;
      this.#list.append(...items.slice(0, MAX_SHOWN).map(row));
      this.#say(this.#list.childElementCount ? "" : "No comments yet. Say something nice.");
    } catch {
      this.#say("Comments can't be reached right now. Yours will be sent when they can.");
    }
  }

  close() {
    if (!this.isOpen) return;
    this.#item = null;
    this.#show(false);
    if (this.#opener instanceof HTMLElement) this.#opener.focus({ preventScroll: true });
  }

  #send() {
    const input = /** @type {HTMLInputElement} */ (find(this.#form, "input"));
    const text = input.value.trim();
    if (!text || !this.#item) return;
    input.value = "";
    this.onComment(this.#item, text);
    this.#say("");
    this.#list.prepend(row({ user_id: "you", text, at_ms: Date.now() }));
    this.#list.scrollTop = 0;
  }

  /** @param {boolean} isShown */
  #show(isShown) {
    this.#root.classList.toggle("is-shown", isShown);
    this.#root.inert = !isShown;
    find(document, "#shade").classList.toggle("is-shown", isShown);
  }

  /** @param {string} text */
  #say(text) {
    find(this.#root, ".empty").textContent = text;
  }
}

/** @param {{user_id: string, text: string, at_ms: number}} comment */
function row({ user_id: userId, text, at_ms: atMs }) {
  const item = document.createElement("li");
  const [hue, other] = hues(userId);
  item.style.setProperty("--hue", String(hue));
  item.style.setProperty("--hue2", String(other));
  const part = (/** @type {string} */ tag, /** @type {string} */ className, /** @type {string} */ content) =>
    Object.assign(document.createElement(tag), { className, textContent: content });
  const head = part("p", "who", userId.slice(0, 24));
  head.append(part("time", "", ago(atMs, Date.now())));
  const body = document.createElement("div");
  body.append(head, part("p", "said", text));
  item.append(part("span", "avatar small", userId.slice(0, 1).toUpperCase()), body);
  return item;
}
