/**
 * A resumable upload (tus 1.0.0): creation, PATCH by PATCH, HEAD before going on after a failure or a reload.
 *
 * @typedef {{type?: string, title?: string, detail?: string, status?: number, [fact: string]: unknown}} Problem
 */

const CHUNK_BYTES = 4 * 1024 * 1024;
const MAX_TRIES = 8;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15_000;
/** Statuses that a HEAD and another PATCH may get over. */
const PASSING = new Set([0, 408, 409, 423, 429, 500, 502, 503, 504]);

/** The origin refused the upload; `problem` is its own words. */
export class Refused extends Error {
  /** @param {number} status @param {Problem} problem */
  constructor(status, problem) {
    super(problem.detail ?? problem.title ?? `status ${status}`);
    this.status = status;
    this.problem = problem;
  }
}

/** `key base64,…` of UTF-8 text. @param {Record<string, string>} fields */
export function metadata(fields) {
  const encode = (/** @type {string} */ text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));
  return Object.entries(fields)
    .map(([key, text]) => (text ? `${key} ${encode(text)}` : key))
    .join(",");
}

/** One file on its way. Call `run()` once; `cancel()` gives it up. */
export class Upload {
  /** @type {XMLHttpRequest | null} */
  #request = null;
  #isCancelled = false;
  #url = "";
  #key;

  /** Bytes sent and all there are. @type {(sent: number, total: number) => void} */
  onProgress = () => {};
  /** The connection is lost for now (true), or works again (false). @type {(isWaiting: boolean) => void} */
  onWaiting = () => {};

  /** @param {string} endpoint @param {File} file @param {Record<string, string>} fields */
  constructor(endpoint, file, fields) {
    this.endpoint = endpoint;
    this.file = file;
    this.fields = fields;
    this.#key = `headstart.upload.${file.name}.${file.size}.${file.lastModified}.${JSON.stringify(fields)}`;
  }

  /** The id of the video that the bytes became. Raises Refused. @returns {Promise<string>} */
  async run() {
    this.#url = localStorage.getItem(this.#key) ?? "";
    let isFresh = false;
    for (let tries = 0; ; ) {
      try {
        if (!this.#url) {
          await this.#create();
          isFresh = true;
        }
        const video = await this.#send(isFresh ? 0 : await this.#offset(), () => (tries = 0));
        localStorage.removeItem(this.#key);
        return video;
      } catch (error) {
        if (!(error instanceof Refused) || this.#isCancelled) throw error;
        const isLost = !isFresh && (error.status === 404 || error.status === 410);
        if (isLost || !PASSING.has(error.status)) localStorage.removeItem(this.#key);
        if (isLost && tries < MAX_TRIES) this.#url = "";
        else if (!PASSING.has(error.status) || tries >= MAX_TRIES) throw error;
        else await this.#pause(tries);
        isFresh = false;
        tries += 1;
      }
    }
  }

  cancel() {
    this.#isCancelled = true;
    this.#request?.abort();
    localStorage.removeItem(this.#key);
    if (this.#url) void this.#ask("DELETE", this.#url, {}).catch(() => {});
  }

  async #create() {
    const headers = { "Upload-Length": String(this.file.size), "Upload-Metadata": metadata(this.fields) };
    const answer = await this.#ask("POST", this.endpoint, headers);
    this.#url = answer.getResponseHeader("Location") ?? "";
    localStorage.setItem(this.#key, this.#url);
  }

  async #offset() {
    const answer = await this.#ask("HEAD", this.#url, {});
    return Number(answer.getResponseHeader("Upload-Offset"));
  }

  /** PATCH from `offset` to the end. @param {number} offset @param {() => void} progressed @returns {Promise<string>} */
  async #send(offset, progressed) {
    for (;;) {
      this.onProgress(offset, this.file.size);
      const headers = { "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
      const body = this.file.slice(offset, offset + CHUNK_BYTES);
      const answer = await this.#ask("PATCH", this.#url, headers, body, offset);
      this.onWaiting(false);
      progressed();
      offset = Number(answer.getResponseHeader("Upload-Offset"));
      const video = answer.getResponseHeader("Headstart-Video");
      if (video) return video;
    }
  }

  /** @param {number} tries */
  #pause(tries) {
    this.onWaiting(true);
    const ms = Math.min(RETRY_MIN_MS * 2 ** tries, RETRY_MAX_MS) * (0.6 + 0.4 * Math.random());
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {Record<string, string>} headers
   * @param {Blob} [body]
   * @param {number} [from] offset of the body, for the progress
   * @returns {Promise<XMLHttpRequest>}
   */
  #ask(method, url, headers, body, from = 0) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      if (method !== "DELETE") this.#request = request;
      request.open(method, url);
      for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", ...headers })) request.setRequestHeader(name, value);
      if (body) request.upload.onprogress = (event) => this.onProgress(from + event.loaded, this.file.size);
      request.onloadend = () => {
        if (request.status >= 200 && request.status < 300) resolve(request);
        else reject(new Refused(request.status, problemOf(request.responseText)));
      };
      request.send(body ?? null);
    });
  }
}

/** @param {string} text @returns {Problem} */
function problemOf(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { title: "no answer", detail: text.slice(0, 200) || "The connection was lost." };
  }
}
