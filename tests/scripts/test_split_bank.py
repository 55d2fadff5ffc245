from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.scenes.bank.sound_bank import SoundBank

ROOT = Path(__file__).parents[2]


def split(bank: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / "split_bank.py"), str(bank), str(out), *options]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """Ten groups of bells, two of knocks (one large), one of music; some valid already."""
    rows = [("bell", "train", f"b{n}", n % 3 + 1) for n in range(10)] + [("bell", "valid", "b90", 2)]
    rows += [("knock", "train", "k0", 8), ("knock", "train", "k1", 1), ("music", "train", "m0", 4)]
    folder = tmp_path / "bank"
    folder.mkdir()
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("file", "class", "split", "group"))
        for kind, part, group, size in rows:
            writer.writerows((f"{kind}/{group}_{n}.ogg", kind, part, group) for n in range(size))
    return folder


def test_whole_groups_are_set_apart_of_every_class_that_has_two(bank: Path, tmp_path: Path) -> None:
    out = tmp_path / "bank.csv"
    result = split(bank, out, "--share", "0.3")
    assert result.returncode == 0, result.stderr
    parts = {part: SoundBank.open(out, part).sounds for part in ("train", "valid", "test")}
    groups = {part: {sound.group for sound in sounds} for part, sounds in parts.items()}
    assert not groups["train"] & groups["valid"]
    assert groups["test"] == {"b90"}
    assert len([group for group in groups["valid"] if group.startswith("b")]) == 3
    assert "k1" in groups["valid"]  # k0 is most of its class
    assert groups["train"] >= {"k0", "m0"}
    assert sum(map(len, parts.values())) == 10 * 2 - 1 + 2 + 9 + 4
    assert parts["train"][0].name.startswith("bank/")
    assert "bell" in result.stdout
    before = out.read_bytes()
    split(bank, out, "--share", "0.3")
    assert out.read_bytes() == before


def test_a_list_elsewhere_is_refused(bank: Path, tmp_path: Path) -> None:
    result = split(bank, tmp_path / "lists" / "bank.csv")
    assert result.returncode == 2
    assert "must lie above" in result.stderr


def test_sounds_of_weight_0_in_a_recipe_are_left_out(bank: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "weights.yaml"
    recipe.write_text('name: weights\ndata: {weights: {"knock/*": 0.5, "knock/k1_*": 0, "bell/b9*": 0}}\n')
    out = tmp_path / "bank.csv"
    result = split(bank, out, "--recipe", str(recipe))
    assert result.returncode == 0, result.stderr
    names = {row["group"] for row in csv.DictReader(out.open())}
    assert {"k0", "m0", "b0"} <= names
    assert not {"k1", "b90"} & names
