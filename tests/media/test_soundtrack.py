from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from earwitness.media.containers.container import open_media
from earwitness.media.sound.audio import read_audio
from earwitness.media.sound.wav import write_wav
from earwitness.media.soundtrack import (
    AAC_RATES,
    AacEncoder,
    CopiedSoundtrack,
    EncodedSoundtrack,
    can_copy,
    has_sound,
    nearest_rate,
)

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
