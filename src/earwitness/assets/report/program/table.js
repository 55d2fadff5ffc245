// The table of events, with its search and filters.
const FIRST_ROWS = 500;
const columns = [
  { name: "Time", key: (e) => e.s, cell: (e) => make("button", { type: "button", "aria-label": `Jump to ${describe(e)}` }, `${clock(e.s)} – ${clock(e.e)}`) },
  { name: "Sound", key: (e) => nameOf(e), cell: (e) => { const span = make("span"); span.append(swatch(e.c), ` ${nameOf(e)}`); return span; } },
  { name: "Direction", key: (e) => e.az === null ? -999 : -e.az, cell: (e) => { const span = make("span"); span.append(make("span", { class: "az", style: { background: azimuthColour(e.az) } }), direction(e.az)); return span; } },
  { name: "Distance", key: (e) => e.d ?? 1e9, cell: (e) => metres(e.d) },
  ...(data.hasVideo ? [{ name: "Screen", key: (e) => e.on ? 0 : 1, cell: (e) => screen(e.on) }] : []),
  ...(events.some((e) => e.v) ? [{ name: "Seen", key: (e) => seen(e), cell: (e) => make("span", { title: e.v?.why ?? null }, seen(e)) }] : []),
  { name: "Length", key: (e) => e.e - e.s, cell: (e) => `${(e.e - e.s).toFixed(1)} s` },
  ...(data.scored ? [{ name: "Confidence", key: (e) => e.p, cell: (e) => { const span = make("span"); span.append(make("meter", { min: 0, max: 1, value: e.p, "aria-hidden": "true" }), `${Math.round(e.p * 100)}%`); return span; } }] : []),
];
// The assumed source, its probability, and the direction and distance from sound alone if the picture changed them; the
// explanation on hover.
function seen(event) {
  const v = event.v;
  if (!v) return "";
  if (v.seen === null || v.seen === undefined) return "nothing";
  const [az, d] = [v.azimuth_before_deg, v.distance_before_m], before = [];
  if (typeof az === "number" && event.az !== null && Math.abs(az - event.az) >= 2) before.push(direction(az));
  if (typeof d === "number" && event.d !== null && Math.abs(d - event.d) >= 0.1) before.push(metres(d));
  const what = v.what === "motion" ? "something moving" : String(v.what ?? `seen ${v.seen}`).replaceAll("_", " ");
  const surely = typeof v.common_cause === "number" ? `, ${Math.round(v.common_cause * 100)}%` : "";
  return `${what}${surely}${before.length ? `; sound alone: ${before.join(", ")}` : ""}`;
}
const state = { sort: 0, down: false, off: new Set(), words: [], screen: "", least: 0, all: false };
const visible = () => events.filter((e) => !state.off.has(e.c) && Math.round(e.p * 100) >= Math.round(state.least * 100)
  && (!state.screen || (state.screen === "on") === e.on)
  && state.words.every((word) => e.words.includes(word.length < 3 ? ` ${word}` : word)));
function setUpTable() {
  for (const e of events) e.words = ["", nameOf(e), direction(e.az), metres(e.d), screen(e.on), clock(e.s)].join(" ").toLowerCase();
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
  $("more").addEventListener("click", () => { state.all = true; drawTable(); $("rows").children[FIRST_ROWS]?.querySelector("button")?.focus(); });
  $("least").closest("label").hidden = !data.scored;
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
