/**
 * Which page is in front: the feed, or search, a hashtag, a creator or a sound over it; and a video of theirs in the player.
 *
 * @typedef {import("./routes.js").Route} Route
 * @typedef {import("./detour.js").DetourFeed} DetourFeed
 */
import { focusCell } from "./grid.js";
import { Profile } from "./profile.js";
import { Router, format } from "./routes.js";
import { Search, Tag } from "./search.js";
import { Sight } from "./sight.js";
import { SoundPage } from "./sound.js";
import { find } from "./ui.js";
import { itemOf } from "./view.js";

const PLAYER = ["#feed", ".top", ".steps"];
const HOME = /** @type {Route} */ ({ page: "feed", key: "", video: "" });

/** The pages of one window. */
export class Pages {
  #feed;
  #views;
  #router = new Router((route) => void this.#show(route));
  /** A page is in front of the player. */
  isOpen = false;
  /** The player stood still already when a page came over it. */
  #wasPaused = false;
  /** The list that plays, by the hash of its page. */
  #listOf = "";
  /** A link to this video began the feed: its place in the history is the feed's. */
  #first = "";
  /** Counts the places shown: an answer for a former one is too late. */
  #n = 0;

  /** @param {DetourFeed} feed @param {import("./social.js").Social} social */
  constructor(feed, social) {
    this.#feed = feed;
    const base = () => feed.edge.base;
    this.#views = { search: new Search(base), tag: new Tag(base), user: new Profile(base, social), sound: new SoundPage(base) };
    const sight = new Sight((videos) => feed.browse(videos));
    for (const view of Object.values(this.#views)) view.onDrawn = () => sight.watch(view.root);
    this.#views.search.onWords = (words) => this.#router.rename({ page: "search", key: words, video: "" });
    feed.on("show", ({ entry }) => this.#swiped(entry.item.video));
    for (const button of document.querySelectorAll("[data-back]")) button.addEventListener("click", () => this.back());
  }

  get profile() {
    return this.#views.user;
  }

  /** The page that the URL names; a video alone is put in front of the feed by its start. */
  start() {
    const { route } = this.#router;
    if (route.page !== "feed") void this.#show(route);
    else {
      this.#first = route.video;
      this.#mark(route);
    }
  }

  search() {
    const { route } = this.#router;
    if (route.page !== "search" || !this.isOpen) this.#router.go({ page: "search", key: this.#views.search.key, video: "" });
    this.#views.search.focus();
  }

  /** Leave a page, or a list that plays. @returns {boolean} whether there was something to leave */
  back() {
    const { route } = this.#router;
    if (!this.isOpen && !this.#feed.isAway) return false;
    this.#router.back(route.page !== "feed" && route.video ? { ...route, video: "" } : HOME);
    return true;
  }

  /** @param {Route} route */
  async #show(route) {
    const n = (this.#n += 1);
    if (route.page === "feed") {
      this.#mark(route);
      if (route.video && route.video !== this.#first) await this.#play(route, n);
      else this.#goHome();
      return;
    }
    const view = this.#views[route.page];
    if (route.video && this.#isOn(route)) {
      this.#close(true);
      this.#mark(route);
      return;
    }
    if (!route.video) this.#open(route);
    const isLoaded = view.open(route.key);
    if (!route.video) this.#arrive(route);
    await isLoaded;
    if (n !== this.#n) return;
    if (route.video) await this.#play(route, n);
    this.#mark(route);
  }

  /** This very list and video are in the player. @param {Route} route */
  #isOn(route) {
    return this.#listOf === format({ ...route, video: "" }) && this.#feed.current?.item.video === route.video;
  }

  /** A video in its page's list, or alone when the list has it no more. @param {Route} route @param {number} n */
  async #play(route, n) {
    const items = route.page === "feed" ? [] : this.#views[route.page].items;
    const at = items.findIndex(({ video }) => video === route.video);
    const list = at < 0 ? await this.#alone(route.video) : items;
    if (n !== this.#n) return;
    if (!list.length) {
      this.#router.rename({ ...route, video: "" });
      await this.#show({ ...route, video: "" });
      return;
    }
    this.#listOf = format({ ...route, video: "" });
    find(document, ".list-name").textContent = route.page === "feed" ? "Back to For You" : this.#views[route.page].title;
    this.#close(false);
    this.#feed.leave(list, Math.max(at, 0));
  }

  /** @param {string} video */
  async #alone(video) {
    const answer = await this.#feed.edge.read(`videos/${encodeURIComponent(video)}`).catch(() => null);
    return answer?.card?.rungs?.length ? [itemOf(answer.card, "You followed a link", answer.base)] : [];
  }

  /** @param {Route} route */
  #open(route) {
    if (!this.isOpen) {
      this.#wasPaused = this.#feed.isPaused;
      this.#feed.pause();
    }
    this.isOpen = true;
    this.#cover(route.page);
  }

  /** @param {boolean} goesOn the video that was on screen */
  #close(goesOn) {
    const wasOpen = this.isOpen;
    this.isOpen = false;
    this.#feed.browse([]);
    this.#cover("feed");
    if (wasOpen && goesOn && !this.#wasPaused) void this.#feed.play();
    if (wasOpen) find(document, "#feed").focus({ preventScroll: true });
  }

  #goHome() {
    const isAway = this.#feed.isAway;
    this.#listOf = "";
    this.#close(!isAway);
    this.#feed.home();
    this.#mark(HOME);
  }

  /** Where the keyboard is on a page that came: at the video that was watched, in the field, or at its top. @param {Route} route */
  #arrive(route) {
    const view = this.#views[route.page === "feed" ? "search" : route.page];
    const n = this.#n;
    const watched = this.#listOf === format({ ...route, video: "" }) ? this.#feed.current?.item.video : "";
    // On a phone the field's keyboard would cover what is trending.
    const hasKeys = matchMedia("(hover: hover)").matches;
    if (!watched && route.page === "search" && hasKeys) this.#views.search.focus();
    else if (!watched) view.root.focus({ preventScroll: true });
    else void view.ready.then(() => n === this.#n && focusCell(view.root, watched));
  }

  /** @param {import("./routes.js").PageName} page */
  #cover(page) {
    for (const [name, { root }] of Object.entries(this.#views)) root.hidden = name !== page;
    for (const selector of PLAYER) find(document, selector).inert = page !== "feed";
    document.documentElement.classList.toggle("is-covered", page !== "feed");
  }

  /** The tab, the title and the way back. @param {Route} route */
  #mark(route) {
    const tab = route.page === "feed" ? "feed" : "search";
    for (const link of document.querySelectorAll("#tabs a")) {
      if (link.getAttribute("data-page") === tab) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.documentElement.classList.toggle("is-away", this.#feed.isAway);
    document.title = route.page === "feed" ? "Headstart" : `${this.#views[route.page].title} · Headstart`;
  }

  /** The URL names what is on screen, so that it can be shared and opened again. @param {string} video */
  #swiped(video) {
    const { route } = this.#router;
    if (this.isOpen) this.#feed.pause();
    else if (route.video && this.#feed.list.some((item) => item.video === video)) this.#router.rename({ ...route, video });
  }
}
