"""The commands of the walk in docs/own-sounds.md, in its order, with fewer scenes."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from earwitness.cli.main import app
from earwitness.media.sound.wav import write_wav

pytest.importorskip("torch")
pytest.importorskip("pyroomacoustics")

PAGE = Path(__file__).parents[2] / "docs" / "own-sounds.md"
SMALL = {"learn": ["--scenes", "12", "--rooms", "1", "--workers", "1"], "detect": ["--threshold", "0.1"]}


def commands() -> list[list[str]]:
    walk = PAGE.read_text(encoding="utf-8").partition("## In half an hour")[2].partition("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"^    earwitness (.+)$", walk, re.MULTILINE)]


def test_the_walk_leads_from_recordings_to_detections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for number, name in enumerate(("Dog barking", "kettle")):
        for take in range(2):
            bursts = np.repeat(rng.uniform(0, 0.6, 24), 1000) * np.sin(np.arange(24_000) * (0.2 + number + 0.02 * take))
            write_wav(Path("mysounds") / name / f"{take}.wav", bursts.astype(np.float32)[None], 24_000)
    write_wav(Path("clip.mp4"), rng.normal(0, 0.1, (2, 48_000)).astype(np.float32), 24_000)
    found = {}
    for arguments in commands():
        result = CliRunner().invoke(app, [*arguments, *SMALL[arguments[0]]])
        assert result.exit_code == 0, f"{arguments}: {result.output}\n{result.exception!r}"
        found[arguments[0]] = result.output
    assert [*found] == ["learn", "detect"]
    assert "15 classes" in found["learn"]
    assert "What would help most: 3 more recordings of" in " ".join(found["learn"].split())
    card = json.loads(Path("mine.json").read_text())
    assert [one["slug"] for one in card["vocabulary"]["classes"]][-2:] == ["dog_barking", "kettle"]
    assert (len(card["thresholds"]), card["data"]["recordings"]) == (15, {"dog_barking": 2, "kettle": 2})
    assert set(card["scores"]) == {"folds/f_score/dog_barking", "folds/f_score/kettle"}
    document = json.loads(Path("results/clip.json").read_text())
    assert len(document["vocabulary"]["classes"]) == 15
    assert Path("results/earwitness-classes.json").is_file()


def test_the_page_lists_what_a_class_may_state(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml")
    from earwitness.core.classes.class_files import read_classes

    text = re.search(r"\n    name: workshop\n(    .*\n)+", PAGE.read_text(encoding="utf-8"))
    assert text
    (tmp_path / "classes.yaml").write_text("\n".join(line[4:] for line in text[0].splitlines()))
    vocabulary = read_classes(tmp_path / "classes.yaml")
    assert vocabulary.slugs == ("kettle", "dog_barking")
    assert vocabulary[1].groups == ("animals",)
    assert yaml
