// The corrected events as files, made in this page without a server.
const inOrder = () => present().sort((a, b) => a.s - b.s || a.c - b.c || a.src - b.src);
const stem = () => (data.file || "events").replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|\x00-\x1f\x7f]/g, "_") || "events";
function toJson() {
  const count = (test) => events.filter((event, index) => test(event, data.events[index])).length;
  const corrections = { changed: count((event, old) => event?.edited && old), added: count((event, old) => event && !old), deleted: count((event, old) => !event && old) };
  const settings = done.length ? { ...data.document.settings, corrections } : data.document.settings;
  const head = JSON.stringify({ ...data.document, settings, events: [] }, null, 2).replace(/"events": \[\]\n\}$/, "");
  const line = (event) => JSON.stringify({ class: data.classes[event.c].slug, class_index: event.c, source: event.src, start: event.s, end: event.e,
    azimuth_deg: event.az, distance_m: event.d, ...(event.azi ? { azimuth_interval_deg: event.azi } : {}), ...(event.di ? { distance_interval_m: event.di } : {}), onscreen: event.on, score: event.p,
    track: { frames: event.t[0], azimuth: event.t[1], distance: event.t[2], onscreen: event.t[3].map(Boolean), score: event.t[4] }, visual: event.v ?? null });
  const lines = inOrder().map((event) => `    ${line(event)}`);
  return `${head}"events": [${lines.length ? `\n${lines.join(",\n")}\n  ` : ""}]\n}\n`;
}
// Rounds halves to the even number, as NumPy does.
const whole = (value) => { const near = Math.round(value); return (Math.abs(value % 1) === 0.5 && near % 2 ? near - 1 : near) || 0; };
function toDcase() {
  const table = inOrder().flatMap((event) => event.t[0].map((frame, i) => [frame, event.c, event.src, event.t[1][i], event.t[2][i], event.t[3][i]]));
  table.sort((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]);
  return ["frame,class,source,azimuth,distance,onscreen", ...table.map(([frame, c, source, az, d, on]) =>
    [frame, c, source, az === null ? "" : whole(az), d === null ? "" : whole(100 * d), on].join(",")), ""].join("\n");
}
// Spreadsheets run a cell that begins with one of these characters as a formula.
const cell = (value) => {
  let text = value === null || value === undefined ? "" : String(value);
  if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
function toTable() {
  const names = ["file", "start_s", "end_s", "duration_s", "class", "name", "source", "azimuth_deg", "distance_m", "onscreen", "score"];
  const lines = inOrder().map((e) => [data.file, ...[e.s, e.e, e.e - e.s].map((seconds) => Number(seconds.toFixed(1)).toFixed(1)), data.classes[e.c].slug, nameOf(e), e.src, e.az, e.d, data.hasVideo ? (e.on ? "True" : "False") : null, e.p]);
  return [names, ...lines].map((line) => line.map(cell).join(",")).join("\n") + "\n";
}
const toAudacity = () => inOrder().map((e) => `${e.s.toFixed(6)}\t${e.e.toFixed(6)}\t${[nameOf(e), direction(e.az), ...(e.d === null ? [] : [metres(e.d)])].join(", ")}\n`).join("");
// Captions: at most two lines at once, which do not overlap in time; sounds that begin within a second share a cue.
const LONGEST = 7, JOIN = 1, APART = 2 / 24, LEAST = 5 / 6, SPEED = 20;
function captionText(event) {
  const side = event.az === null || Math.abs(event.az) <= 15 ? "" : event.az > 0 ? "left" : "right";
  return `[${[data.classes[event.c].caption, ...(data.hasVideo && !event.on ? ["off screen"] : []), side].filter(Boolean).join(", ")}]`;
}
function cues() {
  const made = [];
  for (const event of inOrder()) {
    const text = captionText(event), last = made[made.length - 1];
    const same = last?.texts.includes(text);
    if (last && event.s < last.e + (same ? 1.5 : 0) && same) { last.e = Math.min(last.s + LONGEST, Math.max(last.e, event.e)); continue; }
    if (last && event.s - last.s <= JOIN && last.texts.length < 2) { last.texts.push(text); last.e = Math.min(last.s + LONGEST, Math.max(last.e, event.e)); continue; }
    made.push({ s: event.s, e: Math.min(event.e, event.s + LONGEST), texts: [text] });
  }
  const shown = [];
  for (const cue of made) {
    const last = shown[shown.length - 1], least = (one) => Math.max(LEAST, one.texts.join("").length / SPEED);
    if (last && cue.s < last.e + APART) last.e = Math.max(last.s + least(last), cue.s - APART);
    const start = last ? Math.max(cue.s, last.e + APART) : cue.s;
    if (start - cue.s > JOIN) continue;  // too late to be understood
    shown.push({ ...cue, s: start, e: Math.max(cue.e, start + least(cue)) });
  }
  return shown;
}
const stampOf = (seconds, comma) => {
  const t = Math.round(seconds * 1000), two = (n) => String(n).padStart(2, "0");
  return `${two(Math.floor(t / 3600000))}:${two(Math.floor(t / 60000) % 60)}:${two(Math.floor(t / 1000) % 60)}${comma}${String(t % 1000).padStart(3, "0")}`;
};
const toSrt = () => cues().map((cue, k) => `${k + 1}\n${stampOf(cue.s, ",")} --> ${stampOf(cue.e, ",")}\n${cue.texts.join("\n")}\n`).join("\n");
const vttText = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const toVtt = () => `WEBVTT\n\n${cues().map((cue) => `${stampOf(cue.s, ".")} --> ${stampOf(cue.e, ".")}\n${vttText(cue.texts.join("\n"))}\n`).join("\n")}`;
const FILES = {
  json: [".corrected.json", "application/json", toJson], csv: [".corrected.csv", "text/csv", toDcase], table: [".events.csv", "text/csv", toTable],
  srt: [".srt", "text/plain", toSrt], vtt: [".vtt", "text/vtt", toVtt], audacity: [".audacity.txt", "text/plain", toAudacity],
};
let savedEdition = 0;
function save(format) {
  const [suffix, type, write] = FILES[format];
  const link = make("a", { href: URL.createObjectURL(new Blob([write()], { type })), download: stem() + suffix });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  if (format === "json") savedEdition = edition;
  $("live").textContent = `Saved ${stem()}${suffix}`;
}
