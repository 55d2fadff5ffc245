from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import hub as stand_in
from earwitness.detect.hub.hub_cache import HubAddress
from earwitness.detect.hub.hub_push import save_hub_folder
from earwitness.media.sound.wav import write_wav
from hub import METER, Hub, Repo


@pytest.fixture(scope="session")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models-tried")


@pytest.fixture
def the_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tried: Path) -> Iterator[Hub]:
    """An empty hub, no token, and an empty cache; the trial of a model, which takes a second, is done once."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "models-tried").symlink_to(tried)
    for name in ("HF_TOKEN", "HF_TOKEN_PATH", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.chdir(tmp_path)
    write_wav(Path("a.wav"), np.full((2, 24_000), 0.01, dtype=np.float32), 24_000)
    with stand_in.running_hub() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.base)
        yield hub


@pytest.fixture(scope="session")
def meter_files(meter_model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What `push` uploads for the test model."""
    folder = tmp_path_factory.mktemp("meter-files") / "out"
    save_hub_folder(folder, meter_model, HubAddress.parse(METER))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def published(the_hub: Hub, meter_files: dict[str, bytes]) -> Hub:
    """A hub that has the test model."""
    the_hub.repos["ear/meter"] = Repo()
    the_hub.repos["ear/meter"].commit("main", dict(meter_files))
    return the_hub
