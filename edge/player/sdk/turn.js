/** A task of its own: no timer, which browsers hold back. */
const turn = new MessageChannel();
/** @type {(() => void)[]} */
const waiting = [];
turn.port1.onmessage = () => waiting.shift()?.();

/** As soon as the task under way is over. @param {() => void} act */
export function afterwards(act) {
  waiting.push(act);
  turn.port2.postMessage(0);
}
