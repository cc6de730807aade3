/**
 * The page: makes the parts, joins commands to them, and starts the feed.
 */
import { Comments } from "./comments.js";
import { DetourFeed } from "./detour.js";
import { listen } from "./gestures.js";
import { browserStore } from "./headstart.js";
import { Overlay } from "./overlay.js";
import { Pages } from "./pages.js";
import { Screen } from "./screen.js";
import { Social } from "./social.js";
import { find, notice } from "./ui.js";

/** @typedef {import("./sdk/types.js").Item} Item */

const SEEK_S = 2;

const store = browserStore();
const social = new Social(store);
const overlay = new Overlay();
/** @type {Screen} */
let screen;
const feed = new DetourFeed({ store, place: (entry, video) => screen.place(entry, video) });
screen = new Screen(feed, social);
const comments = new Comments(feed.edge);
const pages = new Pages(feed, social);

/** @param {boolean} [wanted] */
function like(wanted) {
  const entry = feed.current;
  if (!entry || social.likes.has(entry.item.video) === wanted) return;
  const isLiked = social.toggle("likes", entry.item.video);
  entry.item.card.likes = Math.max(0, (entry.item.card.likes ?? 0) + (isLiked ? 1 : -1));
  feed.note(isLiked ? "like" : "unlike");
  screen.slide?.update();
}

function follow() {
  const item = feed.current?.item;
  if (item) followMaker(item.card.creator_id, item.video);
}

/** @param {string} creator @param {string} video one of theirs: by it the edge knows them */
function followMaker(creator, video) {
  feed.edge.note(social.toggle("follows", creator) ? "follow" : "unfollow", video);
  feed.sync();
  screen.update();
  pages.profile.update();
}

async function share() {
  const item = feed.current?.item;
  if (!item) return;
  const url = `${location.origin}/#v=${item.video}`;
  try {
    if ("share" in navigator) await navigator.share({ title: item.card.caption, url });
    else await /** @type {Navigator} */ (navigator).clipboard.writeText(url);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    notice(url);
    return;
  }
  if (!("share" in navigator)) notice("Link copied");
  item.card.shares = (item.card.shares ?? 0) + 1;
  screen.slide?.update();
  feed.note("share");
}

function notInterested() {
  const item = feed.current?.item;
  if (!item) return;
  feed.note("not_interested");
  notice("You'll see less like this");
  feed.drop(({ video, card }) => video === item.video || card.creator_id === item.card.creator_id);
}

/** @param {boolean} isMuted */
function mute(isMuted) {
  feed.mute(isMuted);
  document.documentElement.classList.toggle("is-muted", isMuted);
  find(document, "#mute").setAttribute("aria-pressed", String(!isMuted));
}

/** @type {Record<import("./gestures.js").Command, (isTouched?: boolean) => void>} */
const commands = {
  next: () => feed.next(),
  previous: () => feed.previous(),
  pause: () => feed.toggle(),
  back: () => feed.seek((feed.video?.currentTime ?? 0) - SEEK_S),
  ahead: () => feed.seek((feed.video?.currentTime ?? 0) + SEEK_S),
  mute: () => mute(!feed.isMuted),
  captions: () => {
    feed.captions(!feed.hasCaptions);
    find(document, "#captions").setAttribute("aria-pressed", String(feed.hasCaptions));
    notice(feed.hasCaptions ? "Captions are on, where a video has some" : "Captions are off");
  },
  like: () => like(),
  comments: (isTouched) => (comments.isOpen ? comments.close() : feed.current && void comments.open(feed.current.item, !isTouched)),
  share: () => void share(),
  follow,
  skip: notInterested,
  overlay: () => overlay.toggle(),
  search: () => {
    comments.close();
    pages.search();
  },
  close: () => (comments.isOpen ? comments.close() : void pages.back()),
};

/** What a page, or the comments, in front of the player leave to it. @type {Record<"page"|"comments", ReadonlySet<import("./gestures.js").Command>>} */
const LEFT = { page: new Set(["search", "close"]), comments: new Set(["search", "close", "comments", "mute"]) };

/** @param {import("./gestures.js").Command} command */
function isCovered(command) {
  return (pages.isOpen && !LEFT.page.has(command)) || (comments.isOpen && !LEFT.comments.has(command));
}

listen(find(document, "#feed"), {
  command: (command) => (isCovered(command) ? false : commands[command]()),
  tap: commands.pause,
  doubleTap: (x, y) => {
    screen.slide?.burst(x, y);
    like(true);
  },
});

document.addEventListener("click", (event) => {
  const target = /** @type {HTMLElement} */ (event.target);
  const button = /** @type {HTMLElement | null} */ (target.closest("[data-command]"));
  const command = /** @type {import("./gestures.js").Command | undefined} */ (button?.dataset.command);
  if (command) commands[command](event instanceof PointerEvent && event.pointerType === "touch");
});

comments.onComment = (item, text) => {
  item.card.comments = (item.card.comments ?? 0) + 1;
  screen.slide?.update();
  feed.edge.note("comment", item.video, { text });
  feed.sync();
};

feed.on("show", ({ entry }) => {
  comments.close();
  find(document, "#captions").hidden = !entry.item.card.text_tracks?.length;
});
pages.profile.onFollow = followMaker;
addEventListener("popstate", () => comments.close());
feed.on("swipe", () => overlay.update(feed.swipes, feed.slice));

/** A link to one video (`/#v=id`) shows it first. @param {import("./sdk/types.js").Slice} slice */
async function linked(slice) {
  const id = /^#v=([\w-]{1,64})$/.exec(location.hash)?.[1];
  const answer = id && (await feed.edge.read(`videos/${id}`).catch(() => null));
  if (!id || !answer?.card?.rungs?.length) return slice;
  const why = { source: "link", score: 0, rank_moved: 0, text: "You followed a link" };
  const base = answer.base ?? `/v/${id}/`;
  const item = { video: id, base, master: `${base}master.m3u8`, card: answer.card, why };
  return { ...slice, items: [item, ...slice.items.filter(({ video }) => video !== id)] };
}

mute(true);
pages.start();
// For the browser tests and the curious: what happened, what is on screen, what comes.
Object.assign(globalThis, {
  headstart: {
    player: feed,
    get swipes() {
      return feed.swipes;
    },
    get current() {
      return feed.current?.item ?? null;
    },
    get queue() {
      return feed.entries.slice(feed.index + 1).map(({ item }) => item);
    },
    get slice() {
      return feed.slice;
    },
  },
});

await feed.start(linked);
