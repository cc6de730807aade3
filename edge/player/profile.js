/**
 * A creator's page: who, how many follow, and their videos, newest first.
 *
 * @typedef {{id: string, name: string, followers: number, following: number, videos: number}} User
 * @typedef {{user: User, cards: (import("./sdk/types.js").Card & {base?: string})[]}} Told
 */
import { grid } from "./grid.js";
import { format } from "./routes.js";
import { el, face, find } from "./ui.js";
import { View, itemOf, said } from "./view.js";
import { count } from "./words.js";

const MAX_VIDEOS = 48;

/** The page of one creator at a time. @extends {View<Told>} */
export class Profile extends View {
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
    const path = `users/${encodeURIComponent(key)}`;
    const [user, { items }] = await Promise.all([
      this.read(path, signal),
      this.read(`${path}/videos?limit=${MAX_VIDEOS}`, signal),
    ]);
    return { user, cards: items };
  }

  /** @override @param {Told} told */
  draw({ user, cards }) {
    this.#user = user;
    this.#wasFollowed = this.#social.follows.has(user.id);
    this.items = cards.filter(({ rungs }) => rungs?.length).map((card) => itemOf(card, `From @${user.name}`, card.base));
    this.update();
    if (!this.items.length) return [said("No videos yet", "What they publish will be here.")];
    return [grid(this.items, (video) => format({ page: "user", key: this.key, video }))];
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
    button.setAttribute("aria-label", `${isFollowed ? "Unfollow" : "Follow"} ${name}`);
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
      box.append(el("b", "", count(n)), label);
      return box;
    });
  }
}
