/**
 * Plays a published video as viewers get it: the opening object and the segments of its lowest rung, through
 * Media Source Extensions; the HLS playlist where there are none.
 *
 * @typedef {{path: string, codecs: string, chunk_bytes: number[]}} Rung
 */

/**
 * @param {HTMLMediaElement} video
 * @param {string} id
 * @param {Rung} rung
 * @param {AbortSignal} signal
 */
export async function play(video, id, rung, signal) {
  const base = `/v/${id}/`;
  const Media = /** @type {typeof MediaSource | undefined} */ (/** @type {any} */ (globalThis).ManagedMediaSource ?? globalThis.MediaSource);
  const mime = `video/mp4; codecs="${rung.codecs}"`;
  if (!Media?.isTypeSupported(mime)) {
    video.src = `${base}master.m3u8`;
    return;
  }
  const media = new Media();
  video.disableRemotePlayback = true;
  video.src = URL.createObjectURL(media);
  await once(media, "sourceopen", signal);
  URL.revokeObjectURL(video.src);
  const buffer = media.addSourceBuffer(mime);
  for (let i = 0; i < rung.chunk_bytes.length; i += 1) {
    const response = await fetch(`${base}${rung.path}/${i ? `${i}.m4s` : "open.mp4"}`, { signal });
    if (!response.ok) throw new Error(`${response.status} for segment ${i}`);
    buffer.appendBuffer(await response.arrayBuffer());
    await once(buffer, "updateend", signal);
    if (i === 0) video.play().catch(() => {});
  }
  media.endOfStream();
}

/** @param {EventTarget} target @param {string} kind @param {AbortSignal} signal @returns {Promise<void>} */
function once(target, kind, signal) {
  return new Promise((resolve, reject) => {
    target.addEventListener(kind, () => resolve(), { once: true });
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
