"""Training speed of the default model in clips per second (forward, backward, update), by precision and batch size.

One thread. Run: python bench/bench_training.py [--bank PATH]; with a bank, also the speed of one worker that makes
clips, in clips per second of processor time, without and with dense targets.
"""

from __future__ import annotations

import argparse
import time

import torch

from earwitness.training.data.clip_stream import SceneStream
from earwitness.training.data.training_sources import OpenSynthesizer
from earwitness.training.loop.distributed import fast_bf16
from earwitness.training.optimization import AdpitLoss, parameter_groups
from earwitness.training.recipe import Recipe, check_recipe

STEPS = 6


def learning(recipe: Recipe, *, bf16: bool, batch: int) -> float:
    """Clips per second of the training process alone."""
    from earwitness.models.seld import SeldNet

    net = SeldNet(recipe.seld).to(memory_format=torch.channels_last)
    loss = AdpitLoss(recipe.loss)
    optimizer = torch.optim.AdamW(parameter_groups(net, recipe.optim.weight_decay), lr=1e-3)
    config = recipe.seld
    features = torch.randn(batch, config.in_channels, 50 * config.frames_per_label, config.mels)
    active = torch.rand(batch, 50, 3, config.classes) < 0.02
    values = torch.rand(batch, 50, 3, config.classes, 4)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            raw = net(features)
        optimizer.zero_grad(set_to_none=True)
        loss(raw, active, values).total.backward()
        optimizer.step()

    step()
    begun = time.perf_counter()
    for _ in range(STEPS):
        step()
    return STEPS * batch / (time.perf_counter() - begun)


def making(recipe: Recipe, *, dense: bool = False, scenes: int = 60) -> float:
    """Clips per second of processor time that one process synthesises, with features and left-right swap."""
    stream = SceneStream(OpenSynthesizer(recipe.data, "train"), recipe.features, seed=1)
    stream.dense = dense
    for index in range(2 * scenes):  # decodes the sounds, as a worker does in its first minutes
        stream[index]
    begun = time.process_time()
    clips = sum(len(stream[index][1]) for index in range(scenes, 2 * scenes))
    return clips / (time.process_time() - begun)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bank", help="sound bank; without it, only training steps are measured")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = check_recipe({"data": {"bank": arguments.bank or "soundbank", "pool": {"rooms": 10}}}, "bench")
    print(f"bfloat16 in hardware: {fast_bf16(torch.device('cpu'))}")
    for bf16 in (False, True):
        for batch in (16, 32):
            rate = learning(recipe, bf16=bf16, batch=batch)
            print(f"learning  {'bf16' if bf16 else 'fp32'}  batch {batch}  {rate:6.1f} clips/s")
    if arguments.bank:
        for name, dense in (("one process", False), ("dense targets", True)):
            print(f"making    {name:17} {making(recipe, dense=dense):6.1f} clips/s")


if __name__ == "__main__":
    main()
