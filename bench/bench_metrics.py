"""Speed of scoring, compared with a plain-Python scorer: `python bench/bench_metrics.py`.

One thread, on a random set as large as the test split. The plain scorer is written as usual: one dictionary per frame,
a loop over classes, one Hungarian assignment per cell. It runs on a tenth of the clips, where its score must equal
ours.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402
from scipy.optimize import linear_sum_assignment  # noqa: E402

from earwitness.data.dcase.labels import HEADER, read_table  # noqa: E402
from earwitness.metrics import (  # noqa: E402
    Protocol,
    Scores,
    bootstrap,
    count,
    jackknife,
    read_folder,
    score_folders,
    score_tables,
)

CLIPS = 13_786
"""Clips of the DCASE2025 development test split."""
PLAIN_CLIPS = CLIPS // 10


def random_clip(random: np.random.Generator) -> tuple[list[tuple[int, ...]], list[tuple[int, ...]]]:
    """Reference and predicted rows: up to 5 events, some of the same class, with random errors."""
    reference, prediction = [], []
    for source in range(int(random.integers(0, 6))):
        class_index = int(random.choice([0, 1, 8, *range(13)]))
        azimuth, distance, onscreen = (int(random.integers(*span)) for span in ((-90, 91), (50, 700), (0, 2)))
        start = int(random.integers(0, 35))
        for frame in range(start, int(random.integers(start + 5, 51))):
            reference.append((frame, class_index, source, azimuth, distance, onscreen))
            if random.random() < 0.85:
                heard = class_index if random.random() < 0.85 else int(random.integers(13))
                near = int(np.clip(azimuth + random.integers(-25, 26), -90, 90))
                far = max(1, distance + int(random.integers(-200, 201)))
                prediction.append((frame, heard, 0, near, far, onscreen ^ int(random.random() < 0.2)))
    return sorted(reference), sorted(prediction)


def write_set(folder: Path, clips: int, seed: int = 0) -> tuple[Path, Path, int]:
    """Write references and predictions; return both folders and the number of rows."""
    random, rows = np.random.default_rng(seed), 0
    sides = (folder / "reference", folder / "prediction")
    for side in sides:
        side.mkdir()
    for clip in range(clips):
        name = f"fold4_room{clip % 9}_mix{clip % 60:03d}_deg000_start{clip:05d}.csv"
        for side, content in zip(sides, random_clip(random), strict=True):
            rows += len(content)
            lines = "".join(",".join(map(str, row)) + "\n" for row in content)
            (side / name).write_text(f"{HEADER}\n{lines}")
    return *sides, rows


def plain_read(path: Path) -> dict[int, dict[int, list[list[float]]]]:
    """Rows of [azimuth, distance, onscreen] by frame and class."""
    frames: dict[int, dict[int, list[list[float]]]] = {}
    for line in path.read_text().splitlines()[1:]:
        frame, class_index, _, azimuth, distance, onscreen = line.split(",")
        row = [float(azimuth), float(distance), float(onscreen)]
        frames.setdefault(int(frame), {}).setdefault(int(class_index), []).append(row)
    return frames


def plain_score(reference: Path, prediction: Path, names: list[str]) -> float:
    """Micro F20/1 as `dcase2025` counts it; azimuths of the random set need no folding."""
    found = pairs = missed = false = 0
    for name in names:
        truth, answer = plain_read(reference / name), plain_read(prediction / name)
        for frame in range(max(truth, default=0)):
            for class_index in range(13):
                refs, preds = (side.get(frame, {}).get(class_index, []) for side in (truth, answer))
                missed += max(0, len(refs) - len(preds))
                false += max(0, len(preds) - len(refs))
                if refs and preds:
                    r, p = np.array(refs), np.array(preds)
                    angle = np.abs(r[:, 0][:, None] - p[:, 0][None, :])
                    rows, columns = linear_sum_assignment(angle)
                    relative = np.abs(r[rows, 1] - p[columns, 1]) / r[rows, 1]
                    found += int(np.sum((angle[rows, columns] <= 20) & (relative <= 1)))
                    pairs += rows.size
    return found / (pairs + 0.5 * (missed + false))


def seconds(call: Callable[[], object]) -> tuple[float, object]:
    """Wall-clock seconds of one call, and its result."""
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def main() -> None:
    """Print seconds for the set and microseconds per clip."""
    with tempfile.TemporaryDirectory() as folder:
        reference, prediction, rows = write_set(Path(folder), CLIPS)
        print(f"{CLIPS:,} clips, {rows:,} rows in {2 * CLIPS:,} files\n")
        print(f"{'':<44}{'s':>8}{'us/clip':>10}")

        def show(what: str, taken: float, clips: int = CLIPS) -> None:
            print(f"{what:<44}{taken * CLIPS / clips:>8.2f}{taken / clips * 1e6:>10.0f}")

        truth, answer = read_folder(reference), read_folder(prediction)
        names = sorted(truth.clips)
        total, scores = seconds(
            lambda: score_folders(read_folder(reference), read_folder(prediction), Protocol.STRICT)
        )  # fmt: skip
        assert isinstance(scores, Scores)
        show("all of it: CSV files to scores (strict)", total)
        parts = [truth.clips[name] for name in names], [answer.clips[name] for name in names]
        for protocol in Protocol:
            show(f"  counting alone ({protocol.value})", seconds(lambda p=protocol: count(names, *parts, p))[0])
        counts = scores.counts
        show("  scores from counts", seconds(lambda: Scores.from_counts(counts, Protocol.STRICT))[0])
        show("  jackknife", seconds(lambda: jackknife(counts, Protocol.STRICT))[0])
        show("  bootstrap, 1000 samples", seconds(lambda: bootstrap(counts, Protocol.STRICT))[0])
        some = [f"{name}.csv" for name in names[:PLAIN_CLIPS]]
        tables = [[read_table(side / name) for name in some] for side in (reference, prediction)]
        show("in memory, tables to scores", seconds(lambda: score_tables(*tables))[0], PLAIN_CLIPS)

        plain, expected = seconds(lambda: plain_score(reference, prediction, some))
        show(f"plain Python, from {PLAIN_CLIPS:,} of the clips", plain, PLAIN_CLIPS)
        ours = count(names[:PLAIN_CLIPS], *(part[:PLAIN_CLIPS] for part in parts), Protocol.DCASE2025)
        difference = abs(Scores.from_counts(ours, Protocol.DCASE2025).micro.f_score - float(str(expected)))
        print(f"\n{plain / PLAIN_CLIPS / (total / CLIPS):.0f} times the plain scorer's speed; "
              f"F20/1 differs by {difference:.0e}")  # fmt: skip
        if difference > 1e-9:
            sys.exit("the two scorers disagree")


if __name__ == "__main__":
    main()
