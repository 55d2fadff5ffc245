"""Fits a preset of scenes to labels of real recordings: `python scripts/fit_scenes.py LABELS OUT.json [--name starss]`.

LABELS is a CSV, also gzipped, with the columns recording, frame, class, source, azimuth, elevation (as
`shared/starss22_labels`). Only recordings whose name begins with dev-train are used, so that test rooms stay unknown.
Classes with few runs lean on all classes: their quantiles are drawn towards the common ones.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.sampling.presets import (
    FRAMES_PER_SECOND,
    LEVELS,
    LONGEST_PAUSE_FRAMES,
    MOVES_DEG,
    Run,
    ScenePreset,
    pauses_of,
    runs_of,
    windows,
)

WINDOW_SECONDS = 5.0
WINDOW = round(WINDOW_SECONDS * FRAMES_PER_SECOND)
RARE = 0.0005
"""Share of the windows below which so many sources and more are left out."""
FEW = 8
"""As many runs of a class weigh as much as what all classes together say."""
LONGEST_PAUSE = LONGEST_PAUSE_FRAMES / FRAMES_PER_SECOND


def read_labels(path: Path, prefix: str = "") -> Iterator[tuple[str, int, int, int, float, float]]:
    """Rows of the labels of recordings whose name begins with `prefix`."""
    packed = path.read_bytes()
    text = (gzip.decompress(packed) if path.suffix == ".gz" else packed).decode()
    for row in csv.DictReader(text.splitlines()):
        if row["recording"].startswith(prefix):
            yield (row["recording"], int(row["frame"]), int(row["class"]), int(row["source"]),
                   float(row["azimuth"]), float(row["elevation"]))  # fmt: skip


def quantiles(own: Sequence[float], common: Sequence[float]) -> list[float]:
    """Quantiles of a class's values, towards the common ones where there are few."""
    share = len(own) / (len(own) + FEW)
    mixed = share * np.quantile(own, LEVELS) + (1 - share) * np.quantile(common, LEVELS) if len(own) else None
    return [round(float(value), 2) for value in (mixed if mixed is not None else np.quantile(common, LEVELS))]


def places_of(runs: Sequence[Run]) -> dict[int, list[float]]:
    """By class, the median elevation of each source: many runs in one place say one thing."""
    frames: dict[tuple[int, str, int], list[float]] = defaultdict(list)
    for run in runs:
        frames[run.class_index, run.recording, run.source].extend(run.elevation.tolist())
    places: dict[int, list[float]] = defaultdict(list)
    for (class_index, _, _), elevation in frames.items():
        places[class_index].append(float(np.median(elevation)))
    return places


def of_own(own: Sequence[float]) -> list[float]:
    """Quantiles of a class's values alone."""
    return [round(float(value), 2) for value in np.quantile(own, LEVELS)]


def fit(runs: Sequence[Run], name: str) -> dict[str, Any]:
    """Plain values of a preset."""
    pauses = pauses_of(runs)
    short = [pause for own in pauses.values() for pause in own if pause < LONGEST_PAUSE]
    places = [place for own in places_of(runs).values() for place in own]
    turns = [run.turn_deg / run.seconds for run in runs if run.turn_deg > MOVES_DEG]
    seen = list(windows(runs, WINDOW, WINDOW))
    all_together = sum(len(sources) - 1 for sources in seen if sources)
    pairs = sum(len(sources) - len({number for number, _ in sources}) for sources in seen) / max(all_together, 1)
    classes = {}
    for sound in CLASSES:
        own = [run for run in runs if run.class_index == sound.index]
        moving = [run for run in own if run.turn_deg > MOVES_DEG]
        gaps = [pause for pause in pauses[sound.index] if pause < LONGEST_PAUSE]
        further = together = 0
        for sources in seen:
            number = sum(class_index == sound.index for class_index, _ in sources)
            if number:
                further += number - 1
                together += len(sources) - 1
        classes[sound.slug] = {
            "elevation_deg": quantiles(places_of(own)[sound.index], places),
            "run_seconds": of_own([run.seconds for run in own]),
            "pause_seconds": quantiles(gaps, short),
            "resumes": round(len(gaps) / len(pauses[sound.index]), 3),
            "moves": round(len(moving) / len(own), 3),
            "turn_deg_per_second": quantiles([run.turn_deg / run.seconds for run in moving], turns),
            "pairs": round((further + FEW * pairs) / (together + FEW), 3),
        }
    counts = np.bincount([len(sources) for sources in seen])
    often = np.flatnonzero(counts >= RARE * counts.sum())[-1]
    weights = [round(float(value), 4) for value in (counts / counts.sum())[: often + 1]]
    return {"name": name, "source_weights": weights, "window_seconds": WINDOW_SECONDS, "classes": classes}


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labels", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--name", default="starss")
    parser.add_argument("--prefix", default="dev-train", help="of the recordings that are used")
    asked = parser.parse_args()
    values = fit(runs_of(read_labels(asked.labels, asked.prefix)), asked.name)
    ScenePreset.model_validate(values)
    asked.out.write_text(json.dumps(values, indent=1) + "\n")
    print(f"{asked.out}: {len(values['classes'])} classes, sources in {WINDOW_SECONDS:g} s {values['source_weights']}")


if __name__ == "__main__":
    main()
