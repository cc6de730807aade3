/**
 * A creator's page: who, how many follow, and their videos, newest first.
 *
 * @typedef {{id: string, name: string, followers: number, following: number, videos: number}} User
 * @typedef {{user: User, page: import("./paged.js").Page}} Told
 */
import { PagedView } from "./paged.js";
import { format } from "./routes.js";
import { el, face, find } from "./ui.js";
import { said } from "./view.js";
import { count } from "./words.js";

/** The page of one creator at a time. @extends {PagedView<Told>} */
export class Profile extends PagedView {
  #social;
  /** @type {User | null} */
  #user = null;
  /** Followed already when the edge told the count. */
  #wasFollowed = false;

  /** The viewer follows or no longer does. @type {(creator: string, video: string) => void} */
  onFollow = () => {};

  /** @param {() => string} base @param {import("./social.js").Social} social */
  constructor(base, social) {
    const root = find(document, "#page-user");
    super(root, find(root, ".body"), base);
    this.#social = social;
    find(root, ".follow").addEventListener("click", () => this.onFollow(this.key, this.items[0].video));
  }

  /** @override */
  get title() {
    return `@${this.#user?.name || this.key}`;
  }

  /** @override @param {boolean} isOther */
  wait(isOther) {
    super.wait(isOther);
    if (isOther) this.#user = null;
    this.update();
  }

  /** @override @param {string} key @param {AbortSignal} signal @returns {Promise<Told>} */
  async load(key, signal) {
    const user = this.read(`users/${encodeURIComponent(key)}`, signal);
    const [told, page] = await Promise.all([user, this.firstPage(key, signal)]);
    return { user: told, page };
  }

  /** @override @param {Told} told */
  draw({ user, page }) {
    this.#user = user;
    this.#wasFollowed = this.#social.follows.has(user.id);
    const list = this.drawn(page);
    this.update();
    return [list ?? said("No videos yet", "What they publish will be here.")];
  }

  /** @override @param {string} key */
  pathOf(key) {
    return `users/${encodeURIComponent(key)}/videos`;
  }

  /** @override */
  get why() {
    return `From ${this.title}`;
  }

  /** @override @param {string} video */
  hrefOf(video) {
    return format({ page: "user", key: this.key, video });
  }

  /** Name, counts and the button after something changed. */
  update() {
    const name = this.#user?.name || this.key;
    const isFollowed = this.#social.follows.has(this.key);
    find(this.root, ".who-face").replaceChildren(face(this.key, name));
    find(this.root, "h1").textContent = `@${name}`;
    find(this.root, ".counts").replaceChildren(...this.#counts(isFollowed));
    const button = find(this.root, ".follow");
    // A follow is told with a video of theirs.
    button.hidden = !this.items.length;
    button.textContent = isFollowed ? "Following" : "Follow";
    button.setAttribute("aria-pressed", String(isFollowed));
    button.setAttribute("aria-label", `${isFollowed ? "Following" : "Follow"} ${name}`);
  }

  /** @param {boolean} isFollowed */
  #counts(isFollowed) {
    if (!this.#user) return [el("span", "", "\u00a0")];
    const { followers, following, videos } = this.#user;
    const mine = Number(isFollowed) - Number(this.#wasFollowed);
    const shown = /** @type {[string, number][]} */ ([
      [videos === 1 ? "Video" : "Videos", videos],
      [followers + mine === 1 ? "Follower" : "Followers", Math.max(0, followers + mine)],
      ["Following", following],
    ]);
    return shown.map(([label, n]) => {
      const box = el("span");
      box.append(el("b", "", count(n)), ` ${label}`);
      return box;
    });
  }
}
