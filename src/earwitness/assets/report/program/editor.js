// Controls and keys for editing.
let dragged = false;
function setUpEditor() {
  $("edit").addEventListener("click", () => setEditing(!editing));
  for (const [id, action] of [["edit-add", () => add()], ["edit-undo", undo], ["edit-redo", redo]]) $(id).addEventListener("click", action);
  for (const [c, one] of Object.entries(data.classes)) $("edit-class").append(make("option", { value: c }, one.name));
  const on = (id, action) => $(id).addEventListener("change", () => { const event = events[chosen]; if (event) { action(event, $(id).value); drawEditor(); } });
  on("edit-class", (event, value) => setClass(event, Number(value)));
  on("edit-start", (event, value) => { if (value !== "") setEnds(event, Math.min(Number(value), event.e - 0.1), event.e); });
  on("edit-end", (event, value) => { if (value !== "") setEnds(event, event.s, Number(value)); });
  on("edit-side", (event) => setAzimuth(event, fieldAzimuth()));
  on("edit-azimuth", (event) => setAzimuth(event, fieldAzimuth()));
  on("edit-slider", (event, value) => setAzimuth(event, -Number(value), "slider"));
  $("edit-slider").addEventListener("input", () => { $("edit-azimuth").value = Math.abs($("edit-slider").value); $("edit-side").value = $("edit-slider").value > 0 ? "right" : "left"; });
  on("edit-distance", (event, value) => setDistance(event, Number(value)));
  $("edit-onscreen").addEventListener("change", () => { const event = events[chosen]; if (event) setOnscreen(event, $("edit-onscreen").checked); });
  $("edit-delete").addEventListener("click", () => { const event = events[chosen]; if (event) remove(event); });
  $("edit-onscreen").closest("label").hidden = !data.hasVideo;
  setUpDrag();
  addEventListener("beforeunload", (leave) => { if (done.length && edition !== savedEdition) leave.preventDefault(); });
  drawEditor();
}
const fieldAzimuth = () => $("edit-azimuth").value === "" ? NaN : clamp(Math.abs(Number($("edit-azimuth").value)), 0, 90) * ($("edit-side").value === "left" ? 1 : -1);
function setEditing(on) {
  editing = on;
  document.body.classList.toggle("editing", on);
  $("edit").setAttribute("aria-pressed", on);
  $("editor").hidden = !on;
  drawLanes(); drawCard();
}
function drawEditor() {
  const event = chosen === null ? null : events[chosen];
  $("edit-fields").disabled = !event;
  $("edit-undo").disabled = !done.length; $("edit-redo").disabled = !undone.length;
  if (!event) return;
  $("edit-class").value = event.c;
  $("edit-start").value = event.s.toFixed(1); $("edit-end").value = event.e.toFixed(1);
  $("edit-azimuth").value = event.az === null ? "" : Math.abs(event.az).toFixed(0);
  $("edit-side").value = event.az !== null && event.az < 0 ? "right" : "left";
  $("edit-slider").value = event.az === null ? 0 : -event.az;
  $("edit-distance").value = event.d === null ? "" : event.d.toFixed(1);
  $("edit-onscreen").checked = event.on;
}
// The ends of an event are dragged; the finger may cover 24 pixels.
function setUpDrag() {
  let drag = null;
  $("lanes").addEventListener("pointerdown", (press) => {
    dragged = false;
    const bar = press.target.closest(".bar-event");
    if (!editing || !bar || press.button !== 0) return;
    const box = bar.getBoundingClientRect(), x = press.clientX - box.left, reach = Math.min(press.pointerType === "touch" ? 24 : 10, box.width / 2);
    const end = x <= reach ? "start" : box.width - x <= reach ? "end" : null;
    if (end) { drag = { index: Number(bar.dataset.index), end, x: press.clientX }; $("lanes").setPointerCapture(press.pointerId); press.preventDefault(); }
  });
  $("lanes").addEventListener("pointermove", (move) => {
    if (!drag || (!dragged && Math.abs(move.clientX - drag.x) < 3)) return;
    dragged = true;
    const event = events[drag.index], time = Math.round(timeAt(move) * data.rate) / data.rate;
    drag.ends = drag.end === "start" ? [Math.min(time, event.e - 0.1), event.e] : [event.s, Math.max(time, event.s + 0.1)];
    Object.assign(bars[drag.index].style, { left: `${drag.ends[0] / duration * 100}%`, width: `${(drag.ends[1] - drag.ends[0]) / duration * 100}%` });
    $("clock").textContent = `${clock(drag.ends[0])} – ${clock(drag.ends[1])}`;
  });
  for (const name of ["pointerup", "pointercancel"]) $("lanes").addEventListener(name, () => {
    if (name === "pointercancel") drawLanes();
    else if (drag?.ends) setEnds(events[drag.index], ...drag.ends);
    else if (drag && !dragged) playEvent(events[drag.index]);  // captured by the lanes, the press is no click on the bar
    drag = null;
  });
}
// Keys while editing; true if the key was one of them.
function editKey(key) {
  const event = chosen === null ? null : events[chosen], control = key.ctrlKey || key.metaKey, name = key.key.length === 1 ? key.key.toLowerCase() : key.key;
  const actions = control ? { z: key.shiftKey ? redo : undo, y: redo, s: () => save("json") } : {
    a: () => add(), u: undo,
    ...(event ? {
      Delete: () => remove(event), Backspace: () => remove(event),
      "[": () => setEnds(event, Math.min(now(), event.e - 0.1), event.e), "]": () => setEnds(event, event.s, Math.max(now(), event.s + 0.1)),
      ",": () => setEnds(event, event.s - 0.1, event.e, "start"), ".": () => setEnds(event, Math.min(event.s + 0.1, event.e - 0.1), event.e, "start"),
      "<": () => setEnds(event, event.s, Math.max(event.e - 0.1, event.s + 0.1), "end"), ">": () => setEnds(event, event.s, event.e + 0.1, "end"),
      l: () => setAzimuth(event, clamp((event.az ?? 0) + (key.shiftKey ? 1 : 5), -90, 90), "side"), r: () => setAzimuth(event, clamp((event.az ?? 0) - (key.shiftKey ? 1 : 5), -90, 90), "side"),
      o: () => { if (data.hasVideo) setOnscreen(event, !event.on); }, k: () => $("edit-class").focus(),
    } : {}),
  };
  const action = Object.hasOwn(actions, name) ? actions[name] : null;
  if (action) { key.preventDefault(); action(); }
  return Boolean(action);
}
