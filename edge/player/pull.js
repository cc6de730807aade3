/**
 * A sheet that is pulled down by its head and let go: far or fast enough, and it closes.
 */

const FAR_PX = 110;
const FAST_PX_MS = 0.55;

/** Does a pull of so many pixels that ends at this speed close the sheet? Pure. @param {number} px @param {number} pxPerMs */
export function closes(px, pxPerMs) {
  return px > FAR_PX || (px > 12 && pxPerMs > FAST_PX_MS);
}

/** @param {HTMLElement} sheet @param {HTMLElement} head @param {() => void} close */
export function pullable(sheet, head, close) {
  let fromY = 0;
  let last = { y: 0, atMs: 0, speed: 0 };
  head.addEventListener("pointerdown", (event) => {
    if (event.button || /** @type {Element} */ (event.target).closest("button")) return;
    fromY = event.clientY;
    last = { y: fromY, atMs: event.timeStamp, speed: 0 };
    head.setPointerCapture(event.pointerId);
    sheet.classList.add("is-pulled");
  });
  head.addEventListener("pointermove", ({ pointerId, clientY: y, timeStamp: atMs }) => {
    if (!head.hasPointerCapture(pointerId)) return;
    last = { y, atMs, speed: (y - last.y) / Math.max(atMs - last.atMs, 1) };
    sheet.style.setProperty("--pull", `${Math.max(0, y - fromY)}px`);
  });
  head.addEventListener("lostpointercapture", () => {
    sheet.classList.remove("is-pulled");
    sheet.style.removeProperty("--pull");
    if (closes(last.y - fromY, last.speed)) close();
  });
}
