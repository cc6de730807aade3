/**
 * Steers the loader: follows the edge's plan while it is fresh and for the video on screen, otherwise the player's
 * own rule; asks for a new plan in time; gives up at a swipe what is no longer wanted.
 *
 * @typedef {import("./types.js").Plan} Plan
 * @typedef {import("./types.js").PlanStep} PlanStep
 * @typedef {import("./pool.js").Lane} Lane
 * @typedef {{current: Lane | undefined, nexts: Lane[], ahead: number, listed: string[]}} Window
 *   `ahead`: how many nexts there is room for; `listed`: ids ahead where a list is walked
 */
import { cmcd } from "./cmcd.js";
import { ApiError } from "./answers.js";
import { Loader, Refused } from "./loader.js";
import { beforeTheLoop, following, ownSteps, urgentSteps } from "./plan.js";

const TICK_MS = 250;
/** A plan may be this much older than it wishes while a new one is on its way. */
const GRACE_MS = 2_000;
/** Ask again when the link's estimate has moved by this share. */
const MOVED = 0.3;
const MIN_ASK_MS = 400;
/** While nothing moves a plan is good for so many times as long. */
const STILL = 20;
/** After an answer that did not come. */
const RETRY_MS = 3_000;
const MAX_HELD = 16;
const MAX_FLIGHTS_TOLD = 8;

/** What is fetched, and why. */
export class Pilot {
  #edge;
  #pool;
  #link;
  /** @type {() => Window} */
  #window;
  #loader;
  /** @type {PlanStep[]} */
  #steps = [];
  /** The video on screen that the plan is for. */
  #planFor = "";
  #planMs = 0;
  #planBps = 0;
  #refreshMs = 0;
  #askedMs = -Infinity;
  #isAsking = false;
  /** Asked since the plan ran out. */
  #isOverTold = false;
  /** False once the edge knows no plans. */
  #hasPlanner = true;
  #end = new AbortController();
  #timer;
  /** Rung of the opening by video, where the edge named one. @type {Map<string, string>} */
  #openings = new Map();
  /** Rung of the latest of these. */
  #opensWith = "";

  /** A video will not come, or not from this URL. @type {(lane: Lane, error: Refused) => void} */
  onRefused = () => {};

  /** @param {{edge: import("./edge.js").Edge, pool: import("./pool.js").Pool, link: import("./link.js").Link, window: () => Window}} parts */
  constructor({ edge, pool, link, window }) {
    this.#edge = edge;
    this.#pool = pool;
    this.#link = link;
    this.#window = window;
    this.#loader = new Loader(link);
    this.#loader.choose = () => this.#choose();
    this.#loader.order = (step) => this.#order(step);
    this.#loader.onLoad = (step, load) => this.#loaded(step, load);
    this.#loader.onFailed = (step, error) => this.#failed(step, error);
    this.#loader.onPartial = (step, bytes) => {
      const lane = this.#lane(step.video);
      if (lane) lane.clip.fetchedBytes += bytes;
    };
    this.#timer = setInterval(() => this.tick(), TICK_MS);
    addEventListener("online", () => this.#loader.retry(), { signal: this.#end.signal });
  }

  /** Nothing is fetched any more. */
  close() {
    this.#end.abort();
    clearInterval(this.#timer);
    this.#loader.close();
  }

  /** A plan came, made for this video on screen. @param {Plan} plan @param {string} video */
  follow({ plan, cancel = [], refresh_s: refreshS = 0 }, video) {
    const openings = plan.filter(({ chunk }) => !chunk);
    for (const step of openings) this.#openings.set(step.video, step.rung);
    this.#opensWith = openings.at(-1)?.rung ?? this.#opensWith;
    if (!refreshS || video !== this.#window().current?.entry.item.video) return;
    this.#openings = new Map(openings.map((step) => [step.video, step.rung]));
    this.#steps = plan.map((step) => ({ chunk: 0, ...step }));
    this.#planFor = video;
    this.#planMs = performance.now();
    this.#planBps = this.#link.bps;
    this.#refreshMs = refreshS * 1000;
    if (plan.length) this.#isOverTold = false;
    const unwanted = new Set(cancel);
    this.#loader.abort(({ url }) => unwanted.has(new URL(url, location.href).pathname) || unwanted.has(url));
    this.#loader.pump();
  }

  /** Another video comes on screen: give up what left the window, and all else until that video has begun. @param {Window} window */
  giveUp({ current, nexts }) {
    const wanted = new Set(nexts.map(({ clip }) => clip.video));
    const isStarted = current?.clip.opened;
    this.#loader.abort(({ video }) => video !== current?.clip.video && !(isStarted && wanted.has(video)));
    this.#isOverTold = false;
  }

  /** Fetch what the video on screen needs, at once. */
  goOn() {
    this.#loader.retry();
  }

  /** The playhead moved, or time passed. */
  tick() {
    this.#loader.pump();
    const now = performance.now();
    const isMoved = this.#planBps > 0 && Math.abs(this.#link.bps / this.#planBps - 1) > MOVED;
    const isDue = this.#refreshMs > 0 && (isMoved || now - this.#planMs > this.#lastsMs());
    if (isDue && !document.hidden) this.ask();
  }

  /** How long the plan is good. */
  #lastsMs() {
    const isStill = this.#window().current?.video.paused && !this.#loader.flights.length;
    return this.#refreshMs * (isStill ? STILL : 1);
  }

  /** @returns {import("./types.js").PlayerState} */
  state() {
    const { current, nexts, listed, ahead } = this.#window();
    const lanes = [...(current ? [current] : []), ...nexts];
    return {
      video: current?.clip.video ?? "",
      at_s: current?.video.currentTime ?? 0,
      is_playing: !!current && !current.video.paused,
      held: lanes.flatMap(({ clip }) => clip.held).slice(0, MAX_HELD),
      in_flight: this.#loader.flights.slice(0, MAX_FLIGHTS_TOLD).map(({ step, got }) => ({
        video: step.video,
        rung: step.rung,
        chunk: step.chunk ?? 0,
        got_bytes: got,
      })),
      bandwidth_bps: Math.round(this.#link.bps),
      bandwidth_spread: Math.round(this.#link.spread * 1000) / 1000,
      rtt_ms: Math.round(this.#link.rttMs * 10) / 10,
      ahead,
      ...(listed.length && { next: listed }),
    };
  }

  /** @param {string} video @returns {Lane | undefined} the nearest to the screen */
  #lane(video) {
    const { current, nexts } = this.#window();
    return [current, ...nexts, ...this.#pool.lanes].find((lane) => lane?.clip.video === video);
  }

  /** Held, under way or impossible; a better rung than is held counts only where it is asked for. @param {PlanStep} step @param {boolean} isBetter */
  #isDone(step, isBetter) {
    const lane = this.#lane(step.video);
    if (!lane || lane.clip.isNative || this.#loader.isUnderWay(step)) return true;
    return lane.clip.rungOf(step.chunk ?? 0) >= (isBetter ? lane.clip.rungNamed(step.rung) : 0);
  }

  #now() {
    const { current } = this.#window();
    const video = current?.video;
    const shortEdgePx = video ? Math.min(video.clientWidth, video.clientHeight) * (devicePixelRatio || 1) : 0;
    const aheadS = current?.clip.aheadS ?? 0;
    const opened = { opening: this.#openings, opensWith: this.#opensWith };
    return { atS: video?.currentTime ?? 0, aheadS, bps: this.#link.bps, shortEdgePx, ...opened };
  }

  #choose() {
    const { current, nexts } = this.#window();
    if (!current || (!current.clip.isStreaming && current.clip.opened)) return null;
    const now = this.#now();
    const isDone = (/** @type {PlanStep} */ step) => this.#isDone(step, false);
    const urgent = following(urgentSteps(current.clip, now), now.atS, isDone).step;
    if (urgent || !current.clip.opened) return urgent;
    if (!this.#isFresh(current)) {
      const steps = ownSteps(current.clip, nexts.map(({ clip }) => clip), now);
      return following(steps, now.atS, (step) => this.#isDone(step, true)).step;
    }
    const { step, isOver } = following(this.#steps, now.atS, isDone);
    if (isOver && !this.#isOverTold && !this.#loader.flights.length) {
      this.#isOverTold = true;
      this.ask();
    }
    return step ?? beforeTheLoop(current.clip, now).find((one) => !this.#isDone(one, true)) ?? null;
  }

  /** @param {Lane} current */
  #isFresh(current) {
    const ageMs = performance.now() - this.#planMs;
    return this.#refreshMs > 0 && this.#planFor === current.clip.video && ageMs < this.#lastsMs() + GRACE_MS;
  }

  /** Ask for a new plan, unless one was asked for just now. */
  async ask() {
    const now = performance.now();
    if (this.#isAsking || !this.#hasPlanner || !this.#window().current || now - this.#askedMs < MIN_ASK_MS) return;
    this.#isAsking = true;
    this.#askedMs = now;
    const state = this.state();
    try {
      this.follow(await this.#edge.plan(state), state.video);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 404 || error.status === 405) this.#hasPlanner = false;
      this.#askedMs = performance.now() + RETRY_MS;
    } finally {
      this.#isAsking = false;
    }
  }

  /** @param {PlanStep} step @returns {import("./loader.js").Order} */
  #order(step) {
    const { current } = this.#window();
    const { clip } = /** @type {Lane} */ (this.#lane(step.video));
    const k = clip.rungNamed(step.rung);
    const rung = clip.rungs[k];
    const isCurrent = clip === current?.clip;
    const aheadS = Math.min(isCurrent ? clip.aheadS : 0, 60);
    const isStarting = !clip.opened;
    const facts = { session: this.#edge.sessionId, rung, step, aheadS, bps: this.#link.bps, isStarting };
    const durationMs = rung.chunk_ms[step.chunk ?? 0] ?? 0;
    return {
      url: step.url.startsWith("/") ? this.#edge.base + step.url : step.url,
      initUrl: `${clip.base}${rung.path}/open.mp4`,
      initBytes: step.chunk && !clip.hasInit(k) ? rung.init_bytes : 0,
      headers: this.#edge.isHome ? cmcd({ ...facts, durationMs, isStarved: isCurrent && !isStarting && aheadS === 0 }) : {},
      priority: isCurrent ? "high" : "low",
    };
  }

  /** @param {PlanStep} step @param {import("./loader.js").Load} load */
  #loaded(step, load) {
    const lane = this.#lane(step.video);
    if (lane) lane.clip.add({ i: step.chunk ?? 0, k: lane.clip.rungNamed(step.rung), ...load });
  }

  /** @param {PlanStep} step @param {unknown} error @returns {boolean} */
  #failed(step, error) {
    const lane = this.#lane(step.video);
    if (!(error instanceof Refused)) this.#edge.doubt();
    else if (lane) this.onRefused(lane, error);
    return !(error instanceof Refused && error.isGone);
  }
}
