from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.core.vocabulary import DCASE2025
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import SoundBank
from earwitness.scenes.bank.adaptors import list_sounds, unused_folders
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.bank_sound import BankSound, class_of, class_of_all, licence_family, with_licence
from earwitness.scenes.bank.splits import with_splits

TONE = 0.5 * np.sin(np.arange(12_000) * 0.2).astype(np.float32)[None]


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("label", "slug"),
    [
        ("Water tap, faucet", "water_tap"),
        ("Water_tap_and_faucet", "water_tap"),
        ("Female_speech_and_woman_speaking", "female_speech"),
        ("door_wood_knock", "knock"),
        ("church_bells", "bell"),
        ("Keyboard_(musical)", "musical_instrument"),
        ("vacuum_cleaner", "domestic_sounds"),
        ("Speech", None),
        ("Bark", None),
    ],
)
def test_labels_of_the_three_vocabularies(label: str, slug: str | None) -> None:
    assert class_of(label) == slug


def test_labels_that_imply_others_are_one_class_and_two_sounds_are_none() -> None:
    assert class_of_all(["Knock", "Door", "Domestic_sounds_and_home_sounds"]) == "knock"
    assert class_of_all(["Acoustic_guitar", "Guitar", "Musical_instrument", "Music"]) == "musical_instrument"
    assert class_of_all(["Laughter", "Female_speech_and_woman_speaking"]) is None
    assert class_of_all(["Bark", "Dog"]) is None


def test_fsd50k(tmp_path: Path) -> None:
    head = "fname,labels,mids,split\n"
    put(
        tmp_path / "FSD50K.ground_truth" / "dev.csv",
        head + '1,"Knock,Door",/m/1,train\n2,"Bell",/m/2,val\n3,"Bark,Dog",/m/3,train\n4,"Bell,Laughter",/m/4,train\n',
    )
    put(tmp_path / "FSD50K.ground_truth" / "eval.csv", 'fname,labels,mids\n9,"Laughter",/m/5\n')
    info = {"1": {"license": "http://creativecommons.org/publicdomain/zero/1.0/", "uploader": "ann"}}
    put(tmp_path / "FSD50K.metadata" / "dev_clips_info_FSD50K.json", json.dumps(info))
    found = {(s.name, s.kind, s.split, s.group) for s in list_sounds(tmp_path)}
    assert found == {
        ("FSD50K.dev_audio/1.wav", "knock", "train", "ann"),
        ("FSD50K.dev_audio/2.wav", "bell", "valid", "freesound_2"),
        ("FSD50K.eval_audio/9.wav", "laughter", "test", "freesound_9"),
    }
    assert [s.name for s in SoundBank.open(tmp_path, licences=["CC0"]).sounds] == ["FSD50K.dev_audio/1.wav"]
    put(tmp_path / "FSD50K.metadata" / "dev_clips_info_FSD50K.json", "[1]")
    with pytest.raises(BankError, match="clip metadata"):
        SoundBank.open(tmp_path)


def test_esc50(tmp_path: Path) -> None:
    put(
        tmp_path / "meta" / "esc50.csv",
        "filename,fold,target,category,esc10,src_file,take\n"
        "1-17150-A-12.wav,1,30,door_wood_knock,False,17150,A\n"
        "5-17150-B-12.wav,5,46,church_bells,False,17151,B\n"
        "1-100032-A-0.wav,1,0,dog,True,100032,A\n",
    )
    write_wav(tmp_path / "audio" / "1-17150-A-12.wav", TONE, 24_000)
    train, valid = SoundBank.open(tmp_path, "train"), SoundBank.open(tmp_path, "valid")
    assert [(s.kind, s.group) for s in train.sounds] == [("knock", "freesound_17150")]
    assert [(s.kind, s.group) for s in valid.sounds] == [("bell", "freesound_17151")]
    assert train.size(train.sounds[0].name) == 12_000


def test_list_of_files(tmp_path: Path) -> None:
    put(tmp_path / "mine.csv", "path,class,licence\nx/a.wav,bell,CC-BY-4.0\nx/b.wav,Laughing,\n")
    write_wav(tmp_path / "x" / "a.wav", TONE, 24_000)
    bank = SoundBank.open(tmp_path / "mine.csv")
    assert [(s.name, s.kind) for s in bank.sounds] == [("x/a.wav", "bell"), ("x/b.wav", "laughter")]
    assert bank.samples("x/a.wav").shape == (12_000,)
    put(tmp_path / "mine.csv", "path,class\n../a.wav,bell\n")
    with pytest.raises(BankError, match="line 2"):
        SoundBank.open(tmp_path / "mine.csv")


def test_folders_a_class(tmp_path: Path) -> None:
    for name in ("bell/deep/a.wav", "Water tap, faucet/b.flac", "parrot/c.wav", "empty/notes.txt", "d.wav"):
        put(tmp_path / name, "")
    assert {sound.name: sound.kind for sound in list_sounds(tmp_path, classes=DCASE2025)} == {
        "bell/deep/a.wav": "bell",
        "Water tap, faucet/b.flac": "water_tap",
    }
    assert unused_folders(tmp_path, classes=DCASE2025) == ["parrot"]
    assert {sound.name: sound.kind for sound in list_sounds(tmp_path)} == {
        "bell/deep/a.wav": "bell",
        "Water tap, faucet/b.flac": "water_tap_faucet",
        "parrot/c.wav": "parrot",
    }
    assert unused_folders(tmp_path) == []
    put(tmp_path / "manifest.csv", "file,class\nd.wav,knock\n")
    assert unused_folders(tmp_path) == []


def test_banks_without_splits_are_split_by_whole_groups() -> None:
    sounds = [BankSound(f"{group}-{number}", "bell", group=f"g{group}") for group in range(300) for number in range(3)]
    split = with_splits(sounds)
    by_group = {sound.group: {other.split for other in split if other.group == sound.group} for sound in split[::30]}
    assert all(len(splits) == 1 for splits in by_group.values())
    assert sum(sound.split == "valid" for sound in split) / len(split) == pytest.approx(0.2, abs=0.07)
    assert with_splits(sounds[:90]) == split[:90]
    assert with_splits(sounds, seed=1) != split
    assert with_splits(split, seed=1) == split


def test_licence_filter_does_not_mind_versions_but_minds_terms() -> None:
    names = ("CC0-1.0", "CC-BY-4.0", "CC BY 3.0", "CC-BY-SA-3.0", "CC-BY-NC-4.0", "", "MIT")
    sounds = [BankSound(name, "bell", licence=name) for name in names]
    assert [s.name for s in with_licence(sounds, ["cc0", "cc-by"])] == ["CC0-1.0", "CC-BY-4.0", "CC BY 3.0"]
    assert licence_family("http://creativecommons.org/licenses/by-nc/3.0/") == licence_family("CC-BY-NC-4.0")


def test_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    write_wav(tmp_path / "bell" / "good.wav", TONE, 24_000)
    write_wav(tmp_path / "bell" / "silent.wav", np.zeros((1, 24_000), np.float32), 24_000)
    put(tmp_path / "bell" / "junk.wav", "not audio" * 100)
    wrong = unusable_sounds(tmp_path, tmp_path / "cache")
    assert sorted(wrong) == ["bell/junk.wav", "bell/silent.wav"]
    assert "silent" in wrong["bell/silent.wav"]
    assert [s.name for s in SoundBank.open(tmp_path, without=wrong).sounds] == ["bell/good.wav"]
