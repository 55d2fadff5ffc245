// Buttons and keys.
function setUpControls() {
  $("play").addEventListener("click", toggle);
  $("previous").addEventListener("click", () => neighbour(-1));
  $("next").addEventListener("click", () => neighbour(1));
  $("show-marks").addEventListener("change", () => marks.classList.toggle("off", !$("show-marks").checked));
  $("show-captions").addEventListener("change", () => { if (waitingCaptions) setCaptions(waitingCaptions); if (media?.textTracks[0]) media.textTracks[0].mode = $("show-captions").checked ? "showing" : "disabled"; update(); });
  $("volume").addEventListener("input", () => { if (media) media.volume = Number($("volume").value); });
  $("full").addEventListener("click", () => document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen?.());
  $("zoom-in").addEventListener("click", () => setZoom(zoom * 1.6));
  $("zoom-out").addEventListener("click", () => setZoom(zoom / 1.6));
  $("zoom-fit").addEventListener("click", () => setZoom(1));
  const themes = ["auto", "light", "dark"];
  $("theme").addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "auto") + 1) % 3];
    if (next === "auto") delete document.documentElement.dataset.theme; else document.documentElement.dataset.theme = next;
    $("theme").textContent = next[0].toUpperCase() + next.slice(1);
    $("theme").setAttribute("aria-label", `Colours: ${next === "auto" ? "as the system" : next}`);
  });
  stage.addEventListener("click", toggle);
  let rest = 0;
  const lookElsewhere = () => { follow = false; clearTimeout(rest); rest = setTimeout(() => { follow = true; }, 4000); };
  for (const name of ["wheel", "pointerdown", "touchmove"]) $("scroller").addEventListener(name, lookElsewhere, { passive: true });
  document.addEventListener("keydown", keys);
  new ResizeObserver(() => { placeMarks(); drawRuler(); }).observe(stage);
  addEventListener("resize", drawRuler);
}
function keys(key) {
  if (key.altKey || key.target.matches("input:not([type=checkbox],[type=range]),select,textarea")) return;
  if (editing && editKey(key)) return;
  if (key.ctrlKey || key.metaKey) return;
  const onButton = key.target.matches("button,summary,a,[type=checkbox]"), onRange = key.target.matches("[type=range]"), onRuler = key.target === $("ruler");
  if (onRange && /^(Arrow|Home|End|Page)/.test(key.key)) return;
  const actions = {
    " ": onButton ? null : toggle, ArrowLeft: () => seek(now() - (key.shiftKey ? 10 : 1)), ArrowRight: () => seek(now() + (key.shiftKey ? 10 : 1)),
    e: () => setEditing(!editing), Enter: onButton || chosen === null ? null : () => playEvent(events[chosen]), n: () => neighbour(1), p: () => neighbour(-1), m: () => $("show-marks").click(), c: () => $("show-captions").click(), f: () => $("full").click(),
    "+": () => setZoom(zoom * 1.6), "=": () => setZoom(zoom * 1.6), "-": () => setZoom(zoom / 1.6), 0: () => setZoom(1), "/": () => $("search").focus(),
    Home: onRuler ? () => seek(0) : null, End: onRuler ? () => seek(duration) : null,
    ArrowUp: onRuler ? () => seek(now() + 1) : null, ArrowDown: onRuler ? () => seek(now() - 1) : null,
    PageUp: onRuler ? () => seek(now() + 10) : null, PageDown: onRuler ? () => seek(now() - 10) : null,
  };
  const action = actions[key.key];
  if (action) { key.preventDefault(); action(); }
}
