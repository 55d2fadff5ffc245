from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.media.subtitled import add_subtitles

LINES = [(0.3, 1.2, "[knocking, left]"), (1.3, 1.8, "[♪ music ♪]\n[bell]"), (1.9, 4.0, "[door]"), (5.0, 6.0, "never")]


@pytest.fixture
def video(toolbox: Any, tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    pictures = [np.full((48, 64, 3), 4 * number, np.uint8) for number in range(60)]
    return toolbox.write_media(
        tmp_path / "source.mp4", sound=rng.normal(0, 0.1, (2, 96_000)).astype(np.float32), pictures=pictures
    )


def packets(path: Path, kind: str) -> list[bytes]:
    with av.open(str(path)) as file:
        return [bytes(one) for one in file.demux(**{kind: 0}) if one.size]


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
def test_players_find_the_track_and_all_else_is_the_same(video: Path, tmp_path: Path, suffix: str) -> None:
    out = add_subtitles(video, tmp_path / f"out{suffix}", LINES, "de-AT", "Geräusche")
    assert packets(out, "audio") == packets(video, "audio")
    if suffix != ".mkv":
        assert packets(out, "video") == packets(video, "video")
    with av.open(str(out)) as file:
        track = file.streams.subtitles[0]
        assert suffix == ".mov" or track.metadata["language"] == "deu"
        assert suffix == ".mov" or track.disposition & Disposition.hearing_impaired
        first = float((file.start_time or 0) / 1e6)
        found = [
            (float(one.pts * one.time_base) - max(first, 0), float(one.duration * one.time_base), words(bytes(one)))
            for one in file.demux(subtitles=0) if one.size > 2
        ]  # fmt: skip
    assert [text for *_, text in found] == [text for *_, text in LINES[:3]]
    assert [start for start, *_ in found] == pytest.approx([start for start, *_ in LINES[:3]], abs=0.03)
    assert [length for _, length, _ in found] == pytest.approx([0.9, 0.5, 0.1], abs=0.03)  # none outlasts the video


def words(data: bytes) -> str:
    plain = data[2:] if data[0] == 0 else data
    return plain.decode()


def test_times_count_from_the_start_of_the_container(toolbox: Any, tmp_path: Path) -> None:
    pictures: list[Any] = [np.zeros((48, 64, 3), np.uint8)] * 60
    times = [3 + number / 30 for number in range(60)]
    source = toolbox.write_media(tmp_path / "late.ts", pictures=pictures, times=times)
    with av.open(str(source)) as file:
        assert (file.start_time or 0) > 1e6
    out = add_subtitles(source, tmp_path / "out.mkv", LINES[:1], "en", "Sounds")
    with av.open(str(out)) as file:
        (one,) = [packet for packet in file.demux(subtitles=0) if packet.size]
        assert float(one.pts * one.time_base) == pytest.approx(0.3, abs=0.1)


def test_what_cannot_be_written_says_so(video: Path, tmp_path: Path) -> None:
    with pytest.raises(EncodingError, match=r"\.avi: soft subtitles are written to"):
        add_subtitles(video, tmp_path / "out.avi", LINES, "en", "x")
    with pytest.raises(EncodingError, match="would overwrite the source"):
        add_subtitles(video, video, LINES, "en", "x")
    with pytest.raises(UnreadableMediaError):
        add_subtitles(tmp_path / "none.mp4", tmp_path / "out.mkv", LINES, "en", "x")
    assert not list(tmp_path.glob("out.*"))
