/**
 * How each showing goes: what is watched of it, when its first frame came, what was fetched for it in vain. The edge
 * hears of it by events (impression, watch) and by QoE beacons.
 *
 * @typedef {import("./types.js").Entry} Entry
 * @typedef {import("./pool.js").Lane} Lane
 */
import { Swipes } from "./swipes.js";
import { Watch } from "./watch.js";

/** What an edge believes of one showing. */
const MAX_MS = 86_400_000;
const MAX_STALLS = 10_000;

/** The showing on screen, and those whose elements are still theirs. */
export class Showings {
  record = new Swipes();
  /** The swipe that showed an entry. @type {Map<number, import("./swipes.js").Swipe>} */
  #shown = new Map();
  /** Told already: the page was left, and may come back. @type {WeakSet<import("./clip.js").Clip>} */
  #told = new WeakSet();
  #watch = new Watch(0);
  #edge;

  /** @param {import("./edge.js").Edge} edge */
  constructor(edge) {
    this.#edge = edge;
  }

  get durationS() {
    return this.#watch.durationS;
  }

  /** A video is about to come on screen. @param {Entry} entry */
  announce({ item }) {
    this.#watch = new Watch(item.card.duration_ms / 1000);
    this.#edge.note("impression", item.video, { position: this.record.n });
  }

  /** It comes now; call it before `play()`. @param {Lane} lane @param {import("./types.js").Slice | null} slice @param {number} atMs when the viewer asked for it */
  begin(lane, slice, atMs) {
    this.record.begin(lane, slice, atMs);
    if (this.record.last) this.#shown.set(lane.key, this.record.last);
  }

  /** Where the playhead is. @param {Lane} lane on screen */
  see({ video, clip }) {
    this.#watch.see(video.currentTime);
    if (video.readyState >= 2) clip.see(video.currentTime);
  }

  /** The viewer went there: what lies between is not watched. @param {number} atS */
  jump(atS) {
    this.#watch.atS = atS;
  }

  /** What is watched of the video on screen, as an event: it is leaving. @param {Entry} entry @param {Lane | undefined} lane */
  noteWatch({ key, item }, lane) {
    if (!this.record.kept.length) return;
    if (lane) this.see(lane);
    const { report, durationS } = this.#watch;
    const shown = this.#shown.get(key);
    if (shown) shown.watched_ms += report.watched_ms;
    if (report.watched_ms > 0 || durationS > 0) {
      this.#edge.note("watch", item.video, { ...report, position: this.record.n - 1 });
    }
    this.#watch = new Watch(durationS, lane?.video.currentTime ?? 0);
  }

  /** How a showing went, once its element goes to another. @param {Lane} lane */
  left({ key, clip }) {
    const shown = this.#shown.get(key);
    if ((!shown && !clip.fetchedBytes) || this.#told.has(clip)) return;
    this.#told.add(clip);
    this.#edge.noteQoe({
      video: clip.video,
      is_shown: !!shown,
      startup_ms: shown?.first_frame_ms == null ? null : Math.min(shown.first_frame_ms, MAX_MS),
      n_stalls: Math.min(shown?.stalls ?? 0, MAX_STALLS),
      stalled_ms: Math.min(Math.round(shown?.stalled_ms ?? 0), MAX_MS),
      watched_ms: Math.min(shown?.watched_ms ?? 0, MAX_MS),
      fetched_bytes: clip.fetchedBytes,
      wasted_bytes: clip.wastedBytes,
    });
    this.#shown.delete(key);
  }
}
