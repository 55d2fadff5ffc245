// Files of annotation tools.
const placeOf = (e) => [direction(e.az), metres(e.d), ...(data.hasVideo ? [screen(e.on)] : [])].join(", ");
const toAudacity = () => inOrder().map((e) => `${fixed(e.start, 6)}\t${fixed(e.end, 6)}\t${nameOf(e)}, ${placeOf(e)}\n`).join("");
const toRttm = () => inOrder().map((e) => {
  const [start, end] = [rounded(e.start, 1), rounded(e.end, 1)];
  return `SPEAKER ${data.saving.stem} 1 ${fixed(start, 3)} ${fixed(end - start, 3)} <NA> <NA> ${data.classes[e.c].slug}${e.src ? `_${e.src}` : ""} ${fixed(e.p, 3)} <NA>\n`;
}).join("");
function toRaven() {
  const head = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)", "Begin File", "Annotation", "Azimuth (deg)", "Distance (m)", "On Screen", "Score"];
  const file = FILE === null ? "" : oneLine(FILE), known = (value, digits) => value === null ? "" : fixed(value, digits);
  const lines = inOrder().map((e, k) => [k + 1, "Spectrogram 1", 1, fixed(e.start, 3), fixed(e.end, 3), "0.0", fixed(data.saving.top, 1), file, nameOf(e), known(e.az, 1), known(e.d, 2), data.hasVideo ? (e.on ? "yes" : "no") : "", fixed(e.p, 3)]);
  return [head, ...lines].map((line) => `${line.join("\t")}\n`).join("");
}
// Tiers whose events do not overlap, one for each class and source.
function tiers() {
  const found = new Map();
  for (const e of inOrder().sort((a, b) => a.c - b.c || a.src - b.src || a.first - b.first)) found.set(`${e.c} ${e.src}`, [...found.get(`${e.c} ${e.src}`) ?? [], e]);
  const count = {};
  return [...found.values()].map((list) => {
    const number = count[list[0].c] = (count[list[0].c] ?? 0) + 1;
    return { name: nameOf(list[0]) + (number > 1 ? ` ${number}` : ""), list };
  });
}
function toTextGrid() {
  const end = Math.max(data.document.source.duration, FRAMES * 0.1), quoted = (text) => `"${text.replaceAll('"', '""')}"`, all = tiers();
  const lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", `xmax = ${fixed(end, 6)}`, "tiers? <exists>", `size = ${all.length || 1}`, "item []:"];
  (all.length ? all : [{ name: "sound events", list: [] }]).forEach(({ name, list }, k) => {
    const intervals = [];
    let last = 0;
    for (const e of list) {
      const [start, stop] = [rounded(e.start, 6), Math.min(rounded(e.end, 6), end)];
      if (start > last) intervals.push([last, start, ""]);
      intervals.push([start, stop, placeOf(e)]);
      last = stop;
    }
    if (last < end) intervals.push([last, end, ""]);
    lines.push(`    item [${k + 1}]:`, '        class = "IntervalTier"', `        name = ${quoted(name)}`, "        xmin = 0", `        xmax = ${fixed(end, 6)}`, `        intervals: size = ${intervals.length}`);
    intervals.forEach(([start, stop, text], i) => lines.push(`        intervals [${i + 1}]:`, `            xmin = ${fixed(start, 6)}`, `            xmax = ${fixed(stop, 6)}`, `            text = ${quoted(text)}`));
  });
  return [...lines, ""].join("\n");
}
function toElan() {
  const slots = [], tierType = "sound event", slot = (frame) => { slots.push(["TIME_SLOT", { TIME_SLOT_ID: `ts${slots.length + 1}`, TIME_VALUE: frame * 100 }]); return `ts${slots.length}`; };
  let count = 0;
  const layers = tiers().map(({ name, list }) => ["TIER", { LINGUISTIC_TYPE_REF: tierType, TIER_ID: name }, list.map((e) => ["ANNOTATION", {}, [
    ["ALIGNABLE_ANNOTATION", { ANNOTATION_ID: `a${++count}`, TIME_SLOT_REF1: slot(e.first), TIME_SLOT_REF2: slot(e.stop) }, [["ANNOTATION_VALUE", {}, placeOf(e)]]],
  ]])]);
  const relative = data.link ? decodeURIComponent(data.link) : FILE, at = relative?.startsWith("../") ? relative : `./${relative}`;
  const media = FILE === null ? [] : [["MEDIA_DESCRIPTOR", { MEDIA_URL: mediaAddress(), MIME_TYPE: data.saving.mime, RELATIVE_MEDIA_URL: at.replace(UNPRINTABLE, quotedUrl) }]];
  return XML + xml(["ANNOTATION_DOCUMENT", { "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance", AUTHOR: "earwitness", DATE: "1970-01-01T00:00:00+00:00", FORMAT: "3.0", VERSION: "3.0", "xsi:noNamespaceSchemaLocation": "http://www.mpi.nl/tools/elan/EAFv3.0.xsd" }, [
    ["HEADER", { MEDIA_FILE: "", TIME_UNITS: "milliseconds" }, media], ["TIME_ORDER", {}, slots], ...layers,
    ["LINGUISTIC_TYPE", { GRAPHIC_REFERENCES: "false", LINGUISTIC_TYPE_ID: tierType, TIME_ALIGNABLE: "true" }],
  ]]) + "\n";
}
function toJams() {
  const all = inOrder(), { source, model, warnings } = data.document, duration = real(source.duration);
  const observations = all.map((e) => ({ time: real(rounded(e.start, 1)), duration: secondsOf(e), value: data.classes[e.c].slug, confidence: real(rounded(e.p, 3)) }));
  const spatial = all.map((e) => {
    const { azimuth_deg, distance_m, azimuth_interval_deg, distance_interval_m, onscreen, source: number } = summary(e);
    return { azimuth_deg, distance_m, azimuth_interval_deg, distance_interval_m, onscreen, source: number, track: trackOf(e) };
  });
  const about = { curator: { name: "", email: "" }, annotator: {}, version: oneLine(model.sha256).slice(0, 12), corpus: "", annotation_tools: `earwitness ${data.version}, model ${oneLine(model.name)}`, annotation_rules: "", validation: "", data_source: "program" };
  return dumps({
    annotations: [{ namespace: "tag_open", data: observations, time: real(0), duration, annotation_metadata: about, sandbox: { spatial } }],
    file_metadata: { title: FILE === null ? "" : oneLine(FILE), artist: "", release: "", duration, identifiers: {}, jams_version: "0.3.4" },
    sandbox: { settings: corrected().settings, warnings: warnings.map(oneLine) },
  }, 1) + "\n";
}
function toLabelStudio() {
  const all = inOrder(), length = real(rounded(data.document.source.duration, 3)), span = (e) => ({ start: real(rounded(e.start, 3)), end: real(rounded(e.end, 3)), channel: 0 });
  const quoted = (text) => { const plain = escaped(text).replaceAll("\t", "&#9;"); return !plain.includes('"') ? `"${plain}"` : plain.includes("'") ? `"${plain.replaceAll('"', "&quot;")}"` : `'${plain}'`; };
  const labels = [...new Set(all.map((e) => e.c))].map((c) => `<Label value=${quoted(data.classes[c].name)} background=${quoted(data.classes[c].colour)}/>`).join("");
  const name = FILE === null ? `${stem()}.labelstudio` : oneLine(FILE), score = tableRows(all).map((row) => row[6]);
  const result = all.flatMap((e, k) => {
    const common = { id: `event${k + 1}`, to_name: "audio", original_length: length };
    return [{ ...common, from_name: "label", type: "labels", value: { ...span(e), labels: [nameOf(e)] }, score: real(rounded(e.p, 3)) },
      { ...common, from_name: "note", type: "textarea", value: { ...span(e), text: [placeOf(e)] } }];
  });
  const view = `<View><Labels name="label" toName="audio">${labels}</Labels><Audio name="audio" value="$audio"/><TextArea name="note" toName="audio" perRegion="true" editable="true"/></View>`;
  return dumps([{
    data: { audio: `/data/local-files/?d=${quotedUrl(name).replaceAll("%2F", "/")}`, file: name, duration: length, interface: view },
    predictions: [{ model_version: oneLine(`${data.document.model.name} (earwitness ${data.version})`), score: real(score.length ? rounded(mean32(score), 3) : 0), result }],
  }], 1) + "\n";
}
