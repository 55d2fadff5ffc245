from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import EncoderError
from earwitness.encoders.protocol import Modality, TokenMap
from earwitness.encoders.store.embedding_store import EmbeddingStore, StoreDescription, create_store, list_stores
from earwitness.encoders.store.token_parts import PartWriter, next_run, read_records


def describe(fingerprint: str = "f1", modality: Modality = "picture", rate: float | None = 2.0) -> StoreDescription:
    return StoreDescription(
        encoder="toy", modality=modality, dim=3, fingerprint=fingerprint, settings={}, rate=rate,
        horizontal_fov_deg=None if rate is None else 100.0,
    )  # fmt: skip


def make_map(seed: int, steps: int = 4, positions: int = 2, modality: Modality = "picture") -> TokenMap:
    rng = np.random.default_rng(seed)
    places = np.linspace(40, -40, positions).astype(np.float32)
    tokens = rng.normal(size=(steps, positions, 3)).astype(np.float32)
    return TokenMap(tokens, np.arange(steps) / 2, places, np.zeros_like(places), modality)


def fill(folder: Path, run: int, maps: dict[tuple[str, bool], TokenMap], content: str = "c") -> None:
    writer = PartWriter.open(folder, run)
    for (clip, swapped), tokens in maps.items():
        writer.add(clip, swapped, content, tokens)
    writer.close()


def test_gives_back_what_was_put_in(tmp_path: Path) -> None:
    maps = {("a/one", False): make_map(1), ("a/one", True): make_map(2), ("b/two", False): make_map(3, 7, 5)}
    fill(create_store(tmp_path, describe()), 1, maps)
    store = EmbeddingStore.open(tmp_path, "toy")
    assert (len(store), store.clips) == (2, ("a/one", "b/two"))
    for (clip, swapped), tokens in maps.items():
        found = store.get(clip, swapped)
        np.testing.assert_array_equal(found.tokens, tokens.tokens.astype(np.float16))
        assert found.tokens.dtype == np.float16
        for name in ("times", "azimuth", "elevation"):
            np.testing.assert_array_equal(getattr(found, name), getattr(tokens, name))
    assert not store.has("b/two", swapped=True)


def test_tokens_stay_on_disk(tmp_path: Path) -> None:
    fill(create_store(tmp_path, describe()), 1, {("a/one", False): make_map(1)})
    tokens = EmbeddingStore.open(tmp_path, "toy").get("a/one").tokens
    base = tokens
    while base is not None and not isinstance(base, np.memmap):
        base = base.base  # type: ignore[assignment]
    assert isinstance(base, np.memmap)


def test_exchanged_sound_needs_no_tokens_of_its_own(tmp_path: Path) -> None:
    tokens = make_map(1, modality="sound")
    fill(create_store(tmp_path, describe(modality="sound", rate=None)), 1, {("a/one", False): tokens})
    store = EmbeddingStore.open(tmp_path, "toy")
    assert store.has("a/one", swapped=True)
    np.testing.assert_array_equal(store.get("a/one", True).tokens, tokens.tokens[:, ::-1].astype(np.float16))


def test_missing_clips_name_the_command(tmp_path: Path) -> None:
    fill(create_store(tmp_path, describe()), 1, {("a/one", False): make_map(1)})
    store = EmbeddingStore.open(tmp_path, "toy")
    with pytest.raises(EncoderError, match=r"no mirrored embeddings.*--encoder toy --swap"):
        store.get("a/one", swapped=True)
    with pytest.raises(EncoderError, match=r"'b/two'.*dataset embed"):
        store.get("b/two")


def test_other_weights_or_settings_are_refused(tmp_path: Path) -> None:
    fill(create_store(tmp_path, describe()), 1, {("a/one", False): make_map(1)})
    with pytest.raises(EncoderError, match=r"other weights or settings than wanted \(fingerprint f2\).*\[f1\]"):
        EmbeddingStore.open(tmp_path, "toy", fingerprint="f2")
    with pytest.raises(EncoderError, match="rate 4"):
        EmbeddingStore.open(tmp_path, "toy", rate=4)
    with pytest.raises(EncoderError, match="no embeddings of 'other'"):
        EmbeddingStore.open(tmp_path, "other")


def test_several_stores_must_be_told_apart(tmp_path: Path) -> None:
    for fingerprint in ("f1", "f2"):
        fill(create_store(tmp_path, describe(fingerprint)), 1, {("a/one", False): make_map(1)})
    assert len(list_stores(tmp_path)) == 2
    with pytest.raises(EncoderError, match="several"):
        EmbeddingStore.open(tmp_path, "toy")
    assert EmbeddingStore.open(tmp_path / "embeddings", "toy", fingerprint="f2").description.fingerprint == "f2"


def test_later_runs_win(tmp_path: Path) -> None:
    folder = create_store(tmp_path, describe())
    fill(folder, next_run(folder), {("a/one", False): make_map(1)})
    fill(folder, next_run(folder), {("a/one", False): make_map(2)}, content="changed")
    store = EmbeddingStore.open(tmp_path, "toy")
    np.testing.assert_array_equal(store.get("a/one").tokens, make_map(2).tokens.astype(np.float16))
    assert store.records["a/one", False].content == "changed"


def test_writers_of_one_run_do_not_meet(tmp_path: Path) -> None:
    writers = [PartWriter.open(tmp_path, 1) for _ in range(3)]
    assert len({writer.name for writer in writers}) == 3
    for writer in writers:
        writer.close()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("lost", [1, 30, 200])
def test_what_was_cut_short_is_left_out(tmp_path: Path, lost: int) -> None:
    """A run that died within its last map, or within the line about it."""
    fill(tmp_path, 1, {("a/one", False): make_map(1, 40), ("a/two", False): make_map(2, 40)})
    (data,), (index,) = tmp_path.glob("*.bin"), tmp_path.glob("*.jsonl")
    whole, lines = data.read_bytes(), index.read_text()
    data.write_bytes(whole[:-lost])
    assert [record.clip for record in read_records(tmp_path)] == ["a/one"]
    data.write_bytes(whole)
    index.write_text(lines[: -lost // 2 - 2])
    assert [record.clip for record in read_records(tmp_path)] == ["a/one"]


def test_tokens_beyond_16_bits_are_refused(tmp_path: Path) -> None:
    tokens = make_map(1)
    tokens.tokens[0, 0, 0] = 1e5
    writer = PartWriter.open(tmp_path, 1)
    with pytest.raises(EncoderError, match="65504"):
        writer.add("a/one", False, "c", tokens)
    writer.close()


def test_travels_to_worker_processes(tmp_path: Path) -> None:
    fill(create_store(tmp_path, describe()), 1, {("a/one", False): make_map(1)})
    store = EmbeddingStore.open(tmp_path, "toy")
    store.get("a/one")
    sent = pickle.dumps(store)
    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent).get("a/one").tokens, store.get("a/one").tokens)


def test_damaged_descriptions(tmp_path: Path) -> None:
    folder = create_store(tmp_path, describe())
    (folder / "store.json").write_text("{")
    with pytest.raises(EncoderError, match="damaged"):
        EmbeddingStore.open(tmp_path, "toy")
    (folder / "store.json").write_text(json.dumps(describe("f9").model_dump()))
    with pytest.raises(EncoderError, match="settings that its name does not match"):
        create_store(tmp_path, describe())
