"""Scene presets: named distributions as plain data for recipes, and statistics of labels to fit them to."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from earwitness.core.errors import UsageError
from earwitness.core.schema import StrictModel
from earwitness.core.vocabulary import DCASE2025

LEVELS: Final = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Levels of the quantiles; distributions are linear between them and truncated outside."""
_Elevation = Annotated[float, Field(ge=-90, le=90)]
_Amount = Annotated[float, Field(le=3600)]
"""Seconds, or degrees per second."""
Elevations = Annotated[tuple[_Elevation, ...], Field(min_length=len(LEVELS), max_length=len(LEVELS))]
Quantiles = Annotated[tuple[_Amount, ...], Field(min_length=len(LEVELS), max_length=len(LEVELS))]
Share = Annotated[float, Field(ge=0, le=1)]
_Weight = Annotated[float, Field(ge=0, le=1e6)]

FRAMES_PER_SECOND: Final = 10
LONGEST_PAUSE_FRAMES: Final = 50
"""After a longer pause, a source counts as a new one."""
MOVES_DEG: Final = 5.0
"""A run counts as moving if its directions differ by more than this."""


class ClassScenes(StrictModel):
    """Distributions of the sources of one class.

    Attributes:
        elevation_deg: quantiles at `LEVELS` of the elevation from the microphone, degrees.
        run_seconds: quantiles of the duration of a run (activity without a pause).
        pause_seconds: quantiles of the pauses between runs of a source.
        resumes: probability that a run is followed by a pause and another run.
        moves: probability that a source moves while active.
        turn_deg_per_second: quantiles of the angular speed of moving sources.
        pairs: probability that another source of a scene with this class is of the same class.
    """

    elevation_deg: Elevations
    run_seconds: Quantiles
    pause_seconds: Quantiles
    resumes: Share
    moves: Share
    turn_deg_per_second: Quantiles
    pairs: Share

    @model_validator(mode="after")
    def _ordered(self) -> ClassScenes:
        for name in ("elevation_deg", "run_seconds", "pause_seconds", "turn_deg_per_second"):
            values = getattr(self, name)
            if any(low > high for low, high in pairwise(values)):
                raise ValueError(f"{name}: quantiles must not fall")
            if name != "elevation_deg" and values[0] < 0:
                raise ValueError(f"{name}: must not be negative")
        if self.run_seconds[-1] <= 0:
            raise ValueError("run_seconds: a sound that lasts no time is none")
        return self


class ScenePreset(StrictModel):
    """Distributions of scenes.

    Attributes:
        name: name of the preset.
        source_weights: relative frequency of 0, 1, 2, ... sources in `window_seconds`.
        window_seconds: length of the windows that the weights were counted in.
        classes: distributions of each class, by slug.
    """

    name: str = Field("own", min_length=1, max_length=200)
    source_weights: Annotated[tuple[_Weight, ...], Field(min_length=2, max_length=100)]
    window_seconds: float = Field(5.0, gt=0, le=3600)
    classes: dict[str, ClassScenes]

    @model_validator(mode="after")
    def _complete(self) -> ScenePreset:
        known = set(DCASE2025.slugs)
        missing, foreign = sorted(known - self.classes.keys()), sorted(self.classes.keys() - known)
        if missing or foreign:
            what = [f"lacks {', '.join(missing)}"] if missing else []
            what += [f"has unknown classes: {', '.join(foreign)}"] if foreign else []
            raise ValueError(f"the preset {' and '.join(what)}")
        if not sum(self.source_weights[1:]):
            raise ValueError("source_weights: not all zero from the second on")
        return self

    def scenes_of(self, slug: str) -> ClassScenes:
        """Distributions of a class; those of a class without its own are the medians over all classes."""
        if slug in self.classes:
            return self.classes[slug]
        plain = [one.model_dump() for one in self.classes.values()]
        return ClassScenes.model_validate(
            {key: np.median([one[key] for one in plain], axis=0).tolist() for key in plain[0]}
        )


def preset_names() -> tuple[str, ...]:
    """Names of the shipped presets."""
    folder = files("earwitness") / "assets" / "scenes"
    return tuple(sorted(entry.name.removesuffix(".json") for entry in folder.iterdir() if entry.name.endswith(".json")))


def named_preset(name: str) -> ScenePreset:
    """The shipped preset named `name`.

    Raises:
        UsageError: there is none; the message lists the names.
    """
    return ScenePreset.model_validate(preset_values(name))


def preset_values(name: str) -> Any:
    """Plain values of the shipped preset named `name`.

    Raises:
        UsageError: there is none or it is damaged.
    """
    if name not in preset_names():
        raise UsageError(f"unknown scene preset '{name}'; choose one of: {', '.join(preset_names())}")
    try:
        return json.loads((files("earwitness") / "assets" / "scenes" / f"{name}.json").read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"the preset '{name}' is damaged ({error}); install earwitness again") from error


def draw(quantiles: Sequence[float], rng: np.random.Generator, size: int | None = None) -> NDArray[np.float64]:
    """Random values of the distribution with these quantiles at `LEVELS`."""
    return np.asarray(np.interp(rng.uniform(LEVELS[0], LEVELS[-1], size), LEVELS, quantiles))


def share_between(quantiles: Sequence[float], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the distribution between adjacent edges (n,): (n - 1,)."""
    # Equal quantiles are separated slightly, so that values increase strictly.
    values = np.asarray(quantiles) + np.arange(len(quantiles)) * 1e-6
    below = np.interp(edges, values, LEVELS, left=LEVELS[0], right=LEVELS[-1])
    return np.asarray(np.diff(below) / (LEVELS[-1] - LEVELS[0]))


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """An uninterrupted activity of a source.

    Attributes:
        recording, class_index, source: identify the source.
        first: first label frame.
        azimuth, elevation: (frames,) degrees; azimuth unfolded.
    """

    recording: str
    class_index: int
    source: int
    first: int
    azimuth: NDArray[np.float64]
    elevation: NDArray[np.float64]

    @property
    def end(self) -> int:
        """The frame after the last one."""
        return self.first + len(self.azimuth)

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.azimuth) / FRAMES_PER_SECOND

    @property
    def turn_deg(self) -> float:
        """Angle between the first direction and the one farthest from it, in degrees."""
        azimuth, elevation = np.radians(self.azimuth), np.radians(self.elevation)
        ways = np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)])
        return float(np.degrees(np.arccos(np.clip(ways[:, 0] @ ways, -1, 1).min())))


def runs_of(rows: Iterable[tuple[str, int, int, int, float, float]]) -> list[Run]:
    """Runs of label rows (recording, frame, class, source, azimuth, elevation), in any order."""
    by_source: dict[tuple[str, int, int], dict[int, tuple[float, float]]] = defaultdict(dict)
    for recording, frame, class_index, source, azimuth, elevation in rows:
        # Some sources are labelled twice in a frame: the first label counts.
        by_source[recording, class_index, source].setdefault(frame, (azimuth, elevation))
    runs = []
    for key in sorted(by_source):
        values = np.array([(frame, *place) for frame, place in sorted(by_source[key].items())], dtype=np.float64)
        for part in np.split(values, np.flatnonzero(np.diff(values[:, 0]) > 1) + 1):
            runs.append(Run(*key, int(part[0, 0]), part[:, 1], part[:, 2]))
    return runs


def pauses_of(runs: Iterable[Run]) -> dict[int, list[float]]:
    """Pauses in seconds between runs of the same source, by class; infinite after the last run."""
    by_source: dict[tuple[str, int, int], list[Run]] = defaultdict(list)
    for run in runs:
        by_source[run.recording, run.class_index, run.source].append(run)
    pauses: dict[int, list[float]] = defaultdict(list)
    for (_, class_index, _), own in by_source.items():
        own.sort(key=lambda run: run.first)
        between = [(later.first - run.end) / FRAMES_PER_SECOND for run, later in pairwise(own)]
        pauses[class_index].extend([*between, float("inf")])
    return dict(pauses)


def windows(runs: Iterable[Run], frames: int, hop: int) -> Iterator[list[tuple[int, int]]]:
    """The active sources (class, number) in each window over each recording."""
    by_recording: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_recording[run.recording].append(run)
    for recording in sorted(by_recording):
        own = by_recording[recording]
        last = max(run.end for run in own)
        for start in range(0, max(1, last - frames + 1), hop):
            inside = {(run.class_index, run.source) for run in own if run.first < start + frames and run.end > start}
            yield sorted(inside)


def at_once(runs: Iterable[Run]) -> tuple[NDArray[np.float64], float]:
    """Shares (4,) of active frames with 1, 2, 3 and more events, and share of class frames with several sources."""
    counts: dict[tuple[str, int], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for run in runs:
        for frame in range(run.first, run.end):
            counts[run.recording, frame][run.class_index] += 1
    totals = np.array([min(sum(of_class.values()), 4) for of_class in counts.values()])
    several = [number > 1 for of_class in counts.values() for number in of_class.values()]
    return np.bincount(totals, minlength=5)[1:] / max(len(totals), 1), float(np.mean(several)) if several else 0.0
