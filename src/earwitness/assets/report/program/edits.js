// Changes of events, with undo. An event is never changed in place: each step keeps the one before and the one after.
let editing = false;
const done = [], undone = [];
function apply(changes, forwards) {
  for (const { index, before, after } of changes) events[index] = forwards ? after : before;
  const last = changes[changes.length - 1], now = forwards ? last.after : last.before;
  chosen = now ? last.index : null;
  edition++;
  drawLanes(new Set(changes.flatMap(({ before, after }) => [before, after]).filter(Boolean).map((event) => event.c)));
  drawChips(); drawTable(); drawCard(); update();
  setCaptions(() => toVtt("en"));
}
// `merge` joins a step with the last one of the same kind, so that undo does not stop at each tenth of a drag.
function record(changes, words, merge = "") {
  const last = done[done.length - 1];
  if (merge && last?.merge === merge && last.changes[0].index === changes[0].index) last.changes[0].after = changes[0].after;
  else done.push({ changes, words, merge });
  undone.length = 0;
  apply(changes, true);
  $("live").textContent = words;
}
function undo() {
  const step = done.pop();
  if (!step) return;
  undone.push(step); apply(step.changes, false);
  $("live").textContent = `Undone: ${step.words}`;
}
function redo() {
  const step = undone.pop();
  if (!step) return;
  done.push(step); apply(step.changes, true);
  $("live").textContent = `Done again: ${step.words}`;
}
// The event with other tracks and the values that follow from them. Corrected events are certain.
function changed(event, { c = event.c, t = event.t, v = event.v }) {
  const track = [...t.slice(0, 4), t[0].map(() => 1)];
  const next = { ...event, c, t: track, v, edited: true, azi: null, di: null, p: 1,
    s: track[0][0] / data.rate, e: (track[0][track[0].length - 1] + 1) / data.rate, az: rounded(median32(track[1]), 1), d: rounded(median32(track[2]), 2), on: isOn(track[3]) };
  return { ...next, src: freeSource(next) };
}
// A source number that no event of the class has at the same time or shortly before or after, which would join them.
function freeSource(event) {
  const near = present().filter((other) => other.index !== event.index && other.c === event.c && other.s < event.e + 2 && event.s < other.e + 2).map((other) => other.src);
  let source = event.src;
  if (near.includes(source)) for (source = 0; near.includes(source);) source++;
  return source;
}
function replaceEvent(event, changes, words, merge) {
  const after = changed(event, changes);
  record([{ index: event.index, before: event, after }], `${nameOf(after)}: ${words}`, merge);
}
// Frames that are kept keep their values; new ones have those of the nearest end.
function setEnds(event, start, end, merge = "") {
  const first = clamp(Math.round(start * data.rate), 0, FRAMES - 1), stop = clamp(Math.round(end * data.rate), first + 1, FRAMES);
  const old = event.t[0], last = old[old.length - 1];
  if (first === old[0] && stop === last + 1) return;
  const frames = [];
  for (let frame = first; frame < stop; frame++) if (frame < old[0] || frame > last || rowOf(event, frame) !== undefined) frames.push(frame);
  if (!frames.length) frames.push(first);
  const from = frames.map((frame) => rowOf(event, frame) ?? (frame > last ? old.length - 1 : 0)), pick = (column) => from.map((i) => column[i]);
  let v = event.v;
  if (v?.track) {
    const inside = frames.every((frame) => rowOf(event, frame) !== undefined);
    const track = inside ? Object.fromEntries(Object.entries(v.track).map(([name, column]) => [name, Array.isArray(column) && column.length === old.length ? pick(column) : column])) : undefined;
    v = { ...v, track };
  }
  replaceEvent(event, { t: [frames, ...event.t.slice(1).map(pick)], v }, `${clock(first / data.rate)} to ${clock(stop / data.rate)}`, merge);
}
function setAzimuth(event, az, merge = "") {
  if (!Number.isFinite(az) || az === event.az) return;
  const by = event.az === null ? 0 : az - event.az;
  const column = event.t[1].map((a) => clamp(event.az === null || a === null ? az : rounded(a + by, 1), -90, 90));
  replaceEvent(event, { t: [event.t[0], column, ...event.t.slice(2)], v: null }, direction(az), merge);
}
function setDistance(event, d) {
  if (!Number.isFinite(d) || d <= 0 || d === event.d) return;
  const column = event.t[2].map((value) => clamp(event.d && value !== null ? rounded(value * d / event.d, 2) : d, 0.01, 100));
  replaceEvent(event, { t: [event.t[0], event.t[1], column, ...event.t.slice(3)] }, metres(d), "distance");
}
const setClass = (event, c) => { if (c !== event.c) replaceEvent(event, { c }, "class"); };
const setOnscreen = (event, on) => replaceEvent(event, { t: [...event.t.slice(0, 3), event.t[0].map(() => Number(on)), event.t[4]], v: on ? event.v : null }, screen(on));
function remove(event) {
  record([{ index: event.index, before: event, after: null }], `${nameOf(event)}: deleted`);
}
function add(time = now()) {
  const first = clamp(Math.floor(time * data.rate + 1e-6), 0, FRAMES - 1), frames = [];
  for (let frame = first; frame < Math.min(FRAMES, first + data.rate); frame++) frames.push(frame);
  const like = chosen === null ? null : events[chosen], fill = (value) => frames.map(() => value), index = events.length;
  const blank = { index, c: like?.c ?? usedClasses()[0] ?? 0, src: 0, t: [frames, fill(0), fill(null), fill(Number(data.hasVideo)), fill(1)], v: null, added: true };
  record([{ index, before: null, after: changed(blank, {}) }], `${data.classes[blank.c].name}: added at ${clock(first / data.rate)}`);
}
