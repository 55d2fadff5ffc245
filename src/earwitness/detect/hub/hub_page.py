"""The page of a model on the hub: README.md with YAML front matter, made from the model's card."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from earwitness.core.errors import one_line, shortened
from earwitness.core.version import __version__
from earwitness.detect.hub.hub_address import HubAddress
from earwitness.detect.model.card import ModelCard

TAGS: Final = (
    "earwitness", "sound-event-localization-and-detection", "seld", "sound-event-detection", "spatial-audio", "stereo",
    "audio", "onnx",
)  # fmt: skip
_LICENCES: Final = {
    "mit": "mit", "apache-2.0": "apache-2.0", "apache 2.0": "apache-2.0", "bsd-3-clause": "bsd-3-clause",
    "cc0-1.0": "cc0-1.0", "cc-by-4.0": "cc-by-4.0", "cc-by-sa-4.0": "cc-by-sa-4.0", "cc-by-nc-4.0": "cc-by-nc-4.0",
    "gpl-3.0": "gpl-3.0", "gpl-3.0-or-later": "gpl-3.0", "lgpl-3.0": "lgpl-3.0", "mpl-2.0": "mpl-2.0",
}  # fmt: skip
"""Identifiers of licences on the hub; every other licence is "other" there, with its name."""
_QUANTITIES: Final = {
    "f_score": ("f1", "F20/1 (20 degrees, 100 % of the distance), macro"),
    "f_score_onscreen": ("f1", "F20/1 with on/off screen, macro"),
    "doa_error_deg": ("doa_error_deg", "Direction error, degrees"),
    "distance_error": ("distance_error_cm", "Distance error, cm"),
    "relative_distance_error": ("relative_distance_error", "Relative distance error"),
    "onscreen_accuracy": ("accuracy", "On/off-screen accuracy"),
    "calibration_error": ("calibration_error", "Calibration error of the probabilities"),
}
"""Figures of a card that the hub shows: their types and names there."""
_PLAIN_CHARACTER: Final = re.compile(r"([\\`*_{}\[\]<>#|!~&])")


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The facts on the page.

    Attributes:
        card: the model's card.
        model: name of its file.
        files: size in bytes and SHA-256 of each file.
        address: where it will be found; None: not known yet.
    """

    card: ModelCard
    model: str
    files: Mapping[str, tuple[int, str]]
    address: HubAddress | None = None


def page(facts: PageFacts) -> str:
    """The page as Markdown."""
    front = "\n".join(_yaml(_front_matter(facts.card)))
    return f"---\n{front}\n---\n\n" + "\n".join(_body(facts)).rstrip() + "\n"


def _front_matter(card: ModelCard) -> dict[str, Any]:
    values: dict[str, Any] = {"library_name": "earwitness", "pipeline_tag": "audio-classification"}
    known = _LICENCES.get(card.licence.strip().lower())
    values |= {"license": known} if known else {"license": "other", "license_name": shortened(card.licence, 200)}
    values["tags"] = [*TAGS, *(one.slug for one in card.vocabulary.classes[:50])]
    results = list(_results(card))
    if results:
        values["model-index"] = [{"name": shortened(card.name, 200), "results": results}]
    return values


def _results(card: ModelCard) -> Iterator[dict[str, Any]]:
    """The card's figures by the data that they were measured on, as the hub's model-index holds them."""
    for data in dict.fromkeys(name.split("/")[0] for name in card.scores if "/" in name):
        metrics = [
            {"type": kind, "name": name, "value": card.scores[f"{data}/{key}"]}
            for key, (kind, name) in _QUANTITIES.items()
            if f"{data}/{key}" in card.scores
        ]
        if metrics:
            count = card.scores.get(f"{data}/scenes")
            size = "" if count is None else f", {count:.0f} clips"
            yield {
                "task": {"type": "audio-classification", "name": "Sound event localization and detection"},
                "dataset": {"type": shortened(data, 60), "name": shortened(f"{data} scenes{size}", 100)},
                "metrics": metrics,
            }


def _body(facts: PageFacts) -> Iterator[str]:
    card = facts.card
    classes = ", ".join(_escaped(one.name) for one in card.vocabulary.classes)
    address = facts.address or "hf:USER/NAME"
    yield from (
        f"# {_escaped(card.name)}", "",
        "A model for [earwitness](https://pypi.org/project/earwitness/): what sounds in a stereo recording or a video, "
        "when, from which direction, how far away, and whether it is in the picture.", "",
        f"**Classes** ({len(card.vocabulary)}): {classes}.", "",
        "## Use it", "",
        "```", "pip install earwitness", f"earwitness models pull {address}",
        f"earwitness detect VIDEO --model {address}", "```", "",
        "`pull` checks the SHA-256 of each file. `detect` never downloads anything. In Python:", "",
        "```python", "from earwitness import Detector", "",
        f'Detector.load("{address}").detect("clip.mp4").events', "```", "",
    )  # fmt: skip
    yield from _scores(card)
    if card.limits:
        yield from ("## Limits", "", *(f"- {_escaped(limit)}" for limit in card.limits), "")
    yield from _training(card)
    yield from ("## Licence", "", _escaped(card.licence), "")
    yield from ("## Files", "", "| file | bytes | SHA-256 |", "|---|---|---|")
    yield from (f"| `{name}` | {size:,} | `{digest}` |" for name, (size, digest) in facts.files.items())
    yield from ("", f"This page was made from the model's card by earwitness {__version__}.")


def _scores(card: ModelCard) -> Iterator[str]:
    if not card.scores:
        yield from ("## Scores", "", "The card of this model holds no scores.", "")
        return
    yield from ("## Scores", "", "| on | figure | value |", "|---|---|---|")
    names = {one.slug: one.name for one in card.vocabulary.classes}
    for name, value in card.scores.items():
        data, quantity, part = (*name.split("/", 2), "", "")[:3] if "/" in name else ("", name, "")
        known = _QUANTITIES[quantity][1] if quantity in _QUANTITIES else quantity.replace("_", " ")
        figure = f"{known.split(' (')[0]}: {names.get(part, part)}" if part else known
        yield f"| {_escaped(data)} | {_escaped(figure)} | {value:.4g} |"
    yield ""


def _training(card: ModelCard) -> Iterator[str]:
    facts = {name: value for name, value in card.data.items() if isinstance(value, str | int | float)}
    facts["commit of the training code"] = card.commit
    if card.tokens:
        facts["semantic tokens"] = ", ".join(f"{name} ({need.made_by.encoder})" for name, need in card.tokens.items())
    yield from ("## Training", "", "| | |", "|---|---|")
    yield from (f"| {_escaped(str(name))} | {_escaped(str(value))} |" for name, value in facts.items())
    yield ""


def _escaped(text: str) -> str:
    """Text on one line, without meaning in Markdown or HTML."""
    return _PLAIN_CHARACTER.sub(r"\\\1", shortened(text, 1000)).replace("\\<", "&lt;").replace("\\&", "&amp;")


def _yaml(value: Any, indent: str = "") -> Iterator[str]:
    """YAML lines of a mapping of plain values: enough for front matter, without a library."""
    for key, part in value.items():
        if isinstance(part, dict):
            yield f"{indent}{key}:"
            yield from _yaml(part, indent + "  ")
        elif isinstance(part, list) and part and isinstance(part[0], dict):
            yield f"{indent}{key}:"
            for item in part:
                lines = list(_yaml(item, indent + "    "))
                yield f"{indent}  - {lines[0].strip()}"
                yield from lines[1:]
        elif isinstance(part, list):
            yield f"{indent}{key}:"
            yield from (f"{indent}  - {_scalar(item)}" for item in part)
        else:
            yield f"{indent}{key}: {_scalar(part)}"


def _scalar(value: str | float) -> str:
    """A value as JSON writes it, which is YAML too; every text is quoted unless it is a plain word."""
    if isinstance(value, str):
        plain = re.fullmatch(r"[a-z][a-z-]*[a-z]", value) and value not in {
            "yes",
            "no",
            "on",
            "off",
            "true",
            "false",
            "null",
        }
        return value if plain else json.dumps(one_line(value), ensure_ascii=False)
    return json.dumps(value)
