"""The training loop: AdamW, EMA, bf16 where the hardware supports it, validation, exact resume."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY
from earwitness.core.errors import TrainingError
from earwitness.metrics import Scores
from earwitness.models.architectures import token_widths, trained_config
from earwitness.models.checkpoint import build, save_model
from earwitness.models.dense_head import DenselyTrained
from earwitness.models.network import Network
from earwitness.training.data import augment
from earwitness.training.data import augment as mixing
from earwitness.training.data.clip_stream import (
    VALID_STREAM,
    AnySoundStream,
    Batch,
    SceneStream,
    SourceFactory,
    batches,
)
from earwitness.training.data.token_lookup import TokenLookup
from earwitness.training.loop import distributed
from earwitness.training.loop.distributed import fast_bf16, pick_device
from earwitness.training.loop.initial_weights import (
    check_initial_tokens,
    feature_statistics,
    load_initial,
    load_tagger_weights,
)
from earwitness.training.loop.run_log import NullLog, RunLog
from earwitness.training.loop.trackers import Tracker, named_trackers
from earwitness.training.loop.training_state import (
    STATES,
    TrainingState,
    check_same_run,
    saving,
    write_commit,
    write_start,
)
from earwitness.training.loop.validate import ValidSet, validate
from earwitness.training.optimization import (
    AdpitLoss,
    Ema,
    LossParts,
    OfficialLoss,
    dense_loss,
    learning_rate,
    make_optimizer,
)
from earwitness.training.recipe import Recipe

BEST_NAME: Final = "best.safetensors"
LAST_NAME: Final = "last.safetensors"
_AUGMENT_STREAM: Final = 100
_DROPOUT_STREAM: Final = 101
_MIX_STREAM: Final = 102


class Trainer:
    """One run.

    Args:
        recipe: of the run.
        folder: for states, logs, and the best and the last averaged model.
        train: factory of the training scenes.
        valid: factory of the validation scenes.
        trackers: own objects that follow the run, besides those that the recipe names.
    """

    def __init__(
        self, recipe: Recipe, folder: Path, train: SourceFactory, valid: SourceFactory, trackers: Sequence[Tracker] = ()
    ) -> None:
        self.recipe, self.folder, self._own_trackers = recipe, folder, trackers
        folder.mkdir(parents=True, exist_ok=True)
        run, data = recipe.run, recipe.data
        torch.set_num_threads(run.threads)
        self.device = distributed.local_device(pick_device(run.device))
        self.world = distributed.join(self.device)
        self._part = self.world.part(recipe.scenes_per_batch)
        self.bf16 = run.precision == "bf16" or (run.precision == "auto" and fast_bf16(self.device))
        self.tokens = TokenLookup.open(data, token_widths(recipe.model))
        stream = AnySoundStream if getattr(recipe.model, "any_sound", False) else SceneStream
        self.stream = stream(
            train, recipe.features, seed=data.seed, scenes=data.scenes, swap=data.swap, tokens=self.tokens
        )
        self.stream.dense = dense = getattr(recipe.model, "dense", False)
        self.valid_stream = SceneStream(
            valid, recipe.features, seed=data.valid_seed, swap="none", stream=VALID_STREAM, tokens=self.tokens
        )
        torch.manual_seed(run.seed)
        self.model: Network = build(trained_config(recipe.model)).to(self.device)
        self._trained: nn.Module = DenselyTrained(self.model).to(self.device) if dense else self.model
        self._trained.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.loss = (OfficialLoss if recipe.loss.form == "official" else AdpitLoss)(recipe.loss).to(self.device)
        self.kinds = augment.ChannelKinds.of(recipe.features.channels).to(self.device)
        self.optimizer = make_optimizer(self._trained, recipe.optim)
        self.ema = Ema(self.model, run.ema)
        self.step, self.best = 0, -1.0
        distributed.synchronise_batch_norm(self.model, self.world)
        parallel = distributed.data_parallel(self._trained, self.world, unused=bool(self.tokens.stores))
        self._forward: nn.Module = torch.compile(parallel) if run.compile else parallel  # type: ignore[assignment]

    def run(self, *, resume: bool = False) -> Scores:
        """Train to the recipe's last step and return the scores of the last validation.

        Raises:
            TrainingError: the loss is not finite (the last state is kept), there is no state to resume from, or the
                disk is full.
        """
        with saving(self.folder):
            return self._run(resume)

    def _run(self, resume: bool) -> Scores:
        if resume:
            self._restore()
        else:
            self.start()
        run, first = self.recipe.run, self.world.is_first
        valid = ValidSet.render(self.valid_stream, self.recipe.data.valid_scenes) if first else None
        with self._open_log() as log:
            began, clips = time.monotonic(), 0
            for batch in self._batches():
                parts = self.train_step(batch)
                clips += self.recipe.run.batch
                if self.step % run.log_every == 0:
                    log.write(
                        self.step, "train", **_figures(parts), clips_per_second=clips / (time.monotonic() - began)
                    )
                if valid and self.step % run.valid_every == 0 and self.step < run.steps:
                    self._validate(valid, log)
                if first and (self.step % run.save_every == 0 or self.step == run.steps):
                    self.save()
            scores = self._validate(valid, log) if valid else None
        if first:
            save_model(self.averaged, self.folder / LAST_NAME)
        return cast(Scores, self.world.broadcast(scores))

    @property
    def averaged(self) -> Network:
        """The averaged model, which is validated and exported."""
        return cast(Network, self.ema.model)

    def save(self) -> None:
        """Write the training state of the current step."""
        TrainingState(
            self.step, self.best, self._trained.state_dict(), self.ema.model.state_dict(), self.optimizer.state_dict()
        ).save(self.folder)

    def start(self) -> None:
        """Set initial weights and feature statistics, and write the recipe into the run's folder.

        Raises:
            TrainingError: the folder holds a run, or initial weights do not fit.
        """
        if any(self.folder.glob(STATES)):
            raise TrainingError(f"'{self.folder}' holds a run already: use --resume to continue it, or another --out")
        if (self.folder / LAST_NAME).exists():  # the states were deleted, the model was not
            raise TrainingError(f"'{self.folder}' holds the model of a finished run: choose another --out")
        if self.world.is_first:
            write_start(self.folder, self.recipe, self.tokens.descriptions)
            write_commit(self.folder)
        load_tagger_weights(self.model)
        if self.recipe.run.init_from:
            classes = self.recipe.vocabulary or DEFAULT_VOCABULARY
            check_initial_tokens(self.recipe.run.init_from, self.tokens.descriptions)
            added = load_initial(self.model, self.recipe.run.init_from, self.recipe.features, classes)
            if added and self.model.normalises:
                self._set_statistics(added)
            self.averaged.load_state_dict(self.model.state_dict())
            return
        if self.model.normalises:
            self._set_statistics(tuple(range(len(self.recipe.features.channels))))
        self.averaged.load_state_dict(self.model.state_dict())

    def _set_statistics(self, channels: tuple[int, ...]) -> None:
        """Set the statistics of some feature channels from the first scenes."""
        scaler, chosen = self.model.scaler, list(channels)
        for buffer, value in zip(
            (scaler.mean, scaler.std), feature_statistics(self.stream, self.recipe.run.scaler_scenes), strict=True
        ):
            buffer[chosen] = value[chosen].to(self.device).expand_as(buffer[chosen])

    def _restore(self) -> None:
        state = TrainingState.latest(self.folder)
        if state is None:
            raise TrainingError(f"no run to resume in '{self.folder}': start without --resume")
        check_same_run(self.folder, self.recipe, self.tokens.descriptions)
        try:
            self._trained.load_state_dict(state.model)
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
            part=self._part,
        )

    def train_step(self, batch: Batch) -> LossParts:
        """One optimizer step."""
        rate = learning_rate(self.recipe.optim, self.step, self.recipe.run.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        batch = batch.to(self.device)
        mix, change = self._mix(), self._draw(batch.features)
        features = mixing.mixed(self._augmented(batch.features, change), mix)
        if batch.dense is not None:
            batch = replace(batch, dense=augment.shifted(batch.dense, change.shift))
        # Dropout depends on the step alone, so that a resumed run draws the same masks.
        rank = (self.world.rank,) if self.world.rank else ()
        torch.manual_seed(int(self._seed(_DROPOUT_STREAM, *rank).generate_state(1)[0]))
        self._trained.train()
        with self._autocast():
            raw = self._forward(features, mixing.mixed_tokens(batch.tokens, mix))
        parts = self._score(raw, batch, mix)
        self._check_finite("loss", distributed.process_mean(parts.total), batch)
        self.optimizer.zero_grad(set_to_none=True)
        parts.total.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self._trained.parameters(), self.recipe.optim.clip)
        self._check_finite("gradient", norm, batch)  # clipping by a norm that is not finite would destroy the weights
        self.optimizer.step()
        self.step += 1
        self.ema.update(self.model, self.step)
        return parts

    def _score(self, raw: Tensor | tuple[Tensor, Tensor], batch: Batch, mix: mixing.MixDraw) -> LossParts:
        """The loss; for a mixup batch, the losses for both targets, weighted by their shares."""
        own = self._score_clips(raw, batch, slice(None))
        if not mix.mixes:
            return own
        return own.blend(self._score_clips(raw, batch, torch.from_numpy(mix.partner).to(self.device)), mix.share)

    def _score_clips(self, raw: Tensor | tuple[Tensor, Tensor], batch: Batch, clips: slice | Tensor) -> LossParts:
        """The loss of outputs for the targets of `clips`; `raw` is raw fields, or these and the dense head's output."""
        fields, cells = raw if isinstance(raw, tuple) else (raw, None)
        parts: LossParts = self.loss(fields.float(), batch.active[clips], batch.values[clips])
        if cells is None or batch.dense is None:
            return parts
        return parts.with_dense(dense_loss(cells, batch.dense[clips]), self.recipe.loss.dense)

    def _check_finite(self, name: str, value: Tensor, batch: Batch) -> None:
        if not torch.isfinite(value):
            raise TrainingError(
                f"the {name} is {value.item()} at step {self.step + 1} (scenes {batch.scenes[0]}.."
                f"{batch.scenes[-1]}); lower optim.peak or optim.clip, and train again with another --out"
            )

    def _draw(self, features: Tensor) -> augment.AugmentDraw:
        rng = np.random.default_rng(self._seed(_AUGMENT_STREAM))
        _, _, frames, bins = features.shape
        return augment.draw(self.recipe.augment, rng, self.recipe.run.batch, frames, bins).part(self._rows)

    def _augmented(self, features: Tensor, change: augment.AugmentDraw) -> Tensor:
        return augment.apply(features, change, self.kinds, self.model.scaler.mean)

    def _mix(self) -> mixing.MixDraw:
        rng, names = np.random.default_rng(self._seed(_MIX_STREAM)), sorted(self.tokens.stores)
        drawn = mixing.draw_mix(self.recipe.augment, rng, self.recipe.run.batch, names, self.world.size)
        return drawn.part(self._rows)

    @property
    def _rows(self) -> slice:
        """This process's clips of a batch; random draws are made for the whole batch."""
        clips = self.recipe.run.batch // self.recipe.scenes_per_batch
        return slice(self._part.start * clips, self._part.stop * clips)

    def _seed(self, *stream: int) -> np.random.SeedSequence:
        return np.random.SeedSequence(self.recipe.run.seed, spawn_key=(stream[0], self.step, *stream[1:]))

    def _open_log(self) -> RunLog | NullLog:
        if not self.world.is_first:
            return NullLog()
        run = self.recipe.run
        trackers = named_trackers([name for name in run.trackers if name != "tensorboard"])
        return RunLog(
            self.folder,
            self.step,
            run.steps,
            tensorboard=run.tensorboard or "tensorboard" in run.trackers,
            trackers=[*trackers, *self._own_trackers],
            recipe=self.recipe.model_dump(mode="json"),
        )

    def _autocast(self) -> contextlib.AbstractContextManager[object]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16)

    def _validate(self, valid: ValidSet, log: RunLog | NullLog) -> Scores:
        run = self.recipe.run
        scores, threshold = validate(self.averaged, valid, run.thresholds, run.decoding)
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
        reached = macro.f_score if math.isfinite(macro.f_score) else 0.0  # NaN: no events, and none detected
        if reached > self.best:
            self.best = reached
            save_model(self.averaged, self.folder / BEST_NAME)
        return scores


def _figures(parts: LossParts) -> dict[str, float]:
    given = {field.name: getattr(parts, field.name) for field in fields(parts)}
    return {name: float(distributed.process_mean(value)) for name, value in given.items() if value is not None}
