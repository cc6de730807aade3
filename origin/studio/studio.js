/**
 * The studio page: choose a file, say what it is, send it, watch it become playable.
 */
import { play } from "./preview.js";
import { SoundField } from "./sounds.js";
import { Refused, Upload } from "./tus.js";
import { bytes, facts, handle, hashtags, step } from "./words.js";

const POLL_MS = 700;
const RECENT = 12;
const CREATOR_KEY = "headstart.creator";

/** @template {Element} [T=HTMLElement] @param {string} selector @returns {T} */
function find(selector) {
  const found = document.querySelector(selector);
  if (!found) throw new Error(`no ${selector} in the page`);
  return /** @type {T} */ (found);
}

const form = /** @type {HTMLFormElement} */ (find("#upload"));
const drop = find("#drop");
const chooser = /** @type {HTMLInputElement} */ (find("#file"));
const screen = /** @type {HTMLVideoElement} */ (find("#screen"));
const sounds = new SoundField(find("#sounds"));
const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name));

/** @type {File | null} */
let file = null;
/** @type {Upload | null} */
let upload = null;
/** What follows the present video; aborted by the next one. */
let following = new AbortController();
/** URL of the chosen file, for the preview. */
let picture = "";
/** Video and rung that the preview shows. */
let shown = "";

/** @param {File | undefined} chosen */
function choose(chosen) {
  if (!chosen || upload) return;
  file = chosen;
  following.abort();
  shown = "";
  state("chosen");
  progress(0, 0);
  say("");
  find("#name").textContent = chosen.name;
  find("#size").textContent = bytes(chosen.size);
  URL.revokeObjectURL(picture);
  picture = URL.createObjectURL(chosen);
  screen.src = picture;
  screen.play().catch(() => {});
}

/** @param {"empty"|"chosen"|"sending"|"sent"|"refused"} name */
function state(name) {
  document.body.dataset.state = name;
  find("#trouble").hidden = name !== "refused";
  for (const control of form.elements) {
    if (control instanceof HTMLInputElement || control instanceof HTMLTextAreaElement) control.disabled = name === "sending";
  }
  const button = /** @type {HTMLButtonElement} */ (find("#publish"));
  button.disabled = !file || name === "sending" || name === "sent";
  button.textContent = name === "refused" ? "Try again" : "Publish";
}

async function send() {
  if (!file || upload) return;
  const creator = handle(field("creator").value);
  localStorage.setItem(CREATOR_KEY, creator);
  const fields = {
    filename: file.name,
    caption: field("caption").value.trim(),
    creator,
    category: handle(field("category").value) || "other",
    hashtags: hashtags(field("hashtags").value).map((tag) => `#${tag}`).join(" "),
    ...sounds.fields,
  };
  sounds.hush();
  const mine = new Upload("/uploads", file, fields);
  upload = mine;
  mine.onProgress = progress;
  mine.onWaiting = (isWaiting) => isWaiting && say("The connection is lost. Going on as soon as it is back.");
  state("sending");
  way(0, []);
  try {
    const video = await mine.run();
    if (upload !== mine) return;
    upload = null;
    state("sent");
    const captions = field("captions").files?.[0];
    if (captions) await sendCaptions(video, captions);
    await follow(video);
  } catch (error) {
    if (upload !== mine) return;
    upload = null;
    refuse(error instanceof Refused ? error.problem : { title: "something went wrong", detail: String(error) });
  }
}

/** The video goes its way without them, too. @param {string} video @param {File} captions */
async function sendCaptions(video, captions) {
  const language = navigator.language || "en";
  const label = new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language;
  const url = `/v1/videos/${video}/captions/${language}?label=${encodeURIComponent(label)}`;
  const answer = await fetch(url, { method: "PUT", headers: { "Content-Type": "text/vtt" }, body: captions });
  if (!answer.ok) tell({ ...(await answer.json()), title: "The subtitles were not taken; the video goes on without them" });
}

/** @param {number} sent @param {number} total */
function progress(sent, total) {
  const share = total ? sent / total : 0;
  const bar = find("#bar");
  bar.style.setProperty("--share", String(share));
  bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  bar.setAttribute("aria-valuetext", total ? `${bytes(sent)} of ${bytes(total)}` : "");
  find("#sent").textContent = total && share < 1 ? `${bytes(sent)} of ${bytes(total)}` : "";
  say(total && share === 1 ? "Checking what arrived…" : "");
}

/** @param {string} text */
function say(text) {
  find("#said").textContent = text;
}

/** @param {import("./tus.js").Problem} problem */
function refuse(problem) {
  state("refused");
  say("");
  find("#sent").textContent = "";
  tell(problem);
}

/** @param {import("./tus.js").Problem} problem */
function tell(problem) {
  find("#trouble").hidden = false;
  const title = problem.title ?? "refused";
  find("#trouble h2").textContent = title.charAt(0).toUpperCase() + title.slice(1);
  find("#trouble p").textContent = problem.detail ?? "";
  const rows = facts(problem).flatMap(([name, value]) => [
    Object.assign(document.createElement("dt"), { textContent: name }),
    Object.assign(document.createElement("dd"), { textContent: value }),
  ]);
  find("#trouble dl").replaceChildren(...rows);
}

/** The steps that are done, and the rungs that are there. @param {number} done @param {string[]} rungs */
function way(done, rungs) {
  document.querySelectorAll("#way > li").forEach((item, i) => {
    item.classList.toggle("is-done", i < done);
    item.classList.toggle("is-now", i === done);
    item.setAttribute("aria-current", i === done ? "step" : "false");
  });
  const chips = rungs.map((name) => Object.assign(document.createElement("span"), { className: "chip", textContent: name }));
  find("#rungs").replaceChildren(...chips);
}

/** Ask how the video is until it is complete. @param {string} video */
async function follow(video) {
  following = new AbortController();
  const { signal } = following;
  while (!signal.aborted) {
    const answer = await fetch(`/v1/videos/${video}`, { signal, cache: "no-store" }).then((r) => r.json()).catch(() => null);
    if (answer?.status) {
      const rungs = answer.card?.rungs ?? [];
      way(step(answer.status), rungs.map((/** @type {{name: string}} */ rung) => rung.name));
      if (rungs.length) publish(video, rungs);
      if (answer.status === "failed") return refuse({ title: "could not be encoded", detail: answer.error ?? "" });
      if (answer.status === "complete") return void recent();
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Show what viewers see now. @param {string} video @param {import("./preview.js").Rung[]} rungs */
function publish(video, rungs) {
  if (shown === video) return;
  shown = video;
  document.body.dataset.live = "yes";
  say("Live. This preview now plays what viewers get.");
  play(screen, video, rungs[0], following.signal).catch(() => say("Live, but this browser cannot play it."));
  void recent();
}

/** The latest videos with their posters. */
async function recent() {
  const answer = await fetch(`/v1/videos?limit=${RECENT}`, { cache: "no-store" }).then((r) => r.json()).catch(() => null);
  const items = answer?.items ?? answer?.videos ?? [];
  find("#recent").hidden = !items.length;
  find("#recent ul").replaceChildren(...items.map(tile));
}

/** @param {{id: string, status?: string, card?: any}} item */
function tile(item) {
  const card = item.card ?? item;
  const copy = /** @type {HTMLTemplateElement} */ (find("#tile")).content.cloneNode(true);
  const root = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (copy).firstElementChild);
  const image = /** @type {HTMLImageElement} */ (root.querySelector("img"));
  const poster = card.poster || card.poster_jpeg;
  if (poster) image.src = `/v/${item.id}/${poster}`;
  else image.remove();
  const text = (/** @type {string} */ selector, /** @type {string} */ content) =>
    Object.assign(root.querySelector(selector) ?? {}, { textContent: content });
  text(".caption", card.caption || "No caption");
  text(".by", card.creator_id ? `@${card.creator_id}` : "");
  const status = item.status ?? "";
  text(".state", status === "complete" || status === "playable" ? "" : status);
  root.dataset.status = status;
  return root;
}

function again() {
  following.abort();
  upload?.cancel();
  upload = null;
  file = null;
  shown = "";
  chooser.value = field("captions").value = "";
  if (document.body.dataset.state === "sent") sounds.clear();
  for (const name of document.body.dataset.state === "sent" ? ["caption", "hashtags"] : []) {
    field(name).value = "";
    field(name).dispatchEvent(new Event("input"));
  }
  screen.removeAttribute("src");
  screen.load();
  delete document.body.dataset.live;
  say("");
  find("#sent").textContent = "";
  state("empty");
}

drop.addEventListener("dragover", (event) => event.preventDefault());
for (const kind of ["dragenter", "dragover"]) document.addEventListener(kind, (event) => {
  event.preventDefault();
  drop.classList.add("is-over");
});
for (const kind of ["dragleave", "drop"]) document.addEventListener(kind, () => drop.classList.remove("is-over"));
document.addEventListener("drop", (event) => {
  event.preventDefault();
  choose(event.dataTransfer?.files[0]);
});
chooser.addEventListener("change", () => choose(chooser.files?.[0]));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  void send();
});
for (const button of document.querySelectorAll("[data-again]")) button.addEventListener("click", again);
field("hashtags").addEventListener("input", () => {
  const chips = hashtags(field("hashtags").value).map((tag) =>
    Object.assign(document.createElement("span"), { className: "chip", textContent: `#${tag}` }),
  );
  find("#tags").replaceChildren(...chips);
});
field("caption").addEventListener("input", () => {
  find("#left").textContent = String(field("caption").maxLength - field("caption").value.length);
  find("#said-caption").textContent = field("caption").value;
});

field("creator").addEventListener("input", () => {
  const [said, taken] = [field("creator").value.trim(), handle(field("creator").value)];
  field("creator").setCustomValidity(said && !taken ? "A handle has letters from A to Z, digits, _ or -" : "");
  find("#as").textContent = taken && taken !== said.replace(/^@/, "") ? `@${taken}` : "";
});

field("creator").value = localStorage.getItem(CREATOR_KEY) ?? "";
state("empty");
void recent();
