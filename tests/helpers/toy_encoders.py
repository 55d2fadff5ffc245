"""Encoders of sound and pictures without weights, and a small network for their tokens."""

from __future__ import annotations

import numpy as np

from earwitness.detect.model.card import ModelCard, TokenNeed
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.features import FeatureConfig

FEATURES = FeatureConfig(channels=("logmel_m", "intensity"), mels=16, stpacc_bins=16, window=512, stpacc_lags=128)
NETWORK = {
    "architecture": "cmc", "in_channels": 2, "mels": 16, "stem_width": 4, "stem_kernel": 3, "widths": (4, 8),
    "pools": ((5, 2), (1, 2)), "dim": 16, "heads": 2, "blocks": 1, "conv_kernel": 3, "ffn_mult": 2, "cross_heads": 2,
    "tokens": {"sound": {"dim": 3}, "picture": {"dim": 2}},
}  # fmt: skip


class ToySound:
    """A token each half second: its beginning, its level, one."""

    name, modality, dim, fingerprint = "toy-sound", "sound", 3, "s1"

    def encode(self, stereo: np.ndarray, rate: int) -> TokenMap:
        steps = max(1, stereo.shape[1] // (rate // 2))
        pieces = np.array_split(stereo, steps, axis=1)
        tokens = np.array([[[piece[0, 0], np.abs(piece).mean(), 1]] for piece in pieces], np.float32)
        nowhere = np.array([np.nan], np.float32)
        return TokenMap(tokens, (np.arange(steps) + 0.5) / 2, nowhere, nowhere, "sound")


class ToyPicture:
    """Brightness of the left and of the right half; counts what it has seen."""

    name, modality, dim, fingerprint = "toy-picture", "picture", 2, "p1"

    def __init__(self) -> None:
        self.seen: list[float] = []

    def encode(self, frames: np.ndarray, times: np.ndarray, horizontal_fov_deg: float = 100.0) -> TokenMap:
        self.seen += times.tolist()
        halves = np.stack([half.mean(axis=(1, 2, 3)) for half in np.array_split(frames, 2, axis=2)], axis=1)
        tokens = np.stack([halves, np.ones_like(halves)], axis=2).astype(np.float32) / 255
        quarter = horizontal_fov_deg / 4
        places = np.array([quarter, -quarter], np.float32)
        return TokenMap(tokens, times, places, np.zeros(2, np.float32), "picture")


def description(name: str, dim: int, rate: float | None) -> StoreDescription:
    return StoreDescription(
        encoder=f"toy-{name}", modality="sound" if rate is None else "picture", dim=dim,
        fingerprint="s1" if rate is None else "p1", settings={}, rate=rate,
        horizontal_fov_deg=None if rate is None else 100.0,
    )  # fmt: skip


def make_card(required: bool = False) -> ModelCard:
    needs = {
        "sound": TokenNeed(made_by=description("sound", 3, None)),
        "picture": TokenNeed(made_by=description("picture", 2, 2.0), required=required),
    }
    return ModelCard(
        name="toy", features=FEATURES, tokens=needs, model=NETWORK, thresholds=(0.0,) * 13, window_frames=20
    )
