// The view from above, and the list of active sounds.
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
let spoken = null;
function drawNow(sounding) {
  const key = sounding.map(({ event, state }) => `${event.index}${direction(state.az)}${metres(state.d)}`).join();
  if (key === spoken) return;
  spoken = key;
  const items = sounding.map(({ event, state }) => make("li", {}, swatch(event.c), make("span", {}, nameOf(event)),
    make("span", {}, [direction(state.az), metres(state.d)].join(" · "))));
  $("now").replaceChildren(...(items.length ? items : [make("li", { class: "none" }, "Nothing that the model knows sounds now.")]));
}
