/**
 * Which videos of a grid are on screen, in their order: told whenever that changes.
 */
export class Sight {
  /** @type {Set<Element>} */
  #seen = new Set();
  #observer;

  /** @param {(videos: string[]) => void} act */
  constructor(act) {
    this.#observer = new IntersectionObserver((changes) => {
      for (const { target, isIntersecting } of changes) this.#seen[isIntersecting ? "add" : "delete"](target);
      const cells = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".cell")]);
      act(cells.filter((one) => this.#seen.has(one)).map(({ dataset }) => dataset.video ?? ""));
    });
  }

  /** The cells of a page that was drawn anew; a page that is hidden or gone has none on screen. @param {HTMLElement} root */
  watch(root) {
    for (const one of root.querySelectorAll(".cell")) this.#observer.observe(one);
  }
}
