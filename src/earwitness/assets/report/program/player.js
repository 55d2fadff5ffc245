// Video or sound, or a clock alone without media.
let media = null;
const stage = $("stage"), marks = $("marks");
function setUpPlayer() {
  const { kind, how, type, note } = data.media;
  if (kind === "video") media = make("video", { playsinline: true, preload: "auto" });
  else if (kind === "audio") media = make("audio", { preload: "auto" });
  if (kind !== "video") stage.prepend(backdrop());
  if (media) {
    media.id = "media-element";
    media.setAttribute("aria-label", data.file);
    if (how === "embed") {
      const binary = atob($("media").textContent.trim()), bytes = new Uint8Array(binary.length);
      for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
      media.src = URL.createObjectURL(new Blob([bytes], { type }));
      $("media").remove();
    } else media.src = data.link;
    setCaptions(data.captions);
    media.addEventListener("error", () => lost(`This browser cannot play ${data.file}. ${note}`));
    for (const name of ["play", "pause", "ended"]) media.addEventListener(name, showPlaying);
    for (const name of ["seeked", "loadeddata"]) media.addEventListener(name, () => update());
    if (data.size) stage.style.setProperty("--ratio", data.size[0] / data.size[1]);
    stage.prepend(media);
    media.addEventListener("loadedmetadata", placeMarks);
  } else lost(note);
  if (kind !== "video") { $("show-captions").closest("label").hidden = true; $("full").hidden = true; }
  if (!media) for (const id of ["play", "volume"]) $(id).disabled = true;
  showPlaying();
}
// Captions as text, or as a function that is called once they are wanted.
let waitingCaptions = null;
function setCaptions(text) {
  if (!media) return;
  waitingCaptions = null;
  if (typeof text === "function") {
    if (!$("show-captions").checked) { waitingCaptions = text; return; }
    text = text();
  }
  media.querySelector("track")?.remove();
  const captions = make("track", { kind: "captions", label: "Sounds", srclang: "en" });
  captions.src = URL.createObjectURL(new Blob([text], { type: "text/vtt" }));
  media.append(captions);
  captions.track.mode = $("show-captions").checked ? "showing" : "disabled";
}
function lost(text) {
  stage.querySelectorAll(".lost").forEach((node) => node.remove());
  stage.append(make("div", { class: "lost", role: "alert" }, text));
}
function backdrop() {
  const node = make("div", { class: "backdrop" });
  const step = stage.clientWidth < 520 ? 30 : 15;
  for (let az = -60 - (step % 30); az <= 75; az += step) {
    const x = across(az);
    if (x === null || x < 0.03 || x > 0.97) continue;
    node.append(make("i", { style: { left: `${x * 100}%` } }), make("b", { style: { left: `${x * 100}%` } }, direction(az)));
  }
  return node;
}
let silentTime = 0;
const now = () => media && Number.isFinite(media.duration) ? media.currentTime : silentTime;
function seek(time) {
  silentTime = clamp(time, 0, duration);
  if (media && media.readyState > 0) media.currentTime = Math.min(silentTime, Math.max(0, media.duration - 0.01));
  update(silentTime);
  reveal(silentTime);
}
// Playing of one event stops at its end; any other start of playing does not.
let stopAt = null;
function toggle() {
  if (!media) return;
  stopAt = null;
  if (media.paused) media.play().catch(() => {}); else media.pause();
}
function showPlaying() {
  const going = media && !media.paused && !media.ended;
  $("play").querySelector("path").setAttribute("d", going ? "M3 2h3.5v12H3zM9.5 2H13v12H9.5z" : "M3 1.5v13L14 8z");
  $("play").setAttribute("aria-label", going ? "Pause" : "Play");
  if (going) requestAnimationFrame(tick);
}
function tick() {
  update();
  if (stopAt !== null && media && media.currentTime >= stopAt) { stopAt = null; media.pause(); }
  if (follow && media) reveal(media.currentTime, true);
  if (media && !media.paused && !media.ended) requestAnimationFrame(tick);
}
function jump(event) {
  choose(event.index);
  seek(event.s + 0.001);
  $("live").textContent = describe(event);
}
// A click on an event shows and plays it.
function playEvent(event) {
  jump(event);
  if (!media) return;
  stopAt = event.e;
  media.play().catch(() => {});
}
// The player stays in view: small, once the page is scrolled past it.
function setUpMini() {
  const viewer = $("viewer"), place = $("viewer-place");
  new IntersectionObserver(([entry]) => {
    const small = !entry.isIntersecting && entry.boundingClientRect.bottom < entry.rootBounds.height / 2 && Boolean(media) && !document.fullscreenElement;
    if (small === viewer.classList.contains("mini")) return;
    place.style.minHeight = small ? `${viewer.offsetHeight}px` : "";
    viewer.classList.toggle("mini", small);
    document.body.classList.toggle("with-mini", small);
  }, { threshold: 0.02 }).observe(place);
}
function neighbour(step) {
  const time = now(), shown = visible().slice().sort((a, b) => a.s - b.s);
  const next = step > 0 ? shown.find((event) => event.s > time + 0.05) : shown.reverse().find((event) => event.s < time - 0.35);
  if (next) jump(next);
}
