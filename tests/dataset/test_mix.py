from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from earwitness.data.dcase_csv import read_table
from earwitness.data.layout import scan
from earwitness.data.mix import ClipMix, hold_out, load
from earwitness.data.pcm import read_pcm
from earwitness.data.shard import open_shard, shard_key
from earwitness.errors import LabelError, UnreadableMediaError
from earwitness.features import FeatureConfig, FeatureExtractor
from earwitness.media.wav import write_wav

MakeSet = Callable[..., Path]


def seed(index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(1, spawn_key=(index,))


def test_validation_is_whole_rooms_of_fold_3_and_never_the_test_split(make_set: MakeSet) -> None:
    train, valid = hold_out(scan(make_set(pictures=False)), [4])
    assert {clip.split for clip in train} == {"dev-train-sony"}
    assert {clip.split for clip in valid} == {"dev-train-tau"}
    assert len(train) == len(valid) == 2


def test_synthetic_clips_stay_in_training_whatever_their_room(make_set: MakeSet) -> None:
    root = make_set(pictures=False)
    for part, suffix in (("stereo_dev", ".wav"), ("metadata_dev", ".csv")):
        source = root / part / "dev-train-tau" / f"fold3_room4_mix001_deg040_start0010{suffix}"
        target = root / part / "dev-train-synth" / f"fold1_room4_mix001_deg040_start0010{suffix}"
        target.parent.mkdir()
        target.write_bytes(source.read_bytes())
    train, valid = hold_out(scan(root), [4])
    assert [clip.split for clip in train] == ["dev-train-sony"] * 2 + ["dev-train-synth"]
    assert [clip.split for clip in valid] == ["dev-train-tau"] * 2


def test_rooms_that_cannot_be_held_out(make_set: MakeSet) -> None:
    folder = scan(make_set(pictures=False))
    with pytest.raises(LabelError, match=r"no training room 8; its rooms are \[4, 21\]"):
        hold_out(folder, [8])
    with pytest.raises(LabelError, match="fewer rooms"):
        hold_out(folder, [4, 21])


def test_shares_follow_the_weights_and_the_seed_decides(make_set: MakeSet) -> None:
    folder = scan(make_set(pictures=False))
    mix = ClipMix([(folder.of("dev-train-tau"), 1.0), (folder.of("dev-train-sony"), 3.0)])
    first = [next(iter(mix.pick(seed(index)))) for index in range(2000)]
    assert first == [next(iter(mix.pick(seed(index)))) for index in range(2000)]
    assert sum(clip.split == "dev-train-sony" for clip in first) / 2000 == pytest.approx(0.75, abs=0.04)
    assert len({clip.name for clip in first}) == 4


def test_a_drawn_clip_is_sound_and_labels_of_one_name(make_set: MakeSet) -> None:
    folder = scan(make_set(pictures=False))
    mix = ClipMix([(folder.of("dev-train-tau"), 1.0)])
    drawn, clip = mix.scene(seed(5)), next(iter(mix.pick(seed(5))))
    assert clip.sound is not None
    assert clip.labels is not None
    assert clip.sound.stem == clip.labels.stem
    assert np.array_equal(drawn.audio, read_pcm(clip.sound))
    assert drawn.labels.same_as(read_table(clip.labels))


def test_damaged_clips_are_named_and_replaced(make_set: MakeSet) -> None:
    folder = scan(make_set(pictures=False))
    clips = folder.of("dev-train-tau")
    assert clips[0].sound is not None
    clips[0].sound.write_bytes(b"RIFF")
    mix = ClipMix([(clips, 1.0)])
    assert all(mix.scene(seed(index)).labels.num_frames == 50 for index in range(8))
    assert list(mix.skipped) == ["dev-train-tau/fold3_room4_mix001_deg040_start0010"]
    with pytest.raises(LabelError, match="in a row are damaged"):
        ClipMix([(clips[:1], 1.0)]).scene(seed(0))


def test_mixes_that_make_no_sense(make_set: MakeSet) -> None:
    clips = scan(make_set(pictures=False)).of("dev-train-tau")
    for parts in ([], [(clips, 0.0)], [(clips, -1.0), (clips, 2.0)], [((), 1.0)]):
        with pytest.raises(LabelError, match="mix"):
            ClipMix(parts)


def test_other_rates_are_refused(make_set: MakeSet) -> None:
    with pytest.raises(UnreadableMediaError, match="48000 Hz"):
        load(scan(make_set(pictures=False)).clips[0], rate=48_000)


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
        features, labels = shard[index]
        assert clip.sound is not None
        assert clip.labels is not None
        assert np.array_equal(features, FeatureExtractor(config)(read_pcm(clip.sound)).astype(np.float16))
        assert labels.same_as(read_table(clip.labels))


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
    assert len(open_shard(clips, config, cache)) == 1
    assert clips[0].sound is not None
    clips[0].sound.write_bytes(b"")
    with pytest.raises(LabelError, match="none of 1 clips"):
        open_shard(clips, config, cache)
    assert not list(cache.glob(".*"))
