// Numbers and texts exactly as the command line writes them: 32-bit tables, halves to the even digit, Python's float.
const f32 = Math.fround;
// Rounds halves to the even number, as NumPy does.
const whole = (value) => { const near = Math.round(value); return (Math.abs(value % 1) === 0.5 && near % 2 ? near - 1 : near) || 0; };
function fixed(value, digits) {
  const text = value.toFixed(digits);
  // Only halves of powers of two are ties; `toFixed` takes the larger neighbour of them.
  if (Math.abs(value * 2 ** (digits + 1) % 2) !== 1 || Number(text.at(-1)) % 2 === 0) return text;
  const size = (Math.abs(Number(text)) - 10 ** -digits).toFixed(digits);
  return value < 0 ? `-${size}` : size;
}
const rounded = (value, digits) => value === null ? null : Number(fixed(value, digits));
// A number that is a float in JSON: 5 is written as 5.0.
const real = (value) => value === null ? null : Object(value);
function repr(value) {
  if (Object.is(value, -0)) return "-0.0";
  if (Number.isInteger(value) && Math.abs(value) < 1e16) return `${value}.0`;
  const size = Math.abs(value);
  return size < 1e-4 || size >= 1e16 ? value.toExponential().replace(/e([+-])(\d)$/, "e$10$2") : String(value);
}
// NumPy's pairwise sum of 32-bit numbers.
function sum32(values, first = 0, count = values.length) {
  let sum = 0, k = 0;
  if (count > 128) {
    const half = (count >> 1) - (count >> 1) % 8;
    return f32(sum32(values, first, half) + sum32(values, first + half, count - half));
  }
  if (count >= 8) {
    const r = values.slice(first, first + 8).map(f32);
    for (k = 8; k + 8 <= count; k += 8) for (let j = 0; j < 8; j++) r[j] = f32(r[j] + f32(values[first + k + j]));
    sum = f32(f32(f32(r[0] + r[1]) + f32(r[2] + r[3])) + f32(f32(r[4] + r[5]) + f32(r[6] + r[7])));
  }
  for (; k < count; k++) sum = f32(sum + f32(values[first + k]));
  return sum;
}
const mean32 = (values) => f32(sum32(values) / values.length);
function median32(values) {
  if (!values.length || values.includes(null)) return null;
  const sorted = values.map(f32).sort((a, b) => a - b), half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : f32(f32(sorted[half - 1] + sorted[half]) / 2);
}
const isOn = (column) => 2 * column.reduce((sum, on) => sum + Number(on), 0) >= column.length;
// The values of an event that follow from its track.
function measured(event) {
  const [frames, azimuth, distance, onscreen, score] = event.t;
  return { first: frames[0], stop: frames[frames.length - 1] + 1, start: frames[0] * 0.1, end: (frames[frames.length - 1] + 1) * 0.1, az: median32(azimuth), d: median32(distance), on: isOn(onscreen), p: mean32(score), c: event.c, src: event.src, event };
}
// Events in the order of files.
const inOrder = () => present().map(measured).sort((a, b) => a.first - b.first || a.c - b.c || a.src - b.src);
const UNPRINTABLE = /(?! )[\p{C}\p{Z}]/gu;
const hex = (code, digits) => code.toString(16).padStart(digits, "0");
// Unprintable characters are written as escapes, so that a name changes nothing in a file but itself.
const oneLine = (text) => String(text).split(/[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/).filter(Boolean).join(" ").replace(UNPRINTABLE, (sign) => {
  const code = sign.codePointAt(0);
  return code < 256 ? `\\x${hex(code, 2)}` : code < 65536 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
});
const unitEscapes = (sign) => [...Array(sign.length).keys()].map((k) => `\\u${hex(sign.charCodeAt(k), 4)}`).join("");
// JSON with a line for each value, or all on one line with spaces; `ascii` escapes all other characters.
function dumps(value, indent = 0, ascii = false, depth = 1) {
  if (value instanceof Number) return repr(value.valueOf());
  if (typeof value === "string") return JSON.stringify(value).replace(ascii ? /[^\x20-\x7e]/gu : UNPRINTABLE, unitEscapes);
  if (value === null || typeof value !== "object") return String(value);
  const list = Array.isArray(value), inner = (item) => dumps(item, indent, ascii, depth + 1);
  const items = list ? value.map(inner) : Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => `${inner(key)}: ${inner(item)}`);
  const [open, close] = list ? "[]" : "{}", line = (levels) => indent ? `\n${" ".repeat(indent * levels)}` : "";
  return items.length ? `${open}${line(depth)}${items.join(indent ? `,${line(depth)}` : ", ")}${line(depth - 1)}${close}` : open + close;
}
// XML of elements [tag, attributes, children or text]; `inside` elements are kept on one line.
const escaped = (text) => String(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const quotedXml = (text) => escaped(text).replaceAll('"', "&quot;").replaceAll("\t", "&#09;");
function xml([tag, attributes, content = []], indent = "  ", line = "\n", inside = []) {
  const start = `<${tag}${Object.entries(attributes).map(([name, value]) => ` ${name}="${quotedXml(value)}"`).join("")}`;
  if (content.length === 0) return `${start} />`;
  if (!Array.isArray(content)) return `${start}>${escaped(content)}</${tag}>`;
  const flat = inside.includes(tag), next = line + indent;
  return `${start}>${content.map((child) => (flat ? "" : next) + xml(child, indent, next, inside)).join("")}${flat ? "" : line}</${tag}>`;
}
const texts = (values) => Object.entries(values).map(([name, value]) => [name, {}, String(value)]);
const XML = '<?xml version="1.0" encoding="UTF-8"?>\n';
// A cell of a table with commas.
const cell = (value) => {
  const text = value === null || value === undefined ? "" : value instanceof Number ? repr(value.valueOf()) : String(value);
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};
// What files call the recording, and where it is: beside this page, or where this page links to.
const FILE = data.document.source.file;
const clipName = () => FILE === null ? "clip" : oneLine(FILE) || "clip";
const quotedUrl = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${hex(sign.charCodeAt(0), 2).toUpperCase()}`);
function mediaAddress() {
  const name = quotedUrl(FILE ?? "clip");
  if (location.protocol !== "file:") return name;
  const path = new URL(data.link || name, location.href).pathname;
  return `file://${path.split("/").map((part) => {
    try { return /^[A-Za-z]:$/.test(part) ? part : quotedUrl(decodeURIComponent(part)); } catch { return part; }
  }).join("/")}`;
}
