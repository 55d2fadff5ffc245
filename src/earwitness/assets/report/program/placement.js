// Places labels so that they cover neither faces, nor sources, nor each other; see render/video/placement.py.
const meets = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const common = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
const earlierPlaces = new Map();
function placeLabels(requests, { faces, sources, bodies, reserved }, area, gap, time) {
  const placed = new Map(), labels = [];
  for (const request of requests) {
    const never = [...faces, ...reserved, ...labels], earlier = earlierPlaces.get(request.key);
    const first = earlier && Math.abs(time - earlier.since) < 1 ? earlier.form : 0;
    const order = request.sizes.map((_, form) => form), tries = [...order.slice(first), ...order.slice(0, first)].map((form) => [form, [...never, ...sources]]);
    for (const form of order.slice(1)) tries.push([form, never]);
    for (const [form, blocked] of tries) {
      const rect = bestPlace(request, form, blocked, bodies, area, gap, earlier);
      if (!rect) continue;
      const since = earlier && earlier.form === form && form === first ? earlier.since : time;
      earlierPlaces.set(request.key, { left: rect[0] - request.near[0], top: rect[1] - request.near[1], form, since });
      placed.set(request.key, { form, rect });
      labels.push([rect[0] - 2, rect[1] - 2, rect[2] + 2, rect[3] + 2]);
      break;
    }
  }
  for (const key of [...earlierPlaces.keys()]) if (!placed.has(key)) earlierPlaces.delete(key);
  return placed;
}
function bestPlace({ sizes, side, near, row }, form, blocked, bodies, area, gap, earlier) {
  const [width, height] = sizes[form], lowest = area[3] - height, farthest = area[2] - width;
  const tops = [area[1], lowest, Math.round(row - height / 2), near[1] - height - gap, near[3] + gap];
  let lefts = [area[0], farthest, near[0] - width - gap, near[2] + gap, Math.round((near[0] + near[2] - width) / 2)];
  for (const rect of blocked) { tops.push(rect[3], rect[1] - height); lefts.push(rect[2], rect[0] - width); }
  if (earlier) { lefts.push(near[0] + earlier.left); tops.push(near[1] + earlier.top); }
  if (side === "left") lefts = [area[0]]; else if (side === "right") lefts = [farthest];
  let best = null, least = Infinity;
  for (const left of new Set(lefts)) {
    if (left < area[0] || left > farthest) continue;
    for (const top of new Set(tops)) {
      if (top < area[1] || top > lowest) continue;
      const rect = [left, top, left + width, top + height];
      if (blocked.some((other) => meets(rect, other))) continue;
      const x = left + width / 2, y = top + height / 2;
      const aside = Math.max(near[0] - rect[2], left - near[2]), above = Math.max(near[1] - rect[3], top - near[3]);
      let cost = side === "beside" ? Math.hypot(Math.max(aside, 0), Math.max(above, 0)) + 0.5 * Math.abs(y - row) + (aside >= 0 ? 0 : height)
        : side === "column" ? Math.abs(x - (near[0] + near[2]) / 2) + 2 * Math.min(top - area[1], area[3] - rect[3] + height)
        : side === "corner" ? left - area[0] + top - area[1] : Math.abs(y - row);
      cost += 8 * height * bodies.reduce((sum, body) => sum + common(rect, body), 0) / (width * height);
      if (earlier && earlier.form === form && Math.abs(left - near[0] - earlier.left) + Math.abs(top - near[1] - earlier.top) < 0.5) cost -= 1.5 * height;
      if (cost < least) { least = cost; best = rect; }
    }
  }
  return best;
}
