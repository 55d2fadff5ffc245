// Markers in the picture: a frame around a source that was seen, or a line at its direction, and a label beside it.
const across = (az) => Math.abs(az) >= 89.9 ? null : 0.5 - Math.tan(az * Math.PI / 180) / Math.tan(data.fov * Math.PI / 360) / 2;
const CAPTIONS = [0.03, 0.78, 0.97, 1];
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
  const known = drawn.get(event.index);
  if (known?.event === event) return known;
  known?.node.remove();
  const node = make("div", { class: "mark", style: { color: colourOf(event) } }, make("i", { class: "arrow" }), icon(event.c), make("span", { class: "text" }, make("b", {}, nameOf(event)), make("span")));
  const mark = { event, node, sizes: new Map() };
  drawn.set(event.index, mark);
  return mark;
}
// Width and height of each form of a label: complete, name alone, icon alone.
function sizesOf(mark, text, side) {
  const key = `${text}|${side}|${Math.round(marks.w)}`;
  if (!mark.sizes.has(key)) {
    const { node } = mark;
    node.querySelector(".text span").textContent = text;
    node.dataset.side = side;
    if (!node.isConnected) marks.append(node);  // what is not in the page has no size
    mark.sizes.set(key, [0, 1, 2].map((form) => { node.dataset.form = form; return [node.offsetWidth, node.offsetHeight]; }));
  }
  return mark.sizes.get(key);
}
function drawMarks(sounding, time) {
  const { w, h } = marks, pixels = ([l, t, r, b]) => [l * w, t * h, r * w, b * h], aspect = w / h;
  const people = data.hasVideo ? peopleAt(time) : [], faces = people.map((box) => faceOf(box, aspect));
  const wanted = sounding.map(({ event, state }) => {
    const mark = markFor(event), box = data.hasVideo ? sourceBox(event, state, time, faces) : null, x = state.az === null ? null : across(state.az);
    const [side, near, row] = box ? ["beside", pixels(box), rowOfPart(event, box, aspect) * h]
      : state.az === null ? ["corner", [0, 0, 0, 0], 0]
      : x !== null && x >= 0 && x <= 1 ? ["column", [x * w, 0, x * w, h], 0.62 * h]
      : [state.az > 0 ? "left" : "right", state.az > 0 ? [0, 0, 0, h] : [w, 0, w, h], 0.62 * h];
    const hidden = data.hasVideo && !state.on && side === "column";
    const text = [direction(state.az), ...(state.d === null ? [] : [metres(state.d)]), ...(hidden ? ["off screen"] : [])].join(" · ");
    const all = sizesOf(mark, text, side), sizes = all.filter((size, form) => form === 2 || (size[0] <= 0.7 * w && size[1] <= h / 3));
    return { key: event.index, mark, state, side, near, row, hidden, text, sizes, skipped: 3 - sizes.length };
  });
  const rank = ["beside", "column", "left", "right", "corner"];
  wanted.sort((a, b) => rank.indexOf(a.side) - rank.indexOf(b.side));
  const sources = wanted.filter((one) => one.side === "beside").map((one) => one.near);
  const reserved = $("show-captions").checked ? [pixels(CAPTIONS)] : [], hard = faces.map(pixels);
  const placed = placeLabels(wanted, { faces: hard, sources, bodies: [...people.map((box) => bodyOf(box, aspect)), ...faces.map(freeArea)].map(pixels), reserved }, [3, 3, w - 3, h - 3], 5, time);
  const paths = [];
  for (const one of wanted) {
    const { node } = one.mark, place = placed.get(one.key);
    node.hidden = !place;
    if (place) {
      node.querySelector(".text span").textContent = one.text;
      node.dataset.side = one.side; node.dataset.form = place.form + one.skipped;
      node.style.transform = `translate(${Math.round(place.rect[0])}px,${Math.round(place.rect[1])}px)`;
      if (!node.isConnected) marks.append(node);
    }
    const path = linesOf(one, place?.rect);
    if (path) paths.push(make("path", { d: path, class: one.side === "beside" ? "frame" : one.hidden ? "line hidden-source" : "line", stroke: colourOf(one.mark.event), opacity: 0.6 + 0.4 * one.state.p }));
  }
  const holes = [...hard, ...[...placed.values()].map(({ rect }) => rect)];
  $("holes").replaceChildren(...holes.map(([l, t, r, b]) => make("rect", { x: l, y: t, width: Math.max(0, r - l), height: Math.max(0, b - t) })));
  $("paths").replaceChildren(...paths.flatMap((path) => { const halo = path.cloneNode(); halo.setAttribute("class", `halo ${halo.getAttribute("class")}`); halo.setAttribute("stroke", "#10141a"); return [halo, path]; }));
  const active = new Set(wanted.map((one) => one.key));
  for (const [index, mark] of drawn) if (!active.has(index)) { mark.node.remove(); drawn.delete(index); }
}
const rowOfPart = (event, box, aspect) => {
  const { part } = data.classes[event.c], [, top, , bottom] = part === "mouth" ? faceOf(box, aspect) : box;
  return top + (part === "feet" ? 0.95 : 0.5) * (bottom - top);
};
// The frame's corners or the line of a source, and the connection to its label.
function linesOf({ side, near: [l, t, r, b], row }, rect) {
  if (side !== "beside" && side !== "column") return "";
  if (side === "column") return `M${l} 0V${marks.h}` + (rect && (rect[0] > l || rect[2] < l) ? `M${rect[0] > l ? rect[0] : rect[2]} ${(rect[1] + rect[3]) / 2}H${l}` : "");
  const [x0, y0, x1, y1] = [Math.max(l - 3, 1), Math.max(t - 3, 1), Math.min(r + 3, marks.w - 1), Math.min(b + 3, marks.h - 1)];
  const dx = Math.min(14, 0.28 * (x1 - x0)), dy = Math.min(14, 0.28 * (y1 - y0));
  let path = `M${x0} ${y0 + dy}V${y0}H${x0 + dx}M${x1 - dx} ${y0}H${x1}V${y0 + dy}M${x1} ${y1 - dy}V${y1}H${x1 - dx}M${x0 + dx} ${y1}H${x0}V${y1 - dy}`;
  if (rect && (rect[2] <= x0 || rect[0] >= x1)) {
    const y = clamp(row, rect[1] + 1, rect[3] - 1), x = rect[2] <= x0 ? x0 : x1;
    path += `M${rect[2] <= x0 ? rect[2] : rect[0]} ${y}H${x}V${clamp(y, y0, y1)}`;
  } else if (rect) {
    const x = (Math.max(rect[0], x0) + Math.min(rect[2], x1)) / 2;
    path += rect[3] <= y0 ? `M${x} ${rect[3]}V${y0}` : rect[1] >= y1 ? `M${x} ${rect[1]}V${y1}` : "";
  }
  return path;
}
