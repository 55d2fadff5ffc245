// The table of events, with its search and filters.
const FIRST_ROWS = 500;
const columns = [
  { name: "Time", key: (e) => e.s, cell: (e) => make("button", { type: "button", "aria-label": `Play ${describe(e)}` }, `${clock(e.s)} – ${clock(e.e)}`) },
  { name: "Sound", key: (e) => nameOf(e), cell: (e) => { const span = make("span"); span.append(swatch(e.c), ` ${nameOf(e)}`); return span; } },
  { name: "Direction", key: (e) => e.az === null ? -999 : -e.az, cell: (e) => direction(e.az) },
  { name: "Distance", key: (e) => e.d ?? 1e9, cell: (e) => metres(e.d) },
  ...(data.hasVideo ? [{ name: "Screen", key: (e) => e.on ? 0 : 1, cell: (e) => screen(e.on) }] : []),
  ...(events.some((e) => e.v) ? [{ name: "In the picture", wide: true, key: (e) => seen(e), cell: (e) => make("span", { title: e.v?.why ?? null }, seen(e)) }] : []),
  { name: "Length", key: (e) => e.e - e.s, cell: (e) => `${(e.e - e.s).toFixed(1)} s` },
  ...(data.scored ? [{ name: "Confidence", key: (e) => e.p, cell: (e) => { return make("span", {}, make("span", { class: "level", "aria-hidden": "true" }, make("i", { style: { width: `${e.p * 100}%` } })), `${Math.round(e.p * 100)}%`); } }] : []),
];
const state = { sort: 0, down: false, off: new Set(), words: [], screen: "", least: 0, all: false };
const visible = () => present().filter((e) => !state.off.has(e.c) && Math.round(e.p * 100) >= Math.round(state.least * 100)
  && (!state.screen || (state.screen === "on") === e.on)
  && state.words.every((word) => wordsOf(e).includes(word.length < 3 ? ` ${word}` : word)));
const wordsOf = (e) => ["", nameOf(e), direction(e.az), metres(e.d), screen(e.on), clock(e.s)].join(" ").toLowerCase();
function setUpTable() {
  columns.forEach((column, k) => {
    const button = make("button", { type: "button", onclick: () => { state.down = state.sort === k ? !state.down : false; state.sort = k; drawTable(); } }, column.name);
    $("heads").append(make("th", { scope: "col" }, button));
  });
  $("rows").addEventListener("click", (click) => {
    const row = click.target.closest("tr[data-index]");
    if (row) playEvent(events[row.dataset.index]);
  });
  $("search").addEventListener("input", () => { state.words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean); filter(); });
  $("screen").addEventListener("change", () => { state.screen = $("screen").value; filter(); });
  $("least").addEventListener("input", () => { state.least = Number($("least").value); $("least-value").textContent = `${Math.round(state.least * 100)}%`; filter(); });
  $("reset").addEventListener("click", () => {
    Object.assign(state, { off: new Set(), words: [], screen: "", least: 0 });
    $("search").value = ""; $("screen").value = ""; $("least").value = 0; $("least-value").textContent = "0%";
    drawChips(); filter();
  });
  $("more").addEventListener("click", () => { state.all = true; drawTable(); $("rows").children[FIRST_ROWS]?.querySelector("button")?.focus(); });
  $("least").closest("label").hidden = !data.scored;
  $("screen-box").hidden = !data.hasVideo;
  drawChips();
  drawTable();
}
function drawChips() {
  const focused = document.activeElement?.dataset?.chip;
  $("chips").replaceChildren(...usedClasses().map((c) => make("button", { type: "button", "aria-pressed": String(!state.off.has(c)), "data-chip": c, onclick: () => {
    state.off[state.off.has(c) ? "delete" : "add"](c);
    drawChips(); filter();
  } }, swatch(c), `${data.classes[c].name} (${present().filter((e) => e.c === c).length})`)));
  if (focused !== undefined) $("chips").querySelector(`[data-chip="${focused}"]`)?.focus();
}
function filter() {
  const shown = new Set(visible().map((e) => e.index));
  bars.forEach((bar, index) => { if (bar) bar.hidden = !shown.has(index); });
  if (!bars.some((bar) => bar && bar.tabIndex === 0 && !bar.hidden)) rove(bars.find((bar) => bar && !bar.hidden), false);
  drawTable(); update();
}
let rows = new Map();
function drawTable() {
  const key = columns[state.sort].key, sign = state.down ? -1 : 1;
  const order = visible().sort((a, b) => { const x = key(a), y = key(b); return sign * (x < y ? -1 : x > y ? 1 : 0) || a.s - b.s || a.index - b.index; });
  [...$("heads").children].forEach((th, k) => th.setAttribute("aria-sort", k !== state.sort ? "none" : state.down ? "descending" : "ascending"));
  const part = state.all ? order : order.slice(0, FIRST_ROWS);
  rows = new Map(part.map((e) => [e.index, make("tr", { "data-index": e.index, class: e.index === chosen ? "chosen" : null }, ...columns.map((column) => make("td", { "data-label": column.name, class: column.wide ? "wide" : null }, column.cell(e))))]));
  const none = present().length ? "No event passes the filters." : "No sound events were found.";
  $("rows").replaceChildren(...(part.length ? rows.values() : [make("tr", {}, make("td", { class: "empty", colspan: columns.length }, none))]));
  $("more").hidden = part.length === order.length;
  $("more").textContent = `Show all ${order.length} rows`;
  $("count").textContent = order.length === present().length ? `${order.length}` : `${order.length} of ${present().length}`;
  highlight(new Set());
  lit = new Set();
}
