/**
 * The bytes of one video into one media element.
 *
 * `open()` fetches `open.mp4` (init segment and first second, one request) and appends it: the first frame is
 * decoded and waits. `run()` then streams `N.m4s` up to a goal ahead of the playhead, in the rung that the link
 * carries. `close()` aborts whatever is under way and frees the element. Media Source Extensions where there are any
 * (ManagedMediaSource on Safari), otherwise the element plays the HLS master playlist itself.
 *
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Tier} Tier
 * @typedef {{tier: Tier, bytes: number, ms: number, rung: string}} Opening
 */
import { aheadOf, chooseRung, nextMissing, starts } from "./chunks.js";
import { tier } from "./words.js";

/** How far ahead of the playhead the video on screen is fetched. */
const GOAL_S = 10;
/** A chunk that is still a hole after so many appends is taken for the file's own hole. */
const MAX_TRIES = 3;
const FETCH_TIMEOUT_MS = 15_000;

const Managed = /** @type {typeof MediaSource | undefined} */ (/** @type {any} */ (globalThis).ManagedMediaSource);
const Media = Managed ?? globalThis.MediaSource;

/** The edge says that this video is no more. */
export class Gone extends Error {}

/** One video attached to one element. */
export class Source {
  #video;
  #meter;
  #stop = new AbortController();
  /** @type {MediaSource | null} */
  #media = null;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  #url = "";
  #isRunning = false;
  /** Rung whose init segment the buffer has last seen. */
  #rung = 0;
  #times;
  /** @type {Map<number, number>} */
  #tries = new Map();
  /** @type {Map<number, ArrayBuffer>} */
  #inits = new Map();
  /** @type {Promise<Opening> | null} */
  #opening = null;

  /** @type {Promise<void>} */
  #prefilling = Promise.resolve();

  /** What the opening chunk cost, once it is appended. @type {Opening | null} */
  opened = null;
  bytes = 0;

  /** @param {HTMLVideoElement} video @param {Item} item @param {import("./chunks.js").Meter} meter */
  constructor(video, item, meter) {
    this.#video = video;
    this.#meter = meter;
    this.item = item;
    this.#times = starts(item.card.rungs[0]?.chunk_ms ?? []);
  }

  get #rungs() {
    return this.item.card.rungs;
  }

  /** @param {number} k */
  #mime(k) {
    return `video/mp4; codecs="${this.#rungs[k].codecs}"`;
  }

  /**
   * Attach and append the opening chunk; the same promise however often it is asked.
   *
   * @param {{rung?: string, priority?: RequestPriority}} [plan]
   * @returns {Promise<Opening>}
   */
  open(plan = {}) {
    this.#opening ??= this.#open(plan);
    return this.#opening;
  }

  /** @param {{rung?: string, priority?: RequestPriority}} plan @returns {Promise<Opening>} */
  async #open({ rung = "", priority = "auto" }) {
    const k = Math.max(0, this.#rungs.findIndex(({ name }) => name === rung));
    if (!Media?.isTypeSupported(this.#mime(k))) return this.#openNative();
    const [buffer, reply] = await Promise.all([this.#attach(k), this.#fetch(`${this.#rungs[k].path}/open.mp4`, { priority })]);
    this.#buffer = buffer;
    this.#rung = k;
    await this.#append(reply.body);
    if (buffer.buffered.length && buffer.buffered.start(0) > this.#video.currentTime) {
      this.#video.currentTime = buffer.buffered.start(0);
    }
    this.opened = { tier: reply.tier, bytes: reply.body.byteLength, ms: reply.ms, rung: this.#rungs[k].name };
    this.#endWhenWhole();
    return this.opened;
  }

  async #openNative() {
    const startMs = performance.now();
    this.#video.src = this.item.master;
    await once(this.#video, "loadeddata", this.#stop.signal);
    this.opened = { tier: "", bytes: 0, ms: performance.now() - startMs, rung: "hls" };
    return this.opened;
  }

  /** @param {number} k @returns {Promise<SourceBuffer>} */
  async #attach(k) {
    const media = new Media();
    this.#media = media;
    if (Managed) {
      this.#video.disableRemotePlayback = true;
      /** @type {any} */ (this.#video).srcObject = media;
    } else {
      this.#url = URL.createObjectURL(media);
      this.#video.src = this.#url;
    }
    await once(media, "sourceopen", this.#stop.signal);
    media.duration = this.#times[this.#times.length - 1] || this.item.card.duration_ms / 1000;
    return media.addSourceBuffer(this.#mime(k));
  }

  /** Stream the rest while this is the video on screen. */
  run() {
    if (this.#isRunning || !this.#buffer) return;
    this.#isRunning = true;
    this.#pump().catch((error) => {
      this.#isRunning = false;
      if (!this.#stop.signal.aborted) this.onError(error);
    });
  }

  /**
   * Fetch a little more than the opening chunk, for a video that is next; `run()` goes on from there.
   *
   * @param {number} goalS
   */
  prefill(goalS) {
    if (this.#isRunning || !this.#buffer) return this.#prefilling;
    const { signal } = this.#stop;
    const fill = async () => {
      for (let i = this.#missing(goalS); i !== null && !signal.aborted; i = this.#missing(goalS)) await this.#fill(i);
    };
    this.#prefilling = this.#prefilling.then(fill).catch(() => {});
    return this.#prefilling;
  }

  /** Called when streaming cannot go on. @type {(error: unknown) => void} */
  onError = () => {};

  /** No longer on screen: what is buffered stays, nothing more is fetched. */
  rest() {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  /** Abort everything and free the element. */
  close() {
    this.#isRunning = false;
    this.#stop.abort();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#video.removeAttribute("src");
    if ("srcObject" in this.#video) this.#video.srcObject = null;
    this.#video.load();
  }

  /** Seconds buffered ahead of the playhead. */
  get aheadS() {
    return aheadOf(ranges(this.#video.buffered), this.#video.currentTime);
  }

  /** Nothing to wait for: at least `s` seconds ahead, or all there is. @param {number} s */
  isAhead(s) {
    return this.#media?.readyState === "ended" || this.aheadS >= s || !this.#buffer;
  }

  async #pump() {
    const { signal } = this.#stop;
    await this.#prefilling;
    for (let failures = 0; this.#isRunning && !signal.aborted; ) {
      const i = this.#missing(GOAL_S);
      if (i === null) {
        this.#endWhenWhole();
        await once(this.#video, "timeupdate seeking", signal);
        continue;
      }
      try {
        await this.#fill(i);
        failures = 0;
      } catch (error) {
        if (signal.aborted || error instanceof Gone || failures >= 6) throw error;
        failures += 1;
        await pause(250 * 2 ** failures, signal);
      }
    }
  }

  /** @param {number} goalS */
  #missing(goalS) {
    const given = (/** @type {number} */ i) => (this.#tries.get(i) ?? 0) >= MAX_TRIES;
    const facts = { times: this.#times, ranges: ranges(this.#video.buffered), playheadS: this.#video.currentTime };
    return nextMissing({ ...facts, goalS, given });
  }

  /** Fetch and append chunk `i` in the rung that fits now. @param {number} i */
  async #fill(i) {
    const shortEdgePx = Math.min(this.#video.clientWidth, this.#video.clientHeight) * (devicePixelRatio || 1);
    const k = chooseRung(this.#rungs, { i, bps: this.#meter.bps, aheadS: this.aheadS, shortEdgePx });
    const { path } = this.#rungs[k];
    const [init, chunk] = await Promise.all([
      k === this.#rung || i === 0 ? null : this.#init(k),
      this.#fetch(i === 0 ? `${path}/open.mp4` : `${path}/${i}.m4s`, {}),
    ]);
    if (k !== this.#rung) {
      if (this.#mime(k) !== this.#mime(this.#rung)) this.#buffer?.changeType?.(this.#mime(k));
      if (init) await this.#append(init);
      this.#rung = k;
    }
    await this.#append(chunk.body);
    this.#tries.set(i, this.#missing(GOAL_S) === i ? (this.#tries.get(i) ?? 0) + 1 : 0);
  }

  /** The init segment at the head of a rung's opening object. @param {number} k @returns {Promise<ArrayBuffer>} */
  async #init(k) {
    const rung = this.#rungs[k];
    const kept = this.#inits.get(k);
    if (kept) return kept;
    const reply = await this.#fetch(`${rung.path}/open.mp4`, { range: `bytes=0-${rung.init_bytes - 1}` });
    const init = reply.body.slice(0, rung.init_bytes);
    this.#inits.set(k, init);
    return init;
  }

  /** @param {string} path @param {{range?: string, priority?: RequestPriority}} options */
  async #fetch(path, { range, priority = "auto" }) {
    const startMs = performance.now();
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(FETCH_TIMEOUT_MS)]);
    const response = await fetch(this.item.base + path, { signal, priority, headers: range ? { range } : {} });
    if (response.status === 404 || response.status === 410) throw new Gone(path);
    if (!response.ok) throw new Error(`${response.status} for ${path}`);
    const body = await response.arrayBuffer();
    const ms = performance.now() - startMs;
    this.bytes += body.byteLength;
    this.#meter.sample(body.byteLength, ms);
    return { body, ms, tier: tier(response.headers.get("cache-status")) };
  }

  /** @param {ArrayBuffer} body */
  async #append(body) {
    const buffer = this.#buffer;
    if (!buffer || this.#media?.readyState === "closed") throw new Error("the element is closed");
    if (buffer.updating) await once(buffer, "updateend", this.#stop.signal);
    try {
      buffer.appendBuffer(body);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      buffer.remove(0, Math.max(this.#video.currentTime - 1, 0.1));
      await once(buffer, "updateend", this.#stop.signal);
      buffer.appendBuffer(body);
    }
    await once(buffer, "updateend", this.#stop.signal);
  }

  /** The last byte is in: the element may loop. */
  #endWhenWhole() {
    if (this.#media?.readyState === "open" && !this.#buffer?.updating && this.#missing(Infinity) === null) {
      this.#media.endOfStream();
    }
  }
}

/** @param {TimeRanges} buffered */
function ranges(buffered) {
  return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
}

/** The first of these events. @param {EventTarget} target @param {string} kinds @param {AbortSignal} signal @returns {Promise<void>} */
function once(target, kinds, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const options = { signal: done.signal };
    const settle = (/** @type {() => void} */ how) => () => (done.abort(), how());
    for (const kind of kinds.split(" ")) target.addEventListener(kind, settle(resolve), options);
    target.addEventListener("error", settle(() => reject(new Error(`${kinds} did not come`))), options);
    signal.addEventListener("abort", settle(() => reject(signal.reason)), options);
    if (signal.aborted) settle(() => reject(signal.reason))();
  });
}

/** @param {number} ms @param {AbortSignal} signal @returns {Promise<void>} */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
