"""The training loop: AdamW, EMA, bf16 where it pays, validation, exact resume."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from earwitness.errors import TrainingError
from earwitness.metrics import Scores
from earwitness.models.build import build
from earwitness.models.checkpoint import save_model
from earwitness.models.network import Network
from earwitness.training import augment
from earwitness.training.ema import Ema
from earwitness.training.logs import RunLog
from earwitness.training.losses import AdpitLoss, LossParts
from earwitness.training.origin import write_commit
from earwitness.training.recipe import Recipe
from earwitness.training.schedule import learning_rate
from earwitness.training.state import TrainingState
from earwitness.training.stream import VALID_STREAM, Batch, SceneStream, SourceFactory, batches
from earwitness.training.validate import ValidSet, validate

BEST_NAME: Final = "best.safetensors"
LAST_NAME: Final = "last.safetensors"
_AUGMENT_STREAM: Final = 100
_DROPOUT_STREAM: Final = 101


class Trainer:
    """One run.

    Args:
        recipe: what to train.
        folder: of the run; gets states, logs, the best and the last averaged model.
        train: makes the training scenes.
        valid: makes the validation scenes.
    """

    def __init__(self, recipe: Recipe, folder: Path, train: SourceFactory, valid: SourceFactory) -> None:
        self.recipe, self.folder = recipe, folder
        folder.mkdir(parents=True, exist_ok=True)
        run, data = recipe.run, recipe.data
        torch.set_num_threads(run.threads)
        self.device = pick_device(run.device)
        self.bf16 = run.precision == "bf16" or (run.precision == "auto" and fast_bf16(self.device))
        self.stream = SceneStream(train, recipe.features, seed=data.seed, scenes=data.scenes, swap=data.swap)
        self._valid_stream = SceneStream(valid, recipe.features, seed=data.valid_seed, swap="none", stream=VALID_STREAM)
        torch.manual_seed(run.seed)
        self.model: Network = build(recipe.model).to(self.device)
        self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = AdpitLoss(recipe.loss).to(self.device)
        self.kinds = augment.ChannelKinds.of(recipe.features.channels).to(self.device)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(self.model, recipe.optim.weight_decay), lr=1.0, betas=recipe.optim.betas, fused=True
        )
        self.ema = Ema(self.model, run.ema)
        self.step, self.best = 0, -1.0
        self._forward: nn.Module = torch.compile(self.model) if run.compile else self.model  # type: ignore[assignment]

    def run(self, *, resume: bool = False) -> Scores:
        """Train to the recipe's last step; returns the last validation's scores.

        Raises:
            TrainingError: the loss is not finite (the last good state is kept), or there is nothing to resume.
        """
        if resume:
            self._restore()
        else:
            self._start_fresh()
        run = self.recipe.run
        valid = ValidSet.render(self._valid_stream, self.recipe.data.valid_scenes)
        with RunLog(self.folder, self.step, run.steps, tensorboard=run.tensorboard) as log:
            began, clips = time.monotonic(), 0
            for batch in self._batches():
                parts = self._learn(batch)
                clips += len(batch.features)
                if self.step % run.log_every == 0:
                    log.write(
                        self.step, "train", **_figures(parts), clips_per_second=clips / (time.monotonic() - began)
                    )
                if self.step % run.valid_every == 0 and self.step < run.steps:
                    self._validate(valid, log)
                if self.step % run.save_every == 0 or self.step == run.steps:
                    self.save()
            scores = self._validate(valid, log)
        save_model(self.averaged, self.folder / LAST_NAME)
        return scores

    @property
    def averaged(self) -> Network:
        """The model that is validated and exported."""
        return cast(Network, self.ema.model)

    def save(self) -> None:
        """Write the state of this step."""
        TrainingState(
            self.step, self.best, self.model.state_dict(), self.ema.model.state_dict(), self.optimizer.state_dict()
        ).save(self.folder)

    def _start_fresh(self) -> None:
        if any(self.folder.glob("state-*.pt")):
            raise TrainingError(f"'{self.folder}' holds a run already: use --resume to go on, or another --out")
        (self.folder / "recipe.yaml").write_text(self.recipe.dump(), encoding="utf-8")
        write_commit(self.folder)
        mean, std = feature_statistics(self.stream, self.recipe.run.scaler_scenes)
        for model in (self.model, self.averaged):
            model.scaler.set(mean.to(self.device), std.to(self.device))

    def _restore(self) -> None:
        state = TrainingState.latest(self.folder)
        if state is None:
            raise TrainingError(f"nothing to resume in '{self.folder}': start without --resume")
        try:
            self.model.load_state_dict(state.model)
            self.ema.model.load_state_dict(state.ema)
            self.optimizer.load_state_dict(state.optimizer)
        except (RuntimeError, ValueError) as error:
            raise TrainingError(f"the run in '{self.folder}' has another recipe: {error}".split("\n")[0]) from error
        self.step, self.best = state.step, state.best

    def _batches(self) -> Iterator[Batch]:
        run = self.recipe.run
        yield from batches(
            self.stream,
            start=self.step,
            stop=run.steps,
            scenes=self.recipe.scenes_per_batch,
            workers=run.workers,
            prefetch=run.prefetch,
        )

    def _learn(self, batch: Batch) -> LossParts:
        """One optimizer step."""
        rate = learning_rate(self.recipe.optim, self.step, self.recipe.run.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        features = self._augmented(batch.to(self.device).features)
        # Dropout is drawn from the step alone, so that a resumed run draws what it would have drawn.
        torch.manual_seed(int(self._seed(_DROPOUT_STREAM).generate_state(1)[0]))
        self.model.train()
        with self._autocast():
            raw = self._forward(features)
        parts: LossParts = self.loss(raw.float(), batch.active.to(self.device), batch.values.to(self.device))
        self._check_finite("loss", parts.total, batch)
        self.optimizer.zero_grad(set_to_none=True)
        parts.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.optim.clip)
        self._check_finite("gradient", norm, batch)  # clipping by a norm that is not finite would ruin the weights
        self.optimizer.step()
        self.step += 1
        self.ema.update(self.model, self.step)
        return parts

    def _check_finite(self, what: str, value: Tensor, batch: Batch) -> None:
        if not torch.isfinite(value):
            raise TrainingError(
                f"the {what} is {value.item()} at step {self.step + 1} (scenes {batch.scenes[0]}.."
                f"{batch.scenes[-1]}); the last good state is kept: lower optim.peak and --resume"
            )

    def _augmented(self, features: Tensor) -> Tensor:
        rng = np.random.default_rng(self._seed(_AUGMENT_STREAM))
        batch, _, frames, bins = features.shape
        change = augment.draw(self.recipe.augment, rng, batch, frames, bins)
        return augment.apply(features, change, self.kinds, self.model.scaler.mean)

    def _seed(self, stream: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.recipe.run.seed, spawn_key=(stream, self.step))

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def _validate(self, valid: ValidSet, log: RunLog) -> Scores:
        scores, threshold = validate(self.averaged, valid)
        macro = scores.macro
        log.write(
            self.step,
            "valid",
            f_score=macro.f_score,
            doa_error_deg=macro.doa_error_deg,
            relative_distance_error=macro.relative_distance_error,
            onscreen_accuracy=macro.onscreen_accuracy,
            threshold=threshold,
        )
        if macro.f_score > self.best:
            self.best = macro.f_score
            save_model(self.averaged, self.folder / BEST_NAME)
        return scores


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Matrices and kernels with weight decay; biases, norms and scalars without."""
    decayed = [value for value in model.parameters() if value.ndim > 1]
    plain = [value for value in model.parameters() if value.ndim <= 1]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def feature_statistics(stream: SceneStream, scenes: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (C, 1, 1) of the first scenes' features.

    All log-mel channels share one mean and one deviation: the level differences between them carry the direction.
    """
    maps = np.stack([stream.scene(index)[1] for index in range(scenes)], axis=1).astype(np.float64)
    channels = stream.features.channels
    mean, std = maps.mean(axis=(1, 2, 3)), maps.std(axis=(1, 2, 3))
    level = np.array([name.startswith("logmel") for name in channels])
    if level.any():
        mean[level], std[level] = maps[level].mean(), maps[level].std()
    shape = (len(channels), 1, 1)
    return (
        torch.from_numpy(mean.astype(np.float32)).reshape(shape),
        torch.from_numpy(np.maximum(std, 1e-3).astype(np.float32)).reshape(shape),
    )


def pick_device(wanted: str) -> torch.device:
    """The device of `auto`, `cpu` or `cuda`.

    Raises:
        TrainingError: CUDA was asked for and is not there.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise TrainingError("run.device is cuda, but torch finds no usable GPU: use auto or cpu")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def fast_bf16(device: torch.device) -> bool:
    """Whether the device has instructions for bfloat16; emulated, it is slower than float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return any(torch.cpu.get_capabilities().get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def _figures(parts: LossParts) -> dict[str, float]:
    return {field.name: float(getattr(parts, field.name).detach()) for field in fields(parts)}
