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
 * @property {string} [sound_title]
 * @property {number} [likes]
 * @property {number} [comments]
 * @property {number} [shares]
 *
 * @typedef {Object} Why
 * @property {string} source
 * @property {number} score
 * @property {number} rank_moved
 * @property {string} text
 *
 * @typedef {{video: string, base: string, master: string, card: Card, why: Why}} Item
 * @typedef {{video: string, url: string, rung: string, bytes: number}} PlanStep
 * @typedef {{version: number, queue_version: number, model: string, origin: string, items: Item[], plan: PlanStep[]}} Slice
 * @typedef {{key: number, item: Item}} Entry one place in the local list; `key` is unique, a video may come again
 * @typedef {{id: string, kind: string, video: string, at_ms: number, completion?: number, watched_ms?: number,
 *   position?: number, text?: string}} PlayerEvent
 * @typedef {"memory"|"disk"|"origin"|"browser"|""} Tier where the edge (or the browser's own cache) had the bytes
 */
export {};
