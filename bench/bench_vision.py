"""Speed of the visual analysis of a video in `detect`: `python bench/bench_vision.py [VIDEO]`, one thread.

By default it uses the sample in the package, in which people move all the time. Times are processor seconds, so that
other processes count little; "x real time" is seconds of video per processor second. Needs the pose detector
(`earwitness models pull pose`).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from typing import TypeVar

import numpy as np

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

from earwitness.core.errors import EarwitnessError  # noqa: E402
from earwitness.detect.detector import Detector  # noqa: E402
from earwitness.fusion.fuse import fuse  # noqa: E402
from earwitness.fusion.fusion_settings import default_settings  # noqa: E402
from earwitness.media.pictures import PictureReader  # noqa: E402
from earwitness.results.detection import Detection  # noqa: E402
from earwitness.vision.candidates import find_candidates  # noqa: E402
from earwitness.vision.detectors.detector_registry import open_detector  # noqa: E402
from earwitness.vision.observe import observe  # noqa: E402

T = TypeVar("T")


def timed(name: str, seconds: float, work: Callable[[], T]) -> tuple[T, float]:
    """Run a step and print its processor time."""
    begun = time.process_time()
    made = work()
    spent = time.process_time() - begun
    print(f"{name:>24} {spent:8.2f} s {seconds / max(spent, 1e-9):10.1f} x real time", flush=True)
    return made, spent


def main() -> None:
    """Print the parts and the whole."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("video", type=Path, nargs="?")
    given = parser.parse_args()
    try:
        visual_analysis = open_detector("pose")
        visual_analysis.detect([np.zeros((360, 640, 3), dtype=np.uint8)])  # loads the networks
    except EarwitnessError as error:
        print(f"skipped: {error}")
        return
    with as_file(files("earwitness") / "assets" / "sample" / "sample.mp4") as sample:
        path = given.video or sample
        ears = Detector.load("default", vision=None)
        detection, hearing = timed_detection(ears, path)
        seconds = detection.duration
        timed("decoding alone", seconds, lambda: [None for _ in PictureReader(path, fps=10)])
        observation, watching = timed("watching", seconds, lambda: observe(path, visual_analysis))
        fov = 100.0
        candidates, finding = timed("directions and tracks", seconds, lambda: find_candidates(observation, fov))
        _, fusing = timed("fusion", seconds, lambda: fuse(detection.table, candidates, fov, default_settings()))
        whole = hearing + watching + finding + fusing
        print(f"{'total':>24} {whole:8.2f} s {seconds / whole:10.1f} x real time")
        people, pictures = sum(map(len, observation.boxes)), len(observation.frames)
        size = f"{observation.width}x{observation.height}"
        print(f"{path.name}: {seconds:.1f} s, {size}, {pictures} pictures, {people} people found")


def timed_detection(ears: Detector, path: Path) -> tuple[Detection, float]:
    """Detect from the sound; return the detection and the processor seconds."""
    begun = time.process_time()
    detection = ears.detect(path)
    spent = time.process_time() - begun
    print(f"{'sound':>24} {spent:8.2f} s {detection.duration / spent:10.1f} x real time")
    return detection, spent


if __name__ == "__main__":
    main()
