// Sounds as viewers perceive them, with their words: export/captions/running_sounds.py and caption_words.py in this page.
const RULES = data.saving.rules, EPSILON = 1e-6;
const near = (a, b) => a === null || b === null || Math.abs(a - b) <= RULES.samePlace;
const pauseOf = (c) => data.classes[c].spoken || data.classes[c].musical ? RULES.spokenPause : RULES.pause;
const weight = (voice) => voice.events.reduce((sum, event) => sum + sum32(event.event.t[4]), 0);
const startOf = (voice) => voice.events[0].start;
function takes(voice, event) {
  if (event.c !== voice.c || event.start - voice.end > pauseOf(voice.c) + EPSILON) return false;
  if (voice.sources.has(event.src) && event.start >= voice.end - EPSILON && event.start - voice.end <= RULES.pause + EPSILON) return true;
  return near(event.az, voice.az);
}
function voicesOf(list) {
  const voices = [];
  let running = [];
  for (const event of list) {
    running = running.filter((voice) => event.start - voice.end <= RULES.spokenPause);
    let best = null;
    const rank = (voice) => [Number(voice.sources.has(event.src)), voice.end];
    for (const voice of running) if (takes(voice, event)) {
      const [a, b] = rank(voice), [x, y] = best ? rank(best) : [-1, 0];
      if (a > x || (a === x && b > y)) best = voice;
    }
    if (best) {
      best.events.push(event); best.sources.add(event.src);
      best.end = Math.max(best.end, event.end); best.az = event.az;
    } else {
      best = { c: event.c, events: [event], end: event.end, az: event.az, sources: new Set([event.src]) };
      voices.push(best); running.push(best);
    }
  }
  return voices;
}
// Drops each voice that is only a second opinion on a stronger one of another class.
function oneClassEach(speech) {
  const kept = [], dropped = new Set();
  const standsFor = (a, b) => Math.min(a.end, b.end) - Math.max(startOf(a), startOf(b)) >= (b.end - startOf(b)) / 2 && near(a.az, b.az);
  let running = [];
  for (const voice of speech.slice().sort((a, b) => startOf(a) - startOf(b))) {
    running = running.filter((other) => other.end > startOf(voice));
    const rivals = running.filter((other) => other.c !== voice.c);
    if (rivals.some((other) => weight(other) >= weight(voice) && standsFor(other, voice))) continue;
    const weaker = rivals.filter((other) => weight(voice) > weight(other) && standsFor(voice, other));
    for (const other of weaker) dropped.add(other);
    running = running.filter((other) => !dropped.has(other));
    if (weaker.length) {  // the voice began when its first opinion did
      const earliest = weaker.reduce((best, other) => startOf(other) < startOf(best) ? other : best), start = startOf(voice);
      voice.events.unshift(...earliest.events.filter((event) => event.start < start));
    }
    kept.push(voice); running.push(voice);
  }
  return kept.filter((voice) => !dropped.has(voice));
}
// The words of a sound: the sound, then the screen and the direction.
function soundText(c, az, on, language) {
  const { slug, caption, musical } = data.classes[c], { words } = language;
  const side = az === null || Math.abs(az) <= RULES.ahead ? "" : az > 0 ? words.left : words.right;
  return wording((Object.hasOwn(language.sounds, slug) ? language.sounds[slug] : caption).trim().split(/\s+/).join(" "), [on === false ? words.off_screen : "", side].filter(Boolean), musical);
}
const wording = (sound, place, music) => ({ sound, place, music, key: JSON.stringify([sound, place, music]) });
// Running median over about 2 s; unknown values stay unknown.
function smoothed(values) {
  const size = Math.min(RULES.smoothing, values.length), count = values.length;
  if (count < 3) return values;
  return values.map((_, i) => {
    const near = [];
    for (let k = i - (size >> 1); near.length < size; k++) near.push(values[k < 0 ? -k - 1 : k >= count ? 2 * count - 1 - k : k] ?? Infinity);
    const middle = near.sort((a, b) => a < b ? -1 : a > b ? 1 : 0)[size >> 1];
    return middle === Infinity ? null : middle;
  });
}
// Rows of equal wording; a span that is too short joins the one before it, the first the next.
function spansOf(keys, frames) {
  const seconds = ([first, stop]) => (frames[stop - 1] + 1 - frames[first]) * 0.1, spans = [];
  const changes = [0, ...keys.keys()].filter((i, k) => !k || (i && keys[i] !== keys[i - 1]));
  changes.forEach((first, k) => {
    const stop = changes[k + 1] ?? keys.length, last = spans[spans.length - 1];
    if (last && (keys[last[0]] === keys[first] || seconds([first, stop]) < RULES.moveSeconds)) last[1] = stop;
    else spans.push([first, stop]);
  });
  if (spans.length > 1 && seconds(spans[0]) < RULES.moveSeconds) spans.splice(0, 2, [0, spans[1][1]]);
  return spans;
}
function staysOf(voice, language) {
  const best = new Map();
  for (const { event: { t } } of voice.events) t[0].forEach((frame, i) => {
    const row = { frame, az: t[1][i] === null ? null : f32(t[1][i]), on: Number(t[3][i]), p: f32(t[4][i]) }, known = best.get(frame);
    if (!known || row.p > known.p) best.set(frame, row);
  });
  const rows = [...best.values()].sort((a, b) => a.frame - b.frame), frames = rows.map((row) => row.frame);
  const azimuth = smoothed(rows.map((row) => row.az)), onscreen = smoothed(rows.map((row) => row.on)).map((on) => on >= 0.5);
  const text = (az, on) => soundText(voice.c, az, data.hasVideo ? on : null, language), found = [];
  for (const [first, stop] of spansOf(azimuth.map((az, i) => text(az, onscreen[i]).key), frames)) {
    const known = azimuth.slice(first, stop).filter((az) => az !== null), az = known.length ? median32(known) : null, on = isOn(onscreen.slice(first, stop));
    const stay = { start: frames[first] * 0.1, end: (frames[stop - 1] + 1) * 0.1, text: text(az, on), short: soundText(voice.c, az, null, language), az, on, score: mean32(rows.slice(first, stop).map((row) => row.p)) };
    const last = found[found.length - 1];
    const moved = last && last.text.key !== stay.text.key && (last.on !== on || last.az === null || az === null || !(Math.abs(az - last.az) < RULES.move));
    if (last && !moved) last.end = stay.end; else found.push(stay);
  }
  return found;
}
// Drops each stay whose words are on while it begins; those that only their screen word tells apart keep it.
function namedOnce(sounds) {
  const order = sounds.flatMap((stays, number) => stays.map((stay) => ({ stay, number }))).sort((a, b) => a.stay.start - b.stay.start || a.number - b.number);
  const byText = new Map(), byShort = new Map(), kept = [], goesOn = (first, second) => second.start <= first.end + RULES.pause + EPSILON;
  for (const { stay, number } of order) {
    const same = byText.get(stay.text.key), short = stay.short.key, alike = byShort.get(short);
    if (same && goesOn(same, stay)) { same.end = Math.max(same.end, stay.end); continue; }
    if (alike && goesOn(alike, stay)) { alike.short = alike.text; stay.short = stay.text; byShort.set(short, stay); }
    byText.set(stay.text.key, stay); byShort.set(stay.short.key, stay);
    kept.push({ stay, number });
  }
  return sounds.map((_, k) => kept.filter(({ number }) => number === k).map(({ stay }) => stay));
}
function runningSounds(language) {
  const voices = voicesOf(inOrder()), isSpeech = (voice) => data.classes[voice.c].spoken;
  const kept = [...voices.filter((voice) => !isSpeech(voice)), ...oneClassEach(voices.filter(isSpeech))];
  return namedOnce(kept.sort((a, b) => startOf(a) - startOf(b) || a.c - b.c).map((voice) => staysOf(voice, language)));
}
