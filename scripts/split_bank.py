"""Splits a sound bank in three, whole groups together: `python scripts/split_bank.py BANK OUT.csv`.

The bank's own `valid` becomes `test`; of the groups of its `train`, a share of each class becomes `valid`. The list is
itself a bank: `earwitness synthesize --bank OUT.csv --split train|valid|test`. It must lie above the bank's folder (or
above a link to it), since a list of files names nothing outside its own folder. `--recipe` leaves out the sounds with
weight 0 in `data.weights` of a training recipe, such as recipes/bank-weights.yaml.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from earwitness.scenes.bank.adaptors import list_sounds
from earwitness.scenes.bank.bank_sound import BankSound
from earwitness.scenes.bank.sound_bank import weight_of
from earwitness.scenes.bank.splits import copied_files, with_splits
from earwitness.training.recipe import load_recipe

LARGEST_SHARE = 0.5
"""A group with more than this share of a class's sounds stays in training."""


def held_out(sounds: Sequence[BankSound], share: float, seed: int) -> set[str]:
    """Groups for validation: of every class about `share` of its groups, at least one where it has two."""
    of_class: dict[str, Counter[str]] = defaultdict(Counter)
    for sound in sounds:
        of_class[sound.kind][group(sound)] += 1
    chosen: set[str] = set()
    for kind in sorted(of_class):
        groups = of_class[kind]
        most = LARGEST_SHARE * groups.total()
        wanted = max(1, round(share * len(groups))) if len(groups) > 1 else 0
        wanted -= sum(name in chosen for name in groups)
        free = sorted(
            (name for name in groups if name not in chosen and groups[name] <= most), key=lambda g: _rank(g, seed)
        )
        chosen.update(free[: max(0, wanted)])
    return chosen


def group(sound: BankSound) -> str:
    """What must not be divided."""
    return sound.group or sound.name


def _rank(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def main() -> None:
    """Write the list, and print how many sounds and groups each class has in each split."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bank", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--share", type=float, default=0.15, help="of the training groups, for validation")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--recipe", type=Path, help="training recipe whose weights of 0 leave sounds out")
    asked = parser.parse_args()
    if not asked.bank.absolute().is_relative_to(asked.out.parent.absolute()):
        parser.error(f"{asked.out} must lie above {asked.bank}: write it elsewhere, or link the bank beside it")
    folder = asked.bank.absolute().relative_to(asked.out.parent.absolute())
    listed = list_sounds(asked.bank)
    weights = load_recipe(asked.recipe, [f"data.bank={asked.bank}"]).data.weights if asked.recipe else {}
    listed = [sound for sound in listed if weight_of(sound, weights)]
    sounds = with_splits(listed, copies=copied_files(asked.bank, listed))
    chosen = held_out([sound for sound in sounds if sound.split == "train"], asked.share, asked.seed)
    rows = []
    for sound in sounds:
        split = "test" if sound.split != "train" else "valid" if group(sound) in chosen else "train"
        rows.append(
            ((folder / sound.name).as_posix(), sound.kind, split, group(sound), sound.licence, sound.attribution)
        )
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    with asked.out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("path", "class", "split", "group", "licence", "attribution"))
        writer.writerows(rows)
    print(f"{'class':20s}" + "".join(f"{split:>18s}" for split in ("train", "valid", "test")))
    for kind in sorted({row[1] for row in rows}):
        cells = []
        for split in ("train", "valid", "test"):
            groups = [row[3] for row in rows if row[1:3] == (kind, split)]
            cells.append(f"{len(groups):5d} in {len(set(groups)):3d} groups")
        print(f"{kind:20s}" + "".join(f"{cell:>18s}" for cell in cells))


if __name__ == "__main__":
    main()
