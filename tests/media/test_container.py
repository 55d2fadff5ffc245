from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from earwitness.core.errors import UnreadableMediaError
from earwitness.media.containers.container import (
    PacketSource,
    audio_streams,
    check_file,
    container_duration,
    open_media,
    picture_stream,
    zero_time,
)
from earwitness.media.sound.wav import write_wav


def test_a_video_has_its_streams_and_its_length(clip: Path) -> None:
    with open_media(clip) as container:
        assert len(audio_streams(container)) == 1
        assert picture_stream(container) is not None
        assert container_duration(container) == pytest.approx(2.0, abs=0.2)
        assert zero_time(container) == 0


def test_packets_are_counted_and_decoded(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", np.zeros((2, 24_000)), 24_000)
    with open_media(tmp_path / "a.wav") as container:
        source = PacketSource(container, audio_streams(container)[0])
        frames = [frame for _, decoded in source.frames() for frame in decoded or ()]
    assert sum(frame.samples for frame in frames) == 24_000
    assert (source.corrupt, source.warning) == (0, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.mp4", "no such file"),
        ("folder", "is a folder"),
        ("empty.wav", "is empty"),
        ("null\0.wav", "no such file"),
    ],
)
def test_paths_that_are_no_files(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.wav").touch()
    with pytest.raises(UnreadableMediaError, match=message):
        check_file(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_pipes_are_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(UnreadableMediaError, match="pipe"), open_media(tmp_path / "pipe.wav"):
        pass


def test_names_are_not_read_as_protocols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_wav("take:2.wav", np.zeros((2, 2400)), 24_000)
    with open_media("take:2.wav") as container:
        found: Any = audio_streams(container)
        assert len(found) == 1
