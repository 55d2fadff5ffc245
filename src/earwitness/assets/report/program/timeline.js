// Lanes of events over time.
let zoom = 1, follow = true;
const bars = [];
const classes = Object.keys(data.classes).map(Number);
function setUpLanes() {
  $("strip").style.backgroundImage = data.strip ? `url(${data.strip})` : "none";
  $("strip").hidden = !data.strip;
  const rulerName = make("div", { style: { height: "26px" } });
  $("names").append(rulerName);
  if (data.strip) $("names").append(make("div", { style: { height: "58px", color: "var(--soft)" } }, make("span"), make("span", {}, "Spectrogram")));
  for (const c of classes) {
    const mine = events.filter((event) => event.c === c), ends = [];
    for (const event of mine) {
      event.sub = ends.findIndex((end) => end <= event.s + 1e-6);
      if (event.sub < 0) event.sub = ends.length;
      ends[event.sub] = event.e;
    }
    const height = 8 + 22 * ends.length;
    $("names").append(make("div", { style: { height: `${height}px` } }, swatch(c), make("span", {}, data.classes[c].name)));
    const lane = make("div", { class: "lane", style: { height: `${height}px` } });
    for (const event of mine) {
      const bar = make("button", { type: "button", class: "bar-event" + (data.hasVideo && !event.on ? " out" : ""), tabindex: -1, "aria-label": describe(event), title: describe(event), "data-index": event.index,
        style: { left: `${event.s / duration * 100}%`, width: `${(event.e - event.s) / duration * 100}%`, top: `${5 + 22 * event.sub}px`, background: gradient(event) } });
      bars[event.index] = bar;
      lane.append(bar);
    }
    $("lanes").append(lane);
  }
  if (!events.length) $("lanes").append(make("p", { class: "empty" }, "No sound events were found."));
  if (bars.length) bars[0].tabIndex = 0;
  $("lanes").addEventListener("click", (click) => {
    const bar = click.target.closest(".bar-event");
    if (bar) { jump(events[bar.dataset.index]); rove(bar, false); } else seek(timeAt(click));
  });
  $("lanes").addEventListener("keydown", (key) => {
    const bar = key.target.closest(".bar-event"), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key.key];
    if (!bar || !step || key.shiftKey) return;
    key.preventDefault(); key.stopPropagation();
    const shown = bars.filter((other) => other && !other.hidden), next = shown[shown.indexOf(bar) + step];
    if (next) rove(next, true);
  });
  for (const id of ["ruler", "strip"]) {
    $(id).addEventListener("pointerdown", (press) => { $(id).setPointerCapture(press.pointerId); seek(timeAt(press)); });
    $(id).addEventListener("pointermove", (move) => { if (move.buttons & 1) seek(timeAt(move)); });
  }
  $("ruler").setAttribute("aria-valuemax", duration.toFixed(1));
}
function rove(bar, focus) {
  bars.forEach((other) => { other.tabIndex = -1; });
  bar.tabIndex = 0;
  if (focus) { bar.focus(); reveal(events[bar.dataset.index].s); }
}
function gradient(event) {
  const [frames, az] = event.t, span = Math.max(1, frames[frames.length - 1] + 1 - frames[0]);
  const step = Math.max(1, Math.floor(frames.length / 40)), stops = [];
  for (let i = 0; i < frames.length; i += step) stops.push(`${azimuthColour(az[i])} ${((frames[i] + 0.5 - frames[0]) / span * 100).toFixed(1)}%`);
  return stops.length > 1 ? `linear-gradient(to right,${stops.join(",")})` : azimuthColour(az[0]);
}
const timeAt = (pointer) => {
  const box = $("track").getBoundingClientRect();
  return clamp((pointer.clientX - box.left) / box.width, 0, 1) * duration;
};
function setZoom(value, keep = now()) {
  zoom = clamp(value, 1, Math.max(1, duration / 2));
  $("track").style.width = `${zoom * 100}%`;
  drawRuler();
  const scroller = $("scroller");
  scroller.scrollLeft = keep / duration * scroller.scrollWidth - scroller.clientWidth / 2;
}
function drawRuler() {
  const width = $("scroller").clientWidth * zoom, steps = [0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600];
  const step = steps.find((s) => s / duration * width >= 62) ?? 3600, nodes = [];
  for (let k = 0; k * step <= duration + 1e-6; k++) {
    const left = `${k * step / duration * 100}%`, last = k > 0 && (1 - k * step / duration) * width < 30;
    nodes.push(make("span", { style: { left }, class: last ? "last" : null }, clock(k * step, step < 1)), make("i", { style: { left } }));
  }
  $("ruler").replaceChildren(...nodes);
}
function reveal(time, playing = false) {
  const scroller = $("scroller"), x = time / duration * scroller.scrollWidth, view = scroller.clientWidth;
  if (scroller.scrollWidth <= view + 1) return;
  if (playing ? x > scroller.scrollLeft + view * 0.9 || x < scroller.scrollLeft : x < scroller.scrollLeft + 20 || x > scroller.scrollLeft + view - 20)
    scroller.scrollLeft = x - view * (playing ? 0.1 : 0.4);
}
