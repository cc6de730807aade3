/**
 * Fetches steps in order: the next one starts when what is under way no longer fills the link. An abort is at once.
 *
 * @typedef {import("./types.js").PlanStep} PlanStep
 * @typedef {{body: ArrayBuffer, init?: ArrayBuffer, tier: import("./types.js").Tier}} Load
 * @typedef {{step: PlanStep, got: number, stop: AbortController}} Flight
 * @typedef {{url: string, initUrl: string, initBytes: number, headers: Record<string, string>, priority: RequestPriority}} Order
 *   what a step means as a request; `initBytes` 0: no init segment is needed with it
 */
import { backoffMs } from "./edge.js";

const MAX_FLIGHTS = 3;
/** A longer round trip is rather a busy machine's: what comes first must not share the link with what comes after. */
const MAX_RTT_MS = 200;
const TIMEOUT_MS = 15_000;
/** The next request leaves this much before the link would fall idle. */
const SLACK_MS = 15;

/** The edge refuses: the video is gone (404, 410), or what its URL is signed with has expired (401, 403). */
export class Refused extends Error {
  /** @param {number} status @param {string} url */
  constructor(status, url) {
    super(`${status} for ${url}`);
    this.status = status;
  }

  get isGone() {
    return this.status === 404 || this.status === 410;
  }
}

/** What is under way, and what comes next. */
export class Loader {
  /** @type {Map<string, Flight>} */
  #flights = new Map();
  /** Init segments under way: the chunks of a rung that is new share one request. @type {Map<string, Promise<ArrayBuffer>>} */
  #inits = new Map();
  #link;
  #failures = 0;
  #timer = 0;

  /** Bytes of something that was not fetched to its end. @type {(step: PlanStep, bytes: number) => void} */
  onPartial = () => {};
  /** What to fetch now, null for nothing. @type {() => PlanStep | null} */
  choose = () => null;
  /** @type {(step: PlanStep) => Order} */
  order = () => { throw new Error("no order"); };
  /** @type {(step: PlanStep, load: Load) => void} */
  onLoad = () => {};
  /** A step failed; true when it may be tried again by itself, later. @type {(step: PlanStep, error: unknown) => boolean} */
  onFailed = () => true;

  /** @param {import("./link.js").Link} link */
  constructor(link) {
    this.#link = link;
  }

  /** @returns {Flight[]} */
  get flights() {
    return [...this.#flights.values()];
  }

  /** @param {PlanStep} step */
  isUnderWay({ video, chunk }) {
    return this.#flights.has(`${video}/${chunk}`);
  }

  /** Start what may be started. */
  pump() {
    while (!this.#timer && this.#flights.size < MAX_FLIGHTS && this.#hasRoom()) {
      const step = this.choose();
      if (!step) return;
      void this.#fly(step);
    }
  }

  /** Give up what is not wanted; its bytes are wasted. @param {(step: PlanStep) => boolean} isUnwanted */
  abort(isUnwanted) {
    for (const [key, flight] of this.#flights) {
      if (!isUnwanted(flight.step)) continue;
      this.#flights.delete(key);
      this.onPartial(flight.step, flight.got);
      flight.stop.abort();
    }
  }

  /** A failure is forgotten: try at once. */
  retry() {
    clearTimeout(this.#timer);
    this.#timer = this.#failures = 0;
    this.pump();
  }

  /** Nothing is fetched any more. */
  close() {
    this.choose = () => null;
    clearTimeout(this.#timer);
    this.abort(() => true);
  }

  #hasRoom() {
    const leftBytes = this.flights.reduce((sum, { step, got }) => sum + Math.max(step.bytes - got, 0), 0);
    return leftBytes * 8000 <= this.#link.bps * (Math.min(this.#link.rttMs, MAX_RTT_MS) + SLACK_MS);
  }

  /** @param {PlanStep} step */
  async #fly(step) {
    const key = `${step.video}/${step.chunk}`;
    const flight = { step, got: 0, stop: new AbortController() };
    this.#flights.set(key, flight);
    try {
      const load = await this.#load(flight);
      if (flight.stop.signal.aborted) return;
      this.#flights.delete(key);
      this.#failures = 0;
      this.onLoad(step, load);
    } catch (error) {
      if (flight.stop.signal.aborted) return;
      this.#flights.delete(key);
      this.onPartial(step, flight.got);
      if (this.onFailed(step, error) && !this.#timer) {
        this.#timer = setTimeout(() => ((this.#timer = 0), this.pump()), backoffMs(this.#failures++));
      }
    }
    this.pump();
  }

  /** @param {Flight} flight @returns {Promise<Load>} */
  async #load(flight) {
    const { url, initUrl, initBytes, headers, priority } = this.order(flight.step);
    const [init, whole] = await Promise.all([
      initBytes ? this.#init(initUrl, initBytes, flight.step, priority) : null,
      this.#fetch(url, flight, { headers, priority }),
    ]);
    return { ...whole, ...(init && { init }) };
  }

  /** Not ended with the flight that asked first: others may wait for it, and it is small. @param {string} url @param {number} bytes @param {PlanStep} step @param {RequestPriority} priority */
  #init(url, bytes, step, priority) {
    const flight = { step, got: 0, stop: new AbortController() };
    const found =
      this.#inits.get(url) ??
      this.#fetch(url, flight, { headers: { range: `bytes=0-${bytes - 1}` }, priority })
        .then(({ body }) => body.slice(0, bytes))
        .finally(() => this.#inits.delete(url));
    this.#inits.set(url, found);
    return found;
  }

  /** @param {string} url @param {Flight} flight @param {RequestInit} init */
  async #fetch(url, flight, init) {
    const askedMs = performance.now();
    const signal = AbortSignal.any([flight.stop.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const response = await fetch(url, { ...init, signal });
    if (!response.ok) throw [401, 403, 404, 410].includes(response.status) ? new Refused(response.status, url) : new Error(`${response.status} for ${url}`);
    this.#link.begin(askedMs, performance.now());
    try {
      return { body: await this.#read(response, flight), tier: tier(response.headers.get("cache-status")) };
    } finally {
      this.#link.end(performance.now());
    }
  }

  /** @param {Response} response @param {Flight} flight @returns {Promise<ArrayBuffer>} */
  async #read(response, flight) {
    const parts = [];
    const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      flight.got += part.value.byteLength;
      this.#link.got(part.value.byteLength, performance.now());
      this.pump();
    }
    const body = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0));
    parts.reduce((at, part) => (body.set(part, at), at + part.byteLength), 0);
    return body.buffer;
  }
}

/**
 * Where the edge had the bytes, from `Cache-Status` (RFC 9211).
 *
 * @param {string | null} header
 * @returns {import("./types.js").Tier}
 */
export function tier(header) {
  if (!header) return "";
  const edge = header.split(",").pop() ?? "";
  if (/;\s*detail=memory\b/.test(edge)) return "memory";
  if (/;\s*detail=disk\b/.test(edge)) return "disk";
  return /;\s*hit\b/.test(edge) ? "memory" : "origin";
}
