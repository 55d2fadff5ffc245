// Markers for editing programs, on whole frames of the video.
const RATE = data.saving.rate, NOMINAL = Math.round(RATE.num / RATE.den);
function frameAt(tenths) {
  const scaled = tenths * RATE.num, unit = 10 * RATE.den, frame = Math.floor(scaled / unit), rest = 2 * (scaled - frame * unit);
  return rest > unit || (rest === unit && frame % 2) ? frame + 1 : frame;
}
const markers = () => inOrder().map((e) => {
  const frame = frameAt(e.first);
  return { e, frame, frames: Math.max(1, frameAt(e.stop) - frame), name: nameOf(e), note: `${placeOf(e)}, confidence ${fixed(e.p * 100, 0)}%` };
});
// Timecode of a frame; numbers are left out where that is usual (SMPTE ST 12-1).
function timecode(frame) {
  if (RATE.drops) {
    const dropped = NOMINAL / 15, inTen = NOMINAL * 600 - 9 * dropped, tens = Math.floor(frame / inTen), rest = frame - tens * inTen;
    frame += 9 * dropped * tens;
    if (rest >= NOMINAL * 60) frame += dropped * (1 + Math.floor((rest - NOMINAL * 60) / (NOMINAL * 60 - dropped)));
  }
  const seconds = Math.floor(frame / NOMINAL), two = (n) => String(n).padStart(2, "0");
  return `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}${RATE.drops ? ";" : ":"}${two(frame % NOMINAL)}`;
}
function toEdl() {
  const first = 3600 * NOMINAL - (RATE.drops ? 54 * NOMINAL / 15 : 0);
  const entries = markers().slice(0, 9999).map(({ e, frame, frames, name, note }, k) => {
    const [begin, end] = [timecode(first + frame), timecode(first + frame + 1)];
    return `${String(k + 1).padStart(3, "0")}  001      V     C        ${begin} ${end} ${begin} ${end}  \n |C:ResolveColor${data.classes[e.c].edl} |M:${`${name}, ${note}`.replaceAll("|", "/")} |D:${frames}\n\n`;
  });
  return `TITLE: ${[...clipName()].slice(0, 70).join("")}\nFCM: ${RATE.drops ? "DROP FRAME" : "NON-DROP FRAME"}\n\n${entries.join("")}`;
}
function toFcpxml() {
  const name = clipName(), { width, height, channels, sampleRate, frames: length } = data.saving, counting = { tcFormat: RATE.drops ? "DF" : "NDF" };
  const time = (frames) => !frames ? "0s" : frames * RATE.den % RATE.num ? `${frames * RATE.den}/${RATE.num}s` : `${frames * RATE.den / RATE.num}s`;
  const asset = { id: "r2", name, start: "0s", duration: time(length), ...(data.hasVideo ? { hasVideo: 1, format: "r1" } : {}), hasAudio: 1, audioSources: 1, audioChannels: channels, ...(sampleRate ? { audioRate: sampleRate } : {}) };
  const clip = ["asset-clip", { ref: "r2", name, offset: "0s", start: "0s", duration: time(length), format: "r1", ...counting }, markers().map(({ frame, frames, name: value, note }) => ["marker", { start: time(frame), duration: time(frames), value, note }])];
  return `${XML}<!DOCTYPE fcpxml>\n${xml(["fcpxml", { version: "1.9" }, [
    ["resources", {}, [["format", { id: "r1", frameDuration: time(1), width, height }], ["asset", asset, [["media-rep", { kind: "original-media", src: mediaAddress() }]]]]],
    ["library", {}, [["event", { name: "earwitness" }, [["project", { name }, [["sequence", { format: "r1", duration: time(length), tcStart: "0s", ...counting }, [["spine", {}, [clip]]]]]]]]]],
  ]])}\n`;
}
function toXmeml() {
  const name = clipName(), { width, height, channels, frames: length } = data.saving, file = { id: "file-1" };
  const rate = ["rate", {}, texts({ timebase: NOMINAL, ntsc: RATE.den === 1001 ? "TRUE" : "FALSE" })];
  const kinds = [...(data.hasVideo ? [["video", {}]] : []), ["audio", {}, texts({ channelcount: channels })]];
  const complete = ["file", file, [...texts({ name, pathurl: mediaAddress(), duration: length }), rate, ["media", {}, kinds]]];
  const clip = (id, content) => ["track", {}, [["clipitem", { id }, [...texts({ name, enabled: "TRUE", duration: length }), rate, ...texts({ start: 0, end: length, in: 0, out: length }), content]]]];
  const video = ["video", {}, [["format", {}, [["samplecharacteristics", {}, [rate, ...texts({ width, height, pixelaspectratio: "square" })]]]], clip("clipitem-1", complete)]];
  const sequence = [...texts({ name, duration: length }), rate, ["timecode", {}, [rate, ...texts({ string: timecode(0), frame: 0, displayformat: RATE.drops ? "DF" : "NDF" })]],
    ["media", {}, [...(data.hasVideo ? [video] : []), ["audio", {}, [clip("clipitem-2", data.hasVideo ? ["file", file] : complete)]]]],
    ...markers().map(({ frame, frames, name: title, note }) => ["marker", {}, texts({ name: title, comment: note, in: frame, out: frame + frames })])];
  return `${XML}<!DOCTYPE xmeml>\n${xml(["xmeml", { version: "5" }, [["sequence", { id: "sequence-1" }, sequence]]])}\n`;
}
function toOtio() {
  const name = clipName(), item = { metadata: {}, source_range: null, effects: [], markers: [], enabled: true }, kind = data.hasVideo ? "Video" : "Audio";
  const time = (value) => ({ OTIO_SCHEMA: "RationalTime.1", rate: real(RATE.num / RATE.den), value: real(value) });
  const range = (start, frames) => ({ OTIO_SCHEMA: "TimeRange.1", start_time: time(start), duration: time(frames) }), all = range(0, data.saving.frames);
  const found = markers().map(({ e, frame, frames, name: title, note }) => ({ OTIO_SCHEMA: "Marker.2", name: title, comment: note, metadata: { earwitness: summary(e) }, marked_range: range(frame, frames), color: data.classes[e.c].otio }));
  const reference = { OTIO_SCHEMA: "ExternalReference.1", name, metadata: {}, available_range: all, available_image_bounds: null, target_url: mediaAddress() };
  const clip = { OTIO_SCHEMA: "Clip.2", name, metadata: {}, source_range: all, effects: [], markers: found, enabled: true, active_media_reference_key: "DEFAULT_MEDIA", media_references: { DEFAULT_MEDIA: reference } };
  const stack = { OTIO_SCHEMA: "Stack.1", name: "tracks", ...item, children: [{ OTIO_SCHEMA: "Track.1", name: kind, ...item, children: [clip], kind }] };
  return dumps({ OTIO_SCHEMA: "Timeline.1", name, global_start_time: null, tracks: stack, metadata: { earwitness: { model: oneLine(data.document.model.name), drop_frame: RATE.drops } } }, 1) + "\n";
}
function toReaper() {
  const two = (n) => String(n).padStart(2, "0");
  const time = (seconds) => { const t = whole(seconds * 1000); return `${Math.floor(t / 3600000)}:${two(Math.floor(t / 60000) % 60)}:${two(Math.floor(t / 1000) % 60)}.${String(t % 1000).padStart(3, "0")}`; };
  const rows = inOrder().map((e, k) => [`R${k + 1}`, `${nameOf(e)}, ${placeOf(e)}`, time(e.start), time(e.end), time(e.end - e.start), data.classes[e.c].colour.slice(1).toUpperCase()]);
  return [["#", "Name", "Start", "End", "Length", "Color"], ...rows].map((line) => `${line.map(cell).join(",")}\n`).join("");
}
