"""What of the fusion is not fitted but chosen, by figures of calibration clips; part of scripts/fit_fusion.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from measure_fusion import FOV, Clip, counted, figures
from numpy.typing import NDArray

from earwitness.fusion.fuse import Fused, fuse
from earwitness.fusion.fusion_settings import FusionSettings
from earwitness.metrics.counts import Counts

CAUTIONS = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
THRESHOLDS = np.round(np.arange(0.3, 0.63, 0.04), 2)
BOOTSTRAPS = 400
LOST_POINTS = 1.0
RISK = 0.05
"""Chance that is taken that a class loses more than `LOST_POINTS` of F20/1."""
Array = NDArray[np.float64]


def choose(clips: Sequence[Clip], settings: Sequence[FusionSettings]) -> dict[str, float]:
    """The caution, and the probability from which a sound is said to be on screen.

    The caution is the least one with which it is unlikely (`RISK`) that among as many clips, drawn anew from these, any
    class loses a point of F20/1 by the fusion: the more caution, the less directions gain. On screen is said from
    where it is right most often, as the mean over classes.

    Args:
        clips: of the calibration.
        settings: of each, of a fit that has not seen it; see `fit_fusion.held_out`.
    """
    before = counted(clips, [clip.heard for clip in clips])
    heard = figures(before)["f"]
    for caution in CAUTIONS:
        fused = fused_each(clips, [one.model_copy(update={"caution": caution}) for one in settings])
        after = counted(clips, [one.table for one in fused])
        risk = risk_of_loss(before, after, np.random.default_rng(0))
        of = figures(after)
        gain, direction = 100 * (of["f"] - heard), np.nanmean(of["doae_on"])
        print(
            f"caution {caution:.2f}: F20/1 {np.nanmean(gain):+.2f} points, {np.nanmin(gain):+.2f} in the class that "
            f"gains least, {100 * risk:.1f} % risk that one loses a point; DOAE on screen {direction:.2f} deg"
        )
        if risk <= RISK:
            break
    return {"caution": caution, "onscreen_from": _threshold(clips, fused)}


def fused_each(clips: Sequence[Clip], settings: Sequence[FusionSettings]) -> list[Fused]:
    """What the fusion says of each clip, with settings of its own."""
    return [fuse(clip.heard, clip.candidates, FOV, one) for clip, one in zip(clips, settings, strict=True)]


def risk_of_loss(before: Counts, after: Counts, rng: np.random.Generator) -> float:
    """Share of bootstrap draws of the clips in which any class has lost more than `LOST_POINTS` of F20/1."""
    number = len(before.files)
    lost = 0
    for _ in range(BOOTSTRAPS):
        times = np.bincount(rng.integers(0, number, number), minlength=number).astype(np.float64)
        change = figures(_repeated(after, times))["f"] - figures(_repeated(before, times))["f"]
        lost += bool(np.nanmin(100 * change) < -LOST_POINTS)
    return lost / BOOTSTRAPS


def _repeated(counts: Counts, times: Array) -> Counts:
    return replace(counts, values=counts.values * times[counts.index[:, 0], None])


def _threshold(clips: Sequence[Clip], fused: Sequence[Fused]) -> float:
    right = []
    for least in THRESHOLDS:
        said = [one.table.with_columns(onscreen=one.onscreen_probability >= least) for one in fused]
        right.append(float(np.nanmean(figures(counted(clips, said))["accuracy"])))
        print(f"on screen from {least:.2f}: {100 * right[-1]:.1f} % right")
    # Neighbours speak along: single clips must not decide.
    smooth = np.convolve(np.pad(right, 1, mode="edge"), np.full(3, 1 / 3), mode="valid")
    return float(THRESHOLDS[int(smooth.argmax())])
