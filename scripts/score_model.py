"""Scores a model on a set of `earwitness synthesize`: `python scripts/score_model.py SET OUT [--model M]`.

More than `evaluate` can say, for it looks into the scenes' recipes and into the model: scores by signal-to-noise ratio
and by whether a source moves, what is confused with what, what the score would be had class or place been known, and
whether scores are probabilities. The first table compares with what is wanted of a shipped model. In OUT it writes
scores.json, scores.md, counts.npz, curves.npy and reliability.png.

With --versus OUT2, which an earlier call for another model wrote, it adds the paired differences. With --intervals it
tells how many of the matched events lie within the model's intervals, and how wide these are; sets of other presets and
microphones show what is not promised.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from interval_tables import interval_lines, interval_report
from model_goals import bias_lines, goal_lines, goals
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.core.multi_accddoa import X, Y, decode, encode
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.data.dcase.labels import LabelRows, read_rows
from earwitness.detect.live_stream import MERGE_DEG
from earwitness.detect.model.loading import load
from earwitness.detect.model.model_files import DEFAULT_MODEL
from earwitness.media.sound.audio import read_audio
from earwitness.metrics import Counts, Protocol, Scores, count, jackknife
from earwitness.metrics.counts import COLUMNS, CONDITIONS
from earwitness.metrics.curves import (
    Reliability,
    as_tables,
    curve_intervals,
    curve_sums,
    curves,
    expected_calibration_error,
    recall_by_bin,
)
from earwitness.metrics.matching import matched_pairs
from earwitness.metrics.protocols import AZIMUTH_THRESHOLD_DEG, RELATIVE_DISTANCE_THRESHOLD
from earwitness.render.score_plots import plot_reliability
from earwitness.results.detection import off_screen
from earwitness.scenes.bank.sound_bank import INTERFERENCE
from earwitness.scenes.scene import SceneRecipe

FloatArray = NDArray[np.float64]

RULES: Final = Protocol.STRICT
SNR_EDGES_DB: Final = (0.0, 10.0, 20.0)
SNR_LABELS: Final = ("below 0 dB", "0..10 dB", "10..20 dB", "20 dB and more")
MOTION_LABELS: Final = ("static", "moving")
OFTEN: Final = 0.1
"""Share of its frames from which on a confusion is told."""


@dataclass(frozen=True)
class Clip:
    """A scene of the set: name, truth, each label row's signal-to-noise ratio and whether it moves, the microphone.

    The ratio is that of the direct sound at the microphone to the bed, both in W.
    """

    name: str
    rows: LabelRows
    snr_db: FloatArray
    moving: NDArray[np.bool_]
    microphone: str = "ideal"


def read_set(folder: Path) -> tuple[list[Clip], list[Path]]:
    """Clips of a data set that `synthesize` wrote, and their sounds."""
    labels = sorted((folder / "metadata_dev").glob("*/*.csv"))
    clips, sounds = [], []
    for path in labels:
        split = path.parent.name
        recipe = SceneRecipe.from_json((folder / "recipes_dev" / split / f"{path.stem}.json").read_text())
        clips.append(with_conditions(path.stem, read_rows(path), recipe))
        sounds.append(folder / "stereo_dev" / split / f"{path.stem}.wav")
    return clips, sounds


def with_conditions(name: str, rows: LabelRows, recipe: SceneRecipe) -> Clip:
    """Labels with what the recipe says of their sources, which are numbered class by class in its order."""
    targets = [event for event in recipe.events if event.kind != INTERFERENCE]
    snr, moving = np.zeros(len(rows)), np.zeros(len(rows), dtype=bool)
    for sound in CLASSES:
        own = [event for event in targets if event.kind == sound.slug]
        for number, event in enumerate(own):
            here = (rows.class_index == sound.index) & (rows.source == number)
            level = event.level_db - 20 * np.log10(np.maximum(rows.distance_cm[here], 1) / 100)
            snr[here], moving[here] = level - recipe.noise.level_db, len(event.rirs) > 1
    flawed = "" if recipe.flaws is None else " with flaws"
    return Clip(name, rows, snr, moving, f"{recipe.microphone}{flawed}")


@dataclass(frozen=True)
class Answers:
    """What a model says of a set: fields (clips, frames, 3, 13, 4), calibrated, and events as `detect` writes them."""

    fields: NDArray[np.float32]
    events: list[EventTable]


def listen(model: str, sounds: Sequence[Path]) -> Answers:
    """Run a model on sound files, as `detect` does on files without pictures."""
    runner, _ = load(model)
    card = runner.card
    fields, events = [], []
    for path in sounds:
        output = np.concatenate(list(runner.outputs([read_audio(path, rate=card.features.sample_rate)])))
        table = off_screen(
            decode(output, threshold=card.thresholds, merge_deg=MERGE_DEG, vocabulary=card.vocabulary.vocabulary())
        )
        fields.append(output)
        events.append(card.smoothing.apply(table))
    return Answers(np.stack(fields), events)


def counted(clips: Sequence[Clip], events: Sequence[EventTable]) -> Counts:
    """Additive counts of the set."""
    return count(
        [clip.name for clip in clips], [clip.rows for clip in clips], [LabelRows.from_table(t) for t in events], RULES
    )


def pooled(counts: Counts, dimension: str) -> dict[str, list[float]]:
    """Pooled F20/1 under each value of a condition, with jackknife interval."""
    result = {}
    for position, label in enumerate(CONDITIONS[dimension]):
        part = counts.only(dimension, position)
        if not part.by("class")[:, [COLUMNS.index("pairs"), COLUMNS.index("missed")]].sum():
            continue
        interval = jackknife(part, RULES).of("micro", "f_score")
        result[label] = [interval.estimate, interval.low, interval.high]
    return result


def confusion(clips: Sequence[Clip], events: Sequence[EventTable]) -> FloatArray:
    """Share of the frames with one true source in which each class is reported: (13 true, 13 reported and nothing)."""
    table = np.zeros((NUM_CLASSES, NUM_CLASSES + 1))
    frames = np.zeros(NUM_CLASSES)
    for clip, answer in zip(clips, events, strict=True):
        lone, where = np.unique(clip.rows.frame, return_index=True)
        alone = np.bincount(clip.rows.frame)[lone] == 1
        for frame, index in zip(lone[alone], clip.rows.class_index[where[alone]], strict=True):
            said = np.unique(answer.class_index[answer.frame == frame])
            table[index, said if said.size else NUM_CLASSES] += 1
            frames[index] += 1
    return table / np.maximum(frames, 1)[:, None]


def with_known_classes(clips: Sequence[Clip], fields: NDArray[np.float32]) -> list[EventTable]:
    """Events had the model been told which classes sound when: its directions and distances alone decide."""
    result = []
    for clip, output in zip(clips, fields, strict=True):
        sounds = encode(clip.rows.to_table(len(output))).active.any(axis=1)[:, None]
        length = np.maximum(np.hypot(output[..., X], output[..., Y]), 1e-6)
        told = output.copy()
        told[..., : Y + 1] *= (sounds / length)[..., None]
        result.append(off_screen(decode(told, threshold=0.5, merge_deg=MERGE_DEG)))
    return result


def with_known_places(counts: Counts) -> float:
    """Macro F had every answer been at the right place: classes and times alone decide."""
    table = counts.by("class")
    pairs, missed, false = (table[:, COLUMNS.index(name)] for name in ("pairs", "missed", "false_alarms"))
    occurs = pairs + missed + false > 0
    return float(np.mean(pairs[occurs] / (pairs + (missed + false) / 2)[occurs]))


def places(clips: Sequence[Clip], events: Sequence[EventTable]) -> dict[str, Any]:
    """Of the matched pairs: how many are off in angle, how many in distance, and how distances hang together."""
    pairs = matched_pairs([clip.rows for clip in clips], [LabelRows.from_table(table) for table in events], RULES)
    true, said = (np.maximum(cm, 1) / 100 for cm in (pairs.distance_cm, pairs.answered_distance_cm))
    quantiles = (0.1, 0.5, 0.9)
    return {
        "off_in_angle": float(np.mean(np.abs(pairs.azimuth - pairs.answered_azimuth) > AZIMUTH_THRESHOLD_DEG)),
        "off_in_distance": float(np.mean(np.abs(said - true) / true > RELATIVE_DISTANCE_THRESHOLD)),
        "correlation_of_log_distance": float(np.corrcoef(np.log(true), np.log(said))[0, 1]),
        "true_metres": np.quantile(true, quantiles).tolist(),
        "answered_metres": np.quantile(said, quantiles).tolist(),
    }


def report(clips: Sequence[Clip], answers: Answers, picture: Path | None = None) -> dict[str, Any]:
    """Everything about one model."""
    counts = counted(clips, answers.events)
    scores, intervals = Scores.from_counts(counts, RULES), jackknife(counts, RULES)
    activity = np.hypot(answers.fields[..., X], answers.fields[..., Y]).max(axis=2).astype(np.float64)
    truth = np.stack([encode(clip.rows.to_table(activity.shape[1])).active.any(axis=1) for clip in clips])
    if picture is not None:
        plot_reliability([Reliability.of(activity[..., c], truth[..., c]) for c in range(NUM_CLASSES)], picture)
    rows = [clip.rows for clip in clips]
    snr = [np.searchsorted(SNR_EDGES_DB, clip.snr_db, side="right") for clip in clips]
    known = Scores.from_counts(counted(clips, with_known_classes(clips, answers.fields)), RULES).macro
    return {
        "scores": scores.as_dict(),
        "intervals": intervals.as_dict(),
        "by": {name: pooled(counts, name) for name in ("overlap", "distance", "azimuth")},
        "by_snr": {"bins": SNR_LABELS, **recall_by_bin(rows, answers.events, snr, len(SNR_LABELS))},
        "by_motion": {
            "bins": MOTION_LABELS,
            **recall_by_bin(rows, answers.events, [clip.moving.astype(np.int64) for clip in clips], 2),
        },
        "curves": curves(rows, [LabelRows.from_table(table) for table in answers.events]),
        "places": places(clips, answers.events),
        "confusion": confusion(clips, answers.events).round(4).tolist(),
        "known_classes": {"f_score": known.f_score, "doa_error_deg": known.doa_error_deg},
        "known_places": with_known_places(counts),
        "calibration_error": expected_calibration_error(activity, truth),
        "calibration_error_of_each_class": [
            expected_calibration_error(activity[..., index], truth[..., index]) for index in range(NUM_CLASSES)
        ],
    }


def markdown(result: dict[str, Any]) -> str:
    """The report as tables."""
    parts = (_averages(result), _classes(result), _conditions(result), as_tables(result["curves"]), _reasons(result))
    return "\n".join([*(line for part in parts for line in part), ""])


def _show(value: float | None, digits: int) -> str:
    return "–" if value is None or np.isnan(value) else f"{value:.{digits}f}"


def _between(bounds: Sequence[float] | None, digits: int) -> str:
    return "–" if bounds is None else f"{bounds[0]:.{digits}f} .. {bounds[1]:.{digits}f}"


def _averages(result: dict[str, Any]) -> list[str]:
    rows = (("F20/1", "macro", "f_score", 3), ("F20/1 with on/off", "macro_onscreen", "f_score", 3),
            ("DOAE (deg)", "macro", "doa_error_deg", 1), ("RDE", "macro", "relative_distance_error", 3))  # fmt: skip
    lines = ["| | macro | 95 % |", "|---|---|---|"]
    for head, average, name, digits in rows:
        bounds = _between(result["intervals"][average][name], digits)
        lines.append(f"| {head} | {_show(result['scores'][average][name], digits)} | {bounds} |")
    return lines


def _classes(result: dict[str, Any]) -> list[str]:
    each, on = (result["scores"][name]["per_class"] for name in ("macro", "macro_onscreen"))
    bounds = result["intervals"]["macro"]["per_class"]["f_score"]
    lines = ["", "| class | F20/1 | 95 % | with on/off | DOAE (deg) | RDE | calibration error |"]
    lines.append("|---|---|---|---|---|---|---|")
    for sound in CLASSES:
        i = sound.index
        cells = (
            sound.name, _show(each["f_score"][i], 3), _between(bounds[i], 2), _show(on["f_score"][i], 3),
            _show(each["doa_error_deg"][i], 1), _show(each["relative_distance_error"][i], 2),
            _show(result["calibration_error_of_each_class"][i], 3),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _conditions(result: dict[str, Any]) -> list[str]:
    lines = []
    for dimension, part in result["by"].items():
        lines += ["", f"| by {dimension} | F20/1 (pooled) | 95 % |", "|---|---|---|"]
        lines += [f"| {label} | {value:.3f} | {low:.3f} .. {high:.3f} |" for label, (value, low, high) in part.items()]
    for name, head in (("by_snr", "by signal-to-noise ratio"), ("by_motion", "by motion")):
        part = result[name]
        lines += ["", f"| {head} | labels | found | 95 % | DOAE (deg) | RDE |", "|---|---|---|---|---|---|"]
        for i, label in enumerate(part["bins"]):
            (value, low, high), angle, far = (
                part["found"][i],
                part["doa_error_deg"][i],
                part["relative_distance_error"][i],
            )
            lines.append(
                f"| {label} | {part['labels'][i]:,.0f} | {value:.3f} | {low:.3f} .. {high:.3f} | "
                f"{angle[0]:.1f} ({angle[1]:.1f} .. {angle[2]:.1f}) | {far[0]:.2f} ({far[1]:.2f} .. {far[2]:.2f}) |"
            )
    return lines


def _reasons(result: dict[str, Any]) -> list[str]:
    known = result["known_classes"]
    lines = [
        "",
        f"Had classes and times been known: F20/1 {known['f_score']:.3f}, DOAE {known['doa_error_deg']:.1f} deg.",
    ]
    lines.append(f"Had places been known: F20/1 {result['known_places']:.3f}.")
    lines.append(f"Calibration error {result['calibration_error']:.3f}.")
    where = result["places"]
    said, true = (" / ".join(f"{value:.2f}" for value in where[name]) for name in ("answered_metres", "true_metres"))
    lines.append(
        f"Of matched pairs {where['off_in_angle']:.1%} are off in angle, {where['off_in_distance']:.1%} in distance; "
        f"answered distances (10 / 50 / 90 %) {said} m, true ones {true} m, "
        f"correlation of the logarithms {where['correlation_of_log_distance']:.2f}."
    )
    lines += ["", "| a lone | is reported | and as well | nothing is |", "|---|---|---|---|"]
    for sound, row in zip(CLASSES, result["confusion"], strict=True):
        others = sorted(
            ((share, CLASSES[i].name) for i, share in enumerate(row[:-1]) if i != sound.index), reverse=True
        )
        told = ", ".join(f"{name} {share:.0%}" for share, name in others[:4] if share >= OFTEN)
        lines.append(f"| {sound.name} | {row[sound.index]:.0%} | {told} | {row[-1]:.0%} |")
    return lines


def main() -> None:
    """Score, and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--versus", type=Path, metavar="OUT2", help="what was written for another model")
    parser.add_argument("--intervals", action="store_true", help="check the model's intervals, too")
    asked = parser.parse_args()
    clips, sounds = read_set(asked.set)
    asked.out.mkdir(parents=True, exist_ok=True)
    answers = listen(asked.model, sounds)
    result, counts = report(clips, answers, asked.out / "reliability.png"), counted(clips, answers.events)
    sums = curve_sums([clip.rows for clip in clips], [LabelRows.from_table(table) for table in answers.events])
    result["goals"], result["curve_figures"] = goals(counts, sums, asked.versus), curve_intervals(sums)
    text = "\n".join([*goal_lines(result["goals"]), *bias_lines(result["curve_figures"]), markdown(result)])
    if asked.intervals:
        snr = [np.searchsorted(SNR_EDGES_DB, np.median(clip.snr_db) if clip.snr_db.size else 0.0) for clip in clips]
        tables = [clip.rows.to_table(table.num_frames) for clip, table in zip(clips, answers.events, strict=True)]
        named = {
            "signal-to-noise ratio of the clip": [SNR_LABELS[number] for number in snr],
            "microphone": [clip.microphone for clip in clips],
        }
        result["event_intervals"] = interval_report(asked.model, tables, answers.events, named)
        text += "\n".join([*interval_lines(result["event_intervals"]), ""])
    if asked.versus:
        gains = jackknife(counts, RULES, minus=Counts.load(asked.versus / "counts.npz"))
        result["versus"] = gains.as_dict()
    counts.save(asked.out / "counts.npz")
    np.save(asked.out / "curves.npy", sums)
    (asked.out / "scores.json").write_text(json.dumps(result, indent=1) + "\n")
    (asked.out / "scores.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
