from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition

from earwitness.core.errors import EncodingError, UnreadableMediaError
from earwitness.media.containers.container import open_media
from earwitness.media.remux import (
    AAC_RATES,
    AacEncoder,
    CopiedSoundtrack,
    EncodedSoundtrack,
    add_subtitles,
    can_copy,
    has_sound,
    nearest_rate,
)
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import write_wav

RATE = 24_000


def tone(seconds: float = 3.0) -> np.ndarray:
    times = np.arange(round(seconds * RATE)) / RATE
    return np.stack([0.5 * np.sin(2 * np.pi * 440 * times), 0.1 * np.sin(2 * np.pi * 440 * times)]).astype(np.float32)


@pytest.fixture
def aac(tmp_path: Path) -> Path:
    path = tmp_path / "tone.mp4"
    with av.open(str(path), "w") as output:
        encoder = AacEncoder(output, RATE, true_waves=True)
        for packet in (*encoder.encode(tone()), *encoder.finish()):
            output.mux(packet)
    return path


def levels(path: Path) -> np.ndarray:
    return np.sqrt(np.square(read_audio(path)[:, RATE // 2 : 2 * RATE]).mean(axis=1))


def test_the_levels_of_both_channels_are_kept(aac: Path) -> None:
    assert levels(aac) == pytest.approx([0.354, 0.0707], rel=0.03)


def test_packets_are_copied_unchanged_and_in_time(aac: Path, tmp_path: Path) -> None:
    path = tmp_path / "copied.mp4"
    with open_media(aac) as source, av.open(str(path), "w") as output:
        track = CopiedSoundtrack(source, output)
        for second in range(5):
            for packet in track.packets_until(float(second)):
                assert packet.dts * packet.time_base <= second
                output.mux(packet)
    np.testing.assert_array_equal(read_audio(path), read_audio(aac))


def test_sound_that_mp4_does_not_hold_is_encoded(tmp_path: Path) -> None:
    write_wav(tmp_path / "tone.wav", tone(), RATE)
    with open_media(tmp_path / "tone.wav") as source:
        assert not can_copy(source)
    path = tmp_path / "encoded.mp4"
    with av.open(str(path), "w") as output:
        track = EncodedSoundtrack(tmp_path / "tone.wav", output)
        for packet in track.packets_until(10.0):
            output.mux(packet)
    assert levels(path) == pytest.approx([0.354, 0.0707], rel=0.1)
    assert has_sound(path)


def test_aac_can_be_copied(aac: Path) -> None:
    with open_media(aac) as source:
        assert can_copy(source)


@pytest.mark.parametrize(("rate", "nearest"), [(44_100, 44_100), (44_101, 48_000), (4000, 8000), (192_000, 96_000)])
def test_the_nearest_rate_loses_nothing(rate: int, nearest: int) -> None:
    assert nearest_rate(rate) == nearest
    assert nearest in AAC_RATES


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
