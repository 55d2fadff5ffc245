// Updates of the page while time advances.
let lit = new Set();
function highlight(active) {
  for (const index of lit) if (!active.has(index)) { bars[index]?.classList.remove("now"); rows.get(index)?.classList.remove("now"); }
  for (const index of active) { bars[index]?.classList.add("now"); rows.get(index)?.classList.add("now"); }
  lit = active;
}
const soundingAt = (time, shown) => shown.filter((e) => e.s <= time + 1e-6 && time < e.e).map((event) => ({ event, state: atTime(event, time) })).filter((x) => x.state);
let shownEvents = null, shownKey = "", edition = 0;
function update(time = now()) {
  if (!marks.w || !$("dots")) return;
  const key = [state.words, state.screen, state.least, [...state.off], edition].join("|");
  if (key !== shownKey || !shownEvents) { shownEvents = visible(); shownKey = key; }
  const sounding = soundingAt(time, shownEvents);
  drawMarks(sounding, time); drawRadar(sounding); drawNow(sounding);
  highlight(new Set(sounding.map(({ event }) => event.index)));
  $("playhead").style.left = `${clamp(time / duration, 0, 1) * 100}%`;
  $("clock").textContent = `${clock(time)} / ${clock(duration)}`;
  const ruler = $("ruler");
  ruler.setAttribute("aria-valuenow", time.toFixed(1));
  ruler.setAttribute("aria-valuetext", clock(time));
}
