/**
 * The page: makes the parts, joins commands to them, and opens the session.
 */
import { Api } from "./api.js";
import { Comments } from "./comments.js";
import { listen } from "./gestures.js";
import { Overlay } from "./overlay.js";
import { Player } from "./player.js";
import { Social } from "./social.js";
import { find, notice } from "./ui.js";

const SEEK_S = 2;

/** The browser's store, or memory where it is forbidden. @returns {import("./outbox.js").Store} */
function store() {
  try {
    localStorage.setItem("headstart.probe", "");
    return localStorage;
  } catch {
    const kept = new Map();
    return { getItem: (key) => kept.get(key) ?? null, setItem: (key, value) => void kept.set(key, value) };
  }
}

const kept = store();
const api = new Api({ store: kept });
const social = new Social(kept);
const overlay = new Overlay();
const comments = new Comments(api);
const player = new Player({ api, social, overlay });

/** @param {string} kind @param {Partial<import("./types.js").PlayerEvent>} [facts] */
function tell(kind, facts) {
  if (!player.current) return;
  api.note(kind, player.current.item.video, facts);
  player.sync();
}

/** @param {boolean} [wanted] */
function like(wanted) {
  const entry = player.current;
  if (!entry || social.likes.has(entry.item.video) === wanted) return;
  const isLiked = social.toggle("likes", entry.item.video);
  entry.item.card.likes = Math.max(0, (entry.item.card.likes ?? 0) + (isLiked ? 1 : -1));
  tell(isLiked ? "like" : "unlike");
  player.slide?.update();
}

function follow() {
  const card = player.current?.item.card;
  if (!card) return;
  tell(social.toggle("follows", card.creator_id) ? "follow" : "unfollow");
  player.slide?.update();
}

async function share() {
  const item = player.current?.item;
  if (!item) return;
  const url = `${location.origin}/#v=${item.video}`;
  try {
    if (navigator.share) await navigator.share({ title: item.card.caption, url });
    else await navigator.clipboard.writeText(url);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    notice(url);
    return;
  }
  if (!navigator.share) notice("Link copied");
  item.card.shares = (item.card.shares ?? 0) + 1;
  player.slide?.update();
  tell("share");
}

function notInterested() {
  const item = player.current?.item;
  if (!item) return;
  api.note("not_interested", item.video);
  notice("You'll see less like this");
  player.drop(({ video, card }) => video === item.video || card.creator_id === item.card.creator_id);
  player.sync();
}

/** @param {boolean} isMuted */
function mute(isMuted) {
  player.mute(isMuted);
  find(document, "#mute").setAttribute("aria-pressed", String(!isMuted));
}

/** @type {Record<import("./gestures.js").Command, () => void>} */
const commands = {
  next: () => player.step(1),
  previous: () => player.step(-1),
  pause: () => (player.video?.paused ? void player.play() : player.pause()),
  back: () => player.seek((player.video?.currentTime ?? 0) - SEEK_S),
  ahead: () => player.seek((player.video?.currentTime ?? 0) + SEEK_S),
  mute: () => mute(!player.isMuted),
  like: () => like(),
  comments: () => (comments.isOpen ? comments.close() : player.current && void comments.open(player.current.item)),
  share: () => void share(),
  follow,
  skip: notInterested,
  overlay: () => overlay.toggle(),
  close: () => comments.close(),
};

listen(find(document, "#feed"), {
  command: (command) => commands[command](),
  tap: commands.pause,
  doubleTap: (x, y) => {
    player.slide?.burst(x, y);
    like(true);
  },
});

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("[data-command]"));
  const command = /** @type {import("./gestures.js").Command | undefined} */ (button?.dataset.command);
  if (command) commands[command]();
  else target.closest(".caption")?.classList.toggle("is-open");
});

comments.onComment = (/** @type {import("./types.js").Item} */ item, /** @type {string} */ text) => {
  item.card.comments = (item.card.comments ?? 0) + 1;
  player.slide?.update();
  api.note("comment", item.video, { text });
  player.sync();
};

api.onReachable = (/** @type {boolean} */ isReachable) => find(document, "#offline").classList.toggle("is-shown", !isReachable);

document.addEventListener("visibilitychange", () => {
  if (document.hidden) player.video?.pause();
  else if (!player.slide?.root.classList.contains("is-paused")) void player.play();
});

addEventListener("pagehide", () => {
  player.noteWatch();
  api.farewell();
});

/** A link to one video (`/#v=id`) shows it first. @param {import("./types.js").Slice} slice */
async function linked(slice) {
  const id = /^#v=([\w-]{1,64})$/.exec(location.hash)?.[1];
  const answer = id && (await api.read(`videos/${id}`).catch(() => null));
  if (!id || !answer?.card?.rungs?.length) return slice;
  const why = { source: "link", score: 0, rank_moved: 0, text: "You followed a link" };
  const base = answer.base ?? `/v/${id}/`;
  const item = { video: id, base, master: `${base}master.m3u8`, card: answer.card, why };
  return { ...slice, items: [item, ...slice.items.filter(({ video }) => video !== id)] };
}

mute(true);
// For the browser tests and the curious: what happened, what is on screen, what comes.
Object.assign(globalThis, {
  headstart: {
    player,
    get swipes() {
      return player.swipes;
    },
    get current() {
      return player.current?.item ?? null;
    },
    get queue() {
      return player.entries.slice(player.index + 1).map(({ item }) => item);
    },
    get slice() {
      return player.slice;
    },
  },
});

player.take(await linked(await api.open()));
api.listen({
  queue: async ({ queue_version: version }) => {
    if (version <= (player.slice?.queue_version ?? 0)) return;
    const slice = await api.feed().catch(() => null);
    if (slice) player.take(slice);
  },
  withdrawn: ({ video }) => player.drop((item) => item.video === video),
});
