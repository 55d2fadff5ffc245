"""From a training run to a model that needs no torch: one ONNX file, checked against torch, and its card.

Weights as 16-bit numbers in an ONNX file: half the size, and arithmetic in 32 bits once they are read.

Made-up tokens for a network, to export it with and to compare the export with.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from earwitness.core.errors import ModelError, RecipeError
from earwitness.core.files.atomic import atomic_file
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.model.card import ModelCard, TokenNeed, card_path, check_words, file_sha256
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.detect.smoothing import Smoothing
from earwitness.models.checkpoint import load_model
from earwitness.models.configs.architectures import ModelConfig, token_widths
from earwitness.models.configs.baseline_config import BaselineConfig
from earwitness.models.configs.seld_config import CmcConfig
from earwitness.models.mirrored import MirroredNetwork
from earwitness.models.network import Network
from earwitness.models.token_arrays import TokenArrays
from earwitness.models.token_batch import Tokens
from earwitness.training.loop.training_state import read_tokens, trained_by
from earwitness.training.recipe import Recipe, load_recipe

FEWEST: Final = 1024
"""Weights with fewer numbers than this stay as they are: there is nothing to gain."""
_LARGEST: Final = float(np.finfo(np.float16).max)


def to_half_precision(path: Path) -> None:
    """Rewrite an ONNX file with its large float32 weights as float16, each turned back by a Cast where it is used.

    ONNX Runtime does the casts once, while it loads.
    """
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < FEWEST:
            continue
        short = f"{tensor.name}.half"
        casts.append(helper.make_node("Cast", [short], [tensor.name], to=TensorProto.FLOAT))
        halved = numpy_helper.from_array(np.clip(values, -_LARGEST, _LARGEST).astype(np.float16), short)
        graph.initializer.remove(tensor)
        graph.initializer.append(halved)
    nodes = list(graph.node)
    del graph.node[:]
    graph.node.extend([*casts, *nodes])
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


_POSITIONS = 3


def some_tokens(config: ModelConfig, batch: int, rng: np.random.Generator) -> dict[str, TokenArrays]:
    """Random tokens of all modalities; where the network can do without, the last of several clips has none."""
    made = {}
    for name, dim in token_widths(config).items():
        steps, positions = int(rng.integers(3, 9)), fixed_positions(config, name) or _POSITIONS
        here = np.ones((batch, steps), np.bool_)
        if batch > 1 and isinstance(config, CmcConfig):
            here[-1] = False
        directions = rng.uniform(-50, 50, (batch, positions, 2)).astype(np.float32)
        directions[:, :1] = np.nan
        times = np.sort(rng.uniform(0, 2, (batch, steps))).astype(np.float32)
        values = rng.normal(size=(batch, steps, positions, dim)).astype(np.float32)
        made[name] = TokenArrays(values, times, directions, here)
    return made


def fixed_positions(config: ModelConfig, name: str) -> int | None:
    """Positions of a modality's tokens, where the network has them fixed."""
    grid = None
    if isinstance(config, CmcConfig):
        grid = config.tokens[name].grid
    elif isinstance(config, BaselineConfig) and config.visual is not None:
        grid = config.visual.grid
    return None if grid is None else grid[0] * grid[1]


def token_axes(key: str, config: ModelConfig) -> dict[int, str]:
    """Which axes of the input `<name>.<part>` may have any length."""
    name, part = key.rsplit(".", 1)
    axes = {0: "batch"} if part == "directions" else {0: "batch", 1: f"{name}_steps"}
    if part in ("values", "directions") and fixed_positions(config, name) is None:
        axes[1 if part == "directions" else 2] = f"{name}_positions"
    return axes


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
    """Write `net` as ONNX: `features` (batch, C, T, F) -> `accddoa` (batch, T', 3, classes, 4), batch and time dynamic.

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
            to_half_precision(partial)
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
        thresholds: (classes,) probability from which a class counts as sounding.
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
        export_onnx(MirroredNetwork(net, recipe.features) if mirror else net, new_model, half=half)
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
