// Caption files: SubRip, WebVTT, TTML, SubStation Alpha.
const stampOf = (seconds, mark = ".") => {
  const t = whole(seconds * 1000), two = (n) => String(n).padStart(2, "0");
  return `${two(Math.floor(t / 3600000))}:${two(Math.floor(t / 60000) % 60)}:${two(Math.floor(t / 1000) % 60)}${mark}${String(t % 1000).padStart(3, "0")}`;
};
const sideOf = (position) => position === null ? "middle" : position < 35 ? "left" : position > 65 ? "right" : "middle";
// Parts of a line, each with the tags (i, b, u) that apply to it.
function styledParts(line) {
  const parts = [], open = [];
  let place = 0;
  const add = (end) => { if (end > place) parts.push([line.slice(place, end), [...new Set(open)].sort()]); };
  for (const found of line.matchAll(/<\/?([a-z]+)[^<>]{0,200}>|\{\\an?\d+\}/gi)) {
    add(found.index);
    place = found.index + found[0].length;
    const name = (found[1] ?? "").toLowerCase();
    if (found[0].startsWith("</") && open.includes(name)) open.splice(open.indexOf(name), 1);
    else if (["i", "b", "u"].includes(name) && !found[0].startsWith("</")) open.push(name);
  }
  add(line.length);
  return parts;
}
const toSrt = (code) => cues(code).map((cue, k) => `${k + 1}\n${stampOf(cue.start, ",")} --> ${stampOf(cue.end, ",")}\n${cue.lines.map((line) => `${line}\n`).join("")}`).join("\n");
function toVtt(code) {
  const words = (line) => styledParts(line).map(([text, tags]) => tags.map((tag) => `<${tag}>`).join("") + escaped(text) + tags.slice().reverse().map((tag) => `</${tag}>`).join("")).join("");
  const place = ({ position }) => position === null ? "" : ` position:${position}% align:${sideOf(position).replace("middle", "center")}`;
  return ["WEBVTT", "", ...cues(code).map((cue, k) => `${k + 1}\n${stampOf(cue.start)} --> ${stampOf(cue.end)}${place(cue)}\n${cue.lines.map((line) => `${words(line)}\n`).join("")}`)].join("\n");
}
function toTtml(code) {
  const tt = "http://www.w3.org/ns/ttml", looks = { i: { "tts:fontStyle": "italic" }, b: { "tts:fontWeight": "bold" }, u: { "tts:textDecoration": "underline" } };
  const span = ([text, tags]) => ["span", Object.assign({ style: "caption" }, ...tags.map((tag) => looks[tag])), text];
  const paragraph = (cue) => ["p", { begin: stampOf(cue.start), end: stampOf(cue.end), region: sideOf(cue.position) }, cue.lines.flatMap((line, k) => [...(k ? [["br", {}]] : []), ...styledParts(line).map(span)])];
  const region = ([name, align]) => ["region", { "xml:id": name, "tts:origin": "10% 80%", "tts:extent": "80% 15%", "tts:displayAlign": "after", "tts:textAlign": align, "tts:overflow": "visible" }];
  return XML + xml(["tt", { xmlns: tt, "xmlns:ttp": `${tt}#parameter`, "xmlns:tts": `${tt}#styling`, "xmlns:ttm": `${tt}#metadata`, "xml:lang": code, "ttp:profile": `${tt}/profile/imsc1/text`, "ttp:timeBase": "media" }, [
    ["head", {}, [
      ["metadata", {}, [["ttm:title", {}, FILE === null ? "" : oneLine(FILE)]]],
      ["styling", {}, [["style", { "xml:id": "caption", "tts:fontFamily": "proportionalSansSerif", "tts:fontSize": "100%", "tts:lineHeight": "normal", "tts:color": "#FFFFFFFF", "tts:backgroundColor": "#000000C0" }]]],
      ["layout", {}, [["left", "left"], ["middle", "center"], ["right", "right"]].map(region)],
    ]],
    ["body", {}, [["div", {}, cues(code).map(paragraph)]]],
  ]], " ", "\n", ["p"]) + "\n";
}
function toAss(code) {
  const two = (n) => String(n).padStart(2, "0"), style = { left: "Left", middle: "Middle", right: "Right" };
  const time = (seconds) => { const t = whole(seconds * 100); return `${Math.floor(t / 360000)}:${two(Math.floor(t / 6000) % 60)}:${two(Math.floor(t / 100) % 60)}.${two(t % 100)}`; };
  const words = (line) => styledParts(line).map(([text, tags]) => {
    const plain = text.replaceAll("\\", "⧵").replaceAll("{", "(").replaceAll("}", ")"), codes = (on) => tags.map((tag) => `\\${tag}${on}`).join("");
    return tags.length ? `{${codes(1)}}${plain}{${codes(0)}}` : plain;
  }).join("");
  const look = ["left", "middle", "right"].map((side, k) => `Style: ${style[side]},Arial,54,&H00FFFFFF,&H00FFFFFF,&H40000000,&H40000000,0,0,0,0,100,100,0,0,3,6,0,${k + 1},96,96,54,1`);
  return ["[Script Info]", `Title: ${FILE === null ? "" : oneLine(FILE)}`, "ScriptType: v4.00+", "PlayResX: 1920", "PlayResY: 1080", "WrapStyle: 2", "ScaledBorderAndShadow: yes", `Language: ${code}`, "",
    "[V4+ Styles]", "Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding", ...look, "",
    "[Events]", "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
    ...cues(code).map((cue) => `Dialogue: 0,${time(cue.start)},${time(cue.end)},${style[sideOf(cue.position)]},,0,0,0,,${cue.lines.map(words).join("\\N")}`), ""].join("\n");
}
