from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

from earwitness.core.classes.class_files import vocabulary_of
from earwitness.core.vocabulary import DCASE2025
from earwitness.scenes.bank.bank_check import unusable_sounds
from earwitness.scenes.bank.bank_sound import licence_family
from earwitness.scenes.bank.sound_bank import SoundBank
from earwitness.training.learn.learn import combined
from earwitness.training.learn.learn_scenes import NEW_SHARE, scene_config, shipped_sounds

FOLDER = Path(str(files("earwitness") / "assets" / "learn"))
FREE = {"cc0", "ccby", "mit", "apache", "publicdomain", "bsd"}


def test_every_shipped_recording_is_usable_and_credited() -> None:
    bank = SoundBank.open(FOLDER)
    assert not unusable_sounds(bank)
    assert not bank.missing
    rows = list(csv.DictReader((FOLDER / "CREDITS.csv").open(encoding="utf-8")))
    assert {row["file"] for row in rows} == {sound.name for sound in bank.sounds}
    assert all(any(licence_family(row["licence"]).startswith(free) for free in FREE) for row in rows)
    assert all(row["attribution"] for row in rows)
    assert sum(path.stat().st_size for path in FOLDER.rglob("*.ogg")) < 2e6


def test_classes_that_the_model_does_not_keep_are_interference() -> None:
    new = vocabulary_of(["kettle", "bell"], "mine")
    beside = {sound.kind for sound in shipped_sounds(combined(DCASE2025, new, beside=True))}
    replaced = {sound.kind for sound in shipped_sounds(combined(DCASE2025, new, beside=False))}
    assert beside == {*DCASE2025.slugs, "background", "interference"}
    assert replaced == {"bell", "background", "interference"}


def test_new_classes_are_more_frequent_than_the_others() -> None:
    new = vocabulary_of(["kettle", "bell"], "mine")
    weights = scene_config(new, combined(DCASE2025, new, beside=True)).class_weights
    assert len(weights) == 14
    assert abs(weights[11] + weights[13] - NEW_SHARE) < 1e-9
    assert scene_config(new, combined(DCASE2025, new, beside=False)).class_weights == ()
