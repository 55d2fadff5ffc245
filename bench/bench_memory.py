"""Peak memory of `earwitness detect --render --grow` on a video of 10 minutes and one of 3 hours, and of live sound.

`python bench/bench_memory.py [MINUTES ...]`, one thread. The videos are 320x180 at 2 pictures a second, 48 kHz stereo
sound; each is a fresh process. The live figure is the time that one answer takes (hop 0.5 s, lookahead 1 s).
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import av  # noqa: E402
import numpy as np  # noqa: E402
from measured import run_measured  # noqa: E402

RATE, FPS, SECONDS = 48_000, 2, 10


def write_video(path: Path, minutes: int) -> None:
    """Panned noise bursts, and a picture whose brightness tells the time; the same ten seconds are never repeated."""
    random = np.random.default_rng(0)
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio: Any = output.add_stream("aac", rate=RATE, layout="stereo")
        at = pictures = 0
        for _ in range(minutes * 60 // SECONDS):
            for _ in range(FPS * SECONDS):
                picture = av.VideoFrame.from_ndarray(np.full((180, 320, 3), pictures % 200, np.uint8), format="rgb24")
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


def measure(folder: Path, minutes: int) -> tuple[float, float]:
    """Seconds and peak megabytes of one video."""
    path = folder / f"{minutes}.mp4"
    write_video(path, minutes)
    command = ["detect", str(path), "--out", str(folder / "out"), "--render", "--grow", "--no-vision", "--quiet"]
    figures = run_measured(*command)
    path.unlink()
    return figures


def live_answer() -> float:
    """Median seconds of one answer of the live stream."""
    from earwitness import Detector

    stream, random, took = Detector.load("default").stream(RATE), np.random.default_rng(0), []
    for _ in range(60):
        block = random.normal(scale=0.05, size=(2, RATE // 2)).astype(np.float32)
        begun = time.process_time()
        stream.push(block)
        took.append(time.process_time() - begun)
    return float(np.median(took[20:]))


def main() -> None:
    """Print peak memory by length, and the cost of live answers."""
    lengths = [int(text) for text in sys.argv[1:]] or [10, 180]
    print(f"{'minutes':>8} {'seconds':>8} {'peak MB':>8} {'of the first':>13}")
    first = None
    with tempfile.TemporaryDirectory() as folder:
        for minutes in lengths:
            seconds, peak = measure(Path(folder), minutes)
            first = first or peak
            print(f"{minutes:8d} {seconds:8.0f} {peak:8.0f} {peak / first:13.2f}", flush=True)
    print(f"live: an answer takes {1000 * live_answer():.0f} ms of processor time, one every 500 ms; latency 1.5 s")


if __name__ == "__main__":
    main()
