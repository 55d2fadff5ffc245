"""From a training run to a model that needs no torch: one ONNX file, checked against torch, and its card."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from earwitness.errors import ModelError, RecipeError
from earwitness.inference.calibration import Calibration
from earwitness.inference.card import ModelCard, TokenNeed, card_path, check_words, file_sha256
from earwitness.inference.runtime import OnnxRuntime
from earwitness.inference.smoothing import Smoothing
from earwitness.media.atomic import atomic_file
from earwitness.models.architectures import ModelConfig, token_widths
from earwitness.models.checkpoint import load_model
from earwitness.models.mirrored import Mirrored
from earwitness.models.network import Network
from earwitness.models.tokens import Tokens
from earwitness.training.halved import halve
from earwitness.training.origin import trained_by
from earwitness.training.recipe import Recipe, load_recipe
from earwitness.training.resume import read_tokens
from earwitness.training.token_example import some_tokens, token_axes

OPSET: Final = 17
TOLERANCE: Final = 1e-4
"""Largest difference between ONNX Runtime and torch, relative to 1 + |value|."""
HALF_TOLERANCE: Final = 5e-3
"""The same where weights are rounded to 16 bits."""
SYNTHETIC_LIMIT: Final = (
    "Learnt from synthetic scenes only: simulated shoebox rooms, a sound bank's recordings, coincident stereo."
)
LIMITS: Final = (
    "Needs real stereo from coincident (or panned) channels: spaced microphones shift the directions.",
    "Front and back cannot be told apart; directions lie in -90..90 degrees.",
    "On screen or not is a guess from sound alone, for a camera of 100 degrees horizontal field of view.",
)


class _Physical(nn.Module):
    """The network with physical outputs, all inputs side by side."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net, self.names = net, tuple(token_widths(net.config))

    def forward(self, features: Tensor, *tokens: Tensor) -> Tensor:
        size = len(Tokens._fields)
        batch = {name: Tokens(*tokens[k * size : (k + 1) * size]) for k, name in enumerate(self.names)}
        return self.net.physical(self.net(features, batch))


def export_onnx(net: Network, path: Path, *, half: bool = False) -> None:
    """Write `net` as ONNX: `features` (batch, C, T, F) -> `accddoa` (batch, T', 3, 13, 4), batch and time dynamic.

    For each modality there are four inputs more, `<name>.values` to `<name>.here`; see `token_arrays.TokenArrays`.
    The file appears only once ONNX Runtime agrees with torch on several batch sizes and lengths.

    Args:
        net: what to write.
        path: the file.
        half: keep large weights as 16-bit numbers, half the size.

    Raises:
        ModelError: it does not agree.
    """
    config = net.config
    # The wrapper too must be in evaluation mode: the exporter restores the mode it finds, all the way down.
    model = _Physical(net).eval().cpu()
    example = torch.zeros(2, config.in_channels, 10 * config.frames_per_label, config.mels)
    tokens = some_tokens(config, 2, np.random.default_rng(0))
    inputs = [f"{name}.{part}" for name in tokens for part in Tokens._fields]
    with atomic_file(path) as partial:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns of every Python number; the check below is what counts
            torch.onnx.export(
                model,
                (example, *(part for arrays in tokens.values() for part in Tokens.of(arrays))),
                str(partial),
                input_names=["features", *inputs],
                output_names=["accddoa"],
                dynamic_axes={
                    "features": {0: "batch", 2: "frames"},
                    "accddoa": {0: "batch", 1: "label_frames"},
                    **{key: token_axes(key, config) for key in inputs},
                },
                opset_version=OPSET,
                dynamo=False,
            )
        check_onnx(model, config, partial, TOLERANCE)
        if half:
            halve(partial)
            check_onnx(model, config, partial, HALF_TOLERANCE)


def check_onnx(model: nn.Module, config: ModelConfig, path: Path, tolerance: float) -> float:
    """Compare ONNX Runtime with torch; returns the largest difference.

    Raises:
        ModelError: it exceeds `tolerance`.
    """
    runtime = OnnxRuntime(path, device="cpu")
    rng = np.random.default_rng(0)
    worst = 0.0
    for batch, frames in ((1, 10), (3, 25), (1, 100)):
        shape = (batch, config.in_channels, frames * config.frames_per_label, config.mels)
        features = rng.normal(size=shape).astype(np.float32)
        tokens = some_tokens(config, batch, rng)
        parts = [part for arrays in tokens.values() for part in Tokens.of(arrays)]
        with torch.no_grad():
            expected: NDArray[np.float32] = model(torch.from_numpy(features), *parts).numpy()
        difference = np.abs(runtime.run(features, tokens) - expected) / (1 + np.abs(expected))
        worst = max(worst, float(difference.max()))
    if not worst <= tolerance:
        raise ModelError(f"{path}: ONNX Runtime differs from torch by {worst:.1e}; this torch cannot export the model")
    return worst


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of a model by validation.

    Attributes:
        thresholds: (13,) probability from which a class counts as sounding.
        scores: figures for the card.
        calibration: of the model's outputs; thresholds are meant for calibrated ones.
        smoothing: of the events.
        limits: what the model cannot do, or what is not known of it, one sentence each.
    """

    thresholds: tuple[float, ...]
    scores: dict[str, float]
    calibration: Calibration = field(default_factory=Calibration)
    smoothing: Smoothing = field(default_factory=Smoothing)
    limits: tuple[str, ...] = ()


def export_run(
    run: Path,
    path: Path,
    judgement: Judgement,
    *,
    name: str | None = None,
    checkpoint: str = "last.safetensors",
    mirror: bool = False,
    half: bool = False,
    limits: tuple[str, ...] = (),
) -> ModelCard:
    """Export the model of a training run, with its card.

    Args:
        run: folder of the run.
        path: the .onnx file to write; the card gets the same name with .json.
        judgement: thresholds and scores for the card.
        name: of the model; by default the recipe's.
        checkpoint: file in the run's folder.
        mirror: let the model hear each clip left-right swapped as well (`Mirrored`).
        half: keep its large weights as 16-bit numbers.
        limits: what else the model cannot do, one sentence each.

    Raises:
        RecipeError: a name that no card keeps, the folder has no recipe, or its features cannot be swapped.
        ModelError: no checkpoint, or the export failed.
        EncodingError: model or card cannot be written.
    """
    for text, what in ((name or "model", "--name"), *((limit, "--limit") for limit in limits)):
        check_words(text, what)
    recipe = run_recipe(run)
    net = load_model(run / checkpoint)
    made_by = read_tokens(run)
    if mirror and recipe.model.architecture == "symmetric":
        raise RecipeError("--mirror is for networks that are not symmetric: this one's answers are mirrored already")
    if mirror and made_by:
        raise RecipeError("--mirror goes with models that take no tokens: a mirrored clip has others")
    if net.config != recipe.model:
        raise ModelError(f"{run / checkpoint}: its dimensions are not those of the run's recipe.yaml")
    # Model and card change together: what was there stays until both are whole.
    with atomic_file(path) as new_model, atomic_file(card_path(path)) as new_card:
        export_onnx(Mirrored(net, recipe.features) if mirror else net, new_model, half=half)
        card = ModelCard(
            name=name or recipe.name,
            features=recipe.features,
            tokens={
                name: TokenNeed(made_by=made, required=recipe.model.architecture == "baseline")
                for name, made in made_by.items()
            },
            model=recipe.model.model_dump(mode="json") | ({"mirrored": True} if mirror else {}),
            calibration=judgement.calibration,
            thresholds=judgement.thresholds,
            smoothing=judgement.smoothing,
            data=_data(recipe, checkpoint),
            recipe=_portable(recipe),
            commit=trained_by(run),
            scores=judgement.scores,
            limits=(*(() if recipe.data.folders else (SYNTHETIC_LIMIT,)), *LIMITS, *judgement.limits, *limits),
            sha256=file_sha256(new_model),
        )
        card.write(new_card)
    return card


def run_recipe(run: Path) -> Recipe:
    """The recipe of a run.

    Raises:
        RecipeError: there is none.
    """
    if not (run / "recipe.yaml").is_file():
        raise RecipeError(f"{run}: not the folder of a training run (it has no recipe.yaml)")
    return load_recipe(run / "recipe.yaml")


def _data(recipe: Recipe, checkpoint: str) -> dict[str, Any]:
    clips = recipe.run.steps * recipe.run.batch
    known: dict[str, Any] = {"training_clips": clips, "checkpoint": checkpoint}
    if recipe.data.folders:  # which may hold anything: their names are all that is known of them
        known |= {"kind": "clips of folders", "folders": [Path(one.root).name for one in recipe.data.folders]}
        return known | ({"bank": Path(recipe.data.bank).name} if recipe.data.bank_weight else {})
    scenes = min(recipe.data.scenes or clips, recipe.run.steps * recipe.scenes_per_batch)
    return known | {"kind": "synthetic scenes", "bank": Path(recipe.data.bank).name, "different_scenes": scenes}


def _portable(recipe: Recipe) -> dict[str, Any]:
    """The recipe without the folders of the machine it ran on."""
    plain = recipe.model_dump(mode="json")
    plain["data"] |= {"bank": Path(recipe.data.bank).name, "cache": None, "shards": None}
    for folder in (*plain["data"]["folders"], *filter(None, [plain["data"]["valid_folder"]])):
        folder["root"] = Path(folder["root"]).name
    if recipe.run.init_from:
        plain["run"]["init_from"] = Path(recipe.run.init_from).name
    return plain
