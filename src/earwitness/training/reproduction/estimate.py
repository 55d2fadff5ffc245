"""The plan of a reproduction: its stages with steps, hours by rates measured on this machine, and disk space."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch

from earwitness.core.errors import EncoderError, MissingExtraError
from earwitness.encoders.protocol import PictureEncoder, SoundEncoder, TokenMap
from earwitness.models.architectures import token_widths
from earwitness.models.checkpoint import build, parameter_count
from earwitness.models.network import Tokens
from earwitness.scenes.writing.synthesis import SynthesisOptions, synthesize
from earwitness.training.loop.distributed import fast_bf16, pick_device
from earwitness.training.optimization import AdpitLoss, OfficialLoss, make_optimizer
from earwitness.training.recipe import Recipe, load_recipe
from earwitness.training.recipe_files import find_recipe
from earwitness.training.reproduction.reproduction_job import (
    ENCODERS,
    NETWORK,
    ROWS,
    SYSTEM,
    ReproductionJob,
    ReproductionScale,
)

SECONDS: Final = 5.0
_RENDERED: Final = 2
"""Clips that are rendered to measure the rate."""
_VALUES_PER_RUN: Final = 2 * (1 + 1 + 2) + 2
"""Two states of weights, their average and two moments each, and two checkpoints: float32 values per parameter."""
_MOST_CLIPS: Final = 16
_LARGE: Final = 10_000_000
_FEW_CLIPS: Final = 2
"""Clips per step of networks with more parameters than `_LARGE` on a CPU."""
_STEPS: Final = 2
_TOKEN_STEPS: Final = 10
_POSITIONS: Final = 24


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A stage of the plan.

    Attributes:
        name: of the stage.
        what: its steps.
        hours: of computing; None if it could not be measured.
        gigabytes: that it writes; None if unknown.
    """

    name: str
    what: str
    hours: float | None
    gigabytes: float | None


def plan_lines(job: ReproductionJob) -> list[str]:
    """The plan as lines of text; nothing is written. The scale `tiny` is not measured.

    Raises:
        EarwitnessError: the bank cannot be rendered.
    """
    data, scale = job.data, job.scale
    source = {
        "bank": f"scenes rendered from {job.bank}",
        "split": f"{len(data.synthetic_clips):,} clips of {', '.join(data.synthetic)}",
        "real": "the training clips themselves, since there is no --bank and no split dev-train-synth",
    }[job.source]
    rooms = ", ".join(map(str, data.valid_rooms))
    head = [
        f"scale {scale.name}: {scale.about}",
        f"data: {data.root}, {len(data.train_clips):,} training clips (validation: rooms {rooms}), "
        f"{len(data.test_clips):,} test clips",
        f"pre-training: {source}",
    ]
    if scale.name == "tiny":
        return head
    notes: list[str] = []
    planned = [*_rendering(job, notes), _embedding(job, notes), _training(job, notes)]
    hours, gigabytes = [one.hours for one in planned], [one.gigabytes for one in planned]
    total = sum(value for value in hours if value is not None), sum(value for value in gigabytes if value is not None)
    least = "at least " if None in hours or None in gigabytes else ""
    return [
        *head,
        *(f"{one.name}: {one.what}; {_amount(one.hours, 'h')}, {_amount(one.gigabytes, 'GB')}" for one in planned),
        f"total: {least}{total[0]:,.1f} h one after the other on this machine ({job.device}), {total[1]:,.1f} GB",
        *notes,
    ]


def _amount(value: float | None, unit: str) -> str:
    return f"unknown {unit}" if value is None else f"{value:,.1f} {unit}"


def _rendering(job: ReproductionJob, notes: list[str]) -> list[PlannedStage]:
    if job.bank is None:
        return []
    clips = sum(count for _, count in job.rendered.values())
    with tempfile.TemporaryDirectory(prefix="earwitness-") as work:
        options = SynthesisOptions(
            bank=job.bank, out=Path(work), clips=1, seed=1, split="train", rooms=1, video=True, fps=job.scale.fps
        )
        synthesize(options)  # opens the bank and makes the room
        begun = time.perf_counter()
        synthesize(replace(options, clips=1 + _RENDERED))
        seconds = (time.perf_counter() - begun) / _RENDERED
        size = sum(path.stat().st_size for path in Path(work).rglob("*") if path.is_file()) / (1 + _RENDERED)
    notes.append(f"measured: rendering {1 / seconds:,.2f} clips/s with one of {job.workers} processes")
    what = f"{clips:,} clips with pictures in {job.scale.rooms} rooms"
    return [PlannedStage("synthetic", what, clips * seconds / job.workers / 3600, clips * size / 1e9)]


def _embedding(job: ReproductionJob, notes: list[str]) -> PlannedStage:
    data = job.data
    swapped = len(data.train_clips) + (len(data.synthetic_clips) if job.source == "split" else 0)
    plain = len(data.test_clips)
    for split, (_, count) in job.rendered.items():
        swapped, plain = (swapped + count, plain) if split == "train" else (swapped, plain + count)
    hours: float | None = 0.0
    gigabytes: float | None = 0.0
    for modality, encoder in ENCODERS.items():
        maps = plain + swapped * (2 if modality == "picture" else 1)
        try:
            seconds, size = _encoding(job, encoder)
        except (EncoderError, MissingExtraError) as error:
            notes.append(f"not measured: {error}")
            hours = gigabytes = None
            continue
        notes.append(f"measured: {encoder} {1 / seconds:,.2f} clips/s")
        if hours is not None and gigabytes is not None:
            hours, gigabytes = hours + maps * seconds / 3600, gigabytes + maps * size / 1e9
    what = f"{plain + swapped:,} clips by {' and '.join(ENCODERS.values())}, {swapped:,} of them mirrored too"
    return PlannedStage("embeddings", what, None if hours is None else hours / job.workers, gigabytes)


def _encoding(job: ReproductionJob, encoder: str) -> tuple[float, float]:
    """Seconds and bytes of a clip's tokens."""
    loaded = job.embedding(encoder, swap=False).load()
    rng, rate = np.random.default_rng(0), 24_000
    times = np.arange(0, SECONDS, 1 / job.scale.rate)
    pictures = rng.integers(0, 255, (len(times), 360, 640, 3), np.uint8)
    sound = rng.normal(scale=0.05, size=(2, round(SECONDS * rate))).astype(np.float32)

    def encode(count: int) -> TokenMap:
        if loaded.modality == "sound":
            return cast(SoundEncoder, loaded).encode(sound, rate)
        return cast(PictureEncoder, loaded).encode(pictures[:count], times[:count])

    encode(1)  # the first call prepares the device
    begun = time.perf_counter()
    tokens = encode(len(times))
    return time.perf_counter() - begun, 2.0 * tokens.tokens.size


def _training(job: ReproductionJob, notes: list[str]) -> PlannedStage:
    scale, seeds = job.scale, len(job.scale.seeds)
    network, baseline = network_recipe(scale), baseline_recipe(scale)
    rate, slow = step_rate(network, job.device), step_rate(baseline, job.device)
    notes.append(f"measured: training {rate:,.1f} clips/s ({SYSTEM}), {slow:,.1f} clips/s (baseline)")
    baselines = 2 if job.data.all_seen else 1
    clips = len(ROWS) * seeds * (scale.pretraining_steps + scale.steps) * network.run.batch
    seconds = clips / rate + baselines * seeds * scale.steps * baseline.run.batch / slow
    runs = 2 * len(ROWS) * seeds
    values = _VALUES_PER_RUN * (runs * parameters(network) + baselines * seeds * parameters(baseline))
    what = (
        f"{len(ROWS)} rows x {seeds} seeds x ({scale.pretraining_steps:,} + {scale.steps:,}) steps of "
        f"{network.run.batch} clips; {baselines} baselines x {seeds} seeds x {scale.steps:,} steps of "
        f"{baseline.run.batch}"
    )
    return PlannedStage("training", what, seconds / 3600, (4 * values + _features(job, network)) / 1e9)


def _features(job: ReproductionJob, recipe: Recipe) -> float:
    """Bytes of cached features: float16, of the network and of the baselines."""
    data, features = job.data, recipe.features
    clips = len(data.train_clips) + len(data.test_clips) + len(data.synthetic_clips)
    clips += sum(count for _, count in job.rendered.values())
    frames = round(SECONDS * 10) * features.frames_per_label
    return 2.0 * clips * frames * features.mels * (len(features.channels) + 2)


def network_recipe(scale: ReproductionScale) -> Recipe:
    """The recipe of the network with both modalities."""
    return load_recipe(find_recipe(NETWORK), _overrides(scale.network))


def baseline_recipe(scale: ReproductionScale) -> Recipe:
    """The recipe of the official audio baseline."""
    return load_recipe(find_recipe("official-baseline-audio"), _overrides(scale.baseline))


def parameters(recipe: Recipe) -> int:
    """Parameters of its network."""
    with torch.device("meta"):
        return parameter_count(build(recipe.model))


def step_rate(recipe: Recipe, device_name: str) -> float:
    """Clips per second of optimizer steps, without the time to read clips."""
    device = pick_device(device_name)
    net = build(recipe.model).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    small = device.type == "cpu" and parameter_count(net) > _LARGE
    batch = _FEW_CLIPS if small else min(_MOST_CLIPS, recipe.run.batch)
    bf16 = recipe.run.precision != "fp32" and fast_bf16(device)
    loss = (OfficialLoss if recipe.loss.form == "official" else AdpitLoss)(recipe.loss).to(device)
    optimizer, config = make_optimizer(net, recipe.optim), recipe.model
    features = torch.randn(batch, config.in_channels, 50 * config.frames_per_label, config.mels, device=device)
    active = torch.rand(batch, 50, 3, config.classes, device=device) < 0.02
    values = torch.rand(batch, 50, 3, config.classes, 4, device=device)
    tokens = {name: _random_tokens(dim, batch).to(device) for name, dim in token_widths(config).items()}

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            raw = net(features, tokens)
        optimizer.zero_grad(set_to_none=True)
        loss(raw.float(), active, values).total.backward()
        optimizer.step()

    for group in optimizer.param_groups:
        group["lr"] = 1e-4
    step()
    _wait(device)
    begun = time.perf_counter()
    for _ in range(_STEPS):
        step()
    _wait(device)
    return _STEPS * batch / (time.perf_counter() - begun)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _random_tokens(dim: int, batch: int) -> Tokens:
    """Random tokens of a modality, with as many positions as a row of a picture's grid."""
    times = np.tile((np.arange(_TOKEN_STEPS, dtype=np.float32) + 0.5) / 2, (batch, 1))
    return Tokens(
        torch.randn(batch, _TOKEN_STEPS, _POSITIONS, dim),
        torch.from_numpy(times),
        torch.zeros(batch, _POSITIONS, 2),
        torch.ones(batch, _TOKEN_STEPS, dtype=torch.bool),
    )


def _overrides(changes: Mapping[str, Any]) -> list[str]:
    return [f"{key}={json.dumps(value)}" for key, value in changes.items()]
