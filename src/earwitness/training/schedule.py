"""Learning rates by step: pure functions of the step, so that nothing has to be stored to resume."""

from __future__ import annotations

from math import cos, pi
from typing import Final

from earwitness.training.recipe import OptimSpec

ONECYCLE_START: Final = 1 / 25
"""First rate of OneCycle relative to its peak (Smith & Topin 2018)."""


def learning_rate(spec: OptimSpec, step: int, steps: int) -> float:
    """Rate of optimizer step `step`, 0 <= step < steps.

    `onecycle` rises by a half cosine from peak / 25, the others by a straight line from near zero; `constant` stays
    at the peak, the others fall by a half cosine to peak * final.
    """
    rising = round(spec.warmup * steps)
    if step < rising:
        done = (step + 1) / rising
        if spec.schedule == "onecycle":
            return spec.peak * (ONECYCLE_START + (1 - ONECYCLE_START) * (1 - cos(pi * done)) / 2)
        return spec.peak * done
    if spec.schedule == "constant":
        return spec.peak
    done = (step - rising) / max(steps - 1 - rising, 1)
    return spec.peak * (spec.final + (1 - spec.final) * (1 + cos(pi * done)) / 2)
