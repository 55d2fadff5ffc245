// Lanes of events over time; they are made again when an event is edited.
let zoom = 1, follow = true;
const bars = [];
const usedClasses = () => Object.keys(data.classes).map(Number).filter((c) => present().some((event) => event.c === c));
function setUpLanes() {
  $("strip").style.backgroundImage = data.strip ? `url(${data.strip})` : "none";
  $("strip").hidden = !data.strip;
  $("lanes").addEventListener("click", (click) => {
    const bar = click.target.closest(".bar-event");
    if (bar) { if (!dragged) playEvent(events[bar.dataset.index]); rove(bars[bar.dataset.index], false); } else { choose(null); seek(timeAt(click)); }
  });
  $("lanes").addEventListener("keydown", (key) => {
    const bar = key.target.closest(".bar-event"), step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key.key];
    if (!bar || !step || key.shiftKey) return;
    key.preventDefault(); key.stopPropagation();
    const shown = laneOrder().filter((other) => !other.hidden), next = shown[shown.indexOf(bar) + step];
    if (next) { rove(next, true); choose(Number(next.dataset.index)); }
  });
  for (const id of ["ruler", "strip"]) {
    $(id).addEventListener("pointerdown", (press) => { $(id).setPointerCapture(press.pointerId); seek(timeAt(press)); });
    $(id).addEventListener("pointermove", (move) => { if (move.buttons & 1) seek(timeAt(move)); });
  }
  $("ruler").setAttribute("aria-valuemax", duration.toFixed(1));
  drawLanes();
}
const laneOrder = () => [...$("lanes").querySelectorAll(".bar-event")].sort((a, b) => a.dataset.index - b.dataset.index);
const laneNodes = new Map();
// All lanes, or after a change only those of some classes: a long recording has thousands of events.
function drawLanes(changedClasses = null) {
  const shown = new Set(visible().map((event) => event.index)), keep = document.activeElement?.closest?.(".bar-event")?.dataset.index;
  const used = usedClasses(), same = changedClasses && used.length === laneNodes.size && used.every((c) => laneNodes.has(c));
  for (const c of same ? changedClasses : used) {
    const old = laneNodes.get(c);
    old?.lane.querySelectorAll(".bar-event").forEach((bar) => { bars[bar.dataset.index] = undefined; });
    const fresh = laneOf(c, shown);
    if (same) { old.lane.replaceWith(fresh.lane); old.name.replaceWith(fresh.name); }
    laneNodes.set(c, fresh);
  }
  if (!same) {
    for (const c of [...laneNodes.keys()]) if (!used.includes(c)) laneNodes.delete(c);
    for (let index = 0; index < bars.length; index++) if (!events[index]) bars[index] = undefined;
    const strip = data.strip ? [make("div", { class: "on-strip" }, make("span", {}, "Spectrogram"))] : [];
    $("names").replaceChildren(make("div", { class: "on-ruler" }), ...strip, ...used.map((c) => laneNodes.get(c).name));
    $("lanes").replaceChildren(...(used.length ? used.map((c) => laneNodes.get(c).lane) : [make("p", { class: "empty" }, "No sound events were found.")]));
  }
  lit = new Set();
  const focus = bars[keep] ?? bars[chosen] ?? bars.find((bar) => bar && !bar.hidden);
  if (focus) { focus.tabIndex = 0; if (bars[keep]) focus.focus({ preventScroll: true }); }
}
function laneOf(c, shown) {
  const mine = present().filter((event) => event.c === c).sort((a, b) => a.s - b.s || a.index - b.index), ends = [], lane = make("div", { class: "lane" });
  lane.append(make("span", { class: "lane-name", "aria-hidden": "true" }, data.classes[c].name));
  for (const event of mine) {
    let sub = ends.findIndex((end) => end <= event.s + 1e-6);
    if (sub < 0) sub = ends.length;
    ends[sub] = event.e;
    bars[event.index] = barOf(event, sub, !shown.has(event.index));
    lane.append(bars[event.index]);
  }
  const height = `calc(var(--name-row) + ${8 + 24 * ends.length}px)`;
  lane.style.height = height;
  return { lane, name: make("div", { style: { height } }, swatch(c), make("span", {}, data.classes[c].name)) };
}
function barOf(event, sub, hidden) {
  const bar = make("button", { type: "button", class: "bar-event" + (data.hasVideo && !event.on ? " out" : "") + (event.index === chosen ? " chosen" : ""), tabindex: -1, hidden,
    "aria-label": describe(event), title: describe(event), "data-index": event.index,
    style: { left: `${event.s / duration * 100}%`, width: `${(event.e - event.s) / duration * 100}%`, top: `calc(var(--name-row) + ${5 + 24 * sub}px)`, background: colourOf(event) } },
  make("span", {}, direction(event.az)));
  if (editing) bar.append(make("i", { class: "grip start" }), make("i", { class: "grip end" }));
  return bar;
}
function rove(bar, focus) {
  if (!bar) return;
  bars.forEach((other) => { if (other) other.tabIndex = -1; });
  bar.tabIndex = 0;
  if (focus) { bar.focus(); reveal(events[bar.dataset.index].s); }
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
