// The same meter in every page. `picture`: from the key to the video's first frame on screen: the next animation
// frame when the element on screen has had a frame composed already, else its requestVideoFrameCallback.
// `motion`: to the next requestVideoFrameCallback in any case, which for a prepared element is its second frame.
// `seen`: the last second of each video that was on screen.
window.meter = { swipes: [], stalls: [], seen: {} };
const composed = new WeakMap();
const watched = new WeakSet();
const watch = (video) => {
  if (watched.has(video)) return;
  watched.add(video);
  const see = () => (composed.set(video, video.src), note(video), video.requestVideoFrameCallback(see));
  video.requestVideoFrameCallback(see);
};
// By the playhead: a busy machine leaves frames out, but not the bytes of the seconds that pass.
const note = (video) => {
  if (video !== window.onScreen() || video.paused || video.readyState < 2) return;
  const id = window.onScreenId();
  meter.seen[id] = Math.max(meter.seen[id] ?? 0, Math.floor(video.currentTime));
};
document.addEventListener("timeupdate", ({ target }) => note(target), true);
setInterval(() => document.querySelectorAll("video").forEach(watch), 50);
addEventListener("keydown", ({ key, timeStamp }) => {
  if (key !== "ArrowDown") return;
  const swipe = { at: timeStamp, picture: null, motion: null };
  const video = window.onScreen();
  const since = () => performance.now() - timeStamp;
  meter.swipes.push(swipe);
  if (composed.get(video) === video.src && video.src) requestAnimationFrame(() => (swipe.picture ??= since()));
  video.requestVideoFrameCallback(() => ((swipe.motion = since()), (swipe.picture ??= swipe.motion)));
});
let dry = null;
const flow = () => {
  if (dry) meter.stalls.push({ ms: performance.now() - dry.at, n: meter.swipes.length, at_s: dry.at_s });
  dry = null;
};
document.addEventListener("waiting", ({ target }) => {
  if (target !== window.onScreen() || target.seeking || meter.swipes.at(-1)?.motion == null) return;
  dry ??= { at: performance.now(), at_s: target.currentTime };
}, true);
document.addEventListener("playing", ({ target }) => target === window.onScreen() && flow(), true);
addEventListener("keydown", flow, true);
