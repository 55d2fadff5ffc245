"""Fit the numbers of the fusion: `python scripts/fit_fusion.py SET --out src/earwitness/assets/vision/fusion.json`.

SET is a calibration set of scripts/render_visual.py. The cause of a sound is known there: the candidate seen where the
source is if it is on screen, else none. The settings maximise the probability that `inference.causal` gives to
the true cause; what classes have in common is shared by a Gaussian prior, since some are rare. How often a sound that
nothing seen explains is on screen all the same is counted.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from measure_fusion import FOV, HUMAN, Clip, load_clips
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment, minimize

from earwitness.classes import CLASSES, NUM_CLASSES
from earwitness.events import EventTable, SoundEvent
from earwitness.inference.causal import log_student, posterior
from earwitness.inference.evidence import Evidence, gather, sounding_frames
from earwitness.inference.fusion_settings import KINDS, FusionSettings, KindWeights

FRAME_STEP = 3
"""Neighbouring frames say the same."""
AT_LEAST_DEG = 5.0
WINDOW_FRAMES = 10
WIDTH_SHARE = 0.15
NEVER = -20.0
KIND_NUMBER = {kind: number for number, kind in enumerate(KINDS)}
DRAWS = 3
"""Errors that each true event is heard with."""
CLASS_SPREAD = 0.8
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
        kind, offset, width, motion, contrast, logit: (n, most).
    """

    klass: NDArray[np.int64]
    weight: Array
    model_on: NDArray[np.bool_]
    truth_on: NDArray[np.bool_]
    cause: NDArray[np.int64]
    detected: NDArray[np.bool_]
    kind: NDArray[np.int64]
    offset: Array
    width: Array
    motion: Array
    contrast: Array
    logit: Array


def collect(clips: Sequence[Clip]) -> Rows:
    """All frames of known cause: of what was heard, and of all true events, heard with errors as the model makes them.

    The latter are the more, since a model misses sounds that can be seen all the same.
    """
    found = [row for clip in clips for row in _heard_rows(clip)]
    errors = np.array([row[-1] for row in found if abs(row[-1]) < WRONG_DEG])
    rng = np.random.default_rng(0)
    found += [row for clip in clips for _ in range(DRAWS) for row in _imagined_rows(clip, errors, rng)]
    most = max(len(row[6]) for row in found)

    def padded(position: int, fill: float) -> Array:
        out = np.full((len(found), most), fill)
        for n, row in enumerate(found):
            out[n, : len(row[position])] = row[position]
        return out

    columns = [np.array([row[position] for row in found]) for position in range(6)]
    return Rows(
        columns[0], columns[1].astype(float), columns[2].astype(bool), columns[3].astype(bool), columns[4],
        columns[5].astype(bool), padded(6, -1).astype(np.int64), padded(7, 0), padded(8, 0), padded(9, 0),
        padded(10, 0), padded(11, 0),
    )  # fmt: skip


def _heard_rows(clip: Clip) -> Iterable[Row]:
    table = clip.heard.sorted()
    for event in table.events():
        index = event.sound_class.index
        sources = [_true_source(clip, int(frame), index, event.source) for frame in event.table.frame]
        yield from _rows(clip, event, table, sources, True, 1.0)


def _imagined_rows(clip: Clip, errors: Array, rng: np.random.Generator) -> Iterable[Row]:
    truth = clip.truth.sorted()
    for event in truth.events():
        azimuth = np.clip(event.table.azimuth + rng.choice(errors), -90, 90)
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
    index = event.sound_class.index
    evidence = gather(event, clip.candidates, sounding_frames(table, index, table.num_frames), WINDOW_FRAMES)
    kinds = np.array([KIND_NUMBER[kind] for kind in evidence.kinds], dtype=np.int64)
    chosen = range(len(event.table) % FRAME_STEP // 2, len(event.table), FRAME_STEP)
    for n in chosen:
        azimuth, source = float(event.table.azimuth[n]), sources[n]
        if source is None or abs(azimuth) > FOV / 2 + 1:
            continue
        true_azimuth, on = source
        here = np.isfinite(evidence.azimuth[:, n])
        cause = _cause(evidence, n, true_azimuth, here) if on else -1
        yield (
            index, share / np.sqrt(len(chosen)), bool(event.table.onscreen[n]), on, cause, detected, kinds[here],
            evidence.offset[here, n], evidence.width[here, n], evidence.motion[here], evidence.contrast[here],
            evidence.logit[here], azimuth - true_azimuth,
        )  # fmt: skip


def _true_source(clip: Clip, frame: int, index: int, source: int) -> tuple[float, bool] | None:
    """(azimuth, on screen) of the reference that the event's row is matched with."""
    said = (clip.heard.frame == frame) & (clip.heard.class_index == index)
    real = (clip.truth.frame == frame) & (clip.truth.class_index == index)
    if not real.any():
        return None
    cost = np.abs(clip.heard.azimuth[said][:, None] - clip.truth.azimuth[real][None])
    rows, columns = linear_sum_assignment(cost)
    for row, column in zip(rows, columns, strict=True):
        if clip.heard.source[said][row] == source:
            return float(clip.truth.azimuth[real][column]), bool(clip.truth.onscreen[real][column])
    return None


def _cause(evidence: Evidence, n: int, azimuth: float, here: NDArray[np.bool_]) -> int:
    """Place, among the candidates that are here, of the one at the true direction; -1 where there is none."""
    apart = np.abs(evidence.azimuth[here, n] - azimuth)
    reach = np.maximum(AT_LEAST_DEG, evidence.width[here, n] / 2)
    if not apart.size or (apart / reach).min() > 1:
        return -1
    return int((apart / reach).argmin())


def fit(rows: Rows) -> FusionSettings:
    """Maximise the posterior of the true causes."""
    # Things named by a detector do not occur: the light detector knows people only.
    size = 2 * 3 * NUM_CLASSES + NUM_CLASSES + 2 * 2
    start = np.zeros(size)
    start[: 2 * NUM_CLASSES] = -1
    start[6 * NUM_CLASSES : 7 * NUM_CLASSES] = np.log(8)
    start[-2:] = 1
    possible, kind, klass = rows.kind >= 0, np.maximum(rows.kind, 0), rows.klass[:, None]

    def unpack(x: Array) -> tuple[Array, Array, Array, Array]:
        each = x[: 6 * NUM_CLASSES].reshape(3, 2, NUM_CLASSES)  # bias, motion, contrast of the two kinds
        return each, x[6 * NUM_CLASSES : 7 * NUM_CLASSES], x[-4:-2], x[-2:]

    def odds(x: Array) -> tuple[Array, Array, Array]:
        """Log-odds, and their slopes along the logarithms of the uncertainties of sound and of sight."""
        (bias, motion, contrast), log_sigma, score, log_sight = unpack(x)
        sight, sound = np.exp(2 * log_sight[kind]), np.exp(2 * log_sigma[klass])
        variance = sound + sight + (WIDTH_SHARE * rows.width) ** 2
        total = bias[kind, klass] + motion[kind, klass] * rows.motion + contrast[kind, klass] * rows.contrast
        total = total + score[kind] * rows.logit - np.log(variance) / 2 + np.log(180.0)
        total = total + log_student(rows.offset / np.sqrt(variance))
        quarter = rows.offset**2 / variance / 4
        slope = 5 * quarter / (1 + quarter) - 1
        return np.where(possible, total, -np.inf), slope * sound / variance, slope * sight / variance

    cell = kind * NUM_CLASSES + klass
    group = np.where(HUMAN, 0, 1)
    truth = np.arange(rows.kind.shape[1])[None] == rows.cause[:, None]

    def loss(x: Array) -> tuple[float, Array]:
        total, along_sound, along_sight = odds(x)
        each, none = posterior(total.T)
        right = np.where(rows.cause >= 0, (each.T * truth).sum(axis=1), none)
        value = -(rows.weight * np.log(np.maximum(right, 1e-9))).sum()
        error = np.where(possible, rows.weight[:, None] * (each.T - truth), 0)

        def summed(by: NDArray[np.int64], values: Array, size: int) -> Array:
            return np.bincount(np.broadcast_to(by, values.shape).ravel(), values.ravel(), size)

        weights, log_sigma, score, log_sight = unpack(x)
        slopes = [
            summed(cell, error * factor, 2 * NUM_CLASSES).reshape(2, -1)
            for factor in (np.ones_like(error), rows.motion, rows.contrast)
        ]
        down = np.stack(slopes)
        down_sigma = summed(klass, error * along_sound, NUM_CLASSES)
        down_score, down_sight = summed(kind, error * rows.logit, 2), summed(kind, error * along_sight, 2)
        # Priors: weak for what classes of a group share, stronger for how they differ.
        centre = np.array([-1.0, 0, 0]).reshape(3, 1, 1)
        for number in (0, 1):
            own = group == number
            for values, slope, spread in ((weights, down, CLASS_SPREAD), (log_sigma, down_sigma, 0.3)):
                apart = values[..., own] - values[..., own].mean(axis=-1, keepdims=True)
                value += (apart**2).sum() / (2 * spread**2)
                slope[..., own] += apart / spread**2
        value += ((weights - centre) ** 2).sum() / (2 * 4**2) + ((log_sigma - np.log(8)) ** 2).sum() / 2
        value += (score**2).sum() / 2 + ((log_sight - 1) ** 2).sum() / (2 * 0.5**2)
        down += (weights - centre) / 4**2
        down_sigma += log_sigma - np.log(8)
        down_score += score
        down_sight += (log_sight - 1) / 0.5**2
        return float(value), np.concatenate([down.ravel(), down_sigma, down_score, down_sight])

    made = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500})
    print(f"loss {loss(start)[0]:.1f} -> {made.fun:.1f}, {len(rows.klass)} frames, {made.message}")
    weights, log_sigma, score, log_sight = unpack(made.x)
    _, none = posterior(odds(made.x)[0].T)
    return FusionSettings(
        sigma_deg=tuple(np.round(np.exp(log_sigma), 2).tolist()),
        width_share=WIDTH_SHARE,
        window_frames=WINDOW_FRAMES,
        kinds={
            "person": _weights(weights[:, 0] * HUMAN, NEVER * ~HUMAN, score[0], log_sight[0]),
            "motion": _weights(weights[:, 1], 0 * HUMAN, score[1], log_sight[1]),
            # Not fitted: what a named thing is worth is not known; as much as a person who does not move.
            "thing": KindWeights(bias=(round(float(weights[0, 0][HUMAN].mean()), 3),) * NUM_CLASSES),
        },
        unseen_on=_unseen(rows, none, rows.detected & rows.model_on),
        unseen_off=_unseen(rows, none, rows.detected & ~rows.model_on),
    )


def _weights(values: Array, never: Array, score: float, log_sight: float) -> KindWeights:
    bias, motion, contrast = np.round(values, 3)
    return KindWeights(
        bias=tuple((bias + never).tolist()),
        motion=tuple(motion.tolist()),
        contrast=tuple(contrast.tolist()),
        score=round(float(score), 3),
        sigma_deg=round(float(np.exp(log_sight)), 2),
    )


def _unseen(rows: Rows, none: Array, mask: NDArray[np.bool_]) -> tuple[float, ...]:
    """Share on screen of what nothing seen explains, class by class, drawn towards that of all classes."""
    weight = rows.weight * none * mask
    # A model that never gave this answer has not been caught lying: the next one's word is taken for a little more than
    # chance.
    overall = (weight * rows.truth_on).sum() / weight.sum() if weight.sum() > 0 else UNTRIED
    shares = []
    for index in range(NUM_CLASSES):
        own = weight * (rows.klass == index)
        shares.append(round(float(((own * rows.truth_on).sum() + 5 * overall) / (own.sum() + 5)), 3))
    return tuple(shares)


def main() -> None:
    """Fit and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    clips = load_clips(given.set, given.model)
    rows = collect(clips)
    settings = fit(rows)
    name = f"{len(clips)} clips, {len(rows.klass)} frames of known cause, model {given.model}"
    settings = settings.model_copy(update={"fitted_on": name})
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(settings.model_dump_json(indent=1) + "\n", encoding="utf-8")
    print(settings.model_dump_json(indent=1))
    print("order of classes:", ", ".join(sound_class.slug for sound_class in CLASSES))


if __name__ == "__main__":
    main()
