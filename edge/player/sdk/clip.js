/**
 * The bytes of one video in one media element: what is held, in which rung, and what of it was on screen.
 *
 * `add()` appends a chunk; the opening (init segment and first second in one object) makes the first frame, and a
 * chunk of another rung is preceded by that rung's init segment. Media Source Extensions where there are any
 * (ManagedMediaSource on Safari), otherwise the element plays the HLS master playlist itself.
 *
 * @typedef {import("./types.js").Item} Item
 * @typedef {import("./types.js").Tier} Tier
 * @typedef {{tier: Tier, bytes: number, rung: string}} Opening
 */
import { aheadOf, chunkAt, runs, starts } from "./timeline.js";

/** A chunk that the element did not keep so often is taken for the file's own hole. */
const MAX_TRIES = 3;

const Managed = /** @type {typeof MediaSource | undefined} */ (/** @type {any} */ (globalThis).ManagedMediaSource);
const Media = Managed ?? globalThis.MediaSource;

/** One video attached to one element. */
export class Clip {
  #video;
  #stop = new AbortController();
  /** @type {MediaSource | null} */
  #media = null;
  /** @type {SourceBuffer | null} */
  #buffer = null;
  #url = "";
  /** Rung whose init segment the buffer has seen last, -1 before the first. */
  #rung = -1;
  /** Rung and bytes by chunk. @type {Map<number, {k: number, bytes: number}>} */
  #held = new Map();
  /** Chunks that wait for their turn to be appended: held, though the element does not show it yet. @type {Set<number>} */
  #pending = new Set();
  /** @type {Map<number, number>} */
  #tries = new Map();
  /** @type {Map<number, ArrayBuffer>} */
  #inits = new Map();
  /** @type {Set<number>} */
  #seen = new Set();
  /** Everything that is done to the buffer, one after the other. @type {Promise<void>} */
  #work;

  fetchedBytes = 0;
  /** The first frame is there. @type {Opening | null} */
  opened = null;
  isNative = false;
  /** The element cannot play this. @type {(error: unknown) => void} */
  onError = () => {};
  /** @type {() => void} */
  onOpened = () => {};

  /** @param {HTMLVideoElement} video @param {Item} item @param {string} origin of the edge, empty for the page's own */
  constructor(video, item, origin) {
    this.#video = video;
    this.item = item;
    this.base = origin + item.base;
    this.times = starts(item.card.rungs[0]?.chunk_ms ?? []);
    video.crossOrigin = "anonymous";
    for (const { language, label, path } of item.card.text_tracks ?? []) {
      const track = Object.assign(document.createElement("track"), { kind: "captions", srclang: language, label });
      track.src = this.base + path;
      video.append(track);
    }
    this.isNative = !Media?.isTypeSupported(this.#mime(0));
    this.#work = this.isNative ? this.#openNative(origin + item.master) : this.#attach();
    this.#work.catch((error) => this.#fail(error));
  }

  get video() {
    return this.item.video;
  }

  get rungs() {
    return this.item.card.rungs;
  }

  /** The rung in which a chunk is held, -1 when it is not. @param {number} i */
  rungOf(i) {
    return this.#held.get(i)?.k ?? -1;
  }

  /** The bytes at the head of a rung's opening, once some opening of that rung came. @param {number} k */
  hasInit(k) {
    return k === this.#rung || this.#inits.has(k);
  }

  /** @param {string} name */
  rungNamed(name) {
    return Math.max(0, this.rungs.findIndex((rung) => rung.name === name));
  }

  /** @param {number} k */
  #mime(k) {
    return `video/mp4; codecs="${this.rungs[k]?.codecs}"`;
  }

  /** @param {string} url */
  async #openNative(url) {
    this.#video.src = url;
    await once(this.#video, "loadeddata", this.#stop.signal);
    this.#open({ tier: "", bytes: 0, rung: "hls" });
  }

  async #attach() {
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
    media.duration = this.times[this.times.length - 1] || this.item.card.duration_ms / 1000;
    this.#buffer = media.addSourceBuffer(this.#mime(0));
    this.#buffer.addEventListener("bufferedchange", () => this.recheck()); // a managed one evicts at any time
  }

  /** @param {Opening} opening */
  #open(opening) {
    this.opened = opening;
    this.onOpened();
  }

  /**
   * Append chunk `i` of rung `k`; `init` if the rung's was not here before. Counted as held at once.
   *
   * @param {{i: number, k: number, body: ArrayBuffer, init?: ArrayBuffer, tier: Tier}} chunk
   */
  add({ i, k, body, init, tier }) {
    this.fetchedBytes += body.byteLength + (this.#inits.has(k) ? 0 : (init?.byteLength ?? 0));
    if (i === 0) this.#inits.set(k, body.slice(0, this.rungs[k].init_bytes));
    else if (init) this.#inits.set(k, init);
    this.#held.set(i, { k, bytes: body.byteLength });
    this.#pending.add(i);
    this.#work = this.#work.then(() => this.#append(i, k, body)).finally(() => this.#pending.delete(i));
    if (i === 0) this.#work = this.#work.then(() => this.#begin({ tier, bytes: body.byteLength, rung: this.rungs[k].name }));
    this.#work.catch((error) => this.#fail(error));
  }

  /** @param {number} i @param {number} k @param {ArrayBuffer} body */
  async #append(i, k, body) {
    if (k !== this.#rung) {
      if (this.#rung >= 0 && this.#mime(k) !== this.#mime(this.#rung)) this.#buffer?.changeType?.(this.#mime(k));
      const init = i === 0 ? null : this.#inits.get(k);
      if (init) await this.#put(init);
      this.#rung = k;
    }
    await this.#put(body);
    if (this.#media?.readyState === "open" && this.isWhole) this.#media.endOfStream();
  }

  /** @param {Opening} opening */
  #begin(opening) {
    const { buffered } = this.#video;
    if (buffered.length && buffered.start(0) > this.#video.currentTime) this.#video.currentTime = buffered.start(0);
    if (!this.opened) this.#open(opening);
  }

  /** @param {ArrayBuffer} body */
  async #put(body) {
    const buffer = this.#buffer;
    if (!buffer || this.#stop.signal.aborted) throw new Error("the element is closed");
    try {
      buffer.appendBuffer(body);
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "QuotaExceededError") throw error;
      buffer.remove(0, Math.max(this.#video.currentTime - 1, 0.1));
      await once(buffer, "updateend", this.#stop.signal);
      this.recheck();
      buffer.appendBuffer(body);
    }
    await once(buffer, "updateend", this.#stop.signal);
  }

  /** What the element did not keep (it may evict) is no longer held. */
  recheck() {
    const kept = this.#ranges;
    for (const i of this.#held.keys()) {
      if (this.#pending.has(i)) continue;
      const middle = (this.times[i] + this.times[i + 1]) / 2;
      if (kept.some(({ start, end }) => start <= middle && middle < end)) continue;
      const n = (this.#tries.get(i) ?? 0) + 1;
      this.#tries.set(i, n);
      if (n < MAX_TRIES) this.#held.delete(i);
    }
  }

  /** The playhead was at `t`, on screen. @param {number} t */
  see(t) {
    this.#seen.add(chunkAt(this.times, t));
  }

  /** Bytes fetched whose second was never on screen. */
  get wastedBytes() {
    let usedBytes = 0;
    for (const i of this.#seen) usedBytes += this.#held.get(i)?.bytes ?? 0;
    return Math.max(this.fetchedBytes - usedBytes, 0);
  }

  /** By rung, for the planner. */
  get held() {
    return this.rungs
      .map(({ name }, k) => ({ video: this.video, rung: name, chunks: runs([...this.#held.keys()].filter((i) => this.rungOf(i) === k)) }))
      .filter(({ chunks }) => chunks.length);
  }

  get isWhole() {
    return this.times.length > 1 && this.#held.size === this.times.length - 1;
  }

  /** Seconds buffered ahead of the playhead; the whole loop when everything is here. */
  get aheadS() {
    if (this.isNative) return Infinity;
    const t = this.#video.currentTime;
    return this.isWhole && aheadOf(this.#ranges, t) + t + 0.2 > this.times[this.times.length - 1] ? Infinity : aheadOf(this.#ranges, t);
  }

  /** Safari says when it wants no more. */
  get isStreaming() {
    return /** @type {any} */ (this.#media)?.streaming !== false;
  }

  get #ranges() {
    const { buffered } = this.#video;
    return Array.from({ length: buffered.length }, (_, i) => ({ start: buffered.start(i), end: buffered.end(i) }));
  }

  /** @param {unknown} error */
  #fail(error) {
    if (!this.#stop.signal.aborted) this.onError(error);
  }

  /** Free the element. */
  close() {
    this.#stop.abort();
    if (this.#url) URL.revokeObjectURL(this.#url);
    this.#video.removeAttribute("src");
    this.#video.replaceChildren();
    if ("srcObject" in this.#video) this.#video.srcObject = null;
    this.#video.load();
  }
}

/** The first of these events. @param {EventTarget} target @param {string} kind @param {AbortSignal} signal @returns {Promise<void>} */
function once(target, kind, signal) {
  return new Promise((resolve, reject) => {
    const done = new AbortController();
    const settle = (/** @type {() => void} */ how) => () => (done.abort(), how());
    target.addEventListener(kind, settle(resolve), { signal: done.signal });
    target.addEventListener("error", settle(() => reject(new Error(`${kind} did not come`))), { signal: done.signal });
    signal.addEventListener("abort", settle(() => reject(signal.reason)), { signal: done.signal });
    if (signal.aborted) settle(() => reject(signal.reason))();
  });
}
