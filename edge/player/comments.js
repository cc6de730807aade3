/**
 * The comments sheet: reads a video's comments, and shows what the viewer writes at once.
 *
 * @typedef {import("./sdk/types.js").Item} Item
 * @typedef {{user_id: string, text: string, at_ms: number}} Comment
 */
import { pullable } from "./pull.js";
import { el, find } from "./ui.js";
import { ago, hues, initial } from "./words.js";

const PAGE = 30;
const MAX_SHOWN = 600;
const MAX_MINE = 50;

/** One sheet for the page; shown for one video at a time. */
export class Comments {
  #root = /** @type {HTMLDialogElement} */ (find(document, "#comments"));
  #list = find(document, "#comments ol");
  #form = find(document, "#comments form");
  /** What was written here and may not be readable yet. @type {{video: string, text: string, at_ms: number}[]} */
  #mine = [];
  /** @type {Item | null} */
  #item = null;
  /** Where the comments before those shown are. @type {string} */
  #next = "";
  #older = el("button", "older", "Older comments");
  #api;

  /** The viewer wrote something. @type {(item: Item, text: string) => void} */
  onComment = () => {};

  /** @param {import("./sdk/edge.js").Edge} api */
  constructor(api) {
    this.#api = api;
    find(this.#root, ".close").addEventListener("click", () => this.close());
    this.#root.addEventListener("close", () => {
      if (!this.isOpen) this.#item = null;
    });
    this.#root.addEventListener("click", (event) => this.#isBeside(event) && this.close());
    pullable(this.#root, find(this.#root, "header"), () => this.close());
    this.#older.addEventListener("click", () => void this.#more());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
  }

  get isOpen() {
    return this.#root.open;
  }

  /** @param {Item} item @param {boolean} isTyping the viewer has keys: on a phone theirs would cover what others say */
  async open(item, isTyping) {
    this.#item = item;
    this.#say("Loading comments…");
    this.#list.replaceChildren();
    this.#root.showModal();
    if (isTyping) find(this.#root, "input").focus({ preventScroll: true });
    try {
      const { items, next = "" } = await this.#api.read(`videos/${item.video}/comments?limit=${PAGE}`);
      if (this.#item !== item) return;
      this.#draw(item, items, "No comments yet. Say something nice.");
      this.#lead(next);
    } catch {
      if (this.#item === item) this.#draw(item, [], "Comments can't be reached right now. Yours will be sent when they can.");
    }
  }

  /** @param {Item} item @param {Comment[]} read newest first @param {string} ifNone */
  #draw({ video }, read, ifNone) {
    const known = new Set(read.filter((c) => c.user_id === this.#api.userId).map(({ text }) => text));
    const mine = this.#mine.filter((comment) => comment.video === video && !known.has(comment.text));
    const all = [...mine.map((comment) => ({ ...comment, user_id: this.#api.userId })), ...read];
    this.#list.replaceChildren(...all.slice(0, MAX_SHOWN).map(this.#row));
    this.#say(all.length ? "" : ifNone);
  }

  /** The page before those shown. */
  async #more() {
    const item = this.#item;
    if (!item || this.#older.hasAttribute("aria-disabled")) return;
    this.#older.setAttribute("aria-disabled", "true");
    try {
      const path = `videos/${item.video}/comments?limit=${PAGE}&before=${encodeURIComponent(this.#next)}`;
      const { items, next = "" } = await this.#api.read(path);
      if (this.#item !== item) return;
      this.#older.parentElement?.remove();
      const rows = items.map(this.#row);
      this.#list.append(...rows);
      this.#lead(next);
      if (rows[0]) Object.assign(rows[0], { tabIndex: -1 }).focus({ preventScroll: true });
    } catch {
      if (this.#item === item) this.#older.textContent = "Try again";
    } finally {
      this.#older.removeAttribute("aria-disabled");
    }
  }

  /** The way to older comments, while there are some. @param {string} next */
  #lead(next) {
    this.#next = next;
    this.#older.textContent = "Older comments";
    if (!next || this.#list.childElementCount >= MAX_SHOWN) return;
    const place = document.createElement("li");
    place.append(this.#older);
    this.#list.append(place);
  }

  close() {
    this.#root.close();
  }

  /** What is not on the sheet is on its backdrop. @param {MouseEvent} event */
  #isBeside({ clientX: x, clientY: y, detail }) {
    const { left, right, top, bottom } = this.#root.getBoundingClientRect();
    return detail > 0 && (x < left || x > right || y < top || y > bottom);
  }

  #send() {
    const input = /** @type {HTMLInputElement} */ (find(this.#form, "input"));
    const text = input.value.trim();
    if (!text || !this.#item) return;
    input.value = "";
    this.onComment(this.#item, text);
    this.#say("");
    const comment = { video: this.#item.video, text, at_ms: Date.now() };
    this.#mine = [comment, ...this.#mine].slice(0, MAX_MINE);
    this.#list.prepend(this.#row({ ...comment, user_id: this.#api.userId }));
    this.#list.scrollTop = 0;
  }

  /** @param {string} text */
  #say(text) {
    find(this.#root, ".empty").textContent = text;
  }

  /** @type {(comment: Comment) => HTMLElement} */
  #row = ({ user_id: userId, text, at_ms: atMs }) => {
    const item = el("li");
    const [hue, other] = hues(userId);
    item.style.setProperty("--hue", String(hue));
    item.style.setProperty("--hue2", String(other));
    const name = userId === this.#api.userId ? "you" : userId;
    const when = el("time", "", ago(atMs, Date.now()));
    when.setAttribute("datetime", new Date(atMs).toISOString());
    const head = el("p", "who");
    head.append(el("span", "name", name), " ", when);
    const said = Object.assign(el("p", "said", text), { dir: "auto" });
    const body = el("div");
    body.append(head, said);
    const disc = el("span", "avatar small", initial(name));
    disc.setAttribute("aria-hidden", "true");
    item.append(disc, body);
    return item;
  };
}
