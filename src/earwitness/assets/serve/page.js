// The page of `earwitness serve`; it analyses the source in the open tab.
import { Recorder } from "./recorder.js";

const limits = JSON.parse(document.getElementById("limits").textContent);
const byId = (id) => document.getElementById(id);
const panels = ["file", "sound", "camera"];
const sources = { file: null, sound: null, camera: null };
const form = byId("options");
const outcome = byId("outcome");
let open = "file";
let request = null;

const recorders = {
  sound: new Recorder(byId("sound"), "sound", (recording) => take("sound", recording), () => refresh()),
  camera: new Recorder(byId("camera"), "camera", (recording) => take("camera", recording), () => refresh()),
};

function show(panel, focus = false) {
  if (panel !== open) recorders[open]?.stop();
  open = panel;
  for (const name of panels) {
    const tab = byId(`tab-${name}`);
    const selected = name === panel;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected ? 0 : -1;
    if (selected && focus) tab.focus();
    byId(name).hidden = !selected;
  }
  refresh();
}

function take(panel, file) {
  sources[panel] = file;
  const preview = byId(panel).querySelector(".preview");
  for (const old of preview.querySelectorAll("[src]")) URL.revokeObjectURL(old.src);
  preview.replaceChildren();
  if (file && /^(audio|video)\//.test(file.type)) {
    const player = document.createElement(file.type.startsWith("audio/") ? "audio" : "video");
    player.controls = true;
    player.playsInline = true;
    player.src = URL.createObjectURL(file);
    player.addEventListener("error", () => player.remove()); // the browser cannot play it, but the server may
    preview.append(player);
  }
  if (panel === "file") byId("file").querySelector(".name").textContent = file ? file.name : "";
  refresh();
}

function refresh() {
  const file = sources[open];
  const recording = Boolean(recorders[open]?.recorder);
  const large = Boolean(file && file.size > limits.bytes);
  byId("listen").disabled = Boolean(request) || large || !(file || recording);
  byId("stop").hidden = !request;
  const empty = { file: "Choose a file first.", sound: "Record some sound first.", camera: "Record a video first." };
  byId("source").textContent = large
    ? `${file.name} has ${(file.size / 1e6).toFixed(0)} MB; this server accepts ${limits.bytes / 1e6} MB.`
    : file
      ? `To be analysed: ${file.name}`
      : empty[open];
}

function say(text, share) {
  const bar = byId("progress").querySelector("progress");
  byId("progress").hidden = text === null;
  byId("progress").querySelector("span").textContent = text ?? "";
  if (share === undefined) bar.removeAttribute("value");
  else bar.value = share;
}

function element(kind, text, attributes = {}) {
  const made = document.createElement(kind);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function end(...shown) {
  request = null;
  say(null);
  outcome.replaceChildren(...shown);
  refresh();
}

function showMessage(message) {
  if (message.kind === "queued") say(`waiting; ${message.ahead} before you`);
  else if (message.kind === "progress") say(message.doing, message.share);
  else if (message.kind === "error") end(element("p", message.message, { class: "error", role: "alert" }));
  else if (message.kind === "result") end(...result(message));
}

function result(message) {
  const address = (name) => `results/${message.token}/${encodeURIComponent(name)}`;
  const links = element("p", "");
  for (const name of message.files) links.append(element("a", name, { href: address(name), download: name }), " ");
  const shown = [element("p", message.events)];
  if (message.note) shown.push(element("p", `Pictures were not analysed: ${message.note}`));
  for (const warning of message.warnings) shown.push(element("p", warning, { class: "hint" }));
  const frame = element("iframe", "", { src: address(message.report), title: "Report", allow: "fullscreen" });
  return [...shown, links, frame];
}

function send(file) {
  const chosen = new FormData(form);
  const query = new URLSearchParams({
    name: file.name,
    video: chosen.has("video"),
    captions: chosen.get("captions"),
    fov: chosen.get("fov"),
    mono: chosen.has("mono"),
    classes: chosen.get("classes").trim(),
    exclude: chosen.get("exclude").trim(),
    labels: chosen.has("labels") ? "any" : "classes",
    find: chosen.get("find").trim(),
  });
  const asked = new XMLHttpRequest();
  request = asked;
  let read = 0;
  const lines = () => {
    const text = asked.responseText;
    for (let stop; asked.status === 200 && (stop = text.indexOf("\n", read)) >= 0; read = stop + 1)
      showMessage(JSON.parse(text.slice(read, stop)));
  };
  const failed = (text) => request === asked && end(element("p", text, { class: "error", role: "alert" }));
  asked.upload.addEventListener("progress", (event) => say("uploading", event.loaded / (event.total || 1)));
  asked.upload.addEventListener("load", () => say("uploaded"));
  asked.addEventListener("progress", lines);
  asked.addEventListener("load", () => {
    lines();
    failed(asked.status === 200 ? "The server stopped before the analysis was finished." : asked.responseText);
  });
  asked.addEventListener("error", () => failed("The connection was lost or refused; is the server still running?"));
  asked.addEventListener("abort", () => request === asked && end(element("p", "Stopped.")));
  asked.open("POST", `api/detect?${query}`);
  asked.setRequestHeader("Content-Type", "application/octet-stream");
  outcome.replaceChildren();
  say("uploading", 0);
  refresh();
  asked.send(file);
}

panels.forEach((name, number) => {
  byId(`tab-${name}`).addEventListener("click", () => show(name));
  byId(`tab-${name}`).addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) show(panels[(number + step + panels.length) % panels.length], true);
  });
});
const drop = document.querySelector(".drop");
const input = drop.querySelector("input");
input.addEventListener("change", () => take("file", input.files[0] ?? null));
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
addEventListener("dragleave", () => drop.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  input.value = "";
  take("file", event.dataTransfer.files[0]);
  show("file"); // the last action determines the source
});
form.elements.fov.addEventListener("input", () => (byId("degrees").textContent = form.elements.fov.value));
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (request) return;
  await recorders[open]?.stop();
  if (sources[open] && sources[open].size <= limits.bytes) send(sources[open]);
});
byId("stop").addEventListener("click", () => request?.abort());
byId("limits-hint").textContent =
  `At most ${limits.bytes / 1e6} MB and ${limits.minutes} minutes; results are removed after ${limits.keepMinutes} minutes.`;
show("file");
