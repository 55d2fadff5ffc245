"""Sizes of the reproduction: networks, sets and steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from earwitness.core.errors import UsageError

NETWORK: Final = "dcase2025-av"
"""The shipped recipe on which all networks of the reproduction are based."""


@dataclass(frozen=True, slots=True)
class ReproductionScale:
    """A size of the reproduction.

    Attributes:
        name: its name.
        about: what it is for.
        seeds: of the runs of each row of the table.
        synthetic, synthetic_valid: clips of the sets rendered for pre-training, and to validate it.
        rooms: simulated rooms of these sets.
        fps: pictures per second of rendered videos.
        rate: pictures per second that are embedded.
        pretraining_steps, steps: of the two stages.
        network: changes to `NETWORK`.
        finetuning: changes to `NETWORK` in the second stage.
        baseline: changes to the official baselines.
    """

    name: str
    about: str
    seeds: tuple[int, ...]
    synthetic: int
    synthetic_valid: int
    rooms: int
    fps: float
    rate: float
    pretraining_steps: int
    steps: int
    network: Mapping[str, Any] = field(default_factory=dict)
    finetuning: Mapping[str, Any] = field(default_factory=dict)
    baseline: Mapping[str, Any] = field(default_factory=dict)


_SMALL_NETWORK: Final = {
    "model.stem_width": 24, "model.stem_kernel": 5, "model.stem_stride": [5, 4], "model.widths": [32, 64, 96],
    "model.pools": [[1, 2], [1, 2], [1, 2]], "model.dim": 128, "model.heads": 4, "model.blocks": 2,
    "model.cross_heads": 4, "augment.mixup": 0.0, "optim.peak": 1.5e-3, "run.batch": 32, "run.ema": 0.995,
    "run.workers": 1, "data.valid_scenes": 1000,
}  # fmt: skip
_TINY_FEATURES: Final = {"mels": 16, "window": 512, "stpacc_bins": 16, "stpacc_lags": 128}
_TINY_RUN: Final = {
    "run.batch": 4, "run.workers": 0, "run.scaler_scenes": 4, "run.save_every": 1, "run.tensorboard": False,
    "run.precision": "fp32", "data.valid_scenes": 4,
}  # fmt: skip


def _finetuning(peak: float) -> dict[str, Any]:
    """A lower rate, as in the shipped recipes of second stages."""
    return {"optim.peak": peak, "optim.schedule": "cosine", "optim.warmup": 0.05}


SCALES: Final[Mapping[str, ReproductionScale]] = {
    scale.name: scale
    for scale in (
        ReproductionScale(
            "tiny", "a trial of every step in minutes; its scores mean nothing", (0, 1),
            synthetic=4, synthetic_valid=2, rooms=2, fps=5.0, rate=1.0, pretraining_steps=2, steps=2,
            network={
                **_TINY_RUN, "features": {**_TINY_FEATURES, "channels": ["logmel_m", "logmel_s", "intensity"]},
                "model.stem_width": 4, "model.widths": [4, 8], "model.pools": [[5, 2], [1, 2]], "model.dim": 16,
                "model.heads": 2, "model.blocks": 1, "model.conv_kernel": 3, "model.ffn_mult": 2,
                "model.cross_heads": 2,
            },
            baseline={**_TINY_RUN, "model.filters": 4, "model.rnn_width": 16, "model.head_width": 8},
        ),
        ReproductionScale(
            "small", "small networks, for one GPU and a day, or to compare rows with each other", (0, 1),
            synthetic=4000, synthetic_valid=300, rooms=120, fps=10.0, rate=1.0, pretraining_steps=4000, steps=4000,
            network=_SMALL_NETWORK, finetuning=_finetuning(3.0e-4),
            baseline={"run.batch": 32, "run.workers": 1, "data.valid_scenes": 1000},
        ),
        ReproductionScale(
            "paper", "the size of the reconstruction, for several GPUs", (0, 1, 2),
            synthetic=30_000, synthetic_valid=500, rooms=320, fps=10.0, rate=2.0, pretraining_steps=60_000,
            steps=15_000, finetuning=_finetuning(1.0e-4),
        ),
    )
}  # fmt: skip


def find_scale(name: str) -> ReproductionScale:
    """The scale of this name.

    Raises:
        UsageError: there is no such scale.
    """
    if name not in SCALES:
        raise UsageError(f"--scale must be one of {', '.join(SCALES)}, not '{name}'")
    return SCALES[name]
