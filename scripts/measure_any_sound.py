"""Measure `detect --labels any` on scenes that hold nothing but kinds of sound that no training has met.

    python scripts/measure_any_sound.py --bank BANK --model MODEL [--scenes 60] [--out FILE.json]

The kinds are those of `measure_learn.py`: the recordings with a weight of 0 in recipes/bank-weights.yaml. All events of
the model's classes are false here; they are counted as decoded, as the card keeps them, and with `--labels any`. Of the
other sounds, it counts how many references are found (an event that shares half of the shorter one's time, within 20
degrees), how many of those have a right name, and the events that are no reference. For comparison, YAMNet tags the
plain mix: its threshold is the lowest with at most as many false events a minute as there are false or wrongly named
other sounds; it has no directions, so that half of the time suffices there. Last, the share of the events that are
found with their class in ordinary scenes (the split "valid" of the bank), in the same three ways, and F20/1 on scenes
of the preset `starss`, with and without the events that the card drops. `--half test` leaves out the recordings that
`fit_any_sound.py` has used. The last lines are the tables of docs/any-sound.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Final

import numpy as np
from measure_learn import unseen_kinds

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.errors import MissingWeightsError
from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import DCASE2025
from earwitness.detect.any_sound.class_free import NEAR_DEG
from earwitness.detect.any_sound.tagging import SoundNames, load_tagger
from earwitness.detect.decoded_sound import decode_sound
from earwitness.detect.detector import Detector
from earwitness.detect.model.loading import load
from earwitness.detect.runner.model_runner import Runner
from earwitness.metrics import score_tables
from earwitness.scenes.acoustics.rir_pool import PoolConfig, RirPool
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.sound_bank import BACKGROUND, SoundBank
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.scene import SAMPLE_RATE, Scene
from earwitness.scenes.synthesizer import Synthesizer

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "dogs": ("dog",), "roosters": ("chicken",), "sneezes": ("sneezing", "coughing"), "clocks": ("clock",),
    "chainsaws": ("chainsaw",), "babies": ("crying_baby",), "typing": ("typing",),
    "peeling": ("crumpling", "scraping", "rustling"), "keys": ("keys", "coins"), "horses": ("horse",),
    "birds": ("bird", "pigeon", "crow", "owl", "duck_or_goose"), "whistles": ("whistling", "whistle"),
}  # fmt: skip
"""The right names of each kind."""
_STEPS: Final = np.arange(0.02, 1.0, 0.02)


@dataclass(slots=True)
class Counts:
    """Sums over scenes."""

    minutes: float = 0.0
    references: int = 0
    found: int = 0
    named: int = 0
    false: int = 0
    misnamed: int = 0
    every: int = 0
    before: int = 0
    after: int = 0


def unseen_bank(root: Path) -> SoundBank:
    """The unseen kinds as classes, and backgrounds."""
    whole = SoundBank.open(root)
    bad, kinds = unusable_sounds(whole), unseen_kinds()
    vocabulary = vocabulary_of(kinds, "unseen kinds")
    chosen = [sound for sound in whole.sounds if sound.kind == BACKGROUND and sound.name not in bad]
    for slug, patterns in zip(vocabulary.slugs, kinds.values(), strict=True):
        chosen += [
            replace(sound, kind=slug)
            for sound in whole.sounds
            if sound.name not in bad and any(fnmatchcase(sound.name, pattern) for pattern in patterns)
        ]
    present = {sound.kind for sound in chosen}
    kept = vocabulary_of([slug for slug in vocabulary.slugs if slug in present], "unseen kinds")
    return SoundBank(root, tuple(chosen), vocabulary=kept)


def half_of(bank: SoundBank, half: str) -> SoundBank:
    """The backgrounds, and every second group of recordings of each kind: "fit" or "test"; "all" keeps all."""
    if half == "all":
        return bank
    groups: dict[str, set[str]] = {}
    for sound in bank.sounds:
        groups.setdefault(sound.kind, set()).add(sound.group or sound.name)
    kept = {kind: set(sorted(own)[half == "test" :: 2]) for kind, own in groups.items()}
    chosen = tuple(one for one in bank.sounds if one.kind == BACKGROUND or (one.group or one.name) in kept[one.kind])
    return SoundBank(bank.root, chosen, vocabulary=bank.vocabulary)


def shared(one: SoundEvent, other: SoundEvent) -> bool:
    """Whether two events share half of the time of the shorter one."""
    time = min(one.end, other.end) - max(one.start, other.start)
    return time >= 0.5 * min(one.end - one.start, other.end - other.start)


def located(one: SoundEvent, other: SoundEvent) -> bool:
    """Whether two events are also in one direction."""
    return shared(one, other) and abs(one.azimuth - other.azimuth) <= NEAR_DEG


def right(name: str, reference: SoundEvent) -> bool:
    """Whether a name is one of the reference's kind."""
    return name in NAMES.get(reference.sound_class.slug, ())


def count(counts: Counts, references: Sequence[SoundEvent], before: EventTable, after: EventTable) -> None:
    """Add the events of a scene."""
    own = len(DCASE2025)
    events = after.events()
    others = [event for event in events if event.sound_class.index >= own]
    counts.minutes += before.num_frames / 600
    counts.references += len(references)
    counts.before += len(before.events())
    counts.after += len(events) - len(others)
    for reference in references:
        hits = [event for event in others if located(event, reference)]
        counts.found += bool(hits)
        counts.named += any(right(hit.sound_class.slug, reference) for hit in hits)
    for event in others:
        hits = [reference for reference in references if located(event, reference)]
        counts.false += not hits
        counts.misnamed += bool(hits) and not any(right(event.sound_class.slug, hit) for hit in hits)


def tagged(scene: Scene, names: SoundNames, tagger: Any) -> list[tuple[str, np.ndarray]]:
    """The probability of each other sound every 0.48 s of the plain mix."""
    logits = tagger.tag(scene.audio, SAMPLE_RATE).tokens[:, 0]
    probabilities = 1 / (1 + np.exp(-np.clip(logits, -50, 50)))
    return [(sound.slug, values) for sound, values in names.scores(probabilities)]


def plain_mix(scenes: Sequence[Scene], limit: float) -> dict[str, float]:
    """Recall of YAMNet on the plain mix with at most `limit` false events a minute."""
    tagger = load_tagger()
    assert tagger is not None
    names = SoundNames(DCASE2025, tagger)
    scores = [tagged(scene, names, tagger) for scene in scenes]
    minutes = sum(scene.labels.num_frames for scene in scenes) / 600
    for threshold in _STEPS:
        false = recalled = total = 0
        for scene, sounds in zip(scenes, scores, strict=True):
            references, hits = scene.labels.events(), set()
            for slug, values in sounds:
                for begin, end in _runs(values >= threshold):
                    event = EventTable.from_columns(
                        frame=np.arange(begin, end), class_index=0, azimuth=0, distance=1
                    ).events()[0]
                    ours = [n for n, one in enumerate(references) if right(slug, one) and shared(event, one)]
                    hits |= set(ours)
                    false += not ours
            recalled, total = recalled + len(hits), total + len(references)
        if false / minutes <= limit:
            break
    return {"threshold": round(float(threshold), 2), "recall": round(recalled / max(total, 1), 3),
            "false_a_minute": round(false / minutes, 2)}  # fmt: skip


def _runs(active: np.ndarray) -> list[tuple[int, int]]:
    """Label frames of each run of tokens that last 0.48 s."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    return [(round(begin * 4.8), round(end * 4.8)) for begin, end in edges.reshape(-1, 2).tolist()]


def class_tables(detector: Detector, runner: Runner, scene: Scene) -> dict[str, EventTable]:
    """Events of a scene: all of the classes, those that the card keeps, and those with any sound."""
    card = runner.card
    decoded = decode_sound([scene.audio], runner.at(None), card.thresholds).table
    tables = {"every": card.smoothing.keeping_unlikely().apply(decoded), "classes": card.smoothing.apply(decoded)}
    return tables | {"any": detector.detect_array(scene.audio, SAMPLE_RATE, labels="any").table}


def measure(
    detector: Detector, runner: Runner, scenes: Sequence[Scene], report: Callable[[int], None]
) -> dict[str, Any]:
    """All figures of scenes of unseen sounds."""
    counts = Counts()
    for number, scene in enumerate(scenes, start=1):
        tables = class_tables(detector, runner, scene)
        counts.every += len(tables["every"].events())
        count(counts, scene.labels.events(), tables["classes"], tables["any"])
        report(number)
    minutes = counts.minutes
    wrong = (counts.false + counts.misnamed) / minutes
    false = {"every": counts.every, "classes": counts.before, "any": counts.after}
    result: dict[str, Any] = {
        "scenes": len(scenes),
        "minutes": round(minutes, 2),
        "references": counts.references,
        "false_class_events_a_minute": {name: round(number / minutes, 2) for name, number in false.items()},
        "located_recall": round(counts.found / max(counts.references, 1), 3),
        "located_and_named_recall": round(counts.named / max(counts.references, 1), 3),
        "false_other_sounds_a_minute": round(counts.false / minutes, 2),
        "false_or_misnamed_a_minute": round(wrong, 2),
    }
    if load_tagger() is not None:
        result["yamnet_on_the_mix"] = plain_mix(scenes, wrong)
    return result


def class_recall(detector: Detector, runner: Runner, scenes: Sequence[Scene]) -> dict[str, float]:
    """Share of the events of ordinary scenes that are found with their class, in three ways."""
    found, total = dict.fromkeys(("every", "classes", "any"), 0), 0
    for scene in scenes:
        references = scene.labels.events()
        total += len(references)
        for name, table in class_tables(detector, runner, scene).items():
            events = table.events()
            found[name] += sum(
                any(event.sound_class.slug == one.sound_class.slug and located(event, one) for event in events)
                for one in references
            )
    return {name: round(number / max(total, 1), 3) for name, number in found.items()}


def class_scores(runner: Runner, scenes: Iterable[Scene]) -> dict[str, Any]:
    """F20/1 with and without the events that the card drops."""
    card, references = runner.card, []
    tables: dict[str, list[EventTable]] = {"every": [], "classes": []}
    for scene in scenes:
        references.append(scene.labels)
        decoded = decode_sound([scene.audio], runner.at(None), card.thresholds).table
        tables["every"].append(card.smoothing.keeping_unlikely().apply(decoded))
        tables["classes"].append(card.smoothing.apply(decoded))
    each = {}
    for name, some in tables.items():
        per_class = score_tables(references, some).macro.per_class
        assert per_class is not None
        each[name] = np.asarray(per_class.f_score)
    change = np.nan_to_num(each["classes"] - each["every"])
    slugs = card.vocabulary.vocabulary().slugs
    return {
        "scenes": len(references),
        "macro": {name: round(float(np.nanmean(values)), 3) for name, values in each.items()},
        "worst_class": {name: round(float(np.nanmin(values)), 3) for name, values in each.items()},
        "change_by_class": {slug: round(float(value), 3) for slug, value in zip(slugs, change, strict=True)},
    }


def table_lines(result: dict[str, Any]) -> list[str]:
    """The tables of docs/any-sound.md, in Markdown."""
    false, recall, scores = (result[name] for name in ("false_class_events_a_minute", "class_recall", "class_scores"))
    lost = min(scores["change_by_class"], key=lambda slug: scores["change_by_class"][slug])
    shares = " | ".join(f"{100 * recall[name]:.1f} %" for name in ("every", "classes", "any"))
    macro, worst = (
        " | ".join(f"{scores[name][key]:.3f}" for key in ("every", "classes")) for name in ("macro", "worst_class")
    )
    lines = [
        "| | every event | those that are kept | with `--labels any` |",
        "|---|---|---|---|",
        f"| events of the classes a minute, all false | {' | '.join(f'{value:.1f}' for value in false.values())} |",
        f"| share of the events of ordinary scenes found with their class | {shares} |",
        f"| F20/1 on {scores['scenes']} scenes of the preset | {macro} | |",
        f"| F20/1 of the worst class there | {worst} | |",
        "",
        f"(the class that loses most: {lost}, {scores['change_by_class'][lost]:+.3f})",
        "",
        "| | share | a minute |",
        "|---|---|---|",
        f"| unseen events found in their place, as other sounds | {100 * result['located_recall']:.1f} % | "
        f"{result['false_other_sounds_a_minute']:.1f} false |",
        f"| found in their place with a right name | {100 * result['located_and_named_recall']:.1f} % | "
        f"{result['false_or_misnamed_a_minute']:.1f} false or misnamed |",
    ]
    if "yamnet_on_the_mix" in result:
        mix = result["yamnet_on_the_mix"]
        found = f"{100 * mix['recall']:.1f} % | {mix['false_a_minute']:.1f} wrong |"
        lines.append(f"| YAMNet on the plain mix: with a right name, without direction | {found}")
    return lines


def main() -> None:
    """Render the scenes and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bank", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--rooms", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1_000_003)
    parser.add_argument("--half", choices=("all", "fit", "test"), default="all", help="half of the recordings")
    parser.add_argument("--preset-scenes", type=int, default=600)
    parser.add_argument("--preset-seed", type=int, default=55_117)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if load_tagger() is None:
        print(MissingWeightsError("yamnet", "the cache"), file=sys.stderr)
    pool = RirPool.open(PoolConfig(rooms=asked.rooms, seed=asked.seed))
    synthesizer = Synthesizer(
        half_of(unseen_bank(asked.bank), asked.half), pool, SceneConfig(interference_probability=0.0)
    )
    scenes = [synthesizer.scene(np.random.SeedSequence((asked.seed, number))) for number in range(asked.scenes)]
    runner, model = load(asked.model)
    detector = Detector(runner, model)
    result = measure(detector, runner, scenes, lambda done: print(f"{done} of {asked.scenes}", file=sys.stderr))
    ordinary = Synthesizer.from_bank(asked.bank, split="valid", rooms=PoolConfig(rooms=asked.rooms, seed=asked.seed))
    result["class_recall"] = class_recall(
        detector,
        runner,
        [ordinary.scene(np.random.SeedSequence((asked.seed, number))) for number in range(asked.scenes)],
    )
    preset = Synthesizer.from_bank(
        asked.bank, split="valid", rooms=PoolConfig(rooms=60, seed=asked.preset_seed + 1, kind="varied"),
        config=SceneConfig(preset="starss"), without=unusable_sounds(SoundBank.open(asked.bank)),
    )  # fmt: skip
    seeds = (np.random.SeedSequence((asked.preset_seed, number)) for number in range(asked.preset_scenes))
    result["class_scores"] = class_scores(runner, map(preset.scene, seeds))
    text = json.dumps(result, indent=1)
    print(text, *table_lines(result), sep="\n")
    if asked.out:
        asked.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
