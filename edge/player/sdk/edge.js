/**
 * Everything the player says to its edge: session, feed, plan, events, stream, reads.
 *
 * Events leave in one POST per swipe whose answer is the next slice; at most one POST is under way, what
 * happens meanwhile travels with the next. While the edge is away events wait in the outbox and the POST is
 * tried again, later and later; the region's other edges, which the session's answer names, are tried in turn.
 *
 * @typedef {import("./types.js").Slice} Slice
 * @typedef {import("./types.js").Plan} Plan
 * @typedef {import("./types.js").PlayerState} PlayerState
 * @typedef {{current?: string, held?: string[], player?: PlayerState}} Context what is on screen and what is preloaded
 */
import { ApiError, parsed, planOf, sliceOf } from "./answers.js";
import { Outbox } from "./outbox.js";

const TIMEOUT_MS = 6000;
const RETRY_MIN_MS = 400;
const RETRY_MAX_MS = 8000;
const SLICE = 5;
const USER_KEY = "headstart.user";
/** Failures in a row after which the next edge is tried. */
const MAX_FAILURES = 2;
const MAX_EDGES = 8;
const MAX_QOE = 16;

/** A pause before try `n` (from 0): doubles, with jitter. @param {number} n */
export function backoffMs(n) {
  return Math.min(RETRY_MIN_MS * 2 ** n, RETRY_MAX_MS) * (0.6 + 0.4 * Math.random());
}

/** @param {number} bytes random hexadecimal digits that also work without https */
function hex(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** The edge, as seen by one viewer. */
export class Edge {
  /** Where it is; empty: where the page is from. */
  base;
  /** Changes at every new session. */
  sessionId = "";
  /** @type {string[]} */
  #edges;
  #store;
  #outbox;
  /** @type {import("./types.js").Qoe[]} */
  #qoe = [];
  #token = "";
  #tries = 0;
  #failures = 0;
  #timer = 0;
  #isPosting = false;
  /** Something changed since the last POST was put together. */
  #isDue = false;
  /** The last POST was refused: the next one tells nothing but events. */
  #isRefused = false;
  #end = new AbortController();
  /** @type {Promise<Slice> | null} */
  #opening = null;
  /** @type {EventSource | null} */
  #stream = null;

  /** What is on screen, asked at each POST. @type {() => Context} */
  context = () => ({});
  /** Called with each slice that an events POST brought, and the video that was on screen then. @type {(slice: Slice, video: string) => void} */
  onSlice = () => {};
  /** Called when the edge goes away or comes back. @type {(isReachable: boolean) => void} */
  onReachable = () => {};
  /** Called when another edge takes over. @type {() => void} */
  onMoved = () => {};

  /** @param {{base?: string, store: import("./types.js").Store}} options */
  constructor({ base = "", store }) {
    this.base = base.replace(/\/$/, "");
    this.#edges = [this.base];
    this.#store = store;
    this.#outbox = new Outbox(store);
    addEventListener("online", () => this.flush(), { signal: this.#end.signal });
  }

  /** Nothing is asked or told any more. */
  close() {
    this.#end.abort();
    this.#stream?.close();
    clearTimeout(this.#timer);
  }

  get userId() {
    return this.#store.getItem(USER_KEY) ?? "";
  }

  /** Of the page's own origin: a request with our own headers costs no preflight. */
  get isHome() {
    return new URL(this.base || "/", location.href).origin === location.origin;
  }

  /** A session for this viewer, and the first slice. Tries until it works. @returns {Promise<Slice>} */
  open() {
    this.#opening ??= this.#open().finally(() => (this.#opening = null));
    return this.#opening;
  }

  async #open() {
    for (let n = 0; ; n += 1) {
      try {
        const body = { n: SLICE, ...(this.userId && { user_id: this.userId }) };
        const { session = {}, feed } = await this.#call("POST", "/v1/sessions", body);
        if (!session.token) throw new ApiError(0, "the answer is no session");
        const slice = sliceOf(feed);
        this.#token = session.token;
        this.sessionId = session.id;
        this.#edges = [...new Set([...this.#edges.slice(0, 1), ...(session.edges ?? [])])].slice(0, MAX_EDGES);
        this.#store.setItem(USER_KEY, session.user_id);
        this.onReachable(true);
        return slice;
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (this.#end.signal.aborted) return new Promise(() => {});
        if (error.isRefusal) this.#store.setItem(USER_KEY, "");
        this.onReachable(false);
        await new Promise((resolve) => setTimeout(resolve, backoffMs(n)));
      }
    }
  }

  /** The next slice without saying anything. @returns {Promise<Slice>} */
  async feed() {
    return sliceOf(await this.#authorized(() => this.#call("GET", `/v1/feed?n=${SLICE}`)));
  }

  /** A fresh plan; moves nothing. @param {PlayerState} state @returns {Promise<Plan>} */
  async plan(state) {
    return planOf(await this.#authorized(() => this.#call("POST", "/v1/plan", state)));
  }

  /** A read that the edge forwards to the origin: `videos/{id}`, `videos/{id}/comments`, `users/{id}`. @param {string} path */
  async read(path) {
    return this.#authorized(() => this.#call("GET", `/v1/${path}`));
  }

  /**
   * Note what the viewer did; it travels with the next flush.
   *
   * @param {string} kind
   * @param {string} video
   * @param {Partial<import("./types.js").PlayerEvent>} [facts]
   */
  note(kind, video, facts = {}) {
    this.#outbox.push({ id: hex(12), kind, video, at_ms: Date.now(), ...facts });
  }

  /** Note how a showing went; the latest few travel with the next flush. @param {import("./types.js").Qoe} qoe */
  noteQoe(qoe) {
    this.#qoe = [...this.#qoe, qoe].slice(-MAX_QOE);
  }

  /** Send what is noted; the slice comes through `onSlice`. */
  flush() {
    this.#isDue = true;
    queueMicrotask(() => void this.#post());
  }

  /** The page is going away: one last POST that outlives it. */
  farewell() {
    const events = this.#outbox.batch();
    if (!(events.length || this.#qoe.length) || !this.#token) return;
    const body = JSON.stringify({ events, n: 1, qoe: this.#qoe, ...this.context() });
    this.#qoe = []; // events have ids, and count once however often they are told
    void fetch(`${this.base}/v1/events`, { method: "POST", body, headers: this.#headers(), keepalive: true }).catch(() => {});
  }

  async #post() {
    if (this.#isPosting || !this.#isDue || !this.#token || this.#end.signal.aborted) return;
    this.#isPosting = true;
    clearTimeout(this.#timer);
    try {
      while (this.#isDue) {
        this.#isDue = false;
        await this.#tell();
        this.#isDue ||= this.#outbox.size > 0;
      }
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (this.#end.signal.aborted) return;
      if (!error.isRefusal) this.onReachable(false);
      this.#timer = setTimeout(() => this.flush(), backoffMs(this.#tries++));
    } finally {
      this.#isPosting = false;
    }
  }

  /** One POST. What is refused is said again without what is not events, and if it was those, no more. */
  async #tell() {
    const events = this.#outbox.batch();
    const qoe = this.#qoe;
    const context = this.#isRefused ? {} : this.context();
    const body = { events, n: SLICE, ...(qoe.length && !this.#isRefused && { qoe }), ...context };
    try {
      const answer = await this.#authorized(() => this.#call("POST", "/v1/events", body));
      const slice = sliceOf(answer.feed);
      this.#outbox.confirm(events);
      this.#qoe = this.#qoe.filter((one) => !qoe.includes(one));
      this.#tries = 0;
      this.#isRefused = false;
      this.onReachable(true);
      this.onSlice(slice, context.player?.video ?? "");
    } catch (error) {
      if (!(error instanceof ApiError && error.isRefusal)) throw error;
      if (this.#isRefused) this.#outbox.confirm(events);
      this.#qoe = this.#qoe.filter((one) => !qoe.includes(one));
      this.#isRefused = !this.#isRefused;
      throw error;
    }
  }

  /** A refused token is replaced once by a new session of the same viewer. @template T @param {() => Promise<T>} call */
  async #authorized(call) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      await this.open();
      this.#connect(); // what is told to the former session is not ours
      return call();
    }
  }

  /** The edge does not answer; the second time in a row the next one is asked from now on. */
  doubt() {
    this.#failures += 1;
    if (this.#failures < MAX_FAILURES || this.#edges.length < 2) return;
    this.#failures = 0;
    this.base = this.#edges[(this.#edges.indexOf(this.base) + 1) % this.#edges.length];
    this.onMoved();
    this.#connect();
  }

  #headers() {
    return { "content-type": "application/json", ...(this.#token && { authorization: `Bearer ${this.#token}` }) };
  }

  /** @param {string} method @param {string} path @param {unknown} [body] @returns {Promise<any>} */
  async #call(method, path, body) {
    const signal = AbortSignal.any([this.#end.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const init = { method, headers: this.#headers(), body: body === undefined ? body : JSON.stringify(body), signal };
    const response = await fetch(this.base + path, init).catch((error) => {
      if (!this.#end.signal.aborted) this.doubt();
      throw new ApiError(0, String(error?.message ?? error));
    });
    if (response.status >= 502) this.doubt();
    const answer = await response.json().catch(() => null);
    if (!response.ok) throw new ApiError(response.status, answer?.detail ?? answer?.title ?? response.statusText);
    if (answer === null) throw new ApiError(0, "the answer was cut short");
    this.#failures = 0;
    return answer;
  }

  #connect = () => {};

  /**
   * Listen for queue changes and withdrawals; reconnects for ever. A hidden tab lets go: browsers give all tabs
   * of a host six connections together.
   *
   * @param {{queue: (data: any) => void, withdrawn: (data: any) => void}} on
   */
  listen(on) {
    let n = 0;
    let timer = 0;
    this.#connect = () => {
      this.#stream?.close();
      clearTimeout(timer);
      if (document.hidden || this.#end.signal.aborted) return;
      const stream = new EventSource(`${this.base}/v1/stream?token=${encodeURIComponent(this.#token)}`);
      this.#stream = stream;
      stream.onopen = () => (n = 0);
      for (const kind of /** @type {const} */ (["queue", "withdrawn"])) {
        stream.addEventListener(kind, (event) => {
          const told = parsed(event.data);
          if (told) on[kind](told);
        });
      }
      stream.onerror = () => {
        stream.close();
        timer = setTimeout(this.#connect, backoffMs(Math.min(n++, 6)));
      };
    };
    document.addEventListener("visibilitychange", () => this.#connect(), { signal: this.#end.signal });
    this.#connect();
  }
}
