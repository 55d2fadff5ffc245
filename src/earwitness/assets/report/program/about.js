// Warnings, recording checks, model and settings.
function setUpAbout() {
  $("file").textContent = data.file || "Sound events";
  const count = events.length === 1 ? "1 event" : `${events.length} events`;
  $("summary").textContent = `${count} in ${clock(duration)} · model ${data.model.name} · earwitness ${data.version}`;
  for (const { level, text } of data.warnings) $("warnings").append(make("p", { class: `banner ${level}` }, text));
  $("warnings").hidden = !data.warnings.length;
  const doctor = $("doctor").querySelector("div");
  if (data.checks.length) {
    $("doctor").querySelector("summary").textContent = `Is the recording fit for directions? ${data.fit ? "Yes, as far as the sound shows." : "No."}`;
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...["Verdict", "Check", "Value", "Meaning"].map((name) => make("th", { scope: "col" }, make("button", { type: "button", disabled: true }, name))))));
    table.append(make("tbody", {}, ...data.checks.map((check) => make("tr", {}, make("td", {}, make("span", { class: `verdict ${check.verdict}` }, check.verdict)),
      make("td", {}, check.name), make("td", {}, check.value === null ? "–" : `${check.value} ${check.unit}`), make("td", { style: { whiteSpace: "normal" } }, check.text)))));
    doctor.append(table);
  } else doctor.append(make("p", {}, "The recording was not examined."));
  const about = { model: data.model.name, sha256: data.model.sha256, earwitness: data.version, ...data.settings };
  $("model").querySelector("div").append(make("pre", {}, Object.entries(about).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join("\n")),
    make("p", { id: "media-note" }, data.media.note));
}
