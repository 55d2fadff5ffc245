"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const svg = ["svg", "path", "circle", "line", "text", "g"].includes(tag);
  const node = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "style") Object.assign(node.style, value);
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children);
  return node;
};
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const events = data.events.map((event, index) => ({ ...event, index }));
const duration = data.duration;

// ---- words -------------------------------------------------------------------------------------------------------
const clock = (seconds, tenths = true) => {
  const t = Math.round(seconds * 10), h = Math.floor(t / 36000), m = Math.floor(t / 600) % 60, s = Math.floor(t / 10) % 60;
  const two = (n) => String(n).padStart(2, "0");
  return (h ? `${h}:${two(m)}` : `${m}`) + `:${two(s)}` + (tenths ? `.${t % 10}` : "");
};
const direction = (az) => az === null ? "unknown" : Math.round(Math.abs(az)) === 0 ? "ahead" : `${Math.round(Math.abs(az))}° ${az > 0 ? "left" : "right"}`;
const metres = (d) => d === null ? "unknown" : `${d.toFixed(1)} m`;
const screen = (on) => on ? "on screen" : "off screen";
const nameOf = (event) => data.classes[event.c].name;
const colourOf = (event) => data.classes[event.c].colour;
const describe = (event) => [nameOf(event), `${clock(event.s)} to ${clock(event.e)}`, direction(event.az), metres(event.d),
  ...(data.hasVideo ? [screen(event.on)] : []), `confidence ${Math.round(event.p * 100)}%`].join(", ");
const swatch = (c) => {
  const node = make("span", { class: "swatch", style: { background: data.classes[c].colour } });
  node.style.setProperty("--cut", data.classes[c].colour);
  node.innerHTML = `<svg viewBox="0 0 1 1" aria-hidden="true">${data.classes[c].icon}</svg>`;
  return node;
};

// ---- colour of a direction: blue on the left, orange on the right, grey ahead ------------------------------------
const SCALE = [[-90, [214, 84, 20]], [-40, [240, 152, 72]], [0, [176, 180, 188]], [40, [98, 156, 236]], [90, [28, 88, 208]]];
const azimuthColour = (az) => {
  if (az === null) return "rgb(128 128 128)";
  const k = clamp(SCALE.findIndex(([edge]) => az <= edge), 1, SCALE.length - 1);
  const [[a, from], [b, to]] = [SCALE[k - 1], SCALE[k]], share = clamp((az - a) / (b - a), 0, 1);
  return `rgb(${from.map((value, i) => Math.round(value + share * (to[i] - value))).join(" ")})`;
};

// ---- tracks ------------------------------------------------------------------------------------------------------
for (const event of events) {
  event.row = new Map(event.t[0].map((frame, i) => [frame, i]));
}
const atTime = (event, time) => {
  const exact = time * data.rate - 0.5, frame = Math.floor(time * data.rate + 1e-6);
  const i = event.row.get(frame);
  if (i === undefined) return null;
  const j = event.row.get(frame + (exact > frame ? 1 : -1)), share = Math.abs(exact - frame);
  const mix = (column) => {
    const a = event.t[column][i], b = j === undefined ? null : event.t[column][j];
    return a === null || b === null || Math.abs(a - b) > 30 ? a : a + share * (b - a);
  };
  return { az: mix(1), d: mix(2), on: !!event.t[3][i], p: event.t[4][i] };
};

// ---- player ------------------------------------------------------------------------------------------------------
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
    const captions = make("track", { kind: "captions", label: "Sounds", srclang: "en" });
    captions.src = URL.createObjectURL(new Blob([data.captions], { type: "text/vtt" }));
    media.append(captions);
    media.addEventListener("error", () => lost(`This browser cannot play ${data.file}. ${note}`));
    for (const name of ["play", "pause", "ended"]) media.addEventListener(name, showPlaying);
    for (const name of ["seeked", "loadeddata"]) media.addEventListener(name, () => update());
    stage.prepend(media);
    media.addEventListener("loadedmetadata", placeMarks);
  } else lost(note);
  if (kind !== "video") { $("show-captions").closest("label").hidden = true; $("full").hidden = true; }
  if (!media) for (const id of ["play", "volume"]) $(id).disabled = true;
  showPlaying();
}
function lost(text) {
  stage.querySelectorAll(".lost").forEach((node) => node.remove());
  stage.append(make("div", { class: "lost", role: "alert" }, text));
}
function backdrop() {
  const node = make("div", { class: "backdrop" });
  for (let az = -75; az <= 75; az += 15) {
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
function toggle() {
  if (!media) return;
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
  if (follow && media) reveal(media.currentTime, true);
  if (media && !media.paused && !media.ended) requestAnimationFrame(tick);
}
function jump(event, say = true) {
  seek(event.s + 0.001);
  if (say) $("live").textContent = describe(event);
}
function neighbour(step) {
  const time = now(), shown = visible().slice().sort((a, b) => a.s - b.s);
  const next = step > 0 ? shown.find((event) => event.s > time + 0.05) : shown.reverse().find((event) => event.s < time - 0.35);
  if (next) jump(next);
}

// ---- marks in the picture ----------------------------------------------------------------------------------------
const across = (az) => Math.abs(az) >= 89.9 ? null : 0.5 - Math.tan(az * Math.PI / 180) / Math.tan(data.fov * Math.PI / 360) / 2;
function placeMarks() {
  const box = stage.getBoundingClientRect();
  let [x, y, w, h] = [0, 0, box.width, box.height];
  const shown = stage.querySelector("video,.backdrop");
  if (shown) {
    const inner = shown.getBoundingClientRect();
    [x, y, w, h] = [inner.left - box.left, inner.top - box.top, inner.width, inner.height];
    const size = media && media.videoWidth ? [media.videoWidth, media.videoHeight] : shown.matches("video") ? data.size : null;
    if (size) {
      const scale = Math.min(w / size[0], h / size[1]);
      x += (w - size[0] * scale) / 2; y += (h - size[1] * scale) / 2; w = size[0] * scale; h = size[1] * scale;
    }
  }
  Object.assign(marks.style, { left: `${x}px`, top: `${y}px`, width: `${w}px`, height: `${h}px` });
  marks.w = w; marks.h = h;
  update();
}
const drawn = new Map();
function markFor(event) {
  let node = drawn.get(event.index);
  if (node) return node;
  const icon = `<svg viewBox="0 0 1 1">${data.classes[event.c].icon}</svg>`;
  node = make("div", { class: "mark", style: { color: colourOf(event) } });
  node.innerHTML = `<div class="beam"></div><div class="ring">${icon}</div><svg class="arrow" viewBox="0 0 26 36"><path fill="currentColor" stroke="#0c0f14" stroke-width="1.5"/></svg><div class="label" style="border-color:${colourOf(event)}"><b></b><span></span></div>`;
  node.querySelector("b").textContent = nameOf(event);
  drawn.set(event.index, node);
  return node;
}
function drawMark(event, state, lane) {
  const node = markFor(event), { w, h } = marks, x = state.az === null ? null : across(state.az);
  const inView = x !== null && x >= 0 && x <= 1, unit = clamp(Math.sqrt(w * h) / 480, 0.75, 2.2);
  const [beam, ring, arrow, label] = node.children;
  for (const part of [beam, ring, arrow]) part.style.opacity = (part === beam ? 0.45 : 1) * (0.4 + 0.6 * state.p);
  node.classList.toggle("out", data.hasVideo && !state.on);
  label.querySelector("span").textContent = [direction(state.az), ...(state.d === null ? [] : [metres(state.d)])].join(" · ");
  const pitch = 46 * unit;
  beam.hidden = ring.hidden = !inView; arrow.style.display = state.az !== null && !inView ? "" : "none";
  beam.style.display = ring.style.display = inView ? "" : "none";
  if (inView) {
    const row = clamp(h * 0.45 + Math.ceil(lane / 2) * (lane % 2 ? -1 : 1) * pitch, pitch / 2, h - pitch / 2);
    const radius = clamp(30 / Math.sqrt(Math.max(state.d ?? 2.5, 0.05)), 12, 44) * unit;
    node.style.transform = `translate(${x * w}px,${row}px)`;
    Object.assign(beam.style, { top: `${-row}px`, height: `${h}px` });
    Object.assign(ring.style, { width: `${2 * radius}px`, height: `${2 * radius}px` });
    const right = x * w + radius + 8 + label.offsetWidth <= w;
    Object.assign(label.style, { left: right ? `${radius + 8}px` : "auto", right: right ? "auto" : `${radius + 8}px`, top: "0", transform: "translateY(-50%)" });
  } else if (state.az === null) {
    node.style.transform = `translate(10px,${10 + lane * 44}px)`;
    Object.assign(label.style, { left: "0", right: "auto", top: "0", transform: "none" });
  } else {
    const left = state.az > 0, row = h - pitch * (lane + 0.75);
    node.style.transform = `translate(${left ? 20 : w - 20}px,${row}px)`;
    arrow.firstChild.setAttribute("d", left ? "M2 18 24 2 18 18 24 34z" : "M24 18 2 2 8 18 2 34z");
    Object.assign(label.style, { left: left ? "18px" : "auto", right: left ? "auto" : "18px", top: "0", transform: "translateY(-50%)" });
  }
  if (!node.isConnected) marks.append(node);
}
const held = new Map();
function laneOf(event, group, taken) {
  const before = held.get(event.index);
  let lane = before && before.group === group && !taken.has(before.lane) ? before.lane : 0;
  while (taken.has(lane)) lane++;
  taken.add(lane); held.set(event.index, { group, lane });
  return lane;
}

// ---- radar -------------------------------------------------------------------------------------------------------
const R = 150, RANGE = 8, MARGIN = 14;
function polar(az, d) {
  const reach = R * Math.min(1, Math.sqrt(Math.max(d, 0) / RANGE)), a = az * Math.PI / 180;
  return [MARGIN + R - reach * Math.sin(a), MARGIN + R - reach * Math.cos(a)];
}
function half(radius, from = 90, to = -90) {
  const scale = radius / R, at = (az) => { const [x, y] = polar(az, RANGE); return [(x - MARGIN - R) * scale + MARGIN + R, (y - MARGIN - R) * scale + MARGIN + R]; };
  const [x0, y0] = at(from), [x1, y1] = at(to);
  return `M${x0} ${y0}A${radius} ${radius} 0 0 1 ${x1} ${y1}`;
}
function setUpRadar() {
  const radar = $("radar"), centre = `${MARGIN + R} ${MARGIN + R}`;
  radar.setAttribute("viewBox", `0 0 ${2 * (R + MARGIN)} ${R + MARGIN + 22}`);
  radar.append(make("path", { class: "ground", d: `${half(R)}Z` }));
  if (data.hasVideo) radar.append(make("path", { class: "view", d: `${half(R, data.fov / 2, -data.fov / 2)}L${centre}Z` }));
  for (const m of [1, 2, 5]) {
    const radius = R * Math.sqrt(m / RANGE);
    radar.append(make("path", { class: "ring", d: half(radius) }), make("text", { x: MARGIN + R + radius, y: MARGIN + R + 14 }, m === 5 ? "5 m" : m));
  }
  radar.append(make("circle", { class: "camera", cx: MARGIN + R, cy: MARGIN + R, r: 5 }), make("g", { id: "dots" }));
  $("key").textContent = data.hasVideo ? "Full dots are on screen, hollow ones off screen; the shaded sector is what the camera sees." : "";
  document.querySelector(".scale .bar").style.background =
    `linear-gradient(to right,${SCALE.slice().reverse().map(([az]) => `${azimuthColour(az)} ${(90 - az) / 1.8}%`).join(",")})`;
}
function drawRadar(sounding) {
  const nodes = sounding.filter(({ state }) => state.az !== null).map(({ event, state }) => {
    const colour = colourOf(event), group = make("g", { opacity: 0.55 + 0.45 * state.p });
    group.append(make("title", {}, describe(event)));
    if (state.d === null) {
      const [x, y] = polar(state.az, RANGE);
      group.append(make("line", { x1: MARGIN + R, y1: MARGIN + R, x2: x, y2: y, stroke: colour, "stroke-width": 3 }));
    } else {
      const [x, y] = polar(state.az, state.d), hollow = data.hasVideo && !state.on;
      group.append(make("circle", { cx: x, cy: y, r: 7.5, fill: hollow ? "var(--card)" : colour, stroke: colour, "stroke-width": 3.5 }));
    }
    return group;
  });
  $("dots").replaceChildren(...nodes);
}
let spoken = "";
function drawNow(sounding) {
  const key = sounding.map(({ event, state }) => `${event.index}${direction(state.az)}${metres(state.d)}`).join();
  if (key === spoken) return;
  spoken = key;
  const items = sounding.map(({ event, state }) => make("li", {}, swatch(event.c), make("span", {}, nameOf(event)),
    make("span", {}, [direction(state.az), metres(state.d)].join(" · "))));
  $("now").replaceChildren(...(items.length ? items : [make("li", { class: "none" }, "Nothing that the model knows sounds now.")]));
}

// ---- timeline ----------------------------------------------------------------------------------------------------
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
    const left = `${k * step / duration * 100}%`, last = k > 0 && k * step / duration > 0.985;
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

// ---- table -------------------------------------------------------------------------------------------------------
const FIRST_ROWS = 500;
const columns = [
  { name: "Time", key: (e) => e.s, cell: (e) => make("button", { type: "button", "aria-label": `Jump to ${describe(e)}` }, `${clock(e.s)} – ${clock(e.e)}`) },
  { name: "Sound", key: (e) => nameOf(e), cell: (e) => { const span = make("span"); span.append(swatch(e.c), ` ${nameOf(e)}`); return span; } },
  { name: "Direction", key: (e) => e.az === null ? -999 : -e.az, cell: (e) => { const span = make("span"); span.append(make("span", { class: "az", style: { background: azimuthColour(e.az) } }), direction(e.az)); return span; } },
  { name: "Distance", key: (e) => e.d ?? 1e9, cell: (e) => metres(e.d) },
  ...(data.hasVideo ? [{ name: "Screen", key: (e) => e.on ? 0 : 1, cell: (e) => screen(e.on) }] : []),
  ...(events.some((e) => e.v) ? [{ name: "Seen", key: (e) => seen(e), cell: (e) => make("span", { title: e.v?.why ?? null }, seen(e)) }] : []),
  { name: "Length", key: (e) => e.e - e.s, cell: (e) => `${(e.e - e.s).toFixed(1)} s` },
  { name: "Confidence", key: (e) => e.p, cell: (e) => { const span = make("span"); span.append(make("meter", { min: 0, max: 1, value: e.p, "aria-hidden": "true" }), `${Math.round(e.p * 100)}%`); return span; } },
];
// What is taken for the source, how surely, and where it was heard if the picture moved it; the whole reason on hover.
function seen(event) {
  const v = event.v;
  if (!v) return "";
  if (v.seen === null || v.seen === undefined) return "nothing";
  const [az, d] = [v.azimuth_before_deg, v.distance_before_m], heard = [];
  if (typeof az === "number" && event.az !== null && Math.abs(az - event.az) >= 2) heard.push(direction(az));
  if (typeof d === "number" && event.d !== null && Math.abs(d - event.d) >= 0.1) heard.push(metres(d));
  const what = v.what === "motion" ? "something moving" : String(v.what ?? `seen ${v.seen}`).replaceAll("_", " ");
  const surely = typeof v.common_cause === "number" ? `, ${Math.round(v.common_cause * 100)}%` : "";
  return `${what}${surely}${heard.length ? `; heard ${heard.join(", ")}` : ""}`;
}
const state = { sort: 0, down: false, off: new Set(), words: [], screen: "", least: 0, all: false };
const visible = () => events.filter((e) => !state.off.has(e.c) && e.p >= state.least - 1e-9
  && (!state.screen || (state.screen === "on") === e.on)
  && state.words.every((word) => e.words.includes(word)));
function setUpTable() {
  for (const e of events) e.words = [nameOf(e), direction(e.az), metres(e.d), screen(e.on), clock(e.s)].join(" ").toLowerCase();
  columns.forEach((column, k) => {
    const button = make("button", { type: "button", onclick: () => { state.down = state.sort === k ? !state.down : false; state.sort = k; drawTable(); } }, column.name);
    $("heads").append(make("th", { scope: "col" }, button));
  });
  $("rows").addEventListener("click", (click) => {
    const row = click.target.closest("tr[data-index]");
    if (row) jump(events[row.dataset.index]);
  });
  for (const c of classes) {
    const count = events.filter((e) => e.c === c).length;
    const chip = make("button", { type: "button", "aria-pressed": "true", onclick: () => {
      const on = chip.getAttribute("aria-pressed") === "false";
      chip.setAttribute("aria-pressed", on); state.off[on ? "delete" : "add"](c); filter();
    } }, swatch(c), `${data.classes[c].name} (${count})`);
    chip.dataset.c = c;
    $("chips").append(chip);
  }
  $("search").addEventListener("input", () => { state.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean); filter(); });
  $("screen").addEventListener("change", () => { state.screen = $("screen").value; filter(); });
  $("least").addEventListener("input", () => { state.least = Number($("least").value); $("least-value").textContent = `${Math.round(state.least * 100)}%`; filter(); });
  $("reset").addEventListener("click", () => {
    Object.assign(state, { off: new Set(), words: [], screen: "", least: 0 });
    $("search").value = ""; $("screen").value = ""; $("least").value = 0; $("least-value").textContent = "0%";
    document.querySelectorAll("#chips button").forEach((chip) => chip.setAttribute("aria-pressed", "true"));
    filter();
  });
  $("more").addEventListener("click", () => { state.all = true; drawTable(); });
  $("screen-box").hidden = !data.hasVideo;
  drawTable();
}
function filter() {
  const shown = new Set(visible().map((e) => e.index));
  bars.forEach((bar, index) => { bar.hidden = !shown.has(index); });
  if (!bars.some((bar) => bar.tabIndex === 0 && !bar.hidden)) { const first = bars.find((bar) => !bar.hidden); if (first) rove(first, false); }
  drawTable(); update();
}
let rows = new Map();
function drawTable() {
  const key = columns[state.sort].key, sign = state.down ? -1 : 1;
  const order = visible().sort((a, b) => { const x = key(a), y = key(b); return sign * (x < y ? -1 : x > y ? 1 : 0) || a.s - b.s || a.index - b.index; });
  [...$("heads").children].forEach((th, k) => th.setAttribute("aria-sort", k !== state.sort ? "none" : state.down ? "descending" : "ascending"));
  const part = state.all ? order : order.slice(0, FIRST_ROWS);
  rows = new Map(part.map((e) => [e.index, make("tr", { "data-index": e.index }, ...columns.map((column) => make("td", {}, column.cell(e))))]));
  const none = events.length ? "No event passes the filters." : "No sound events were found.";
  $("rows").replaceChildren(...(part.length ? rows.values() : [make("tr", {}, make("td", { class: "empty", colspan: columns.length }, none))]));
  $("more").hidden = part.length === order.length;
  $("more").textContent = `Show all ${order.length} rows`;
  $("count").textContent = order.length === events.length ? `${events.length}` : `${order.length} of ${events.length}`;
  highlight(new Set());
  lit = new Set();
}

// ---- one moment --------------------------------------------------------------------------------------------------
let lit = new Set();
function highlight(active) {
  for (const index of lit) if (!active.has(index)) { bars[index]?.classList.remove("now"); rows.get(index)?.classList.remove("now"); }
  for (const index of active) { bars[index]?.classList.add("now"); rows.get(index)?.classList.add("now"); }
  lit = active;
}
const soundingAt = (time, shown) => shown.filter((e) => e.s <= time + 1e-6 && time < e.e).map((event) => ({ event, state: atTime(event, time) })).filter((x) => x.state);
let shownEvents = null, shownKey = "";
function update(time = now()) {
  if (!marks.w || !$("dots")) return;
  const key = [state.words, state.screen, state.least, [...state.off]].join("|");
  if (key !== shownKey || !shownEvents) { shownEvents = visible(); shownKey = key; }
  const sounding = soundingAt(time, shownEvents);
  const active = new Set(sounding.map(({ event }) => event.index));
  const taken = {};
  for (const { event, state: s } of sounding) {
    const x = s.az === null ? null : across(s.az), group = s.az === null ? "none" : x !== null && x >= 0 && x <= 1 ? "in" : s.az > 0 ? "left" : "right";
    drawMark(event, s, laneOf(event, group, taken[group] ??= new Set()));
  }
  for (const [index, node] of drawn) if (!active.has(index) && node.isConnected) node.remove();
  for (const index of [...held.keys()]) if (!active.has(index)) held.delete(index);
  drawRadar(sounding); drawNow(sounding); highlight(active);
  $("playhead").style.left = `${clamp(time / duration, 0, 1) * 100}%`;
  $("clock").textContent = `${clock(time)} / ${clock(duration)}`;
  const ruler = $("ruler");
  ruler.setAttribute("aria-valuenow", time.toFixed(1));
  ruler.setAttribute("aria-valuetext", clock(time));
}

// ---- about -------------------------------------------------------------------------------------------------------
function setUpAbout() {
  $("file").textContent = data.file || "Sound events";
  const count = events.length === 1 ? "1 event" : `${events.length} events`;
  $("summary").textContent = `${count} in ${clock(duration)} · model ${data.model.name} · earwitness ${data.version}`;
  for (const { level, text } of data.warnings) $("warnings").append(make("p", { class: `banner ${level}` }, text));
  $("warnings").hidden = !data.warnings.length;
  const doctor = $("doctor").querySelector("div");
  if (data.checks.length) {
    $("doctor").querySelector("summary").textContent = `Is the recording fit for directions? ${data.fit ? "Yes, as far as the sound tells." : "No."}`;
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...["Verdict", "Check", "Value", "Meaning"].map((name) => make("th", { scope: "col" }, make("button", { type: "button", disabled: true }, name))))));
    table.append(make("tbody", {}, ...data.checks.map((check) => make("tr", {}, make("td", {}, make("span", { class: `verdict ${check.verdict}` }, check.verdict)),
      make("td", {}, check.name), make("td", {}, check.value === null ? "–" : `${check.value} ${check.unit}`), make("td", { style: { whiteSpace: "normal" } }, check.text)))));
    doctor.append(table);
  } else doctor.append(make("p", {}, "The recording was not examined."));
  const about = { model: data.model.name, sha256: data.model.sha256, earwitness: data.version, ...data.settings };
  $("model").querySelector("div").append(make("pre", {}, Object.entries(about).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join("\n")),
    make("p", { id: "media-note" }, data.media.note));
}
function setUpControls() {
  $("play").addEventListener("click", toggle);
  $("previous").addEventListener("click", () => neighbour(-1));
  $("next").addEventListener("click", () => neighbour(1));
  $("show-marks").addEventListener("change", () => marks.classList.toggle("off", !$("show-marks").checked));
  $("show-captions").addEventListener("change", () => { if (media?.textTracks[0]) media.textTracks[0].mode = $("show-captions").checked ? "showing" : "disabled"; });
  $("volume").addEventListener("input", () => { if (media) media.volume = Number($("volume").value); });
  $("full").addEventListener("click", () => document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen?.());
  $("zoom-in").addEventListener("click", () => setZoom(zoom * 1.6));
  $("zoom-out").addEventListener("click", () => setZoom(zoom / 1.6));
  $("zoom-fit").addEventListener("click", () => setZoom(1));
  const themes = ["auto", "light", "dark"];
  $("theme").addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3];
    if (next === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = next;
    $("theme").textContent = next[0].toUpperCase() + next.slice(1);
    $("theme").setAttribute("aria-label", `Colours: ${next === "auto" ? "as the system" : next}`);
  });
  stage.addEventListener("click", toggle);
  $("scroller").addEventListener("wheel", () => { follow = false; setTimeout(() => { follow = true; }, 4000); }, { passive: true });
  document.addEventListener("keydown", keys);
  new ResizeObserver(() => { placeMarks(); drawRuler(); }).observe(stage);
  addEventListener("resize", drawRuler);
}
function keys(key) {
  if (key.ctrlKey || key.metaKey || key.altKey || key.target.matches("input:not([type=checkbox]),select,textarea")) return;
  const onButton = key.target.matches("button,summary,input,a");
  const actions = {
    " ": onButton ? null : toggle, ArrowLeft: () => seek(now() - (key.shiftKey ? 10 : 1)), ArrowRight: () => seek(now() + (key.shiftKey ? 10 : 1)),
    n: () => neighbour(1), p: () => neighbour(-1), m: () => $("show-marks").click(), c: () => $("show-captions").click(), f: () => $("full").click(),
    "+": () => setZoom(zoom * 1.6), "=": () => setZoom(zoom * 1.6), "-": () => setZoom(zoom / 1.6), 0: () => setZoom(1), "/": () => $("search").focus(),
    Home: key.target === $("ruler") ? () => seek(0) : null, End: key.target === $("ruler") ? () => seek(duration) : null,
  };
  const action = actions[key.key];
  if (action) { key.preventDefault(); action(); }
}
setUpAbout();
setUpTable();
setUpRadar();
setUpLanes();
setUpPlayer();
setUpControls();
placeMarks();
setZoom(1);
update(0);
