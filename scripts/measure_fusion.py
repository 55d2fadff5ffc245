"""What the picture adds to the sound, measured: `python scripts/measure_fusion.py SET [--settings FILE] [--model M]`.

SET is a folder of scripts/render_visual.py (or any DCASE2025 set with video_dev and metadata_dev whose clips the model
never learned from). Compares four answers to the same sounds: sound alone; everything forced onto the nearest person
seen (and on screen); the same only within 20 degrees; and the fusion. Classes that no person makes have nothing to be
forced onto and stay as they are heard. Uses what `detect` uses: model, light detector, two pictures a second.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from earwitness.core.events import COLUMNS, EventTable
from earwitness.core.files.cache import cache_folder
from earwitness.core.vocabulary import CLASSES
from earwitness.data.dcase.labels import LabelRows, read_table
from earwitness.detect.detector import Detector
from earwitness.fusion.fuse import fuse
from earwitness.fusion.fusion_settings import FusionSettings, default_settings, read_settings
from earwitness.metrics.counts import COLUMNS as COUNTED
from earwitness.metrics.counts import Counts, count
from earwitness.metrics.protocols import Protocol
from earwitness.vision.boxes import PERSON
from earwitness.vision.candidates import Candidate, find_candidates
from earwitness.vision.detectors.detector_registry import open_detector
from earwitness.vision.observation_cache import cached_observation
from earwitness.vision.observe import DEFAULT_RATE, Observation

FOV = 100.0
SNAP_DEG = 20.0
HUMAN = np.array([sound_class.human for sound_class in CLASSES])


@dataclass(frozen=True, eq=False)
class Clip:
    """A clip: its truth, what was heard, what was seen, how often it counts, and whether nothing moves in it."""

    name: str
    truth: EventTable
    heard: EventTable
    candidates: list[Candidate]
    observation: Observation
    weight: float = 1.0
    still: bool = False

    @property
    def photographs(self) -> bool:
        """Whether its people are photographed; see scripts/render_visual.py."""
        return int(self.name.split("_mix")[1].split("_")[0]) % 2 == 1


def load_clips(folder: Path, model: str, share: str = "0/1") -> list[Clip]:
    """Every clip of a set that is complete, in order of name; what was heard and seen is kept in the cache."""
    first, step = (int(number) for number in share.split("/"))
    detector, visual_analysis = Detector.load(model, vision=None), open_detector("pose")
    clips = []
    weights, still = read_weights(folder), read_still(folder)
    videos = {path.stem: path for path in sorted(folder.glob("video_dev/*/*.mp4"))}
    for label in sorted(folder.glob("metadata_dev/*/*.csv"))[first::step]:
        if label.stem not in videos:
            continue
        heard = _heard(detector, videos[label.stem])
        observation, _ = cached_observation(videos[label.stem], visual_analysis, DEFAULT_RATE)
        truth = read_table(label, num_frames=max(50, heard.num_frames))
        weight = weights.get(label.stem, 1.0)
        candidates = find_candidates(observation, FOV)
        clips.append(Clip(label.stem, truth, heard, candidates, observation, weight, label.stem in still))
        print(f"\r{len(clips)} clips", end="", flush=True)
    print()
    return clips


def read_weights(folder: Path) -> dict[str, float]:
    """How often clips count, where that was written down; see scripts/render_visual.py."""
    path = folder / "weights.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {name: float(weight) for name, weight in csv.reader(file)}


def read_still(folder: Path) -> set[str]:
    """Names of the clips in which nothing moves; see scripts/render_visual.py."""
    path = folder / "still.csv"
    return set(path.read_text(encoding="utf-8").split()) if path.is_file() else set()


def _heard(detector: Detector, path: Path) -> EventTable:
    """What the model hears, with its own on/off answer."""
    kept = cache_folder("measure") / f"{detector.model.sha256[:12]}_{path.stem}_{path.stat().st_mtime_ns}.npz"
    if kept.is_file():
        with np.load(kept) as file:
            return EventTable.from_columns(**{name: file[name] for name in COLUMNS}, num_frames=int(file["frames"]))
    table = detector.detect(path).table
    kept.parent.mkdir(parents=True, exist_ok=True)
    np.savez(kept, frames=table.num_frames, **{name: getattr(table, name) for name in COLUMNS})
    return table


def matched(clip: Clip) -> tuple[list[int], list[int]]:
    """Rows of what was heard, and those of their references."""
    rows, references = [], []
    for frame, index in {(int(a), int(b)) for a, b in zip(clip.heard.frame, clip.heard.class_index, strict=True)}:
        said = np.flatnonzero((clip.heard.frame == frame) & (clip.heard.class_index == index))
        real = np.flatnonzero((clip.truth.frame == frame) & (clip.truth.class_index == index))
        cost = np.abs(clip.heard.azimuth[said][:, None] - clip.truth.azimuth[real][None])
        first, second = linear_sum_assignment(cost)
        rows += said[first].tolist()
        references += real[second].tolist()
    return rows, references


def forced(clip: Clip, within: float) -> EventTable:
    """Sounds that people make, moved onto the nearest person in the picture and on screen; others as heard."""
    table = clip.heard.sorted()
    azimuth, onscreen = table.azimuth.copy(), table.onscreen.copy()
    people = [candidate for candidate in clip.candidates if candidate.label == PERSON]
    for row in range(len(table)):
        index, frame = int(table.class_index[row]), int(table.frame[row])
        places = [c.azimuth[index, frame - c.start] for c in people if c.start <= frame < c.stop]
        places = [place for place in places if np.isfinite(place)]
        if not HUMAN[index]:
            continue
        nearest = min(places, key=lambda place: abs(place - table.azimuth[row]), default=None)
        onscreen[row] = nearest is not None and abs(nearest - table.azimuth[row]) <= within
        if onscreen[row]:
            azimuth[row] = nearest
    return table.with_columns(azimuth=azimuth, onscreen=onscreen)


def answers(clips: Sequence[Clip], settings: FusionSettings) -> dict[str, Counts]:
    """Counts of each way to answer."""
    ways: dict[str, Callable[[Clip], EventTable]] = {
        "sound alone": lambda clip: clip.heard,
        "always off": lambda clip: clip.heard.with_columns(onscreen=False),
        "forced": lambda clip: forced(clip, 360.0),
        "forced within 20 deg": lambda clip: forced(clip, SNAP_DEG),
        "fusion": lambda clip: fuse(clip.heard, clip.candidates, FOV, settings).table,
    }
    return {way: counted(clips, [answer(clip) for clip in clips]) for way, answer in ways.items()}


def counted(clips: Sequence[Clip], said: Sequence[EventTable]) -> Counts:
    """What was said of each clip against its truth; each counts as often as was written down."""
    names, truths = [clip.name for clip in clips], [LabelRows.from_table(clip.truth) for clip in clips]
    return weighted(count(names, truths, [LabelRows.from_table(table) for table in said], Protocol.STRICT), clips)


def weighted(counts: Counts, clips: Sequence[Clip]) -> Counts:
    """Counts of these clips, in which each counts as often as was written down."""
    weight = {clip.name: clip.weight for clip in clips}
    each = np.array([weight[name] for name in counts.files])
    return replace(counts, values=counts.values * each[counts.index[:, 0], None])


def figures(counts: Counts) -> dict[str, NDArray[np.float64]]:
    """Per class (13,), NaN if unknown: DOAE of references on and off screen, on/off accuracy, F20/1, F20/1/on-off, RDE.

    RDE is that of all pairs, and of those whose reference is on screen.
    """
    place = {name: column for column, name in enumerate(COUNTED)}
    both = counts.by("class", "onscreen")
    each = both.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        on = both[:, 1, place["angle"]] / both[:, 1, place["pairs"]]
        off = both[:, 0, place["angle"]] / both[:, 0, place["pairs"]]
        right = each[:, place["onscreen_correct"]] / each[:, place["pairs"]]
        found, found_on = each[:, place["found"]], each[:, place["found_onscreen"]]
        wrong = each[:, place["pairs"]] + 0.5 * (each[:, place["missed"]] + each[:, place["false_alarms"]])
        relative = each[:, place["relative"]] / each[:, place["pairs"]]
        relative_on = both[:, 1, place["relative"]] / both[:, 1, place["pairs"]]
        return {
            "doae_on": on, "doae_off": off, "accuracy": right, "f": found / wrong, "f_on": found_on / wrong,
            "rde": relative, "rde_on": relative_on,
        }  # fmt: skip


def report(clips: Sequence[Clip], settings: FusionSettings) -> dict[str, object]:
    """All figures as plain values: macro over all classes, over those that people make, and over the others."""
    groups = {"all": np.ones(13, dtype=bool), "people": HUMAN, "things": ~HUMAN}
    table: dict[str, object] = {"clips": len(clips)}
    for way, counts in answers(clips, settings).items():
        of = figures(counts)
        table[way] = {
            group: {name: round(float(np.nanmean(values[mask])), 4) for name, values in of.items()}
            for group, mask in groups.items()
        } | {"per_class": {name: np.round(values, 4).tolist() for name, values in of.items()}}
    return table


def show(table: dict[str, object], title: str) -> None:
    """Print as text."""
    print(f"\n{title}: {table['clips']} clips")
    print(
        f"{'':>22} {'DOAE on':>9} {'DOAE off':>9} {'on/off %':>9} {'F20/1 %':>9} {'F on-off':>9} "
        f"{'RDE':>7} {'RDE on':>7}"
    )
    for group in ("all", "people", "things"):
        print(f"-- {group}")
        for way, values in table.items():
            if isinstance(values, dict):
                v = values[group]
                print(
                    f"{way:>22} {v['doae_on']:9.2f} {v['doae_off']:9.2f} {100 * v['accuracy']:9.1f} "
                    f"{100 * v['f']:9.1f} {100 * v['f_on']:9.1f} {v['rde']:7.3f} {v['rde_on']:7.3f}"
                )


def show_classes(table: dict[str, object]) -> None:
    """Print the gain of each class."""
    before, after = (table[way]["per_class"] for way in ("sound alone", "fusion"))  # type: ignore[index]
    columns = (("doae_on", 1), ("accuracy", 100), ("f", 100), ("rde_on", 100))
    print(f"\n{'class':>20} {'DOAE on':>16} {'on/off %':>16} {'F20/1 %':>16} {'RDE on %':>16}")
    for sound_class in CLASSES:
        k = sound_class.index
        cells = (f"{scale * before[name][k]:7.1f} ->{scale * after[name][k]:6.1f}" for name, scale in columns)
        print(f"{sound_class.name:>20} {' '.join(cells)}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--settings", type=Path, help="of the fusion; by default those that ship")
    parser.add_argument("--model", default="default")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--share", help="k/n: only hear and watch every n-th clip from k on, to be measured later")
    given = parser.parse_args()
    if given.share:
        load_clips(given.set, given.model, given.share)
        return
    settings = read_settings(given.settings) if given.settings else default_settings()
    clips = load_clips(given.set, given.model)
    whole = report(clips, settings)
    show(whole, "everything")
    show_classes(whole)
    parts = {
        "drawn people": [clip for clip in clips if not clip.photographs],
        "photographed people": [clip for clip in clips if clip.photographs],
        "something moves": [clip for clip in clips if not clip.still],
        "nothing moves": [clip for clip in clips if clip.still],
    }
    tables = {title: report(part, settings) for title, part in parts.items() if 0 < len(part) < len(clips)}
    for title, table in tables.items():
        show(table, title)
    if given.json:
        given.json.write_text(json.dumps(whole | {"parts": tables}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
