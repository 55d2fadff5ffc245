"""Speed of reading and writing media, in seconds of media per second of one core."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np

from earwitness.media.containers.probe import probe
from earwitness.media.pictures import PictureReader
from earwitness.media.sound.audio import AudioReader
from earwitness.media.writer import MediaWriter, write_wav

SECONDS = 20
SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}


def main() -> None:
    """Print a table of rates."""
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            path = Path(folder) / f"{name}.mp4"
            _row(f"write {name} with sound", lambda path=path, size=size: _write(path, *size))
            _row(f"read pictures {name}, all", lambda path=path: sum(1 for _ in PictureReader(path)))
            _row(f"read pictures {name}, 2 a second", lambda path=path: sum(1 for _ in PictureReader(path, fps=2)))
        _row("read sound, AAC 48 kHz -> 24 kHz", lambda: sum(1 for _ in AudioReader(path)))
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SECONDS * 44100)).astype(np.float32)
        wav = Path(folder) / "x.wav"
        _row("write WAV 44.1 kHz", lambda: write_wav(wav, noise, 44100))
        _row("read sound, WAV 44.1 kHz -> 24 kHz", lambda: sum(1 for _ in AudioReader(wav)))
        begun = time.process_time()
        for _ in range(20):
            probe(path)
        print(f"{'probe 1080p':40s} {(time.process_time() - begun) / 20 * 1e3:8.1f} ms a file")


def _row(what: str, run: Callable[[], object]) -> None:
    begun = time.process_time()
    run()
    print(f"{what:40s} {SECONDS / (time.process_time() - begun):8.1f} x real time")


def _write(path: Path, width: int, height: int) -> None:
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (height // 8, width // 8 + 30, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    with MediaWriter(path, width, height, Fraction(30), audio_rate=48000) as writer:
        for index in range(SECONDS * 30):
            shift = index % 240
            writer.write_frame(scene[:, shift : shift + width], index / 30)
            writer.write_audio(rng.uniform(-0.1, 0.1, (2, 1600)).astype(np.float32))


if __name__ == "__main__":
    main()
