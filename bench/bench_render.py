"""Speed of rendering annotated video, in seconds of video per second of one core."""

from __future__ import annotations

import tempfile
import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from earwitness.core.events import EventTable
from earwitness.media.writer import MediaWriter, write_wav
from earwitness.render.marks import Marks
from earwitness.render.style import Scale
from earwitness.render.timeline_picture import timeline_picture
from earwitness.render.video.annotated_video import render_video
from earwitness.render.video.overlay import Overlay
from earwitness.render.video.panel import Panel
from earwitness.results.detection import Detection, ModelId

SECONDS = 15
SIZES = {"640x360": (640, 360), "720x1280 (portrait)": (720, 1280), "1280x720": (1280, 720), "1920x1080": (1920, 1080)}


def main() -> None:
    """Print a table of rates."""
    table = _events(SECONDS)
    result = Detection(table, ModelId("none", ""), float(SECONDS), has_video=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, (width, height) in SIZES.items():
            path = Path(folder) / "in.mp4"
            _write(path, width, height)
            seconds = _timed(lambda path=path: render_video(result, path, Path(folder) / "out.mp4"))
            drawing = _drawing(table, width, height)
            print(f"{'render ' + name:36s} {SECONDS / seconds:8.1f} x real time   drawing {drawing:5.2f} ms/picture")
        write_wav(Path(folder) / "in.wav", np.zeros((2, SECONDS * 24000), np.float32), 24000)
        seconds = _timed(lambda: render_video(result, Path(folder) / "in.wav", Path(folder) / "out.mp4"))
        print(f"{'render sound only, 1280x720':36s} {SECONDS / seconds:8.1f} x real time")
        seconds = _timed(lambda: timeline_picture(table, Path(folder) / "plot.png", reference=table))
        print(f"{'timeline picture':36s} {seconds * 1e3:8.0f} ms")


def _timed(run: object) -> float:
    begun = time.process_time()
    run()  # type: ignore[operator]
    return time.process_time() - begun


def _drawing(table: EventTable, width: int, height: int) -> float:
    marks, overlay = Marks(table), Overlay(width, height, 100.0)
    panel = Panel(table, SECONDS, Scale(width, height), 100.0)
    canvas = np.full((height + panel.height, width, 3), 120, np.uint8)

    def draw() -> None:
        for index in range(SECONDS * 30):
            now = marks.at(index / 30)
            overlay.draw(canvas[:height], now)
            panel.draw(canvas[height:], now, index / 30)

    return _timed(draw) / (SECONDS * 30) * 1e3


def _events(seconds: int) -> EventTable:
    """Events of four moving sources at a time."""
    rng = np.random.default_rng(0)
    tables = []
    for class_index, source in ((0, 0), (1, 0), (1, 1), (8, 0), (6, 0), (12, 0)):
        frame = np.flatnonzero(np.repeat(rng.random(seconds) < 0.7, 10))
        azimuth = np.clip(rng.uniform(-70, 70) + 20 * np.sin(frame / 15) + rng.normal(0, 2, frame.size), -90, 90)
        tables.append(
            EventTable.from_columns(
                frame=frame, class_index=class_index, source=source, azimuth=azimuth,
                distance=rng.uniform(0.5, 5) * (1 + 0.1 * rng.random(frame.size)), onscreen=np.abs(azimuth) < 50,
                score=0.9, num_frames=seconds * 10,
            )
        )  # fmt: skip
    return EventTable.concatenate(tables)


def _write(path: Path, width: int, height: int) -> None:
    """Write a textured, slowly moving scene with a little sensor noise."""
    rng = np.random.default_rng(0)
    scene = rng.integers(60, 200, (height // 16 + 1, width // 16 + 8, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    noise = rng.integers(0, 6, (8, height, width, 1), dtype=np.uint8)
    with MediaWriter(path, width, height, Fraction(30), audio_rate=48000, preset="ultrafast") as writer:
        for index in range(SECONDS * 30):
            shift = index // 8 % 100
            writer.write_frame(scene[:height, shift : shift + width] + noise[index % 8], index / 30)
            writer.write_audio(rng.uniform(-0.1, 0.1, (2, 1600)).astype(np.float32))


if __name__ == "__main__":
    main()
