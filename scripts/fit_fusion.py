"""Fit the numbers of the fusion: `python scripts/fit_fusion.py SET... --out src/earwitness/assets/vision/fusion.json`.

SETs are calibration sets of scripts/render_visual.py. Of a sound that is on screen the cause is known: the candidate
seen where the source is, or none; of one that is off screen it is not: none, or a candidate whose place that sounds is
above or below the picture. The settings maximise the probability that `fusion.posterior` gives to what is known, the
on/off state and the cause; what classes have in common is shared by a Gaussian prior, since some are rare.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from choose_fusion import choose
from fit_distance import fit_distance
from measure_fusion import FOV, HUMAN, Clip, load_clips, matched
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from earwitness.core.events import EventTable, SoundEvent
from earwitness.core.vocabulary import CLASSES, NUM_CLASSES
from earwitness.fusion.fusion_settings import KINDS, FusionSettings, KindWeights
from earwitness.fusion.posterior import (
    Evidence,
    elsewhere,
    farther_out,
    gather,
    log_student,
    posterior,
    sounding_frames,
)

FRAME_STEP = 5
"""Neighbouring frames say the same."""
AT_LEAST_DEG = 5.0
WINDOW_FRAMES = 10
WIDTH_SHARE = 0.15
NEVER = -20.0
KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
ALIKE = 150
"""How many neighbours in azimuth on each side lend their errors."""
REACH_DEG = 20.0
MISS_DEG = 20.0
"""Little of DOAE for as much of F20 as a cost of misses brings at all."""
DRAWS = 2
"""Errors that each true event is heard with."""
CLASS_SPREAD = 0.3
"""How much classes of a group differ, log-odds."""
UNTRIED = 0.6
WRONG_DEG = 60.0
"""Beyond this the model heard another source."""
Array = NDArray[np.float64]
Row = tuple[Any, ...]


@dataclass(eq=False)
class Rows:
    """Frames of events, with up to `most` candidates each; what is not there has the kind -1.

    Attributes:
        klass, weight, model_on, truth_on: (n,).
        cause: (n,) place of the true cause among the candidates; -1 for none.
        detected: (n,) whether the model heard it.
        kind, azimuth, offset, width, motion, contrast, logit: (n, most).
        framing: (n, most, 3).
    """

    klass: NDArray[np.int64]
    weight: Array
    model_on: NDArray[np.bool_]
    truth_on: NDArray[np.bool_]
    cause: NDArray[np.int64]
    detected: NDArray[np.bool_]
    kind: NDArray[np.int64]
    azimuth: Array
    offset: Array
    width: Array
    motion: Array
    contrast: Array
    logit: Array
    framing: Array


def collect(clips: Sequence[Clip]) -> Rows:
    """All frames of known cause: of what was heard, and of all true events, heard with errors as the model makes them.

    The latter are the more, since a model misses sounds that can be seen all the same.
    """
    found = [row for clip in clips for row in _heard_rows(clip)]
    heard = Hearing.of([row[-2:] for row in found])
    rng = np.random.default_rng(0)
    found += [row for clip in clips for _ in range(DRAWS) for row in _imagined_rows(clip, heard, rng)]
    most = max(len(row[6]) for row in found)

    def padded(position: int, fill: float, *deep: int) -> Array:
        out = np.full((len(found), most, *deep), fill, dtype=np.float64)
        for n, row in enumerate(found):
            out[n, : len(row[position])] = row[position]
        return out

    columns = [np.array([row[position] for row in found]) for position in range(6)]
    return Rows(
        columns[0], columns[1].astype(float), columns[2].astype(bool), columns[3].astype(bool), columns[4],
        columns[5].astype(bool), padded(6, -1).astype(np.int64), padded(7, 0), padded(8, 0), padded(9, 0),
        padded(10, 0), padded(11, 0), padded(12, 0), padded(13, 0, 3),
    )  # fmt: skip


def _heard_rows(clip: Clip) -> Iterable[Row]:
    table, known = clip.heard.sorted(), _true_sources(clip)
    for event in table.events():
        index = event.sound_class.index
        sources = [known.get((int(frame), index, event.source)) for frame in event.table.frame]
        yield from _rows(clip, event, table, sources, True, 1.0)


@dataclass(frozen=True, eq=False)
class Hearing:
    """Where sounds were heard.

    Attributes:
        side: (n,) degrees from the middle that they were at, increasing.
        heard: (n,) where they were heard on that side.
    """

    side: Array
    heard: Array

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> Hearing:
        """From true and heard azimuths, without those so far apart that another source was heard."""
        true, heard = np.array([pair for pair in pairs if abs(pair[0] - pair[1]) < WRONG_DEG]).T
        order = np.argsort(np.abs(true))
        return cls(np.abs(true)[order], (heard * np.where(true < 0, -1, 1))[order])

    def draw(self, azimuth: Array, rng: np.random.Generator) -> Array:
        """Where a sound with these azimuths (t,) may be heard: as far out as another one from about there was."""
        middle = float(np.median(azimuth))
        place = int(np.searchsorted(self.side, abs(middle))) + int(rng.integers(-ALIKE, ALIKE + 1))
        place = int(np.clip(place, 0, len(self.side) - 1))
        error = (self.heard[place] - self.side[place]) * (-1 if middle < 0 else 1)
        return np.clip(azimuth + error, -90, 90)


def _imagined_rows(clip: Clip, heard: Hearing, rng: np.random.Generator) -> Iterable[Row]:
    truth = clip.truth.sorted()
    for event in truth.events():
        azimuth = heard.draw(event.table.azimuth.astype(np.float64), rng)
        sources = list(zip(event.table.azimuth.tolist(), event.table.onscreen.tolist(), strict=True))
        yield from _rows(clip, SoundEvent(event.table.with_columns(azimuth=azimuth)), truth, sources, False, 1 / DRAWS)


def _rows(
    clip: Clip,
    event: SoundEvent,
    table: EventTable,
    sources: Sequence[tuple[float, bool] | None],
    detected: bool,
    share: float,
) -> Iterable[Row]:
    index, share = event.sound_class.index, share * clip.weight
    evidence = gather(event, clip.candidates, sounding_frames(table, index, table.num_frames), WINDOW_FRAMES)
    kinds = np.array([KIND_NUMBER[kind] for kind in evidence.kinds], dtype=np.int64)
    chosen = range(len(event.table) % FRAME_STEP // 2, len(event.table), FRAME_STEP)
    for n in chosen:
        azimuth, source = float(event.table.azimuth[n]), sources[n]
        if source is None or abs(azimuth) > FOV / 2 + 1 + REACH_DEG:
            continue
        true_azimuth, on = source
        here = np.isfinite(evidence.azimuth[:, n])
        cause = _cause(evidence, n, true_azimuth, here) if on else -1
        yield (
            index, share / np.sqrt(len(chosen)), bool(event.table.onscreen[n]), on, cause, detected, kinds[here],
            evidence.azimuth[here, n], evidence.offset[here, n], evidence.width[here, n], evidence.motion[here],
            evidence.contrast[here], evidence.logit[here], evidence.framing[here], true_azimuth, azimuth,
        )  # fmt: skip


def _true_sources(clip: Clip) -> dict[tuple[int, int, int], tuple[float, bool]]:
    """(azimuth, on screen) of the reference of what was heard, by its frame, class and source."""
    return {
        (int(clip.heard.frame[row]), int(clip.heard.class_index[row]), int(clip.heard.source[row])): (
            float(clip.truth.azimuth[reference]), bool(clip.truth.onscreen[reference])
        )
        for row, reference in zip(*matched(clip), strict=True)
    }  # fmt: skip


def _cause(evidence: Evidence, n: int, azimuth: float, here: NDArray[np.bool_]) -> int:
    """Place, among the candidates that are here, of the one at the true direction; -1 where there is none."""
    apart = np.abs(evidence.azimuth[here, n] - azimuth)
    reach = np.maximum(AT_LEAST_DEG, evidence.width[here, n] / 2)
    if not apart.size or (apart / reach).min() > 1:
        return -1
    return int((apart / reach).argmin())


@dataclass(frozen=True, eq=False)
class Numbers:
    """What is fitted, or slopes along it.

    Attributes:
        each: (3, 2, 13) bias, motion and contrast of people and of what moves.
        log_sigma: (13,) of the directions of sounds.
        unseen: (13,) log-odds that what nothing seen explains is on screen.
        framed: (2, 4) see `KindWeights`.
        score, log_sight: (2,).
        outward: (2,) see `FusionSettings`; the second a hundred times as large.
        elsewhere: (2,) see `FusionSettings`.
    """

    each: Array
    log_sigma: Array
    unseen: Array
    framed: Array
    score: Array
    log_sight: Array
    outward: Array
    elsewhere: Array

    SHAPES = ((3, 2, NUM_CLASSES), (NUM_CLASSES,), (NUM_CLASSES,), (2, 4), (2,), (2,), (2,), (2,))

    @classmethod
    def of(cls, flat: Array) -> Numbers:
        """Out of one row."""
        ends = np.cumsum([int(np.prod(shape)) for shape in cls.SHAPES])[:-1]
        parts = np.split(flat, ends)
        return cls(*(part.reshape(shape) for part, shape in zip(parts, cls.SHAPES, strict=True)))

    def flat(self) -> Array:
        """In one row."""
        return np.concatenate([getattr(self, name).ravel() for name in self.__annotations__])


START = Numbers(
    np.concatenate([np.full((1, 2, NUM_CLASSES), -1.0), np.zeros((2, 2, NUM_CLASSES))]),
    np.full(NUM_CLASSES, np.log(8)),
    np.full(NUM_CLASSES, -1.5),
    np.tile([1.0, 2.0, -1.0, -1.0], (2, 1)),
    np.zeros(2),
    np.ones(2),
    np.array([0.7, 0.9]),
    np.zeros(2),
)
"""Where the search begins, and the middle of the priors."""


def fit(rows: Rows, middle: Numbers = START) -> FusionSettings:
    """Maximise the probability of what is known; `middle` of the priors is where the search begins."""
    # Things named by a detector do not occur: the light detector knows people only.
    possible, kind, klass = rows.kind >= 0, np.maximum(rows.kind, 0), rows.klass[:, None]
    cell = kind * NUM_CLASSES + klass
    truth = possible & (np.arange(rows.kind.shape[1])[None] == rows.cause[:, None])
    curved, heard = rows.azimuth * np.abs(rows.azimuth), np.abs(rows.azimuth + rows.offset) / 60
    on = rows.truth_on
    explained, unexplained = on & (rows.cause >= 0), on & (rows.cause < 0)

    def odds(x: Numbers) -> tuple[Array, Array, Array, Array]:
        """Log-odds; their slopes along the logarithms of the uncertainties of sound and sight, and along the offset."""
        sight, sound = np.exp(2 * x.log_sight[kind]), np.exp(2 * x.log_sigma[klass])
        variance = sound + sight + (WIDTH_SHARE * rows.width) ** 2
        bias, motion, contrast = x.each
        total = bias[kind, klass] + motion[kind, klass] * rows.motion + contrast[kind, klass] * rows.contrast
        total = total + x.score[kind] * rows.logit - np.log(variance) / 2 + np.log(180.0)
        offset = rows.offset - farther_out(rows.azimuth, (x.outward[0], x.outward[1] / 100))
        total = total + elsewhere(rows.azimuth + rows.offset, (x.elsewhere[0], x.elsewhere[1]))
        total = total + log_student(offset / np.sqrt(variance))
        quarter = offset**2 / variance / 4
        slope, away = 5 * quarter / (1 + quarter) - 1, -1.25 * offset / variance / (1 + quarter)
        return np.where(possible, total, -np.inf), slope * sound / variance, slope * sight / variance, away

    def loss(flat: Array) -> tuple[float, Array]:
        x = Numbers.of(flat)
        total, along_sound, along_sight, away = odds(x)
        each, none = posterior(total.T)
        each = each.T
        inside = expit(x.framed[kind, 0] + (x.framed[kind, 1:] * rows.framing).sum(axis=2))
        unseen = expit(x.unseen[rows.klass])
        # Of each candidate and of none, how probable what is known is if it is the cause.
        fits = np.where(on[:, None], truth * inside, np.where(possible, 1 - inside, 0))
        fits_none = np.where(explained, 0, np.where(unexplained, unseen, 1 - unseen))
        known = np.maximum((each * fits).sum(axis=1) + none * fits_none, 1e-9)
        value = -(rows.weight * np.log(known)).sum()
        share = rows.weight / known
        error = each * (rows.weight[:, None] - share[:, None] * fits)
        frame = each * np.where(on[:, None], -truth.astype(float), possible) * inside * (1 - inside) * share[:, None]
        aside = none * unseen * (1 - unseen) * share * (np.where(on, 0, 1.0) - unexplained)

        def summed(by: NDArray[np.int64], values: Array, size: int) -> Array:
            return np.bincount(np.broadcast_to(by, values.shape).ravel(), values.ravel(), size)

        down = Numbers(
            np.stack([
                summed(cell, error * factor, 2 * NUM_CLASSES).reshape(2, -1)
                for factor in (np.ones_like(error), rows.motion, rows.contrast)
            ]),
            summed(klass, error * along_sound, NUM_CLASSES),
            summed(rows.klass, aside, NUM_CLASSES),
            np.stack([
                summed(kind, frame * factor, 2)
                for factor in (np.ones_like(frame), *np.moveaxis(rows.framing, 2, 0))
            ], axis=1),
            summed(kind, error * rows.logit, 2),
            summed(kind, error * along_sight, 2),
            np.array([-(error * away * rows.azimuth).sum(), (error * away * curved).sum() / 100]),
            np.array([(error * heard).sum(), (error * heard**2).sum()]),
        )  # fmt: skip
        value += _prior(x, down, middle)
        return float(value), down.flat()

    made = minimize(loss, middle.flat(), jac=True, method="L-BFGS-B", options={"maxiter": 400})
    print(f"loss {loss(middle.flat())[0]:.1f} -> {made.fun:.1f}, {len(rows.klass)} frames, {made.message}")
    return _settings(Numbers.of(made.x), rows)


def held_out(clips: Sequence[Clip], middle: Numbers = START, parts: int = 4) -> list[FusionSettings]:
    """Of each clip, settings of a fit that has not seen it, nor the others of its part."""
    seen = ([one for number, one in enumerate(clips) if number % parts != part] for part in range(parts))
    made = [fit(collect(some), middle) for some in seen]
    return [made[number % parts] for number in range(len(clips))]


def _prior(x: Numbers, down: Numbers, middle: Numbers) -> float:
    """Less the logarithm of the priors, whose slopes are added to `down`.

    They are weak for what classes of a group share, and stronger for how they differ. How far out sounds are heard is
    held near what was counted (sounds of the calibration from 5, 15, 25, 35 and 44 degrees: at 8, 27, 40, 47 and 57):
    left free, it goes twice as far to gain next to nothing, and would fit this one sound model only.
    """
    value = 0.0
    for own in (HUMAN, ~HUMAN):
        for values, slope, spread in (
            (x.each, down.each, CLASS_SPREAD), (x.log_sigma, down.log_sigma, 0.3), (x.unseen, down.unseen, 0.5),
        ):  # fmt: skip
            apart = values[..., own] - values[..., own].mean(axis=-1, keepdims=True)
            value += float((apart**2).sum()) / (2 * spread**2)
            slope[..., own] += apart / spread**2
    for values, slope, usual, spread in (
        (x.each, down.each, middle.each, 4.0), (x.log_sigma, down.log_sigma, middle.log_sigma, 1.0),
        (x.unseen, down.unseen, middle.unseen, 2.0), (x.framed, down.framed, middle.framed, 3.0),
        (x.score, down.score, middle.score, 1.0), (x.log_sight, down.log_sight, middle.log_sight, 0.5),
        (x.outward, down.outward, middle.outward, 0.03), (x.elsewhere, down.elsewhere, middle.elsewhere, 3.0),
    ):  # fmt: skip
        value += float(((values - usual) ** 2).sum()) / (2 * spread**2)
        slope += (values - usual) / spread**2
    return value


def _settings(x: Numbers, rows: Rows) -> FusionSettings:
    unseen = tuple(np.round(expit(x.unseen), 3).tolist())
    said_on = rows.detected & rows.model_on
    # A model that never gave this answer has not been caught lying: the next one's word is taken for a little more than
    # chance.
    overall = float(rows.truth_on[said_on].mean()) if said_on.any() else UNTRIED
    return FusionSettings(
        sigma_deg=tuple(np.round(np.exp(x.log_sigma), 2).tolist()),
        outward=(round(float(x.outward[0]), 3), round(float(x.outward[1]) / 100, 5)),
        elsewhere=(round(float(x.elsewhere[0]), 3), round(float(x.elsewhere[1]), 3)),
        miss_deg=MISS_DEG,
        reach_deg=REACH_DEG,
        width_share=WIDTH_SHARE,
        window_frames=WINDOW_FRAMES,
        kinds={
            "person": _weights(x, 0, HUMAN),
            "motion": _weights(x, 1, np.ones(NUM_CLASSES, dtype=np.bool_)),
            # Not fitted: what a named thing is worth is not known; as much as a person who does not move.
            "thing": KindWeights(
                bias=(round(float(x.each[0, 0][HUMAN].mean()), 3),) * NUM_CLASSES,
                framed=_weights(x, 1, HUMAN).framed,
            ),
        },
        unseen_on=(round(overall, 3),) * NUM_CLASSES,
        unseen_off=unseen,
    )


def _weights(x: Numbers, kind: int, makes: NDArray[np.bool_]) -> KindWeights:
    bias, motion, contrast = np.round(x.each[:, kind] * makes, 3)
    return KindWeights(
        bias=tuple((bias + NEVER * ~makes).tolist()),
        motion=tuple(motion.tolist()),
        contrast=tuple(contrast.tolist()),
        score=round(float(x.score[kind]), 3),
        sigma_deg=round(float(np.exp(x.log_sight[kind])), 2),
        framed=tuple(np.round(x.framed[kind], 3).tolist()),
    )


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", type=Path, nargs="+")
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    clips = [clip for folder in given.sets for clip in load_clips(folder, given.model)]
    rows = collect(clips)
    settings = fit(rows)
    name = f"{len(clips)} clips, {len(rows.klass)} frames of known cause, model {given.model}"
    distance = {"distance": fit_distance(clips)}
    chosen = choose(clips, [one.model_copy(update=distance) for one in held_out(clips)])
    settings = settings.model_copy(update={"fitted_on": name} | distance | chosen)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(settings.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(settings.model_dump_json(indent=1))
    print("order of classes:", ", ".join(sound_class.slug for sound_class in CLASSES))


if __name__ == "__main__":
    main()
