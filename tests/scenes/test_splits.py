from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.media.sound.wav import write_wav
from earwitness.scenes import SoundBank
from earwitness.scenes.bank.adaptors import adaptor_of
from earwitness.scenes.bank.bank_sound import BankSound
from earwitness.scenes.bank.splits import copied_files, refuse_leaks, with_splits, without_split
from earwitness.training.data.training_sources import skipped_sounds

RATE = 24_000
HEAD = "file,class,split,group,variant_of\n"


def noise(seed: int, seconds: float = 0.6) -> np.ndarray:
    """Noise bursts, different for each seed."""
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.uniform(0.1, 1, 12), int(seconds * RATE) // 12)
    return (0.1 * rng.normal(size=envelope.size) * envelope).astype(np.float32)


def put(root: Path, name: str, sound: np.ndarray) -> None:
    write_wav(root / name, sound[None], RATE)


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "bank"
    for number, name in enumerate(("a", "b", "c", "d")):
        put(root, f"{name}.wav", noise(number))
    return root


def manifest(root: Path, *rows: str) -> Path:
    (root / "manifest.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows))
    return root


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["a.wav,bell,train,,", "a.wav,bell,valid,,"], "the file 'a.wav'"),
        (["a.wav,bell,train,g,", "b.wav,bell,valid,g,"], "the group 'g'"),
        (["a.wav,bell,train,g ,", "b.wav,knock,valid, g,"], "the group 'g'"),
        (["a.wav,bell,train,,", "b.wav,bell,valid,,a.wav"], "variant of 'a.wav'"),
        (["a.wav,bell,train,,x", "b.wav,bell,valid,,x"], "variant of 'x'"),
    ],
)
def test_what_two_splits_share_is_refused_by_name(bank: Path, rows: list[str], message: str) -> None:
    manifest(bank, *rows)
    for split in ("train", "valid"):
        with pytest.raises(BankError, match=message):
            SoundBank.open(bank, split)
    with pytest.raises(BankError, match=message):
        skipped_sounds(str(bank))
    assert SoundBank.open(bank).sounds  # without splits, nothing is shared


@pytest.mark.parametrize("link", [False, True])
def test_a_copy_of_a_file_in_another_split_is_refused(bank: Path, link: bool) -> None:
    if link:
        (bank / "copy.wav").symlink_to(bank / "a.wav")
    else:
        (bank / "copy.wav").write_bytes((bank / "a.wav").read_bytes())
    manifest(bank, "a.wav,bell,train,,", "copy.wav,bell,valid,,", "b.wav,bell,valid,,")
    with pytest.raises(BankError, match=r"'a\.wav' \(train\) and 'copy\.wav' \(valid\) are the same"):
        SoundBank.open(bank, "valid")


@pytest.mark.parametrize("change", ["gain", "shift", "end", "rate"])
def test_the_same_sound_in_another_file_is_refused_in_training(bank: Path, change: str) -> None:
    sound = noise(0)
    if change == "rate":
        write_wav(bank / "copy.wav", np.repeat(sound, 2)[None], 2 * RATE)
    else:
        changed = {"gain": sound * 0.3, "shift": np.pad(sound, (1000, 500)), "end": sound[:-300]}[change]
        put(bank, "copy.wav", changed)
    rows = ["a.wav,bell,train,,", "b.wav,bell,train,,", "c.wav,bell,valid,,", "d.wav,knock,valid,,"]
    manifest(bank, *rows)
    assert skipped_sounds(str(bank)) == {}
    manifest(bank, *rows, "copy.wav,bell,valid,,")
    with pytest.raises(BankError, match=r"'a\.wav' \(train\) and 'copy\.wav' \(valid\) are the same recording"):
        skipped_sounds(str(bank))


def test_a_file_of_two_classes_is_refused(bank: Path) -> None:
    manifest(bank, "a.wav,bell,train,,", "a.wav,knock,train,,")
    with pytest.raises(BankError, match=r"'a\.wav' is listed as bell and as knock"):
        SoundBank.open(bank)


def test_a_bank_of_which_nothing_can_be_used_says_so(bank: Path) -> None:
    manifest(bank, "a.wav,bell,train,,", "b.wav,bell,train,,")
    with pytest.raises(BankError, match=r"no sound of any target class that can be used \(2 cannot\)"):
        SoundBank.open(bank, without=["a.wav", "b.wav"])


@pytest.mark.parametrize(("names", "said"), [(("training", "val"), "training (3), val (1)"), (("dev", ""), "dev (3)")])
def test_splits_of_other_names_are_named(bank: Path, names: tuple[str, str], said: str) -> None:
    manifest(bank, *(f"{name}.wav,bell,{names[name == 'd']},," for name in "abcd"))
    with pytest.raises(BankError, match="no sound of any target class in its split 'valid'") as error:
        SoundBank.open(bank, "valid")
    assert said in str(error.value)


def test_rows_without_a_split_are_left_out_and_named(bank: Path) -> None:
    manifest(bank, "a.wav,bell,train,,", "b.wav,bell,valid,,", "c.wav,bell,,,")
    assert [sound.name for sound in SoundBank.open(bank, "train").sounds] == ["a.wav"]
    assert without_split(SoundBank.open(bank).sounds) == ["c.wav"]
    assert "no split" in skipped_sounds(str(bank))["c.wav"]


def test_copies_and_variants_are_dealt_out_together() -> None:
    sounds = [BankSound(f"{number}.wav", "bell") for number in range(200)]
    alone = {sound.name: sound.split for sound in with_splits(sounds)}
    pairs = [frozenset({f"{number}.wav", f"{number + 100}.wav"}) for number in range(100)]
    split = {sound.name: sound.split for sound in with_splits(sounds, copies=pairs)}
    assert any(alone[a] != alone[b] for a, b in map(sorted, pairs))
    assert all(split[a] == split[b] for a, b in map(sorted, pairs))
    refuse_leaks(Path(), with_splits(sounds, copies=pairs), pairs)
    variants = [*sounds, *(BankSound(f"v{number}.wav", "bell", variant_of=f"{number}.wav") for number in range(100))]
    split = {sound.name: sound.split for sound in with_splits(variants)}
    assert all(split[f"v{number}.wav"] == split[f"{number}.wav"] == alone[f"{number}.wav"] for number in range(100)
               if f"{number}.wav" < f"v{number}.wav")  # fmt: skip


def test_a_bank_without_splits_validates_on_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "bank"
    for number in range(40):
        put(root, f"bell/{number}.wav", noise(number))
        put(root, f"bell/{number} {'copy' if number % 2 else 'quiet'}.wav", noise(number) * (1 if number % 2 else 0.25))
    skipped = skipped_sounds(str(root))
    train, valid = (SoundBank.open(root, split, without=skipped) for split in ("train", "valid"))
    takes = [{Path(sound.name).stem.split()[0] for sound in part.sounds} for part in (train, valid)]
    assert not takes[0] & takes[1]
    assert skipped
    assert all("same recording" in why for why in skipped.values())


def test_files_of_equal_size_are_told_apart(tmp_path: Path) -> None:
    long = bytes(100_000)
    for name, content in (("a", long), ("b", long), ("c", b"x" + long[1:]), ("d", long[:-1] + b"x"), ("e", b"")):
        (tmp_path / name).write_bytes(content)
    os.mkfifo(tmp_path / "pipe")
    sounds = [BankSound(name, "bell") for name in ("a", "b", "c", "d", "e", "pipe", "missing", "nul\0")]
    assert copied_files(tmp_path, sounds) == [frozenset({"a", "b"})]


def test_links_are_followed_and_what_is_left_out_is_named(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/deep/a.wav", noise(0))
    root = tmp_path / "bank"
    (root / "bell").mkdir(parents=True)
    (root / "bell" / "link").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "bell" / "loop").symlink_to(root / "bell", target_is_directory=True)
    (root / "knock").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    (root / "bell" / "notes.txt").write_text("x")
    (root / "loose.wav").write_text("x")
    assert [sound.name for sound in SoundBank.open(root).sounds] == ["bell/link/deep/a.wav", "knock/deep/a.wav"]
    assert adaptor_of(root).left_out(root) == ["loose.wav", "bell/notes.txt"]
    (root / "manifest.csv").write_text("file,class\nknock/deep/a.wav,knock\n")
    assert adaptor_of(root).left_out(root) == ["loose.wav"]
