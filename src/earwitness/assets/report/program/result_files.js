// The result as the command line writes it: JSON, JSON Lines, and tables.
function outwards(ends, digits) {
  const unit = 10 ** digits, scaled = (value) => rounded(value * unit, 6);
  return ends ? [real(Math.floor(scaled(ends[0])) / unit), real(Math.ceil(scaled(ends[1])) / unit)] : undefined;
}
const summary = (e) => ({
  class: data.classes[e.c].slug, class_index: e.c, source: e.src, start: real(rounded(e.start, 1)), end: real(rounded(e.end, 1)),
  azimuth_deg: real(rounded(e.az, 1)), distance_m: real(rounded(e.d, 2)), onscreen: e.on, score: real(rounded(e.p, 3)),
  azimuth_interval_deg: outwards(e.event.azi, 1), distance_interval_m: outwards(e.event.di, 2),
});
const trackOf = ({ event: { t } }) => ({ frames: t[0], azimuth: t[1].map(real), distance: t[2].map(real), onscreen: t[3].map(Boolean), score: t[4].map(real) });
const secondsOf = (e) => real(rounded(rounded(e.end, 1) - rounded(e.start, 1), 1));
function corrected() {
  const count = (test) => events.filter((event, index) => test(event, data.events[index])).length;
  const corrections = { changed: count((event, old) => event?.edited && old), added: count((event, old) => event && !old), deleted: count((event, old) => !event && old) };
  return done.length ? { ...data.document, settings: { ...data.document.settings, corrections } } : data.document;
}
function toJson() {
  const head = dumps({ ...corrected(), events: [] }, 2).slice(0, -"[]\n}".length);
  const lines = inOrder().map((e) => `    ${dumps({ ...summary(e), track: trackOf(e), visual: e.event.v ?? null })}`);
  return `${head}[${lines.length ? `\n${lines.join(",\n")}\n  ` : ""}]\n}\n`;
}
const toJsonLines = () => inOrder().map((e) => `${dumps({ file: FILE, ...summary(e), track: trackOf(e), visual: null }, 0, true)}\n`).join("");
const tableRows = (list) => list.flatMap((e) => e.event.t[0].map((frame, i) => [frame, e.c, e.src, ...e.event.t.slice(1).map((column) => column[i])])).sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
function toDcase() {
  const rows = tableRows(inOrder().filter((e) => !data.classes[e.c].other));
  return ["frame,class,source,azimuth,distance,onscreen", ...rows.map(([frame, c, source, az, d, on]) =>
    [frame, c, source, az === null ? "" : whole(f32(az)), d === null ? "" : whole(f32(d) * 100), Number(on)].join(",")), ""].join("\n");
}
function toTable() {
  // Spreadsheets run a cell that begins with one of these characters as a formula.
  const safe = (text) => text === null ? null : oneLine(text).replace(/^[=+\-@]/, "'$&"), ends = (name, pair) => pair ? { [`${name}_low`]: pair[0], [`${name}_high`]: pair[1] } : {};
  const rows = inOrder().map((e) => {
    const found = summary(e);
    return {
      file: safe(FILE), start_s: found.start, end_s: found.end, duration_s: secondsOf(e), class: safe(found.class), name: safe(nameOf(e)), source: e.src, azimuth_deg: found.azimuth_deg, distance_m: found.distance_m,
      onscreen: data.hasVideo ? e.on : null, score: found.score, ...ends("azimuth_interval_deg", found.azimuth_interval_deg), ...ends("distance_interval_m", found.distance_interval_m),
    };
  });
  const names = [...new Set(["file", "start_s", "end_s", "duration_s", "class", "name", "source", "azimuth_deg", "distance_m", "onscreen", "score", ...rows.flatMap(Object.keys)])];
  return [names, ...rows.map((row) => names.map((name) => row[name]))].map((line) => `${line.map(cell).join(",")}\n`).join("");
}
// This page with the corrected events: its elements as they were loaded, with other data.
const LOADED = document.documentElement.cloneNode(true);
function toPage() {
  const page = LOADED.cloneNode(true), json = JSON.stringify({ ...data, document: corrected(), events: inOrder().map((e) => {
    const { index, edited, added, ...values } = e.event;
    return { ...values, s: rounded(e.start, 1), e: rounded(e.end, 1), az: rounded(e.az, 1), d: rounded(e.d, 2), p: rounded(e.p, 3) };
  }), captions: toVtt("en") });
  page.querySelector("#data").textContent = json.replaceAll("<", "\\u003c");
  return `<!doctype html>\n${page.outerHTML}\n`;
}
