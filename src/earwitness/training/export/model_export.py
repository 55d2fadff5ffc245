"""Export of a training run as an ONNX file, checked against torch, with its model card."""

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

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY
from earwitness.core.errors import ModelError, RecipeError
from earwitness.core.files.atomic import atomic_file
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.model.card import ModelCard, TokenNeed, card_path, check_words, file_sha256
from earwitness.detect.model.interval_model import IntervalModel
from earwitness.detect.runner.runtime import ACCDDOA, ANY_SOUND, OnnxRuntime
from earwitness.detect.smoothing import Smoothing
from earwitness.encoders.token_arrays import TokenArrays
from earwitness.models.architectures import BaselineConfig, ModelConfig, token_widths, trained_config
from earwitness.models.checkpoint import load_model
from earwitness.models.network import Network, Tokens
from earwitness.models.seld_config import CmcConfig
from earwitness.models.symmetric import MirroredNetwork
from earwitness.scenes.acoustics.microphones import DEFAULT, has_spaced
from earwitness.training.loop.training_state import read_tokens, start_commit
from earwitness.training.recipe import Recipe, load_recipe

FEWEST: Final = 1024
"""Smaller weights stay float32: halving them gains nothing."""
_LARGEST: Final = float(np.finfo(np.float16).max)


def to_half_precision(path: Path) -> None:
    """Store the large float32 weights of an ONNX file as float16, each cast back to float32 where it is used.

    ONNX Runtime casts once, at load time, and computes in float32.
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


def random_tokens(config: ModelConfig, batch: int, rng: np.random.Generator) -> dict[str, TokenArrays]:
    """Random tokens of all modalities; the last of several clips has none where the network allows it."""
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
    """Number of token positions of a modality where the network fixes it, else None."""
    grid = None
    if isinstance(config, CmcConfig):
        grid = config.tokens[name].grid
    elif isinstance(config, BaselineConfig) and config.visual is not None:
        grid = config.visual.grid
    return None if grid is None else grid[0] * grid[1]


def token_axes(key: str, config: ModelConfig) -> dict[int, str]:
    """The dynamic axes of the input `<name>.<part>`, with their names."""
    name, part = key.rsplit(".", 1)
    axes = {0: "batch"} if part == "directions" else {0: "batch", 1: f"{name}_steps"}
    if part in ("values", "directions") and fixed_positions(config, name) is None:
        axes[1 if part == "directions" else 2] = f"{name}_positions"
    return axes


OPSET: Final = 17
TOLERANCE: Final = 1e-4
"""Largest difference between ONNX Runtime and torch, relative to 1 + |value|."""
HALF_TOLERANCE: Final = 5e-3
"""The same for weights rounded to 16 bits."""
SYNTHETIC_LIMIT: Final = (
    "Trained on synthetic scenes only: simulated shoebox rooms, a sound bank's recordings, {microphones}."
)
COINCIDENT_LIMIT: Final = (
    "Needs real stereo from coincident (or panned) channels: spaced microphones shift the directions."
)
SPACED_LIMIT: Final = "Needs real stereo; directions from spaced microphones are less exact than from coincident ones."
LIMITS: Final = (
    "Does not distinguish front from back; directions lie in -90..90 degrees.",
    "Estimates on/off screen from sound alone, for a camera with a horizontal field of view of 100 degrees.",
)


class _Physical(nn.Module):
    """The network with physical outputs, those for any sound last, and positional inputs."""

    def __init__(self, net: Network) -> None:
        super().__init__()
        self.net, self.names = net, tuple(token_widths(net.config))

    def forward(self, features: Tensor, *tokens: Tensor) -> tuple[Tensor, ...]:
        size = len(Tokens._fields)
        batch = {name: Tokens(*tokens[k * size : (k + 1) * size]) for k, name in enumerate(self.names)}
        raw = self.net(features, batch)
        if not self.net.has_any_sound:
            return (self.net.physical(raw),)
        return self.net.physical(raw), self.net.physical_any_sound(raw)


def export_onnx(net: Network, path: Path, *, half: bool = False) -> None:
    """Write `net` as ONNX: `features` (batch, C, T, F) -> `accddoa` (batch, T', 3, classes, 4), batch and time dynamic.

    A network with a class for any sound also has the output `any_sound` (batch, T', 3, 1, 4).
    Each modality adds four inputs, `<name>.values` to `<name>.here`; see `encoders.token_arrays.TokenArrays`. The file
    is written only if ONNX Runtime agrees with torch for several batch sizes and lengths.

    Args:
        net: the network.
        path: the file.
        half: store large weights as 16-bit numbers: half the size.

    Raises:
        ModelError: ONNX Runtime and torch disagree.
    """
    config = net.config
    # The wrapper must be in evaluation mode too: the exporter restores the mode it finds, recursively.
    model = _Physical(net).eval().cpu()
    example = torch.zeros(2, config.in_channels, 10 * config.frames_per_label, config.mels)
    tokens = random_tokens(config, 2, np.random.default_rng(0))
    inputs = [f"{name}.{part}" for name in tokens for part in Tokens._fields]
    outputs = [ACCDDOA, ANY_SOUND] if net.has_any_sound else [ACCDDOA]
    with atomic_file(path) as partial:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the tracer warns about every Python number; check_onnx decides
            torch.onnx.export(
                model,
                (example, *(part for arrays in tokens.values() for part in Tokens.of(arrays))),
                str(partial),
                input_names=["features", *inputs],
                output_names=outputs,
                dynamic_axes={
                    "features": {0: "batch", 2: "frames"},
                    **{name: {0: "batch", 1: "label_frames"} for name in outputs},
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
    """Compare ONNX Runtime with torch and return the largest difference.

    Raises:
        ModelError: the difference exceeds `tolerance`.
    """
    runtime = OnnxRuntime(path, device="cpu")
    rng = np.random.default_rng(0)
    worst = 0.0
    for batch, frames in ((1, 10), (3, 25), (1, 100)):
        shape = (batch, config.in_channels, frames * config.frames_per_label, config.mels)
        features = rng.normal(size=shape).astype(np.float32)
        tokens = random_tokens(config, batch, rng)
        parts = [part for arrays in tokens.values() for part in Tokens.of(arrays)]
        with torch.no_grad():
            expected: NDArray[np.float32] = torch.cat(model(torch.from_numpy(features), *parts), dim=-2).numpy()
        found = runtime.run(features, tokens, any_sound=runtime.any_sound)
        difference = np.abs(found - expected) / (1 + np.abs(expected))
        worst = max(worst, float(difference.max()))
    if not worst <= tolerance:
        raise ModelError(
            f"{path}: ONNX Runtime differs from torch by {worst:.1e}; export with another version of torch"
        )
    return worst


@dataclass(frozen=True, slots=True)
class TuningResult:
    """Results of validation.

    Attributes:
        thresholds: (classes,) probability from which a class counts as active, after calibration.
        scores: figures for the card.
        calibration: of the model's outputs.
        smoothing: of the events.
        limits: known limits and unknowns of the model, one sentence each.
        intervals: prediction intervals of the events; None if there were too few scenes.
    """

    thresholds: tuple[float, ...]
    scores: dict[str, float]
    calibration: Calibration = field(default_factory=Calibration)
    smoothing: Smoothing = field(default_factory=Smoothing)
    limits: tuple[str, ...] = ()
    intervals: IntervalModel | None = None


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export a training run.

    Attributes:
        name: of the model; None takes the recipe's.
        checkpoint: file in the run's folder.
        mirror: also run the model on the left-right swapped clip and average both (`MirroredNetwork`).
        half: store large weights as 16-bit numbers.
        limits: further limits of the model for its card, one sentence each.
    """

    name: str | None = None
    checkpoint: str = "last.safetensors"
    mirror: bool = False
    half: bool = False
    limits: tuple[str, ...] = ()


def export_run(run: Path, path: Path, tuning: TuningResult, options: ExportOptions | None = None) -> ModelCard:
    """Export the model of a training run, with its card.

    Args:
        run: folder of the run.
        path: the .onnx file to write; the card gets the same name with .json.
        tuning: thresholds and scores for the card.
        options: how to export.

    Raises:
        RecipeError: a name that a card cannot hold, the folder has no recipe, or its features cannot be swapped.
        ModelError: no checkpoint, or the export failed.
        EncodingError: model or card cannot be written.
    """
    options = options or ExportOptions()
    for text, option in ((options.name or "model", "--name"), *((limit, "--limit") for limit in options.limits)):
        check_words(text, option)
    recipe = run_recipe(run)
    net = load_model(run / options.checkpoint)
    if options.mirror and recipe.model.architecture == "symmetric":
        raise RecipeError("--mirror does not apply to symmetric networks: export without it")
    if options.mirror and read_tokens(run):
        raise RecipeError("--mirror does not apply to models that take tokens: export without it")
    if net.config != trained_config(recipe.model):
        raise ModelError(f"{run / options.checkpoint}: its dimensions differ from those in the run's recipe.yaml")
    # Model and card change together: the previous files stay until both are complete.
    with atomic_file(path) as new_model, atomic_file(card_path(path)) as new_card:
        export_onnx(MirroredNetwork(net, recipe.features) if options.mirror else net, new_model, half=options.half)
        card = _card(run, recipe, tuning, options, file_sha256(new_model))
        card.write(new_card)
    return card


def _card(run: Path, recipe: Recipe, tuning: TuningResult, options: ExportOptions, sha256: str) -> ModelCard:
    return ModelCard(
        name=options.name or recipe.name,
        features=recipe.features,
        tokens={
            name: TokenNeed(made_by=description, required=recipe.model.architecture == "baseline")
            for name, description in read_tokens(run).items()
        },
        model=trained_config(recipe.model).model_dump(mode="json") | ({"mirrored": True} if options.mirror else {}),
        calibration=tuning.calibration,
        vocabulary=recipe.vocabulary or DEFAULT_VOCABULARY,
        thresholds=tuning.thresholds,
        decoding=recipe.run.decoding,
        smoothing=tuning.smoothing,
        intervals=tuning.intervals,
        data=_data(recipe, options.checkpoint),
        recipe=_portable(recipe),
        commit=start_commit(run),
        scores=tuning.scores,
        limits=(*_limits(recipe), *tuning.limits, *options.limits),
        sha256=sha256,
    )


def _limits(recipe: Recipe) -> tuple[str, ...]:
    """What every model with this recipe cannot do."""
    scene = recipe.data.scene
    spaced = not recipe.data.folders and has_spaced(scene.get("microphones") or {scene.get("microphone", DEFAULT): 1.0})
    microphones = "coincident and spaced microphones" if spaced else "coincident stereo"
    data = () if recipe.data.folders else (SYNTHETIC_LIMIT.format(microphones=microphones),)
    return (*data, SPACED_LIMIT if spaced else COINCIDENT_LIMIT, *LIMITS)


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
    if recipe.data.folders:  # their contents are unknown: only their names are recorded
        known |= {"kind": "clips of folders", "folders": [Path(one.root).name for one in recipe.data.folders]}
        return known | ({"bank": Path(recipe.data.bank).name} if recipe.data.bank_weight else {})
    scenes = min(recipe.data.scenes or clips, recipe.run.steps * recipe.scenes_per_batch)
    return known | {"kind": "synthetic scenes", "bank": Path(recipe.data.bank).name, "different_scenes": scenes}


def _portable(recipe: Recipe) -> dict[str, Any]:
    """The recipe with folder names in place of the paths of the machine it ran on."""
    plain = recipe.model_dump(mode="json")
    plain["data"] |= {"bank": Path(recipe.data.bank).name, "classes": None, "cache": None, "shards": None}
    for folder in (*plain["data"]["folders"], *filter(None, [plain["data"]["valid_folder"]])):
        folder["root"] = Path(folder["root"]).name
    if recipe.run.init_from:
        plain["run"]["init_from"] = Path(recipe.run.init_from).name
    return plain
