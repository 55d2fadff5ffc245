from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncoderError
from earwitness.encoders.protocol import TokenMap
from earwitness.encoders.store.token_parts import PartWriter, map_at, next_run, read_records


def tokens(seed: int, steps: int = 3, scale: float = 1.0) -> TokenMap:
    rng = np.random.default_rng(seed)
    values = (rng.normal(size=(steps, 2, 5)) * scale).astype(np.float32)
    sides = np.array([90, -90], dtype=np.float32)
    return TokenMap(values, np.arange(steps) + 0.5, sides, np.zeros(2, np.float32), "sound")


def write(folder: Path, run: int, *seeds: int) -> None:
    writer = PartWriter.open(folder, run)
    for seed in seeds:
        writer.add(f"clip{seed}", False, "digest", tokens(seed))
    writer.close()


def test_maps_are_read_as_they_were_written(tmp_path: Path) -> None:
    write(tmp_path, 1, 0, 1)
    records = list(read_records(tmp_path))
    assert [record.clip for record in records] == ["clip0", "clip1"]
    assert all(record.offset % 64 == 0 for record in records)
    data = np.fromfile(tmp_path / f"{records[1].part}.bin", dtype=np.uint8)
    found, wanted = map_at(data, records[1], "sound"), tokens(1)
    assert np.array_equal(found.tokens, wanted.tokens.astype(np.float16))
    assert np.array_equal(found.times, wanted.times)
    assert np.array_equal(found.azimuth, wanted.azimuth)


def test_incomplete_entries_of_an_interrupted_run_are_ignored(tmp_path: Path) -> None:
    write(tmp_path, 1, 0, 1)
    data, index = tmp_path / "run00001-000.bin", tmp_path / "run00001-000.jsonl"
    index.write_text(index.read_text() + '{"clip": "clip2", "swap')
    assert [record.clip for record in read_records(tmp_path)] == ["clip0", "clip1"]
    data.write_bytes(data.read_bytes()[:-1])
    assert [record.clip for record in read_records(tmp_path)] == ["clip0"]


def test_processes_of_a_run_write_separate_parts_and_later_runs_come_last(tmp_path: Path) -> None:
    first, second = PartWriter.open(tmp_path, 1), PartWriter.open(tmp_path, 1)
    assert first.name != second.name
    first.add("a", False, "old", tokens(0))
    first.close()
    second.close()
    assert sorted(path.stem for path in tmp_path.iterdir()) == [first.name] * 2, "empty parts are removed"
    assert next_run(tmp_path) == 2
    later = PartWriter.open(tmp_path, 2)
    later.add("a", False, "new", tokens(1))
    later.close()
    assert [record.content for record in read_records(tmp_path)] == ["old", "new"]


@pytest.mark.parametrize("scale", [1e6, float("nan")])
def test_tokens_outside_the_range_of_float16_are_refused(tmp_path: Path, scale: float) -> None:
    writer = PartWriter.open(tmp_path, 1)
    with pytest.raises(EncoderError, match="range of float16"):
        writer.add("a", False, "digest", tokens(0, scale=scale))
    writer.close()
    assert next_run(tmp_path) == 1
