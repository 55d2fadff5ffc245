// The chosen event in words.
function choose(index) {
  if (index !== null && !events[index]) index = null;
  const before = chosen;
  chosen = index;
  for (const [old, on] of [[before, false], [chosen, true]]) {
    if (old === null) continue;
    bars[old]?.classList.toggle("chosen", on);
    rows.get(old)?.classList.toggle("chosen", on);
  }
  drawCard();
}
function drawCard() {
  const event = chosen === null ? null : events[chosen];
  if (event) {
    $("card-words").replaceChildren(swatch(event.c), make("b", {}, nameOf(event)), ` ${clock(event.s)} – ${clock(event.e)}. ${sentences(event)}`);
    $("mini-words").replaceChildren(swatch(event.c), make("b", {}, nameOf(event)), ` ${direction(event.az)}`);
  } else {
    $("card-words").replaceChildren(editing ? "Choose an event to change it, or add one (a)." : "Choose an event: it is played and explained here.");
    $("mini-words").replaceChildren();
  }
  drawEditor();
}
