// Saving of files, made in this page without a server. Names are those of `earwitness export --format`, which also knows
// Parquet, a binary format that this page does not write.
const FILES = {
  json: [".corrected.json", "Corrected result (JSON)", toJson], csv: [".corrected.csv", "Table, DCASE2025 (CSV)", toDcase], events: [".events.csv", "Table, one event a row (CSV)", toTable], jsonl: [".jsonl", "JSON Lines", toJsonLines], html: [".corrected.html", "This page, corrected (HTML)", toPage],
  srt: [".srt", "SubRip", toSrt], vtt: [".vtt", "WebVTT", toVtt], ttml: [".ttml", "TTML (IMSC 1)", toTtml], ass: [".ass", "SubStation Alpha", toAss],
  edl: [".edl", "DaVinci Resolve (EDL)", toEdl], fcpxml: [".fcpxml", "Final Cut Pro, Resolve (FCPXML)", toFcpxml], premiere: [".premiere.xml", "Premiere Pro (XML)", toXmeml], otio: [".otio", "OpenTimelineIO", toOtio], reaper: [".reaper.csv", "REAPER regions", toReaper],
  audacity: [".audacity.txt", "Audacity labels", toAudacity], elan: [".eaf", "ELAN", toElan], textgrid: [".TextGrid", "Praat TextGrid", toTextGrid], rttm: [".rttm", "RTTM", toRttm], jams: [".jams", "JAMS", toJams], raven: [".selections.txt", "Raven selections", toRaven], labelstudio: [".labelstudio.json", "Label Studio task", toLabelStudio],
};
const GROUPS = { Result: "json", Captions: "srt", "Editing programs": "edl", "Annotation tools": "audacity" };  // each with its first format
const CAPTION_FILES = ["srt", "vtt", "ttml", "ass"];
const TYPES = { json: "application/json", csv: "text/csv", html: "text/html", vtt: "text/vtt" };
const stem = () => (data.file || "events").replace(/\.[^.]*$/, "").replace(/[\\/:*?"<>|\x00-\x1f\x7f]/g, "_") || "events";
let savedEdition = 0;
function setUpSaving() {
  let group = null;
  for (const [format, [, label]] of Object.entries(FILES)) {
    const [name] = Object.entries(GROUPS).find(([, first]) => first === format) ?? [];
    if (name) $("format").append(group = make("optgroup", { label: name }));
    group.append(make("option", { value: format }, label));
  }
  for (const [code, { name }] of Object.entries(data.saving.languages)) $("language").append(make("option", { value: code, lang: code, selected: code === "en" }, name));
  $("format").addEventListener("change", () => { $("language").closest("label").hidden = !CAPTION_FILES.includes($("format").value); });
  $("save").addEventListener("click", () => save($("format").value));
}
function save(format) {
  const [suffix, , write] = FILES[format], name = stem() + suffix;
  const link = make("a", { href: URL.createObjectURL(new Blob([write($("language").value)], { type: TYPES[suffix.split(".").at(-1)] ?? "text/plain" })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  if (format === "json" || format === "html") savedEdition = edition;
  $("live").textContent = `Saved ${name}`;
}
