// Values as text and colours.
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
  ...(data.hasVideo ? [screen(event.on)] : []), ...(data.scored ? [`confidence ${Math.round(event.p * 100)}%`] : [])].join(", ");
const swatch = (c) => {
  const node = make("span", { class: "swatch", style: { background: data.classes[c].colour } });
  node.style.setProperty("--cut", data.classes[c].colour);
  node.innerHTML = `<svg viewBox="0 0 1 1" aria-hidden="true">${data.classes[c].icon}</svg>`;
  return node;
};

// Colour of a direction: blue on the left, orange on the right, grey ahead.
const SCALE = [[-90, [214, 84, 20]], [-40, [240, 152, 72]], [0, [176, 180, 188]], [40, [98, 156, 236]], [90, [28, 88, 208]]];
const azimuthColour = (az) => {
  if (az === null) return "rgb(128 128 128)";
  const k = clamp(SCALE.findIndex(([edge]) => az <= edge), 1, SCALE.length - 1);
  const [[a, from], [b, to]] = [SCALE[k - 1], SCALE[k]], share = clamp((az - a) / (b - a), 0, 1);
  return `rgb(${from.map((value, i) => Math.round(value + share * (to[i] - value))).join(" ")})`;
};
