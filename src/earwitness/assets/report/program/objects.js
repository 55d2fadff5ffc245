// Boxes of people and sources in the picture, as in render/video/visible_objects.py.
const LIKELY = 0.5;
const seenObjects = new Map();
const isBox = (box) => Array.isArray(box) && box.length === 4 && box.every(Number.isFinite) && box[0] < box[2] && box[1] < box[3] && box.every((v) => v > -1 && v < 2);
for (const one of data.document.visual?.seen ?? []) {
  const rows = (one.boxes ?? []).map((row) => [row[0], row.slice(1)]).sort((a, b) => a[0] - b[0]);
  const known = rows.length ? rows : [[0, one.box]];
  if (typeof one.seen === "number" && known.every(([frame, box]) => Number.isFinite(frame) && isBox(box)))
    seenObjects.set(one.seen, { what: one.what, start: one.start ?? 0, end: one.end ?? Infinity, rows: known, moves: rows.length > 0 });
}
function boxOf(object, time) {
  const frame = time * data.rate, { rows } = object, after = rows.findIndex(([at]) => at >= frame);
  if (after <= 0) return after < 0 ? rows[rows.length - 1][1] : rows[0][1];
  const [[from, a], [to, b]] = [rows[after - 1], rows[after]], share = (frame - from) / Math.max(1e-9, to - from);
  return a.map((value, side) => value + share * (b[side] - value));
}
const peopleAt = (time) => [...seenObjects.values()].filter((one) => one.what === "person" && one.start <= time + 1e-6 && time < one.end + 1e-6).map((one) => boxOf(one, time));
const faceOf = ([left, top, right, bottom], aspect) => [left, top, right, top + Math.min(bottom - top, Math.max((right - left) * aspect, 0.2 * (bottom - top)))];
// A person's box, extended by the body below if only the face was detected.
const bodyOf = ([l, t, r, b], aspect) => (r - l) * aspect < 0.75 * (b - t) ? [l, t, r, b] : [Math.max(0, 2 * l - r), t, Math.min(1, 2 * r - l), Math.min(1, b + 6 * (b - t))];
// A face with a margin that labels avoid where possible.
const freeArea = ([l, t, r, b]) => [Math.max(0, l - 0.15 * (r - l)), Math.max(0, t - 0.3 * (b - t)), Math.min(1, r + 0.15 * (r - l)), Math.min(1, b + 0.1 * (b - t))];
const shareWithin = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1])) / Math.max(1e-9, (a[2] - a[0]) * (a[3] - a[1]));
function sourceBox(event, state, time, faces) {
  const { v } = event, track = v?.track;
  if (!v || !state.on) return null;
  const frames = track?.seen && track.common_cause && track.seen.length === event.t[0].length;
  const number = frames ? track.seen[state.i] : v.seen, likely = frames ? track.common_cause[state.i] : v.common_cause;
  const object = seenObjects.get(number);
  if (!object || !(likely >= LIKELY)) return null;
  let box = boxOf(object, time);
  if (!object.moves && number === v.seen && isBox(v.box)) {
    const middle = event.t[1][event.t[1].length >> 1], [a, b] = [state.az, middle].map((az) => az === null ? null : across(az));
    box = v.box.map((value, side) => value + (side % 2 || a === null || b === null ? 0 : a - b));
  }
  return object.what === "motion" && faces.some((face) => shareWithin(face, box) > 0.5) ? null : box;
}
