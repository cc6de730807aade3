/**
 * Where the viewer is, in the part of the URL after `#`: so that back works and any place can be linked.
 *
 * `#search=…` `#tag=…` `#user=…` `#sound=…` are pages; with `&v=…` a video of that page's list plays. `#v=…` is one video.
 *
 * @typedef {"feed"|"search"|"tag"|"user"|"sound"} PageName
 * @typedef {{page: PageName, key: string, video: string}} Route `key`: the words, the hashtag, or the id of the creator or the sound
 */

const PAGES = /** @type {const} */ (["search", "tag", "user", "sound"]);
const MAX_KEY_CHARS = 200;

/** The route that a hash names; the feed when it names none. Pure. @param {string} hash @returns {Route} */
export function parse(hash) {
  const said = new URLSearchParams(hash.replace(/^#\/?/, ""));
  const video = /^[\w-]{1,64}$/.exec(said.get("v") ?? "")?.[0] ?? "";
  const page = PAGES.find((name) => said.has(name));
  const key = (page && said.get(page)?.slice(0, MAX_KEY_CHARS)) || "";
  if (!page || (page !== "search" && !key)) return { page: "feed", key: "", video };
  return { page, key, video };
}

/** The hash of a route; empty for the feed. Pure. @param {Partial<Route> & {page: PageName}} route */
export function format({ page, key = "", video = "" }) {
  const said = new URLSearchParams({ ...(page !== "feed" && { [page]: key }), ...(video && { v: video }) });
  const text = said.toString().replace(/=(?=&|$)/, "");
  return text && `#${text}`;
}

/** The browser's history, one entry for each place. */
export class Router {
  #onRoute;
  /** Places behind this one that are ours. */
  #depth = history.state?.depth ?? 0;

  /** @param {(route: Route) => void} onRoute */
  constructor(onRoute) {
    this.#onRoute = onRoute;
    addEventListener("popstate", () => {
      this.#depth = history.state?.depth ?? 0;
      onRoute(this.route);
    });
    document.addEventListener("click", (event) => {
      const link = /** @type {Element} */ (event.target).closest?.("a[href^='#']");
      if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.go(parse(link.getAttribute("href") ?? ""));
    });
  }

  get route() {
    return parse(location.hash);
  }

  /** @param {Route} route */
  go(route) {
    if (format(route) === format(this.route)) return;
    this.#depth += 1;
    history.pushState({ depth: this.#depth }, "", format(route) || location.pathname + location.search);
    this.#onRoute(route);
  }

  /** The same place has another name now. @param {Route} route */
  rename(route) {
    history.replaceState(history.state, "", format(route) || location.pathname + location.search);
  }

  /** To where the viewer came from; a place that was opened by a link leads to `up`. @param {Route} up */
  back(up) {
    if (this.#depth > 0) history.back();
    else if (format(up) !== format(this.route)) {
      this.rename(up);
      this.#onRoute(up);
    }
  }
}
