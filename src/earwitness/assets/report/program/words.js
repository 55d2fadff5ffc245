// Values as text. Colour means the class of a sound, and nothing else.
const clock = (seconds, tenths = true) => {
  const t = Math.round(seconds * 10), h = Math.floor(t / 36000), m = Math.floor(t / 600) % 60, s = Math.floor(t / 10) % 60;
  const two = (n) => String(n).padStart(2, "0");
  return (h ? `${h}:${two(m)}` : `${m}`) + `:${two(s)}` + (tenths ? `.${t % 10}` : "");
};
const direction = (az) => az === null ? "unknown" : whole(Math.abs(az)) === 0 ? "ahead" : `${whole(Math.abs(az))}° ${az > 0 ? "left" : "right"}`;
const metres = (d) => d === null ? "unknown" : `${fixed(d, 1)} m`;
const percent = (share) => `${Math.round(share * 100)} %`;
const screen = (on) => on ? "on screen" : "off screen";
const nameOf = (event) => data.classes[event.c].name;
const colourOf = (event) => data.classes[event.c].colour;
const describe = (event) => [nameOf(event), `${clock(event.s)} to ${clock(event.e)}`, direction(event.az), metres(event.d),
  ...(data.hasVideo ? [screen(event.on)] : []), ...(data.scored ? [`confidence ${Math.round(event.p * 100)}%`] : [])].join(", ");
const icon = (c) => {
  const node = make("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" });
  node.innerHTML = data.classes[c].icon;  // written by earwitness, not read from a file
  return node;
};
const swatch = (c) => {
  const node = make("span", { class: "swatch", style: { background: data.classes[c].colour } }, icon(c));
  node.style.setProperty("--cut", data.classes[c].colour);
  return node;
};
// The visible object that is likely to make the sound, with its probability, and what the sound alone says if the picture
// changed it.
function seen(event) {
  const v = event.v;
  if (!v) return "";
  if (v.seen === null || v.seen === undefined) return "nothing visible in that direction";
  const likely = v.common_cause, surely = typeof likely === "number" ? `: ${percent(likely)}` : "", sure = !(likely < 0.5);
  if (likely < 0.2) return `no likely source${surely}`;
  const thing = v.what === "motion" ? "something moving" : v.what === "person" ? "a person" : v.what ? String(v.what).replaceAll("_", " ") : "something";
  const what = sure && v.what === "motion" ? "moved with the sound" : `${sure ? "" : "perhaps "}${thing} in that direction`;
  const [az, d] = [v.azimuth_before_deg, v.distance_before_m], before = [];
  if (typeof az === "number" && event.az !== null && Math.abs(az - event.az) >= 2) before.push(direction(az));
  if (typeof d === "number" && event.d !== null && Math.abs(d - event.d) >= 0.1) before.push(metres(d));
  return `${what}${surely}${before.length ? `; by sound alone ${before.join(", ")}` : ""}`;
}
// Sentences about one event.
function sentences(event) {
  const range = (ends, text) => ends ? ` (90 % sure: ${text(ends[0])} to ${text(ends[1])})` : "";
  const where = event.az === null ? "The direction is unknown: both channels are alike." : `Direction ${direction(event.az)}${range(event.azi, direction)}.`;
  const far = event.d === null ? "" : `Distance ${metres(event.d)}${range(event.di, metres)}.`;
  const sure = data.scored && !event.edited ? `The model's confidence is ${percent(event.p)}.` : event.edited ? "Corrected by hand." : "";
  const why = event.v?.why ? `In the picture: ${event.v.why.replace(/ \(seen \d+\)/, "")}.` : "";
  return [where, far, data.hasVideo ? `The source is ${event.on ? "in the picture" : "outside the picture"}.` : "", sure, why].filter(Boolean).join(" ");
}
