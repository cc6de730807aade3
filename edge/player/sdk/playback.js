/**
 * The media elements and the video on screen: played, paused, sought, muted, captioned; what is seen of it is noted.
 *
 * Which video that is, and what comes after it, is the feed's (headstart.js).
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {{list: {entries: Entry[], removed: Entry[]}, show: {entry: Entry, index: number}, play: {isPlaying: boolean},
 *   wait: {isWaiting: boolean}, time: {atS: number, durationS: number}, swipe: {}, empty: {}, reach: {isReachable: boolean},
 *   trouble: {entry: Entry, isGone: boolean}}} Events what `on` tells; the README says when
 */
import { Pool } from "./pool.js";
import { prime } from "./prime.js";
import { Showings } from "./showings.js";

/** A video that was left goes back to its beginning, once the next one plays. */
const REWIND_MS = 400;

/** A pool of elements, of which at most one plays. */
export class Playback {
  /** @type {Entry[]} */
  entries = [];
  index = -1;
  isMuted = true;
  hasCaptions = false;
  /** The viewer wants it to stand still. */
  isPaused = false;
  /** Closed: aborted. @protected */
  end = new AbortController();
  /** @type {Map<string, Set<(told: any) => void>>} */
  #listeners = new Map();
  #place;

  /**
   * @param {import("./edge.js").Edge} edge
   * @param {number} nElements
   * @param {HTMLElement} [root]
   * @param {(entry: Entry, video: HTMLVideoElement) => void} [place]
   */
  constructor(edge, nElements, root, place) {
    this.#place = place ?? ((_, video) => root?.append(video));
    this.edge = edge;
    /** @protected */
    this.showings = new Showings(edge);
    /** @protected */
    this.pool = new Pool(() => this.#element(!place), nElements);
    this.pool.onOpened = ({ clip, key, video }) => {
      const isCurrent = () => key === this.current?.key;
      if (!isCurrent()) void prime(video, () => isCurrent() || this.pool.lane(key)?.video !== video);
      else if (clip.opened) this.showings.record.opened(clip.video, clip.opened);
    };
    this.showings.record.onChange = () => this.tell("swipe", {});
  }

  /** The playhead of the video on screen moved, or has nothing to go on with. @protected */
  tick() {}

  /** Be told of something. @template {keyof Events} K @param {K} kind @param {(told: Events[K]) => void} act @returns {() => void} stops it */
  on(kind, act) {
    const acts = this.#listeners.get(kind) ?? new Set();
    this.#listeners.set(kind, acts.add(act));
    return () => acts.delete(act);
  }

  /** @protected @template {keyof Events} K @param {K} kind @param {Events[K]} told */
  tell(kind, told) {
    for (const act of this.#listeners.get(kind) ?? []) {
      try {
        act(told);
      } catch (error) {
        reportError(error); // the page's own: the player goes on
      }
    }
  }

  /** @returns {Entry | undefined} */
  get current() {
    return this.entries[this.index];
  }

  /** The element on screen. @returns {HTMLVideoElement | undefined} */
  get video() {
    return this.pool.lane(this.current?.key)?.video;
  }

  async play() {
    const { video } = this;
    this.isPaused = false;
    this.tell("play", { isPlaying: true });
    if (document.hidden) return; // it plays when it is seen
    try {
      await video?.play();
    } catch (error) {
      if (!(error instanceof DOMException) || error.name !== "NotAllowedError" || video !== this.video) return;
      if (this.isMuted) this.pause();
      else {
        this.mute(true);
        await this.play();
      }
    }
  }

  pause() {
    this.isPaused = true;
    this.video?.pause();
    this.tell("play", { isPlaying: false });
  }

  /** The tab went out of sight, or came back. @protected */
  seen() {
    this.showings.record.pause();
    if (document.hidden) this.video?.pause();
    else if (!this.isPaused) void this.play();
  }

  toggle() {
    if (this.video?.paused) void this.play();
    else this.pause();
  }

  /** @param {boolean} isMuted */
  mute(isMuted) {
    this.isMuted = isMuted;
    for (const video of this.pool.videos) video.muted = isMuted;
  }

  /** Show captions, where a video has some: in the viewer's language, else the first. @param {boolean} isShown */
  captions(isShown) {
    this.hasCaptions = isShown;
    for (const { textTracks } of this.pool.videos) {
      const tracks = [...textTracks];
      const mine = tracks.find(({ language }) => navigator.language.startsWith(language.slice(0, 2))) ?? tracks[0];
      for (const track of tracks) track.mode = isShown && track === mine ? "showing" : "disabled";
    }
  }

  get durationS() {
    return this.showings.durationS;
  }

  /** @param {number} atS */
  seek(atS) {
    if (!this.video) return;
    this.video.currentTime = Math.min(Math.max(atS, 0), Math.max(this.durationS - 0.05, 0));
    this.showings.jump(this.video.currentTime);
    this.tell("time", { atS: this.video.currentTime, durationS: this.durationS });
    this.tick();
  }

  /** What is watched of the video on screen, as an event: it is leaving. */
  noteWatch() {
    if (this.current) this.showings.noteWatch(this.current, this.pool.lane(this.current.key));
  }

  /** Another video is on screen: the one that was stands still, and goes back to its beginning. @protected @param {number} index */
  moveTo(index) {
    const { video, current } = this;
    this.noteWatch();
    this.showings.record.flow();
    video?.pause();
    setTimeout(() => {
      if (video && this.current !== current && this.pool.lane(current?.key)?.video === video) video.currentTime = 0;
    }, REWIND_MS);
    this.isPaused = false;
    this.index = index;
  }

  /** Give an element to where its video is shown. @protected @param {Entry} entry @param {HTMLVideoElement} video */
  put(entry, video) {
    video.muted = this.isMuted;
    video.setAttribute("aria-label", entry.item.card.caption || "Video");
    this.#place(entry, video);
  }

  /** A media element of the pool, wired once. @param {boolean} isStacked */
  #element(isStacked) {
    const video = document.createElement("video");
    Object.assign(video, { playsInline: true, loop: true, muted: true, preload: "auto", disablePictureInPicture: true, tabIndex: -1 });
    if (isStacked) video.className = "headstart";
    const whenCurrent = (/** @type {() => void} */ act) => () => video === this.video && act();
    video.addEventListener("timeupdate", whenCurrent(() => {
      const lane = this.pool.lane(this.current?.key);
      if (lane) this.showings.see(lane);
      this.tick();
      this.tell("time", { atS: video.currentTime, durationS: this.durationS });
    }));
    video.addEventListener("waiting", whenCurrent(() => {
      this.pool.lane(this.current?.key)?.clip.recheck();
      this.tick();
      this.tell("wait", { isWaiting: true });
      if (!video.seeking) this.showings.record.stall();
    }));
    video.addEventListener("playing", whenCurrent(() => {
      this.showings.record.flow();
      this.tell("wait", { isWaiting: false });
    }));
    video.addEventListener("ended", whenCurrent(() => void this.play()));
    return video;
  }
}
