/**
 * A fixed pool of media elements: the video on screen, the next two with their opening chunk appended and first
 * frame decoded, and the one before for a swipe back.
 *
 * The video on screen comes first: nothing is preloaded before its opening chunk is in and it has a little
 * ahead. A video that leaves the window is aborted at once and its element goes to the next one.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {{key: number, entry: Entry, video: HTMLVideoElement, source: Source}} Lane
 */
import { Source } from "./source.js";

export const POOL_SIZE = 4;
/** Seconds that the video on screen must have ahead before another one is preloaded. */
const CALM_S = 2;
/** When it has this much ahead (or all there is), the next one gets NEXT_GOAL_S. */
const RICH_S = 8;
const NEXT_GOAL_S = 2;
const CALM_POLL_MS = 60;

/** The element refuses the bytes. */
export class Unplayable extends Error {}

/** Elements and the sources attached to them. */
export class Pool {
  /** @type {HTMLVideoElement[]} */
  #free = [];
  /** @type {Map<number, Lane>} */
  #lanes = new Map();
  #meter;
  #generation = 0;
  /** Rung of the opening chunk by video id, from the edge's plan. @type {Map<string, string>} */
  #plan = new Map();

  /** A video that cannot be opened. @type {(entry: Entry, error: unknown) => void} */
  onBroken = () => {};

  /** @param {() => HTMLVideoElement} make @param {import("./chunks.js").Meter} meter */
  constructor(make, meter) {
    this.#free = Array.from({ length: POOL_SIZE }, make);
    this.#meter = meter;
    for (const video of this.#free) video.addEventListener("error", () => this.#decodeFailed(video));
  }

  /** Every element, attached or not. @returns {HTMLVideoElement[]} */
  get videos() {
    return [...this.#free, ...[...this.#lanes.values()].map(({ video }) => video)];
  }

  /** @param {import("./types.js").PlanStep[]} steps */
  follow(steps) {
    this.#plan = new Map(steps.map(({ video, rung }) => [video, rung]));
  }

  /** @param {number | undefined} key @returns {Lane | undefined} */
  lane(key) {
    return key === undefined ? undefined : this.#lanes.get(key);
  }

  /**
   * Hold exactly these, most urgent first; the first one is on screen. `place` puts an element where it is seen.
   *
   * @param {Entry[]} wanted at most POOL_SIZE
   * @param {(entry: Entry, video: HTMLVideoElement) => void} place
   */
  arrange(wanted, place) {
    const keys = new Set(wanted.map(({ key }) => key));
    for (const lane of [...this.#lanes.values()]) if (!keys.has(lane.key)) this.#release(lane);
    for (const entry of wanted) {
      if (this.#lanes.has(entry.key)) continue;
      const video = /** @type {HTMLVideoElement} */ (this.#free.pop());
      const source = new Source(video, entry.item, this.#meter);
      this.#lanes.set(entry.key, { key: entry.key, entry, video, source });
      place(entry, video);
    }
    for (const lane of this.#lanes.values()) if (lane.key !== wanted[0]?.key) lane.source.rest();
    void this.#load(wanted, ++this.#generation);
  }

  /** Videos after `key`'s that are ready to be shown, in order. @param {Entry[]} entries @returns {string[]} */
  held(entries) {
    return entries.filter(({ key }) => this.#lanes.get(key)?.source.opened).map(({ item }) => item.video);
  }

  /** @param {Entry[]} wanted @param {number} generation */
  async #load(wanted, generation) {
    const [current, ...others] = wanted.map(({ key }) => /** @type {Lane} */ (this.#lanes.get(key)));
    if (!current || !(await this.#open(current, "high"))) return;
    if (generation !== this.#generation) return;
    current.source.onError = (error) => this.#fail(current, error);
    current.source.run();
    for (const lane of others) {
      if (!(await this.#calm(current, CALM_S, generation))) return;
      await this.#open(lane, "low");
    }
    if (others.length && (await this.#calm(current, RICH_S, generation))) await others[0].source.prefill(NEXT_GOAL_S);
  }

  /** Wait until the video on screen has `s` seconds ahead; false when another one came. @param {Lane} lane @param {number} s @param {number} generation */
  async #calm(lane, s, generation) {
    while (!lane.source.isAhead(s) && generation === this.#generation) {
      await new Promise((resolve) => setTimeout(resolve, CALM_POLL_MS));
    }
    return generation === this.#generation;
  }

  /** @param {Lane} lane @param {RequestPriority} priority */
  async #open(lane, priority) {
    try {
      await lane.source.open({ rung: this.#plan.get(lane.entry.item.video), priority });
      return true;
    } catch (error) {
      this.#fail(lane, error);
      return false;
    }
  }

  /** @param {HTMLVideoElement} video */
  #decodeFailed(video) {
    const lane = [...this.#lanes.values()].find((candidate) => candidate.video === video);
    if (lane && video.error) this.#fail(lane, new Unplayable(video.error.message));
  }

  /** Let go of a lane that will not play, and say so once. @param {Lane} lane @param {unknown} error */
  #fail(lane, error) {
    if (this.#lanes.get(lane.key) !== lane) return;
    this.#release(lane);
    this.onBroken(lane.entry, error);
  }

  /** @param {Lane} lane */
  #release(lane) {
    lane.video.pause();
    lane.source.close();
    lane.video.remove();
    this.#lanes.delete(lane.key);
    this.#free.push(lane.video);
  }
}
