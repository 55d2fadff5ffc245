from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import SoundBank
from earwitness.scenes.bank.sound_bank import bridge, sound_frames

TINY_BANK = Path(__file__).parents[1] / "data" / "bank"
FULL_BANK = Path(__file__).parents[3] / "shared" / "soundbank"


def tone(seconds: float = 0.5) -> np.ndarray:
    return 0.5 * np.sin(np.arange(int(24000 * seconds)) * 0.2).astype(np.float32)[None]


def test_manifest_bank_has_all_classes_and_no_group_in_two_splits() -> None:
    train, valid = SoundBank.open(TINY_BANK, "train"), SoundBank.open(TINY_BANK, "valid")
    assert len(train.kinds) == 15
    assert len(valid.kinds) == 14  # no freely licensed clapping in the valid split
    assert not {sound.group for sound in train.sounds} & {sound.group for sound in valid.sounds}


@pytest.mark.skipif(not FULL_BANK.is_dir(), reason="the full sound bank is not here")
def test_full_bank_keeps_groups_in_one_split() -> None:
    train, valid = SoundBank.open(FULL_BANK, "train"), SoundBank.open(FULL_BANK, "valid")
    assert len(train.sounds) > 1000
    assert not {sound.group for sound in train.sounds} & {sound.group for sound in valid.sounds}


def test_folder_bank_resamples_and_mixes_to_mono(tmp_path: Path) -> None:
    stereo = np.repeat(0.5 * np.sin(2 * np.pi * 440 * np.arange(48000) / 48000), 2).reshape(-1, 2).T
    write_wav(tmp_path / "bell" / "a.wav", stereo, 48000)
    (tmp_path / "bell" / "notes.txt").write_text("not a sound")
    bank = SoundBank.open(tmp_path)
    assert [sound.name for sound in bank.sounds] == ["bell/a.wav"]
    samples = bank.samples("bell/a.wav")
    assert samples.ndim == 1
    assert abs(samples.size - 24000) < 50
    spectrum = np.abs(np.fft.rfft(samples[: 24000 // 10 * 10]))
    assert abs(np.argmax(spectrum) / samples.size * 24000 - 440) < 5


def test_draw_balances_groups(bank: SoundBank) -> None:
    rng = np.random.default_rng(0)
    drawn = {bank.draw("knock", rng).group for _ in range(200)}
    assert drawn == {sound.group for sound in bank.sounds if sound.kind == "knock"}


def test_sounding_blocks_leave_out_silence(tmp_path: Path) -> None:
    sound = np.concatenate([tone(1.0), np.zeros((1, 24000), np.float32), tone(1.0)], axis=1)
    write_wav(tmp_path / "bell" / "a.wav", sound, 24000)
    sounding = SoundBank.open(tmp_path).sounding("bell/a.wav")
    assert sounding[5:95].all()
    assert not sounding[105:195].any()


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ("file,split\na.wav,train\n", "lacks the column"),
        ("file,class\na.wav,thunder\nb.wav,bell\n", "line 2: unknown class 'thunder'"),
        ("file,class\n../../etc/passwd,bell\n", "line 2"),
        ("file,class\n/etc/passwd,bell\n", "line 2"),
        ("file,class\n", "no sound of any target class"),
    ],
)
def test_broken_manifest_is_named(tmp_path: Path, manifest: str, message: str) -> None:
    (tmp_path / "manifest.csv").write_text(manifest)
    with pytest.raises(BankError, match=message):
        SoundBank.open(tmp_path)


def test_missing_folder_unreadable_and_silent_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BankError, match="no sound bank"):
        SoundBank.open(tmp_path / "nowhere")
    write_wav(tmp_path / "bell" / "silent.wav", np.zeros((1, 24000), np.float32), 24000)
    (tmp_path / "bell" / "junk.wav").write_bytes(b"not audio at all" * 100)
    bank = SoundBank.open(tmp_path)
    with pytest.raises(BankError, match="silent"):
        bank.samples("bell/silent.wav")
    with pytest.raises(BankError, match=r"junk\.wav"):
        bank.samples("bell/junk.wav")
    assert bank.preload() == ["bell/junk.wav", "bell/silent.wav"]
    with pytest.raises(BankError, match="no sound of kind 'knock'"):
        bank.draw("knock", np.random.default_rng(0))


def test_weights_say_how_often_sounds_are_drawn(tmp_path: Path) -> None:
    for name in ("plain_a", "plain_b", "rare_a", "never_a"):
        write_wav(tmp_path / "bell" / f"{name}.wav", tone(), 24000)
    weights = {"bell/*_a.wav": 0.0, "bell/plain_*": 1.0, "*/rare_*": 0.25}
    bank = SoundBank.open(tmp_path, weights=weights)
    rng = np.random.default_rng(0)
    drawn = [bank.draw("bell", rng).name for _ in range(900)]
    assert set(drawn) == {"bell/plain_a.wav", "bell/plain_b.wav", "bell/rare_a.wav"}
    assert drawn.count("bell/rare_a.wav") / 900 == pytest.approx(0.25 / 2.25, abs=0.04)
    assert bank.find("bell/never_a.wav") is not None  # recipes that name it still render


def test_a_class_without_weight_is_a_class_without_sounds(tmp_path: Path) -> None:
    for kind in ("bell", "door"):
        write_wav(tmp_path / kind / "a.wav", tone(), 24000)
    assert SoundBank.open(tmp_path, weights={"door/*": 0.0}).kinds == ("bell",)
    with pytest.raises(BankError, match="no sound of any target class with a weight above 0"):
        SoundBank.open(tmp_path, weights={"*": 0.0})


def test_short_pauses_are_bridged_and_long_ones_are_not() -> None:
    active = np.zeros(30, bool)
    active[[2, 6, 20]] = True
    assert np.flatnonzero(bridge(active, 3)).tolist() == [2, 3, 4, 5, 6, 20]
    assert bridge(active, 2).sum() == 3
    assert not bridge(np.zeros(5, bool), 3).any()


def test_a_quarter_of_a_frame_is_enough_for_a_label() -> None:
    blocks = np.zeros(40, bool)
    blocks[:3] = True  # 30 ms of the first frame
    blocks[10:12] = True  # 20 ms of the second
    assert sound_frames(blocks, 0.0, 0.4).tolist() == [True, False, False, False]


def test_events_are_clipped_to_the_scene() -> None:
    blocks = np.ones(20, bool)
    assert sound_frames(blocks, -0.1, 0.3).tolist() == [True, False, False]
    assert sound_frames(blocks, 0.2, 0.3).tolist() == [False, False, True]
    assert not sound_frames(blocks, -5.0, 0.3).any()
