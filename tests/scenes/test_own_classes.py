from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from earwitness.core.errors import BankError
from earwitness.core.vocabulary import DCASE2025
from earwitness.media.sound.wav import write_wav
from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.bank.adaptors import bank_vocabulary, list_sounds
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.scenes.pictures.cutouts import CutoutLibrary
from earwitness.scenes.sampling.presets import named_preset
from earwitness.scenes.sampling.sampler import SceneConfig
from earwitness.scenes.synthesizer import Synthesizer


def put(path: Path, pitch: float) -> None:
    write_wav(path, 0.5 * np.sin(np.arange(12_000) * pitch).astype(np.float32)[None], 24_000)


@pytest.fixture
def own_bank(tmp_path: Path) -> Path:
    for number, name in enumerate(("Smoke alarm", "kettle", "bell")):
        for take in range(2):
            put(tmp_path / "mine" / name / f"{take}.wav", 0.1 + 0.1 * number + 0.03 * take)
    return tmp_path / "mine"


def test_folders_give_the_classes(own_bank: Path) -> None:
    bank = SoundBank.open(own_bank)
    assert (bank.vocabulary.name, bank.vocabulary.slugs) == ("mine", ("smoke_alarm", "bell", "kettle"))
    assert bank.kinds == bank.vocabulary.slugs
    assert bank_vocabulary(own_bank, DCASE2025) is DCASE2025
    assert {sound.kind for sound in list_sounds(own_bank, classes=DCASE2025)} == {"bell"}


def test_known_folders_keep_the_default_classes(tmp_path: Path) -> None:
    put(tmp_path / "knock" / "a.wav", 0.2)
    put(tmp_path / "Church bell" / "a.wav", 0.3)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "read.txt").write_text("no sound")
    bank = SoundBank.open(tmp_path)
    assert bank.vocabulary is DCASE2025
    assert bank.kinds == ("bell", "knock")


def test_a_list_of_classes_in_the_bank_decides(own_bank: Path) -> None:
    pytest.importorskip("yaml")
    (own_bank / "classes.yaml").write_text("- name: Kettle\n  labels: [Smoke alarm]\n")
    bank = SoundBank.open(own_bank)
    assert bank.vocabulary.slugs == ("kettle",)
    assert {sound.name for sound in bank.sounds} == {
        "kettle/0.wav", "kettle/1.wav", "Smoke alarm/0.wav", "Smoke alarm/1.wav",
    }  # fmt: skip


def test_the_same_recording_in_two_classes_is_refused(own_bank: Path) -> None:
    (own_bank / "kettle" / "copy.wav").write_bytes((own_bank / "bell" / "0.wav").read_bytes())
    with pytest.raises(BankError, match=r"'bell/0.wav' .*'kettle/copy.wav' .* are the same recording"):
        SoundBank.open(own_bank)


def test_names_that_differ_only_in_case_are_refused(own_bank: Path) -> None:
    put(own_bank / "Kettle!" / "a.wav", 0.7)
    with pytest.raises(BankError, match="'Kettle!' and 'kettle' differ only in case"):
        SoundBank.open(own_bank)


def test_manifests_have_classes_of_their_own_or_known_ones(own_bank: Path) -> None:
    manifest = own_bank / "manifest.csv"
    manifest.write_text("file,class\nkettle/0.wav,Kettle\nkettle/1.wav,kettle\n")
    assert SoundBank.open(own_bank).kinds == ("kettle",)
    manifest.write_text("file,class\nkettle/0.wav,bell\nkettle/1.wav,bel\n")
    with pytest.raises(BankError, match=r"line 3: unknown class 'bel'.*classes.yaml"):
        SoundBank.open(own_bank)


@pytest.mark.parametrize("preset", [None, "starss"])
def test_scenes_have_own_classes(own_bank: Path, pool: RirPool, preset: str | None) -> None:
    config = SceneConfig(preset=None if preset is None else named_preset(preset), elevation_deg=(-90, 90))
    synthesizer = Synthesizer(SoundBank.open(own_bank), pool, config)
    scenes = [synthesizer.scene(np.random.SeedSequence(number)) for number in range(8)]
    assert {scene.labels.vocabulary.slugs for scene in scenes} == {("smoke_alarm", "bell", "kettle")}
    assert {int(index) for scene in scenes for index in scene.labels.class_index} == {0, 1, 2}


def test_classes_without_pictures_of_their_own_are_drawn(own_bank: Path) -> None:
    vocabulary = SoundBank.open(own_bank).vocabulary
    library = CutoutLibrary(vocabulary=vocabulary)
    cutout = library.pick("kettle", np.random.default_rng(0))
    silent, sounding = (library.picture(cutout, state, 0, 128) for state in ("idle", "sounding"))
    assert np.asarray(silent)[..., 3].mean() > 20
    assert not np.array_equal(np.asarray(silent), np.asarray(sounding))
