from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from earwitness.core.errors import EncoderError
from earwitness.encoders.weights.weight_files import RECORD, Weights, read_record, sha256_of


@pytest.fixture
def weights(tmp_path: Path) -> Weights:
    for name, content in (("a.bin", b"a"), ("b.json", b"{}"), ("secret.py", b"import os")):
        (tmp_path / name).write_bytes(content)
    return Weights("toy", tmp_path, {name: sha256_of(tmp_path / name) for name in ("a.bin", "b.json")})


def test_the_digest_depends_on_names_and_contents_but_not_on_the_order(weights: Weights) -> None:
    turned = Weights("toy", weights.folder, dict(reversed(weights.sha256.items())))
    assert turned.digest == weights.digest
    assert weights.only(["a.bin", "missing"]).sha256 == {"a.bin": hashlib.sha256(b"a").hexdigest()}
    assert weights.only(["a.bin"]).digest != weights.digest


def test_libraries_see_the_verified_files_only(weights: Weights) -> None:
    with weights.isolated() as folder:
        assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.json"]
        assert (folder / "a.bin").read_bytes() == b"a"
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"../a.bin": "0"}'])
def test_a_damaged_record_says_what_to_do(tmp_path: Path, text: str) -> None:
    assert read_record(tmp_path) == {}
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(EncoderError, match="pull the model again"):
        read_record(tmp_path)


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match=r"a\.bin: cannot be read"):
        sha256_of(tmp_path / "a.bin")
