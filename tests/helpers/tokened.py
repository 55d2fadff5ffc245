"""A made-up data set with embeddings: the class of a clip can be read off its tokens."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from earwitness.core.events import EventTable
from earwitness.data.dcase.labels import write_table
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.store.embedding_store import StoreDescription, create_store
from earwitness.encoders.store.token_parts import PartWriter
from earwitness.media.sound.wav import write_wav
from earwitness.training.recipe import Recipe, check_recipe
from fakes import tiny_recipe

RATE = 24_000
SPLIT = "dev-train-synth"
COLUMNS = np.array([40, 15, -15, -40], dtype=np.float32)
WIDTHS = {"sound": 6, "picture": 5}


def clip_name(room: int, mix: int) -> str:
    return f"fold1_room{room:03d}_mix{mix:03d}_deg000_start0000"


def make_set(root: Path, clips: int = 4, room: int = 1) -> Path:
    rng = np.random.default_rng(room)
    for mix in range(clips):
        name = clip_name(room, mix)
        write_wav(root / "stereo_dev" / SPLIT / f"{name}.wav", rng.normal(scale=0.05, size=(2, 5 * RATE)), RATE)
        table = EventTable.from_columns(
            frame=np.arange(30), class_index=np.full(30, mix), azimuth=20.0, distance=2.0, num_frames=50
        )
        write_table(root / "metadata_dev" / SPLIT / f"{name}.csv", table)
    return root


def embed(root: Path, name: str, clips: int = 4, room: int = 1, fingerprint: str = "f1") -> None:
    """Write the embeddings of `name`, `sound` or `picture`, as `dataset embed` does."""
    sound = name == "sound"
    description = StoreDescription(
        encoder=f"toy-{name}", modality="sound" if sound else "picture", dim=WIDTHS[name], fingerprint=fingerprint,
        settings={}, rate=None if sound else 2.0, horizontal_fov_deg=None if sound else 100.0,
    )  # fmt: skip
    writer = PartWriter.open(create_store(root, description), 1)
    for mix in range(clips):
        tokens = token_map(name, mix)
        file = root / "stereo_dev" / SPLIT / f"{clip_name(room, mix)}.wav"
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        for swapped in (False,) if sound else (False, True):
            writer.add(f"{SPLIT}/{clip_name(room, mix)}", swapped, content, tokens.mirrored() if swapped else tokens)
    writer.close()


def token_map(name: str, mix: int) -> TokenMap:
    if name == "sound":
        azimuth = np.array([np.nan], np.float32)
        tokens, times = np.zeros((12, 1, 6), np.float32), (np.arange(12) + 0.5) * 0.4
        tokens[..., mix % 6] = 1
        return TokenMap(tokens, times, azimuth, azimuth, "sound")
    tokens = np.zeros((10, 4, 5), np.float32)
    tokens[:, 1, mix % 5] = 1
    return TokenMap(tokens, np.arange(10) * 0.5 + 0.25, COLUMNS, np.zeros(4, np.float32), "picture")


def cmc_recipe(root: Path, valid: Path, data: dict[str, object] | None = None, **run: object) -> Recipe:
    plain = tiny_recipe(**run).model_dump(mode="json")
    plain["model"] |= {
        "architecture": "cmc",
        "cross_heads": 2,
        "tokens": {"sound": {"dim": 6}, "picture": {"dim": 5, "reach_s": 1.0}},
    }
    plain["data"] |= {
        "folders": [{"root": str(root)}],
        "valid_folder": {"root": str(valid)},
        "tokens": {"sound": {"encoder": "toy-sound"}, "picture": {"encoder": "toy-picture"}},
        "shards": str(root.parent / "shards"),
        **(data or {}),
    }
    plain["augment"] |= {"modality_dropout": 0.3, "mixup": 0.4}
    return check_recipe(plain, "tokened")
