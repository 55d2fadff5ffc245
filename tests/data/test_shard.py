from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import LabelError
from earwitness.data.dcase.labels import read_table
from earwitness.data.dcase.layout import scan
from earwitness.data.shard import open_shard, shard_key
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.media.sound.wav import read_pcm, write_wav

MakeSet = Callable[..., Path]


def test_a_shard_holds_the_features_of_usable_clips(make_set: MakeSet, tmp_path: Path) -> None:
    root, config, cache = make_set(pictures=False), FeatureConfig(), tmp_path / "cache"
    clips = scan(root).clips
    assert clips[1].sound is not None
    assert clips[2].labels is not None
    assert clips[3].sound is not None
    clips[1].sound.write_bytes(b"junk")
    clips[2].labels.write_text("nonsense")
    write_wav(clips[3].sound, np.zeros((2, 24_000)), 24_000)
    shard = open_shard(clips, config, cache)
    assert len(shard) == 3
    assert list(shard.skipped) == [f"{clip.split}/{clip.name}" for clip in clips[1:4]]
    assert isinstance(shard.features, np.memmap)
    assert shard.features.shape == (3, 5, 250, 64)
    for index, clip in enumerate(shard.clips):
        features, labels = shard[index].features, shard[index].labels
        assert shard[index].clip is clip
        assert clip.sound is not None
        assert clip.labels is not None
        assert np.array_equal(features, FeatureExtractor(config)(read_pcm(clip.sound)).astype(np.float16))
        assert labels.same_as(read_table(clip.labels))


def test_a_shard_does_not_depend_on_workers_and_pickles_as_names(make_set: MakeSet, tmp_path: Path) -> None:
    clips, config = scan(make_set(pictures=False)).clips, FeatureConfig()
    alone, many = (open_shard(clips, config, tmp_path / str(n), workers=n) for n in (1, 2))
    for suffix in ("npy", "labels.npz", "json"):
        one, two = (next((tmp_path / str(n)).glob(f"*.{suffix}")).read_bytes() for n in (1, 2))
        assert one == two
    assert alone[5].features.any()
    packed = pickle.dumps(alone)
    assert len(packed) < 20_000
    copy = pickle.loads(packed)
    assert np.array_equal(copy[5].features, many[5].features)
    assert copy[5].labels.same_as(many[5].labels)
    assert np.array_equal(copy[5].audio, read_pcm(clips[5].sound))


def test_a_shard_is_computed_once_for_settings_and_contents(make_set: MakeSet, tmp_path: Path) -> None:
    clips, config, cache = scan(make_set(pictures=False)).clips, FeatureConfig(), tmp_path / "cache"
    computed: list[int] = []
    for _ in range(2):
        open_shard(clips, config, cache, progress=lambda done, total: computed.append(done))
    assert computed == [1, 2, 3, 4, 5, 6]
    key = shard_key(clips, config)
    assert shard_key(clips, FeatureConfig(mels=32, stpacc_bins=32)) != key
    assert shard_key(clips[1:], config) != key
    assert clips[0].labels is not None
    clips[0].labels.write_text(clips[0].labels.read_text().replace(",150,", ",151,"))
    assert shard_key(clips, config) != key


def test_an_interrupted_shard_is_made_again_and_nothing_usable_is_an_error(make_set: MakeSet, tmp_path: Path) -> None:
    clips, config, cache = scan(make_set(pictures=False)).clips[:1], FeatureConfig(), tmp_path / "cache"
    cache.mkdir()
    (cache / f"{shard_key(clips, config)}.npy").write_bytes(b"half")
    shard = open_shard(clips, config, cache)
    assert len(shard) == 1
    features = np.array(shard.features)
    for suffix in ("npy", "labels.npz"):
        (kept,) = cache.glob(f"*.{suffix}")
        kept.write_bytes(kept.read_bytes()[:100])
        np.testing.assert_array_equal(open_shard(clips, config, cache).features, features)
    assert clips[0].sound is not None
    clips[0].sound.write_bytes(b"")
    with pytest.raises(LabelError, match="none of 1 clips"):
        open_shard(clips, config, cache)
    assert not list(cache.glob(".*"))
