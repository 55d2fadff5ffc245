from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.media.sound.wav import write_wav
from earwitness.training.learn.user_sounds import MOST_RECORDINGS, open_sounds


def put(path: Path, seed: int, level: float = 0.4) -> None:
    rng = np.random.default_rng(seed)
    bursts = np.repeat(rng.uniform(0, 1, 24), 500) * np.sin(np.arange(12_000) * rng.uniform(0.05, 1.0))
    write_wav(path, (level * bursts).astype(np.float32)[None], 24_000)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    for number in range(3):
        put(tmp_path / "mine" / "kettle" / f"{number}.wav", number)
    put(tmp_path / "mine" / "drill" / "a.wav", 9)
    return tmp_path / "mine"


def test_each_folder_is_a_class_and_recordings_are_divided_into_folds(mine: Path) -> None:
    put(mine / "background" / "hum.wav", 20)
    user = open_sounds(mine)
    assert user.vocabulary.slugs == ("drill", "kettle")
    assert (user.folds, user.count("kettle"), user.count("drill")) == (3, 3, 1)
    assert [sound.name for sound in user.of_fold(1)] == ["background/hum.wav", "kettle/1.wav"]
    assert not user.skipped


def test_unusable_files_and_copies_are_skipped_with_a_reason(mine: Path) -> None:
    (mine / "kettle" / "broken.wav").write_bytes(b"not sound" * 100)
    write_wav(mine / "kettle" / "silent.wav", np.zeros((1, 24_000), np.float32), 24_000)
    (mine / "kettle" / "z.wav").write_bytes((mine / "kettle" / "0.wav").read_bytes())
    user = open_sounds(mine)
    assert user.count("kettle") == 3
    assert sorted(user.skipped) == ["kettle/broken.wav", "kettle/silent.wav", "kettle/z.wav"]
    assert "copy of 'kettle/0.wav'" in user.skipped["kettle/z.wav"]
    assert not any("\n" in reason for reason in user.skipped.values())


def test_more_recordings_than_are_useful_are_skipped(mine: Path) -> None:
    for number in range(MOST_RECORDINGS + 2):
        put(mine / "many" / f"{number:02d}.wav", 100 + number)
    user = open_sounds(mine)
    assert user.count("many") == MOST_RECORDINGS
    assert len(user.skipped) == 2


def test_a_class_without_a_usable_recording_is_refused(mine: Path) -> None:
    write_wav(mine / "siren" / "silent.wav", np.zeros((1, 24_000), np.float32), 24_000)
    with pytest.raises(BankError, match=r"class 'siren' has no usable recording .*silent"):
        open_sounds(mine)


def test_one_recording_in_two_classes_is_refused_at_any_level(mine: Path) -> None:
    put(mine / "whistle" / "quiet.wav", 0, level=0.1)
    with pytest.raises(BankError, match=r"'kettle/0.wav' and 'whistle/quiet.wav' are the same recording"):
        open_sounds(mine)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        (["Kettle!"], "'Kettle!' and 'kettle' differ only in case"),
        (["???"], "no letter and no digit"),
        ([f"class {number}" for number in range(199)], "201 classes; a list of classes has 1 to 200"),
    ],
)
def test_names_that_cannot_be_used_are_named_in_one_line(mine: Path, folders: list[str], message: str) -> None:
    for name in folders:
        (mine / name).mkdir()
        (mine / name / "a.wav").write_bytes(b"")
    with pytest.raises(BankError) as caught:
        open_sounds(mine)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="no such folder"):
        open_sounds(tmp_path / "nowhere")
    with pytest.raises(BankError, match="make one folder for each class"):
        open_sounds(tmp_path)
