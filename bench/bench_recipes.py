"""Training speed and peak memory of each recipe's network and of the official audio baseline, on one core.

Measures training steps only (forward, loss, backward, update) on random 5-s clips with random tokens, without the cost
of reading or making clips (bench_training.py, bench_dataset.py). Rates are clips per second of processor time, so that
other processes count little. Each recipe runs in a separate process, in bfloat16 if it says so.

Run: python bench/bench_recipes.py [RECIPE...]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import sys
import time
from pathlib import Path

import numpy as np
import torch

RECIPES = Path(__file__).parents[1] / "recipes"
REFERENCE = "official-baseline-audio"
SWITCHES = {
    "small, SELD alone": ("small", ["model.tokens={}"]),
    "small, + sound tokens": ("small", ["model.tokens={sound: {dim: 1024}}"]),
    "small, + both": ("small", []),
    "small, + both, concatenated": ("small", ["model.fusion=concatenation"]),
}
DEFAULT = (REFERENCE, "official-baseline-av", "default", *SWITCHES, "slim", "seld", "cmc-audio", "cmc-av")
STEPS, LARGE = 3, 10_000_000
SOUND_STEPS, PICTURES, COLUMNS = 10, 10, 10


def measure(title: str) -> dict[str, float]:
    """Train on a few batches of one recipe; needs its own process, since peak memory never falls."""
    from earwitness.models.checkpoint import build, parameter_count
    from earwitness.training.loop.distributed import fast_bf16
    from earwitness.training.optimization import AdpitLoss, OfficialLoss, make_optimizer
    from earwitness.training.recipe import load_recipe

    torch.set_num_threads(1)
    name, overrides = SWITCHES.get(title, (title, []))
    recipe = load_recipe(RECIPES / f"{name}.yaml", overrides)
    net = build(recipe.model)
    batch = 2 if parameter_count(net) > LARGE else 16
    bf16 = recipe.run.precision != "fp32" and fast_bf16(torch.device("cpu"))
    loss = (OfficialLoss if recipe.loss.form == "official" else AdpitLoss)(recipe.loss)
    optimizer = make_optimizer(net.to(memory_format=torch.channels_last), recipe.optim)
    config = recipe.model
    features = torch.randn(batch, config.in_channels, 50 * config.frames_per_label, config.mels)
    active, values = torch.rand(batch, 50, 3, config.classes) < 0.02, torch.rand(batch, 50, 3, config.classes, 4)
    tokens = made_up_tokens(config, batch)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            raw = net(features, tokens)
        optimizer.zero_grad(set_to_none=True)
        loss(raw.float(), active, values).total.backward()
        optimizer.step()

    for group in optimizer.param_groups:
        group["lr"] = 1e-4
    step()
    begun = time.process_time()
    for _ in range(STEPS):
        step()
    rate = STEPS * batch / (time.process_time() - begun)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1024**2)
    return {"rate": rate, "parameters": parameter_count(net), "batch": batch, "bf16": bf16, "peak": peak}


def made_up_tokens(config: object, batch: int) -> dict[str, object]:
    """Random tokens for five seconds: ten of sound, and ten pictures of ten columns (or of the network's grid)."""
    from earwitness.models.architectures import token_widths
    from earwitness.models.network import Tokens
    from earwitness.training.export.model_export import fixed_positions

    made: dict[str, object] = {}
    for name, dim in token_widths(config).items():  # type: ignore[arg-type]
        sound = name == "sound"
        steps = SOUND_STEPS if sound else PICTURES
        positions = fixed_positions(config, name) or (1 if sound else COLUMNS)  # type: ignore[arg-type]
        directions = np.zeros((batch, positions, 2), np.float32)
        directions[..., 0] = np.nan if sound else np.linspace(45, -45, positions)
        times = np.tile((np.arange(steps, dtype=np.float32) + 0.5) * 5 / steps, (batch, 1))
        made[name] = Tokens(
            torch.randn(batch, steps, positions, dim), torch.from_numpy(times), torch.from_numpy(directions),
            torch.ones(batch, steps, dtype=torch.bool),
        )  # fmt: skip
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=DEFAULT, help="names in recipes/")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    context = multiprocessing.get_context("spawn")
    if not arguments.json:
        print(
            f"{'recipe':30s} {'parameters':>12s} {'clips/s':>8s} {'x official':>10s} {'peak MB':>8s}  batch", flush=True
        )
    for title in dict.fromkeys([REFERENCE, *arguments.recipes]):
        with context.Pool(1) as pool:
            one = found[title] = pool.apply(measure, (title,))
        if not arguments.json:
            form = f"{one['batch']:.0f} {'bf16' if one['bf16'] else 'fp32'}"
            ratio = one["rate"] / found[REFERENCE]["rate"]
            figures = f"{one['parameters']:12,.0f} {one['rate']:8.1f} {ratio:10.2f} {one['peak']:8.0f}"
            print(f"{title:30s} {figures}  {form}", flush=True)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
