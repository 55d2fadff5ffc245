"""Time of encoding labels and decoding outputs of a 5-s clip: `python bench/bench_accddoa.py`, one thread."""

from __future__ import annotations

import os
import timeit

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

from earwitness.core.events import EventTable  # noqa: E402
from earwitness.core.multi_accddoa import decode, encode, ideal_output  # noqa: E402
from earwitness.core.source_numbers import link_sources  # noqa: E402

FRAMES = 50


def scene(classes: list[int], seed: int = 0) -> EventTable:
    """One event of 2 to 4 s per list entry; events of the same class overlap, at least 30 degrees apart."""
    random = np.random.default_rng(seed)
    tables = []
    for source, class_index in enumerate(classes):
        start, length = int(random.integers(0, 15)), int(random.integers(20, 35))
        frame = np.arange(start, start + length)
        tables.append(
            EventTable.from_columns(
                frame=frame, class_index=class_index, source=source, azimuth=-80 + 30 * source, distance=2.0
            )
        )
    return EventTable.concatenate(tables, num_frames=FRAMES)


def milliseconds(call: str, names: dict[str, object]) -> float:
    """Milliseconds per call: the best of five means over 200 calls."""
    return min(timeit.repeat(call, globals=names, number=200, repeat=5)) / 200 * 1e3


def main() -> None:
    """Print a table of milliseconds per clip."""
    scenes = {"silence": [], "3 events": [0, 6, 8], "6 events": [0, 1, 4, 6, 8, 10], "2 of one class": [0, 0, 8]}
    print(f"{'scene':<18}{'encode ms':>12}{'decode ms':>12}{'of it, linking':>16}")
    for name, classes in scenes.items():
        table = scene(classes) if classes else EventTable.empty(FRAMES)
        names = {
            "encode": encode, "decode": decode, "link": link_sources,
            "table": table, "output": ideal_output(encode(table)),
        }  # fmt: skip
        columns = [milliseconds(call, names) for call in ("encode(table)", "decode(output)", "link(table)")]
        print(f"{name:<18}{columns[0]:>12.3f}{columns[1]:>12.3f}{columns[2]:>16.3f}")


if __name__ == "__main__":
    main()
