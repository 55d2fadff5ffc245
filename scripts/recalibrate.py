"""Calibrates a model anew: `python scripts/recalibrate.py MODEL.onnx RECIPE BANK OUT.onnx [--scenes N] [--set K=V]`.

Weights stay; calibration, smoothing, thresholds and intervals of the card are set on validation scenes of another
recipe than the model's own, say of scenes as real recordings have them: what they are good for depends on how often and
where sounds are. Half of the scenes set them, the other half judges them, as in `earwitness export-model`.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import EventTable
from earwitness.detect.model.card import ModelCard, card_path
from earwitness.detect.model.model_files import find_model
from earwitness.detect.runner.runtime import OnnxRuntime
from earwitness.training.data.clip_stream import VALID_STREAM, SceneStream
from earwitness.training.data.training_sources import OpenSynthesizer
from earwitness.training.export.calibrate import FEW_EVENTS_LIMIT, FEWEST_SCENES, UNTUNED_LIMIT, tune_and_score_outputs
from earwitness.training.recipe import load_recipe


def answers(model: Path, stream: SceneStream, scenes: int) -> Iterator[tuple[NDArray[np.float32], EventTable]]:
    """What a model says of each scene, and the truth."""
    runtime = OnnxRuntime(model, device="cpu")
    for index in range(scenes):
        scene, features = stream.scene(index)
        yield runtime.run(features[None].astype(np.float32), {})[0], scene.labels


def recalibrated(card: ModelCard, outputs: NDArray[np.float32], references: list[EventTable], scenes: str) -> ModelCard:
    """The card with calibration, smoothing and thresholds of these outputs, and the scores that they reach."""
    judgement = tune_and_score_outputs(outputs, references)
    update = {
        "calibration": judgement.calibration, "smoothing": judgement.smoothing, "thresholds": judgement.thresholds,
        "intervals": judgement.intervals,
        "scores": judgement.scores, "data": card.data | {"calibrated_on": scenes},
        "limits": (
            *(limit for limit in card.limits if limit not in (UNTUNED_LIMIT, FEW_EVENTS_LIMIT)), *judgement.limits,
        ),
    }  # fmt: skip
    return card.model_copy(update=update)


def main() -> None:
    """Calibrate and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("bank")
    parser.add_argument("out", type=Path)
    parser.add_argument("--scenes", type=int, default=1200)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change the recipe")
    asked = parser.parse_args()
    if asked.scenes < FEWEST_SCENES:
        parser.error(f"--scenes: at least {FEWEST_SCENES}, as one half sets what the other judges")
    model, recipe = find_model(asked.model), load_recipe(asked.recipe, [f"data.bank={asked.bank}", *asked.set])
    stream = SceneStream(
        OpenSynthesizer(recipe.data, "valid"), model.card.features, seed=recipe.data.valid_seed, swap="none",
        stream=VALID_STREAM,
    )  # fmt: skip
    outputs, references = zip(*answers(model.path, stream, asked.scenes), strict=True)
    scenes = ", ".join([f"{asked.scenes} scenes of {recipe.name}", *asked.set])
    card = recalibrated(model.card, np.stack(outputs), list(references), scenes)
    if asked.out.resolve() != model.path.resolve():
        shutil.copyfile(model.path, asked.out)
    card.write(card_path(asked.out))
    print(f"{asked.out}: F20/1 {card.scores['synthetic/f_score']:.3f}, azimuths {card.calibration.azimuth}")


if __name__ == "__main__":
    main()
