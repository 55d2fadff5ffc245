"""Peak memory of `earwitness detect --render --grow` on videos of 10 minutes and 3 hours, and the cost of live sound.

`python bench/bench_memory.py [MINUTES ...] [--no-vision]`, one thread. The videos are 320x180 at 2 pictures a second,
48 kHz stereo sound: an object moves a third of the time, and the two people of the sample video are present for five
seconds of each minute. Each video has a separate process. The live figure is the time for one update (hop 0.5 s,
lookahead 1 s).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import av  # noqa: E402
import numpy as np  # noqa: E402
from measured import run_measured  # noqa: E402

from earwitness.vision.detectors.detector_registry import open_detector  # noqa: E402

RATE, FPS, SECONDS = 48_000, 2, 10
WIDTH, HEIGHT = 320, 180


def people() -> np.ndarray:
    """A picture of two people."""
    with av.open(str(files("earwitness") / "assets" / "sample" / "sample.mp4")) as sample:
        return next(sample.decode(video=0)).to_ndarray(format="rgb24", width=WIDTH, height=HEIGHT)


def draw(number: int, room: np.ndarray) -> np.ndarray:
    """One picture: a room with people for five seconds of each minute, else a wall; both with an object that moves."""
    second = number // FPS
    picture = room.copy() if second % 60 < 5 else np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    step = number if second % 15 < 5 else (second - second % 15 + 5) * FPS
    left, top = 11 * step % (WIDTH - 30), 20 + 7 * step % (HEIGHT - 60)
    picture[top : top + 24, left : left + 24] = (220, 200, 60)
    return picture


def write_video(path: Path, minutes: int) -> None:
    """Write panned noise bursts, never the same ten seconds twice, and the pictures of `draw`."""
    random, room = np.random.default_rng(0), people()
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        audio: Any = output.add_stream("aac", rate=RATE, layout="stereo")
        at = pictures = 0
        for _ in range(minutes * 60 // SECONDS):
            for _ in range(FPS * SECONDS):
                picture = av.VideoFrame.from_ndarray(draw(pictures, room), format="rgb24")
                picture.pts, picture.time_base = pictures, Fraction(1, FPS)
                pictures += 1
                output.mux(video.encode(picture))
            side = random.uniform(-1, 1)
            burst = random.normal(scale=0.1, size=SECONDS * RATE) * (np.arange(SECONDS * RATE) % (3 * RATE) < RATE)
            stereo = random.normal(scale=0.002, size=(2, SECONDS * RATE)) + np.stack(
                [(1 + side) * burst, (1 - side) * burst]
            )
            for begin in range(0, stereo.shape[1], 1024):
                frame = av.AudioFrame.from_ndarray(
                    np.ascontiguousarray(stereo[:, begin : begin + 1024], dtype=np.float32),
                    format="fltp",
                    layout="stereo",
                )
                frame.sample_rate, frame.pts, frame.time_base = RATE, at, Fraction(1, RATE)
                at += frame.samples
                output.mux(audio.encode(frame))
        output.mux(audio.encode(None))
        output.mux(video.encode(None))


def measure(folder: Path, minutes: int, *further: str) -> tuple[float, float]:
    """Seconds and peak megabytes of one video."""
    path = folder / f"{minutes}.mp4"
    write_video(path, minutes)
    command = ["detect", str(path), "--out", str(folder / "out"), "--render", "--grow", "--quiet", *further]
    figures = run_measured(*command)
    path.unlink()
    return figures


def live_answer() -> float:
    """Median seconds for one update of the live stream."""
    from earwitness import Detector

    stream, random, took = Detector.load("default").stream(RATE), np.random.default_rng(0), []
    for _ in range(60):
        block = random.normal(scale=0.05, size=(2, RATE // 2)).astype(np.float32)
        begun = time.process_time()
        stream.push(block)
        took.append(time.process_time() - begun)
    return float(np.median(took[20:]))


def main() -> None:
    """Print peak memory by length, and the cost of live updates."""
    further = [text for text in sys.argv[1:] if text == "--no-vision"]
    lengths = [int(text) for text in sys.argv[1:] if text not in further] or [10, 180]
    if not further:
        open_detector("pose")  # an error if it is missing: pictures would not be analysed
    print(f"{'minutes':>8} {'seconds':>8} {'peak MB':>8} {'of the first':>13}")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for minutes in lengths:
            seconds, peak = measure(Path(folder), minutes, *further)
            first = first or peak
            print(f"{minutes:8d} {seconds:8.0f} {peak:8.0f} {peak / first:13.2f}", flush=True)
    print(f"live: an update takes {1000 * live_answer():.0f} ms of processor time, one every 500 ms; latency 1.5 s")


if __name__ == "__main__":
    main()
