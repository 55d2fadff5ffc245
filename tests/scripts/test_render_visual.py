"""Sets for the fusion: what `render_visual.py` renders, leaves out, mutes and lends."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from earwitness.scenes import PoolConfig, RirPool, SceneConfig, SoundBank, Synthesizer
from earwitness.scenes.bank.sound_bank import INTERFERENCE

from .conftest import SCRIPTS

BANK = Path(__file__).parents[1] / "data" / "bank"
Render = Callable[..., Path]

pytest.importorskip("pyroomacoustics")


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    monkeypatch.setenv("EARWITNESS_CACHE", str(tmp_path / "cache"))
    import render_visual

    monkeypatch.setattr(render_visual, "ROOMS", 2)
    yield render_visual
    sys.modules.pop("render_visual", None)


@pytest.fixture
def render(script: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Render:
    people = tmp_path / "people" / "female_speech"
    people.mkdir(parents=True)
    picture = Image.new("RGBA", (20, 40), (0, 0, 0, 0))
    picture.paste((200, 30, 30, 255), (4, 0, 16, 40))
    picture.save(people / "somebody@1.7m.png")

    def run(*more: str, part: str = "calibration", out: str = "set") -> Path:
        own = ["--bank", str(BANK), "--people", str(people.parent), "--part", part, "--out", str(tmp_path / out)]
        monkeypatch.setattr(sys, "argv", ["render_visual.py", *own, "--seed", "3", "--fps", "1", *more])
        script.main()
        return tmp_path / out

    return run


def names(folder: Path) -> dict[str, float]:
    with (folder / "weights.csv").open(newline="") as file:
        return {name: float(weight) for name, weight in csv.reader(file)}


def test_a_set_is_complete_and_goes_on_where_it_stopped(render: Render) -> None:
    out = render("--clips", "2")
    files = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.suffix in (".wav", ".mp4", ".csv")}
    assert {name for name, _ in names(out).items()} == {path.stem for path in out.glob("video_dev/*/*.mp4")}
    assert len(names(out)) == 2
    assert not (out / "still.csv").exists()
    again = render("--clips", "3")
    assert len(names(again)) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in files.items() if path.name != "weights.csv")


def test_dull_clips_are_rare_and_count_for_more(render: Render) -> None:
    kept = names(render("--clips", "12", "--dull", "0.01"))
    assert 0 < len(kept) < 12
    assert set(kept.values()) <= {1.0, 100.0}


def test_a_lent_class_is_heard_in_every_clip(render: Render) -> None:
    out = render("--clips", "12", "--lend", "clapping")
    assert names(out)
    for path in out.glob("metadata_dev/*/*.csv"):
        with path.open(newline="") as file:
            assert any(row["class"] == "2" for row in csv.DictReader(file)), path.name


def test_the_parts_share_no_group(script: Any) -> None:
    groups = [
        {sound.group for sound in script.open_bank(BANK, part, frozenset()).sounds} for part in ("calibration", "test")
    ]
    assert groups[0]
    assert groups[1]
    assert not groups[0] & groups[1]
    lent = script.open_bank(BANK, "test", frozenset({"clapping"})).sounds
    assert {sound.split for sound in lent if sound.kind == "clapping"} == {"train"}
    assert {sound.split for sound in lent if sound.kind != "clapping"} == {"valid"}


def test_three_in_ten_are_shown_and_not_heard(script: Any) -> None:
    pool = RirPool.open(PoolConfig(rooms=2, positions=6, paths=1, path_points=6, seed=5))
    synthesizer = Synthesizer(SoundBank.open(BANK), pool, SceneConfig())
    whole = [synthesizer.draft(np.random.SeedSequence(k)) for k in range(200)]
    quiet = [script.muted(recipe, (1, k)) for k, recipe in enumerate(whole)]
    assert quiet == [script.muted(recipe, (1, k)) for k, recipe in enumerate(whole)]

    def sources(recipes: list[Any], kind: bool) -> int:
        return sum((event.kind == INTERFERENCE) == kind for recipe in recipes for event in recipe.events)

    assert sources(quiet, True) == sources(whole, True)
    assert sources(quiet, False) / sources(whole, False) == pytest.approx(1 - script.MUTED, abs=0.06)


def test_in_still_clips_nothing_moves(render: Render) -> None:
    from earwitness.media.pictures import PictureReader

    out = render("--clips", "2", "--still", "1", "--preset", "starss")
    assert set((out / "still.csv").read_text().split()) == set(names(out))
    for path in out.glob("video_dev/*/*.mp4"):
        pictures = [picture.rgb.astype(int) for picture in PictureReader(path, 1.0)]
        assert len(pictures) == 5
        assert max(np.abs(picture - pictures[0]).max() for picture in pictures) <= 12  # of the encoder
    for path in out.glob("metadata_dev/*/*.csv"):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        sources = {(row["class"], row["source"]): (row["azimuth"], row["distance"]) for row in rows}
        assert all((row["azimuth"], row["distance"]) == sources[row["class"], row["source"]] for row in rows)
