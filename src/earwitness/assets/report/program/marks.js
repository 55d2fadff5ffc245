// Marks in the picture.
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
  if (!node.isConnected) marks.append(node);  // what is not in the page has no width
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
    // Captions stand below.
    const left = state.az > 0, row = $("show-captions").checked ? pitch * (lane + 0.75) : h - pitch * (lane + 0.75);
    node.style.transform = `translate(${left ? 20 : w - 20}px,${row}px)`;
    arrow.firstChild.setAttribute("d", left ? "M2 18 24 2 18 18 24 34z" : "M24 18 2 2 8 18 2 34z");
    Object.assign(label.style, { left: left ? "18px" : "auto", right: left ? "auto" : "18px", top: "0", transform: "translateY(-50%)" });
  }
}
const held = new Map();
function laneOf(event, group, taken) {
  const before = held.get(event.index);
  let lane = before && before.group === group && !taken.has(before.lane) ? before.lane : 0;
  while (taken.has(lane)) lane++;
  taken.add(lane); held.set(event.index, { group, lane });
  return lane;
}
