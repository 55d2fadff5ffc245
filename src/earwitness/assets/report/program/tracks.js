// Position of a sound between two frames.
const rowsOf = new WeakMap();
function rowOf(event, frame) {
  if (!rowsOf.has(event)) rowsOf.set(event, new Map(event.t[0].map((at, i) => [at, i])));
  return rowsOf.get(event).get(frame);
}
const atTime = (event, time) => {
  const exact = time * data.rate - 0.5, frame = Math.floor(time * data.rate + 1e-6);
  const i = rowOf(event, frame);
  if (i === undefined) return null;
  const j = rowOf(event, frame + (exact > frame ? 1 : -1)), share = Math.abs(exact - frame);
  const mix = (column) => {
    const a = event.t[column][i], b = j === undefined ? null : event.t[column][j];
    return a === null || b === null || Math.abs(a - b) > 30 ? a : a + share * (b - a);
  };
  return { az: mix(1), d: mix(2), on: !!event.t[3][i], p: event.t[4][i], i };
};
