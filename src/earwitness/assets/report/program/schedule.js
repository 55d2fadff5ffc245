// When captions name the sounds: export/captions/schedule.py and caption_words.py in this page.
const WIDE = /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1b000}-\u{1b2ff}\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;
const lengthOf = (text, language) => [...text].reduce((sum, sign) => sum + (language.half_width && !WIDE.test(sign) ? 0.5 : 1), 0);
const fitsLine = (text, language) => lengthOf(text, language) <= language.line_length;
function bracketed(text, { brackets: [open, close], separator, note }) {
  const words = [text.sound, ...text.place].join(separator);
  return open + (text.music ? `${note} ${words} ${note}` : words) + close;
}
// At most two lines that name all sounds, or null if they do not fit. A single sound always fits.
function fillLines(given, language) {
  const places = new Map();
  for (const text of new Map(given.map((text) => [text.key, text])).values()) places.set(text.sound, [...places.get(text.sound) ?? [], text]);
  const together = [...places.values()].flatMap((same) => {
    const all = same.length > 1 ? inAllPlaces(same, language) : same[0];
    return fitsLine(bracketed(all, language), language) ? [all] : same;
  });
  if (together.length === 1) return aloneLines(together[0], language);
  const lines = [];
  for (const [number, text] of together.map((one) => bracketed(one, language)).entries()) {
    if (!fitsLine(text, language)) return null;
    const joined = lines.length ? `${lines[lines.length - 1]} ${text}` : text;
    if (lines.length && fitsLine(joined, language) && lines.length + together.length - number > RULES.mostLines) lines[lines.length - 1] = joined;
    else if (lines.length < RULES.mostLines) lines.push(text);
    else return null;
  }
  return lines;
}
function inAllPlaces(same, language) {
  let common = 0;
  while (same.every((text) => text.place.length > common && text.place[common] === same[0].place[common])) common++;
  const rests = same.map((text) => text.place.slice(common).join(language.separator)).map((rest) => common ? rest : rest || language.words.ahead);
  const joined = [...new Set(rests.filter(Boolean))].join(language.conjunction);
  return wording(same[0].sound, [...same[0].place.slice(0, common), ...(joined ? [joined] : [])], same[0].music);
}
function aloneLines(text, language) {
  for (;;) {
    const lines = broken(bracketed(text, language), language);
    if (lines) return lines;
    if (text.place.length) text = wording(text.sound, text.place.slice(0, -1), text.music);  // the least important word is the last
    else text = wording(`${[...text.sound.replace(/…$/, "")].slice(0, -1).join("").trimEnd()}…`, [], text.music);
  }
}
function broken(text, language) {
  if (fitsLine(text, language)) return [text];
  const size = (half) => [...half].length, uneven = ([a, b]) => Math.abs(size(a) - size(b));
  for (const sign of [language.separator, " "]) {
    let best = null;
    for (let at = text.indexOf(sign); at >= 0; at = text.indexOf(sign, at + 1)) {
      const pair = [text.slice(0, at + sign.length).trimEnd(), text.slice(at + sign.length).trimStart()];
      if (pair.every((half) => half && fitsLine(half, language)) && (!best || uneven(pair) < uneven(best))) best = pair;
    }
    if (best) return best;
  }
  if (!language.half_width || lengthOf(text, language) > 2 * language.line_length) return null;  // these languages have no spaces
  const signs = [...text], pair = [signs.slice(0, signs.length >> 1).join(""), signs.slice(signs.length >> 1).join("")];
  return pair.every((half) => fitsLine(half, language)) ? pair : null;
}
const tickUp = (seconds) => Math.ceil(seconds / 0.01 - EPSILON) / 100, tickDown = (seconds) => Math.floor(seconds / 0.01 + EPSILON) / 100;
const readingSeconds = (lines, language) => tickUp(Math.max(RULES.shortest, lengthOf(lines.join("\n"), language) / language.reading_speed));
// Of all plans that keep the rules, the one that names most sounds, and those nearest to their starts.
function cues(code = "en") {
  const language = data.saving.languages[code], end = Math.max(data.document.source.duration, FRAMES * 0.1);
  const dues = runningSounds(language).flat().flatMap((stay) => {
    const found = [{ time: stay.start, stay, again: false }];
    for (let time = stay.start + RULES.againEvery; time <= stay.end - RULES.left; time += RULES.againEvery) found.push({ time, stay, again: true });
    return found;
  }).sort((a, b) => a.time - b.time || a.again - b.again);
  const states = [...dues.map(() => []), []];
  states[0].push({ cost: 0, free: 0 });
  dues.forEach((due, number) => {
    const choices = choicesOf(dues, number, language);
    for (const state of undominated(states[number])) {
      states[number + 1].push({ cost: state.cost + (due.again ? RULES.againCost : RULES.unnamedCost * (1 + due.stay.score)), free: state.free, before: state });
      for (const { stop, lines, cost } of choices) {
        const part = dues.slice(number, stop), needed = readingSeconds(lines, language), start = tickUp(Math.max(part[0].time, state.free));
        if (start - part[0].time > RULES.wait + EPSILON || part[part.length - 1].time - start > RULES.wait + EPSILON) continue;
        const waited = part.reduce((sum, one) => sum + Math.abs(one.time - start), 0);
        states[stop].push({ cost: state.cost + waited + cost, free: start + needed + RULES.gap, before: state, cue: { start, needed, lines, stays: part.map((one) => one.stay) } });
      }
    }
    states[number] = [];
  });
  let state = states[dues.length].reduce((best, one) => one.cost < best.cost ? one : best);
  const named = [];
  for (; state; state = state.before) if (state.cue) named.unshift(state.cue);
  return named.map((cue, k) => {
    const following = named[k + 1]?.start ?? Infinity;
    const wanted = Math.max(cue.needed / RULES.wellRead, Math.max(...cue.stays.map((stay) => stay.end)) - cue.start);
    const latest = Math.min(following - RULES.gap, end) - cue.start;
    const seconds = Math.max(cue.needed, Math.min(tickDown(Math.min(wanted, latest)), RULES.longest));
    return { start: rounded(cue.start, 2), end: rounded(cue.start + seconds, 2), lines: cue.lines.map(oneLine), position: positionOf(cue.stays) };
  });
}
function choicesOf(dues, number, language) {
  const found = [];
  for (let stop = number + 1; stop <= Math.min(number + RULES.mostTogether, dues.length); stop++) {
    if (dues[stop - 1].time - dues[number].time > 2 * RULES.wait + EPSILON) break;
    const stays = dues.slice(number, stop).map((due) => due.stay);
    const lines = fillLines(stays.map((stay) => stay.text), language), short = fillLines(stays.map((stay) => stay.short), language);
    if (lines) found.push({ stop, lines, cost: 0 });
    if (short && short.join("\n") !== lines?.join("\n")) found.push({ stop, lines: short, cost: RULES.shortenedCost * stays.length });
  }
  return found;
}
// Of two plans that leave the same freedom only the cheaper one.
function undominated(states) {
  const kept = [];
  for (const state of states.slice().sort((a, b) => a.cost - b.cost || a.free - b.free)) {
    if (kept.every((other) => other.free > state.free + EPSILON)) kept.push(state);
    if (kept.length === RULES.mostStates) break;
  }
  return kept;
}
// Percent from the left edge; null without direction or with sounds on several sides.
function positionOf(stays) {
  const half = data.fov / 2, step = RULES.positionStep, tan = (degrees) => Math.tan(degrees * Math.PI / 180);
  const found = [...new Set(stays.map(({ az }) => az === null ? null : clamp(whole((50 - 50 * tan(clamp(az, -half, half)) / tan(half)) / step) * step, RULES.positionMargin, 100 - RULES.positionMargin)))];
  const known = found.filter((place) => place !== null).sort((a, b) => a - b);
  return known.length < found.length || !known.length || known[known.length - 1] - known[0] > 2 * step ? null : known[known.length >> 1];
}
