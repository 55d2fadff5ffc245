"""A checkpoint to fine-tune from, out of an ONNX model: `python scripts/checkpoint_from_onnx.py MODEL.onnx BANK OUT`.

Made for the default model, whose training run was not kept. Exporting folds batch normalisation into the convolutions
before it, which a network that learns on needs back: its scale and offset are the deviation and mean that the folded
convolutions' outputs have over training scenes, so that in evaluation the network answers as the ONNX file does, and in
training the statistics of a batch are near those that it knows. The size of each convolution's kernel, which batch
normalisation undoes, is unknown, but decides how much a step changes it: kernels get the size that those without batch
normalisation have grown to. Large weights are written as 16-bit numbers, and
without YAMNet's, which the ONNX file beside it holds. It ends with the largest difference to ONNX Runtime.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from earwitness.detect.model.card import card_path, read_card
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.models.architectures import model_config
from earwitness.models.checkpoint import build, save_model
from earwitness.models.network import Network
from earwitness.models.symmetric import MirroredNetwork
from earwitness.training.data.clip_stream import SceneStream, batches
from earwitness.training.data.training_sources import OpenSynthesizer
from earwitness.training.recipe import Recipe, check_recipe

SCOPE: Final = re.compile(r"^/net/(?:network/)?")
NORM_OF: Final = {"first.0": "first.1", "second.0": "second.1", "stem.0": "stem.1", "depthwise": "batch_norm"}
SMALLEST: Final = 1e-3
"""Deviation below which a channel counts as dead."""
GROWTH: Final = 0.08
"""By how much training has spread kernels, besides how they began: what the 1x1 convolutions of the shortcuts, which
have no batch normalisation, and the dense layers show."""


def weights_of(path: Path) -> dict[str, np.ndarray]:
    """Weights of an exported network by their names in torch; those of folded convolutions with their biases."""
    graph = onnx.load(str(path)).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    arrays |= {node.output[0]: arrays[node.input[0]] for node in graph.node
               if node.op_type == "Cast" and node.input[0] in arrays}  # fmt: skip
    found = {
        name.removeprefix("net.network."): value for name, value in arrays.items() if name.startswith("net.network.")
    }
    for node in graph.node:
        anonymous = [name for name in node.input if name.startswith("onnx::") and name in arrays]
        if node.op_type not in ("MatMul", "Conv") or not anonymous:
            continue
        module = _module(node.name)
        weight = arrays[anonymous[0]]
        found[f"{module}.weight"] = weight.T if node.op_type == "MatMul" else weight
        if len(anonymous) > 1:
            found[f"{module}.folded"] = arrays[anonymous[1]]
    return {name: np.array(value, dtype=np.float32) for name, value in found.items() if not name.endswith(".half")}


def _module(node: str) -> str:
    """Torch's name of the module that an ONNX node is of: /net/stem/stem.0/Conv is stem.0."""
    parts: list[str] = []
    for part in SCOPE.sub("", node).split("/")[:-1]:
        inner = bool(parts) and part.startswith(f"{parts[-1]}.")
        parts[len(parts) - inner :] = [part]
    return ".".join(parts)


def unfold(net: Network, weights: dict[str, np.ndarray]) -> dict[str, nn.Module]:
    """Give `net` the weights, its normalisations doing nothing but to add the biases; returns those, by convolution."""
    state, norms = net.state_dict(), {}
    for name, folded in [item for item in weights.items() if item[0].endswith(".folded")]:
        convolution = name.removesuffix(".folded")
        tail = next(tail for tail in NORM_OF if convolution.endswith(tail))
        norm = convolution.removesuffix(tail) + NORM_OF[tail]
        norms[convolution] = net.get_submodule(norm)
        state[f"{norm}.bias"] = torch.from_numpy(folded)
        state[f"{norm}.running_var"] = torch.full(folded.shape, 1.0 - norms[convolution].eps)  # type: ignore[operator]
    for name, value in weights.items():
        if not name.endswith(".folded"):
            if name not in state or state[name].shape != value.shape:
                raise SystemExit(f"{name} {value.shape}: no such weight in the network")
            state[name] = torch.from_numpy(value)
    net.load_state_dict(state)
    return norms


@torch.inference_mode()
def normalise(net: Network, norms: dict[str, nn.Module], features: Tensor) -> None:
    """Give each normalisation the statistics of `features`, and each kernel a usual length; answers stay the same."""
    sums: dict[str, list[Any]] = {name: [0, 0.0, 0.0] for name in norms}

    def add(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            flat = output.detach().double().transpose(0, 1).flatten(1)
            total = sums[name]
            total[0] += flat.shape[1]
            total[1] = total[1] + flat.sum(1)
            total[2] = total[2] + flat.square().sum(1)

        return hook

    hooks = [norm.register_forward_hook(add(name)) for name, norm in norms.items()]
    for clips in features.split(16):
        net(clips)
    for hook in hooks:
        hook.remove()
    for name, norm in norms.items():
        count, total, squares = sums[name]
        mean = total / count
        deviation = (squares / count - mean.square()).clamp_min(0).sqrt().clamp_min(SMALLEST)
        kernel = net.get_submodule(name).weight
        # Kernels begin uniform within 1 / sqrt(inputs): their deviation is that over sqrt(3).
        spread = (1 / (3 * kernel[0].numel()) + GROWTH**2) ** 0.5
        length = float(spread / kernel.double().square().mean().sqrt())
        kernel.mul_(length)
        norm.running_mean.copy_((mean - norm.bias) * length)  # type: ignore[operator, union-attr]
        norm.running_var.copy_((deviation * length).square() - norm.eps)  # type: ignore[operator, union-attr]
        norm.weight.copy_(deviation)  # type: ignore[operator, union-attr]
        norm.bias.copy_(mean)  # type: ignore[operator, union-attr]


def training_features(recipe: Recipe, bank: str, scenes: int) -> Tensor:
    """Features of scenes as the model learnt from."""
    data = recipe.data.model_copy(update={"bank": bank, "pool": {**recipe.data.pool, "rooms": 80}})
    stream = SceneStream(OpenSynthesizer(data, "train"), recipe.features, seed=data.seed, swap="random")
    return torch.cat([batch.features.float() for batch in batches(stream, start=0, stop=scenes // 16, scenes=16)])


def difference(net: Network, recipe: Recipe, model: Path, features: Tensor) -> float:
    """Largest difference to ONNX Runtime, over noise and over scenes."""
    runtime, mirrored = OnnxRuntime(model, device="cpu"), MirroredNetwork(net, recipe.features).eval()
    noise = torch.from_numpy(np.random.default_rng(0).normal(size=(4, *features.shape[1:])).astype(np.float32))
    worst = 0.0
    for part in (noise, features[:32]):
        with torch.inference_mode():
            ours = mirrored(part).numpy()
        worst = max(worst, float((np.abs(ours - runtime.run(part.numpy(), {})) / (1 + np.abs(ours))).max()))
    return worst


def main() -> None:
    """Write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("bank")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scenes", type=int, default=640, help="that statistics are taken from")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    card = read_card(card_path(asked.model))
    recipe = check_recipe(card.recipe, str(asked.model))
    net = build(model_config({name: value for name, value in card.model.items() if name != "mirrored"})).eval()
    norms = unfold(net, weights_of(asked.model))
    features = training_features(recipe, asked.bank, asked.scenes)
    print(f"before: differs from ONNX Runtime by {difference(net, recipe, asked.model, features):.1e}")
    normalise(net, norms, features)
    print(f"after: differs from ONNX Runtime by {difference(net, recipe, asked.model, features):.1e}")
    save_model(net, asked.out, compact=True)
    print(f"{asked.out}: {asked.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
