// Position of a sound between two frames.
for (const event of events) {
  event.row = new Map(event.t[0].map((frame, i) => [frame, i]));
}
const atTime = (event, time) => {
  const exact = time * data.rate - 0.5, frame = Math.floor(time * data.rate + 1e-6);
  const i = event.row.get(frame);
  if (i === undefined) return null;
  const j = event.row.get(frame + (exact > frame ? 1 : -1)), share = Math.abs(exact - frame);
  const mix = (column) => {
    const a = event.t[column][i], b = j === undefined ? null : event.t[column][j];
    return a === null || b === null || Math.abs(a - b) > 30 ? a : a + share * (b - a);
  };
  return { az: mix(1), d: mix(2), on: !!event.t[3][i], p: event.t[4][i] };
};
