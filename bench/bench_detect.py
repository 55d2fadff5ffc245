"""Speed and memory of the whole `earwitness detect`: `python bench/bench_detect.py [MODEL]`, one thread.

Each row is a fresh process that decodes a stereo WAV (48 kHz), computes features, runs the model and writes its files.
If no model is shipped, an untrained network of the default size is used: the cost is the same.
"""

from __future__ import annotations

import os
import sys
import tempfile
import wave
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from measured import run_measured  # noqa: E402

from earwitness.detect.model.model_files import shipped_models  # noqa: E402

RATE = 48_000
MINUTES = (1, 10, 30)


def write_scene(path: Path, minutes: int) -> None:
    """Write panned noise bursts over a noise floor, block by block."""
    random = np.random.default_rng(0)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for _ in range(minutes * 30):
            side = random.uniform(-1, 1)
            burst = random.normal(scale=0.1, size=2 * RATE) * (random.random() < 0.6)
            floor = random.normal(scale=0.002, size=(2, 2 * RATE))
            stereo = floor + np.stack([(1 + side) * burst, (1 - side) * burst])
            file.writeframes((np.clip(stereo, -1, 1) * 32767).astype("<i2").T.tobytes())


def untrained_model(folder: Path) -> Path:
    """Export an untrained network of the default size; needs the extra `train`."""
    from earwitness.detect.model.card import ModelCard, card_path, file_sha256
    from earwitness.features import FeatureConfig
    from earwitness.models.seld import SeldNet
    from earwitness.models.seld_config import SeldConfig
    from earwitness.training.export.model_export import export_onnx

    path, config = folder / "untrained.onnx", SeldConfig()
    export_onnx(SeldNet(config).eval(), path)
    ModelCard(
        name="untrained",
        features=FeatureConfig(),
        model=config.model_dump(mode="json"),
        thresholds=(0.5,) * 13,
        sha256=file_sha256(path),
    ).write(card_path(path))
    return path


def _processor_seconds() -> float:
    """Processor time of all child processes so far: that of a shared machine says more than the clock."""
    times = os.times()
    return times.children_user + times.children_system


def main() -> None:
    """Print speed and peak memory for sounds of several lengths."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            model = sys.argv[1]
        else:
            model = "default" if "default" in shipped_models() else str(untrained_model(folder))
        print(f"model: {Path(model).name}")
        print(
            f"{'minutes':>8} {'seconds':>8} {'x real time':>12} {'processor s':>12} {'x real time':>12} {'peak MB':>8}"
        )
        for minutes in MINUTES:
            sound = folder / f"{minutes}.wav"
            write_scene(sound, minutes)
            command = ["detect", str(sound), "--model", model, "--out", str(folder / "out"), "--quiet"]
            before = _processor_seconds()
            elapsed, peak = run_measured(*command)
            busy, sound_seconds = _processor_seconds() - before, minutes * 60
            row = [f"{minutes}", f"{elapsed:.1f}", f"{sound_seconds / elapsed:.0f}", f"{busy:.1f}"]
            row += [f"{sound_seconds / busy:.0f}", f"{peak:.0f}"]
            print(" ".join(f"{cell:>12}" for cell in row), flush=True)
            sound.unlink()


if __name__ == "__main__":
    main()
