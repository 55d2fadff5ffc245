from __future__ import annotations

from pathlib import Path

import pytest

from earwitness.core.errors import ModelError, UsageError
from earwitness.detect.runner import token_encoders
from earwitness.detect.runner.token_encoders import check_own_weights, load_token_encoders
from earwitness.encoders.protocol import EncoderSpec
from toy_encoders import ToyPicture, ToySound, make_card


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
