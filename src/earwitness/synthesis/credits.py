"""Who is to be credited for a rendered set: every sound in it, its licence and its attribution."""

from __future__ import annotations

import csv
from contextlib import suppress
from pathlib import Path
from typing import Final

from earwitness.errors import SynthesisError
from earwitness.media.atomic import atomic_file
from earwitness.synthesis.bank import BankSound, SoundBank
from earwitness.synthesis.clips import read_recipe
from earwitness.synthesis.scene import SceneRecipe

FILE_NAME: Final = "CREDITS.csv"
_COLUMNS: Final = ("file", "class", "clips", "licence", "attribution")


def sounds_of(recipe: SceneRecipe) -> set[str]:
    """Names of all bank sounds in a scene, the background among them."""
    names = {name for event in recipe.events for name in event.sounds}
    return names | ({recipe.noise.sound} if recipe.noise.sound is not None else set())


def refuse_foreign(folder: Path) -> None:
    """See that credits that are there already are those of a set.

    Raises:
        SynthesisError: the file is somebody else's, or the folder is none.
    """
    path, first = folder / FILE_NAME, b""
    if folder.exists() and not folder.is_dir():
        raise SynthesisError(f"'{folder}' is not a folder: name another one with --out")
    if not path.exists():
        return
    with suppress(OSError), path.open("rb") as file:
        first = file.readline(200)
    if first.strip() != ",".join(_COLUMNS).encode():
        raise SynthesisError(f"'{path}' is there already and is not of a set: name another folder with --out")


def write_credits(folder: Path, bank: SoundBank) -> Path:
    """Write `CREDITS.csv` (columns file, class, clips, licence, attribution) for the recipes below `folder`.

    It is made from the recipes that lie there, so that it does not depend on workers or on restarts. Sounds of clips
    that another bank gave are listed as such.

    Raises:
        BankError: a recipe is damaged.
        EncodingError: the file cannot be written.
    """
    clips: dict[str, int] = {}
    for path in sorted((folder / "recipes_dev").rglob("fold*_room*_mix*.json")):
        for name in sounds_of(read_recipe(path)):
            clips[name] = clips.get(name, 0) + 1
    target = folder / FILE_NAME
    refuse_foreign(folder)
    with atomic_file(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for name in sorted(clips):
            sound = bank.find(name) or BankSound(name, "", attribution="not in this bank")
            writer.writerow([name, sound.kind, clips[name], sound.licence, sound.attribution])
    return target
