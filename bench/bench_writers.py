"""Memory and time that each format needs for hours of events with visual explanations.

`python bench/bench_writers.py [HOURS]`, by default 3; each format runs in a fresh process. Three sounds play at a
time, each 0.5 to 3 s long with short pauses, and the pictures show a new candidate every two seconds.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from earwitness.batch.formats import FORMATS, write
from earwitness.core.events import FRAME_RATE, EventTable
from earwitness.fusion.fuse import Fused
from earwitness.fusion.visual_result import CandidateSummary, Explanation, VisualResult
from earwitness.render import report_page  # noqa: F401 - its memory must not count as the writer's
from earwitness.results.detection import Detection, ModelId
from earwitness.results.visual import EventKey


def looked_at(hours: float) -> Detection:
    """A detection with random values."""
    random, frames = np.random.default_rng(0), round(hours * 3600 * FRAME_RATE)
    columns: list[list[np.ndarray]] = [[], [], [], []]
    for _ in range(3):
        at = 0
        while at < frames:
            length = min(int(random.integers(5, 30)), frames - at)
            places = np.clip(random.uniform(-80, 80) + random.normal(scale=2, size=length), -90, 90)
            parts = (
                np.arange(at, at + length),
                np.full(length, random.integers(13)),
                places,
                random.uniform(1, 5, length),
            )
            for column, part in zip(columns, parts, strict=True):
                column.append(part)
            at += length + int(random.integers(1, 5))
    frame, class_index, azimuth, distance = map(np.concatenate, columns)
    count = len(frame)
    table = EventTable.from_columns(
        frame=frame, class_index=class_index, azimuth=azimuth, distance=distance, score=random.uniform(0.3, 1, count),
        onscreen=random.uniform(size=count) < 0.5, num_frames=frames,
    ).sorted()  # fmt: skip
    shares = random.uniform(size=(2, count))
    fused = Fused(
        table, table.azimuth, table.distance, table.onscreen, shares[0], shares[1], random.integers(0, 50, count)
    )
    box = np.array([10, 20, 30, 40], dtype=np.float32)
    why = {EventKey.of(event): Explanation(3, "motion", box, 5.0, True) for event in table.iter_events()}
    keys = np.array([0, 29], dtype=np.int32)
    objects = tuple(
        CandidateSummary("motion", first, first + 30, 3.0, box, keys + first, np.stack([box, box]), 0.5, 12)
        for first in range(0, frames, 20)
    )
    visual = VisualResult(fused, 320, 180, (0, 0, 320, 180), frames, objects, why, False)
    return Detection(table, ModelId("none", "none"), duration=hours * 3600, settings={}, visual=visual)


def memory(name: str) -> float:
    """Memory of this process, megabytes: VmRSS, or VmHWM, the peak since it was reset."""
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) / 1024


def measure(name: str, hours: float) -> None:
    """Write one format and print its memory, size and time."""
    detection = looked_at(hours)
    Path("/proc/self/clear_refs").write_text("5")
    before, begun = memory("VmRSS"), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{FORMATS[name].suffix}"
        write(detection, path, name)
        took, size = time.process_time() - begun, path.stat().st_size / 2**20
    rows, events = len(detection.table), len(detection.events)
    print(f"{name:10} {memory('VmHWM') - before:6.0f} MB more, {size:5.1f} MB written, {took:5.1f} s", flush=True)
    if name == "csv":
        print(f"({rows:,} rows, {events:,} events; {before:.0f} MB before)", flush=True)


def main() -> None:
    """Measure all formats, each in a process; with a name, that format in this process."""
    hours = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    if len(sys.argv) > 2:
        measure(sys.argv[2], hours)
        return
    for name in FORMATS:
        subprocess.run([sys.executable, __file__, str(hours), name], check=name != "parquet")  # needs an extra


if __name__ == "__main__":
    main()
