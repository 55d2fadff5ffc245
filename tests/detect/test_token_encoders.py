from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.model.card import ModelCard, TokenNeed
from earwitness.detect.runner import token_encoders
from earwitness.detect.runner.token_encoders import check_own_weights, load_token_encoders
from earwitness.encoders.encoder_registry import EncoderSpec
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


def test_encoders_are_those_that_the_model_learnt_from(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"toy-sound": ToySound(), "toy-picture": ToyPicture()}
    monkeypatch.setattr(token_encoders.EncoderSpec, "load", lambda spec, threads: made[spec.name])
    ready = load_token_encoders(make_card(), fov=70.0)
    assert {name: (token_encoder.rate, token_encoder.encoder) for name, token_encoder in ready.items()} == {
        "sound": (None, made["toy-sound"]),
        "picture": (2.0, made["toy-picture"]),
    }
    assert ready["picture"].horizontal_fov_deg == 70.0
    assert set(load_token_encoders(make_card(), {"sound"})) == {"sound"}
    made["toy-picture"].fingerprint = "p2"  # type: ignore[misc]
    with pytest.raises(ModelError, match=r"trained with 'toy-picture' tokens \[p1\].*\[p2\]"):
        load_token_encoders(make_card())
    with pytest.raises(ModelError, match="requires 'picture' tokens"):
        load_token_encoders(make_card(required=True), {"sound"})


def test_own_weights_are_loaded_from_their_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made = {"toy-sound": ToySound(), "toy-picture": ToyPicture()}
    folders = {}

    def load(spec: EncoderSpec, threads: int) -> ToySound | ToyPicture:
        folders[spec.name] = spec.folder
        return made[spec.name]  # type: ignore[return-value]

    monkeypatch.setattr(token_encoders.EncoderSpec, "load", load)
    load_token_encoders(make_card(), weights={"toy-sound": tmp_path})
    assert folders == {"toy-sound": tmp_path, "toy-picture": None}
    check_own_weights({"toy-picture": tmp_path}, "toy", [make_card()])
    with pytest.raises(UsageError, match=r"does not use 'clap'; it uses: toy-picture, toy-sound"):
        check_own_weights({"clap": tmp_path}, "toy", [make_card()])
