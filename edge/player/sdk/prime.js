/**
 * Makes an element that waits off screen ready to move: it plays two frames, muted, and stands still again. Its
 * decoders, its renderers and its clock have run then, and `play()` at the swipe only lets them go on.
 */

/** Frames that are not on screen may not be told; the element stands still after so long in any case. */
const PRIME_MS = 200;
const N_FRAMES = 2;

/** @param {HTMLVideoElement} video @param {() => boolean} isOver it is on screen by now, or another video's: leave it alone */
export async function prime(video, isOver) {
  const { muted } = video;
  const stop = () => {
    if (isOver()) return;
    video.pause();
    video.muted = muted;
  };
  video.muted = true;
  try {
    await video.play();
  } catch {
    stop(); // Not allowed, or attached to another video by now: it starts at the swipe, as well as it can.
    return;
  }
  const timer = setTimeout(stop, PRIME_MS);
  onFrames(video, N_FRAMES, () => (clearTimeout(timer), stop()));
}

/** After so many frames. @param {HTMLVideoElement} video @param {number} n @param {() => void} act */
function onFrames(video, n, act) {
  if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(() => (n > 1 ? onFrames(video, n - 1, act) : act()));
}
