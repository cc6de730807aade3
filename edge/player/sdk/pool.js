/**
 * A fixed pool of media elements: the video on screen, the next ones with their first frame decoded, and the one
 * before for a swipe back. A video that leaves the window gives its element to the next one.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {{key: number, entry: Entry, video: HTMLVideoElement, clip: Clip}} Lane
 */
import { Clip } from "./clip.js";

/** The element refuses the bytes. */
export class Unplayable extends Error {}

/** Elements and the clips attached to them. */
export class Pool {
  /** @type {HTMLVideoElement[]} */
  #free = [];
  /** @type {Map<number, Lane>} */
  #lanes = new Map();

  /** A video that the element cannot play. @type {(entry: Entry, error: unknown) => void} */
  onBroken = () => {};
  /** A video leaves the pool. @type {(lane: Lane) => void} */
  onLeave = () => {};
  /** A first frame is there. @type {(lane: Lane) => void} */
  onOpened = () => {};

  /** @param {() => HTMLVideoElement} make @param {number} size */
  constructor(make, size) {
    this.#free = Array.from({ length: size }, make);
    for (const video of this.#free) video.addEventListener("error", () => this.#decodeFailed(video));
  }

  /** Every element, attached or not. @returns {HTMLVideoElement[]} */
  get videos() {
    return [...this.#free, ...this.lanes.map(({ video }) => video)];
  }

  get lanes() {
    return [...this.#lanes.values()];
  }

  /** @param {number | undefined} key @returns {Lane | undefined} */
  lane(key) {
    return key === undefined ? undefined : this.#lanes.get(key);
  }

  /**
   * Hold exactly these. `place` puts an element where it is seen.
   *
   * @param {Entry[]} wanted at most as many as there are elements
   * @param {string} origin of the edge
   * @param {(entry: Entry, video: HTMLVideoElement) => void} place
   */
  arrange(wanted, origin, place) {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const lane of this.lanes) if (!keys.has(lane.key)) this.#release(lane);
    for (const entry of wanted) {
      if (this.#lanes.has(entry.key)) continue;
      const video = /** @type {HTMLVideoElement} */ (this.#free.pop());
      const clip = new Clip(video, entry.item, origin);
      const lane = { key: entry.key, entry, video, clip };
      clip.onError = (error) => this.fail(lane, error);
      clip.onOpened = () => this.onOpened(lane);
      this.#lanes.set(entry.key, lane);
      place(entry, video);
    }
  }

  /** Videos of these that are ready to be shown. @param {Entry[]} entries @returns {string[]} */
  ready(entries) {
    return entries.filter(({ key }) => this.#lanes.get(key)?.clip.opened).map(({ item }) => item.video);
  }

  /** @param {HTMLVideoElement} video */
  #decodeFailed(video) {
    const lane = this.lanes.find((candidate) => candidate.video === video);
    if (!lane || !video.error) return;
    // Of a playlist that the browser plays itself nobody knows why it failed: it may be the network.
    this.fail(lane, lane.clip.isNative ? new Error(video.error.message) : new Unplayable(video.error.message));
  }

  /** Let go of a lane that will not play, and say so once. @param {Lane} lane @param {unknown} error */
  fail(lane, error) {
    if (this.#lanes.get(lane.key) !== lane) return;
    this.#release(lane);
    this.onBroken(lane.entry, error);
  }

  /** @param {Lane} lane */
  #release(lane) {
    this.onLeave(lane);
    lane.video.pause();
    lane.clip.close();
    lane.video.remove();
    this.#lanes.delete(lane.key);
    this.#free.push(lane.video);
  }
}
