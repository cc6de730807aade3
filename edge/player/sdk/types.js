/**
 * The player's view of the wire, as JSDoc types; nothing here runs.
 *
 * @typedef {Object} Rung
 * @property {string} name
 * @property {string} path folder below the video's base; immutable
 * @property {number} width
 * @property {number} height
 * @property {number} bandwidth_bps
 * @property {string} codecs RFC 6381
 * @property {number} open_bytes
 * @property {number} init_bytes
 * @property {number[]} chunk_bytes the first one is inside open.mp4
 * @property {number[]} chunk_ms
 *
 * @typedef {Object} Card
 * @property {string} id
 * @property {string} creator_id
 * @property {string} creator_name
 * @property {string} caption
 * @property {string} category
 * @property {string[]} hashtags
 * @property {number} duration_ms
 * @property {number} width
 * @property {number} height
 * @property {Rung[]} rungs lowest first
 * @property {string} [poster]
 * @property {string} [poster_jpeg]
 * @property {string} [blurhash]
 * @property {string} [sound_id] of the video whose sound plays; empty: its own
 * @property {string} [sound_title]
 * @property {number} [likes]
 * @property {number} [comments]
 * @property {number} [shares]
 * @property {{language: string, label: string, path: string}[]} [text_tracks] captions, WebVTT
 *
 * @typedef {Object} Why
 * @property {string} source
 * @property {number} score
 * @property {number} rank_moved
 * @property {string} text
 *
 * @typedef {{video: string, base: string, master: string, card: Card, why: Why}} Item
 *
 * @typedef {Object} PlanStep
 * @property {string} video
 * @property {string} url
 * @property {string} rung
 * @property {number} bytes
 * @property {number} [chunk] 0 is the opening
 * @property {number} [at_s] playhead of the video on screen from which on it may start; 0 now
 *
 * @typedef {Object} Plan
 * @property {number} version
 * @property {PlanStep[]} plan in order
 * @property {string[]} [cancel] URLs that are no longer worth their bytes
 * @property {number} [refresh_s] ask again after so long
 *
 * @typedef {Plan & {queue_version: number, model: string, origin: string, items: Item[]}} Slice
 * @typedef {{key: number, item: Item}} Entry one place in the local list; `key` is unique, a video may come again
 * @typedef {{id: string, kind: string, video: string, at_ms: number, completion?: number, watched_ms?: number,
 *   position?: number, text?: string}} PlayerEvent
 * @typedef {"memory"|"disk"|"origin"|""} Tier where the edge had the bytes
 *
 * @typedef {Object} PlayerState what the player has and knows, for the edge's planner
 * @property {string} video
 * @property {number} at_s
 * @property {boolean} is_playing
 * @property {{video: string, rung: string, chunks: number[][]}[]} held
 * @property {{video: string, rung: string, chunk: number, got_bytes: number}[]} in_flight
 * @property {number} bandwidth_bps
 * @property {number} bandwidth_spread
 * @property {number} rtt_ms
 * @property {number} ahead videos after the one on screen that there is room for
 * @property {string[]} [next] what a swipe leads to where a list is walked; the session's queue when left out
 *
 * @typedef {Object} Qoe how one showing went
 * @property {string} video
 * @property {boolean} is_shown false: it was preloaded and never came on screen
 * @property {number | null} startup_ms null when the viewer left before the first frame
 * @property {number} n_stalls
 * @property {number} stalled_ms
 * @property {number} watched_ms
 * @property {number} fetched_bytes
 * @property {number} wasted_bytes fetched and never on screen
 *
 * @typedef {{getItem(key: string): string | null, setItem(key: string, value: string): void}} Store
 */
export {};
