"""Three tiny data sets and an ablation recipe on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import yaml

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import write_table
from earwitness.media.sound.wav import write_wav

TINY: dict[str, Any] = {
    "name": "tiny",
    "features": {"channels": ["logmel_m", "intensity"], "mels": 16, "stpacc_bins": 16, "window": 512,
                 "stpacc_lags": 128},
    "model": {"stem_width": 4, "stem_kernel": 3, "widths": [4, 8], "pools": [[5, 2], [1, 2]], "dim": 16, "heads": 2,
              "blocks": 1, "conv_kernel": 3, "ffn_mult": 2},
    "run": {"batch": 4, "steps": 3, "log_every": 1, "valid_every": 2, "save_every": 1, "workers": 0,
            "scaler_scenes": 4, "tensorboard": False, "precision": "fp32", "device": "cpu"},
}  # fmt: skip
CHANGES: dict[str, Any] = {"data.swap": "random", "data.valid_scenes": 4}


def tone_clip(seed: int) -> tuple[np.ndarray, EventTable]:
    """Five seconds: a tone whose pitch is the class, panned by its azimuth."""
    rng = np.random.default_rng(seed)
    index, azimuth, start = int(rng.integers(13)), int(rng.integers(-80, 81)), int(rng.integers(0, 30))
    lateral = np.sin(np.radians(azimuth))
    tone = 0.1 * np.sin(2 * np.pi * (300 + 400 * index) * np.arange(120_000) / 24_000)
    tone[: start * 2400] = 0
    audio = np.stack([(1 + lateral) * tone, (1 - lateral) * tone]) + rng.normal(size=(2, 120_000)) * 1e-3
    frames = np.arange(start, 50)
    table = EventTable.from_columns(
        frame=frames, class_index=np.full(frames.size, index), azimuth=np.full(frames.size, azimuth),
        distance=np.full(frames.size, 2.0), onscreen=np.zeros(frames.size, bool), num_frames=50,
    )  # fmt: skip
    return audio.astype(np.float32), table


def write_set(root: Path, clips: int, seed: int) -> Path:
    """A DCASE folder of tones."""
    (root / "metadata_dev" / "dev-train-synth").mkdir(parents=True)
    for number in range(clips):
        audio, table = tone_clip(seed + number)
        name = f"fold1_room{seed}_mix{number:03d}_deg000_start0000"
        write_wav(root / "stereo_dev" / "dev-train-synth" / f"{name}.wav", audio, 24_000)
        write_table(root / "metadata_dev" / "dev-train-synth" / f"{name}.csv", table)
    return root


def write_ablation(folder: Path, **changes: Any) -> Path:
    """Three sets, a training recipe and an ablation recipe; returns the last one's file."""
    sets = {name: str(write_set(folder / name, clips, 100 * number)) for number, (name, clips) in
            enumerate((("train", 6), ("valid", 4), ("test", 5)), start=1)}  # fmt: skip
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    asked = {
        "name": "small-ablation",
        "base": "tiny.yaml",
        **sets,
        "shards": str(folder / "shards"),
        "seeds": [0, 1],
        "set": CHANGES,
        "reference": "plain",
        "variants": {"plain": {"about": "as it is"}, "wide": {"set": {"model.dim": 32}}},
        **changes,
    }
    path = folder / "ablation.yaml"
    path.write_text(yaml.safe_dump(asked, sort_keys=False))
    return path


def stage_one(folder: Path) -> dict[str, Any]:
    """Data of a pre-training: the same sets."""
    return {
        "data.folders": [{"root": str(folder / "train")}],
        "data.valid_folder": {"root": str(folder / "valid")},
    }
