"""Where a sound bank's list of recordings comes from: one adaptor a layout, all behind one protocol."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from earwitness.core.errors import BankError
from earwitness.core.vocabulary import CLASSES
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE, BankSound
from earwitness.scenes.bank.label_map import class_of, class_of_all

AUDIO_SUFFIXES: Final = frozenset({".aif", ".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav"})
KINDS: Final = frozenset({*(sound_class.slug for sound_class in CLASSES), BACKGROUND, INTERFERENCE})


class BankAdaptor(Protocol):
    """Knows one layout of sound banks."""

    def fits(self, root: Path) -> bool:
        """Whether the folder or file `root` has this layout."""

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """All recordings of a class, whether their files are there or not.

        Raises:
            BankError: the list breaks its format; names the file and the line.
        """


class ManifestFolder:
    """A folder with `manifest.csv`: columns file, class, and optionally split, group, licence, attribution."""

    def fits(self, root: Path) -> bool:
        """Whether there is a manifest."""
        return (root / "manifest.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """The manifest's rows."""
        path = root / "manifest.csv"
        for line, row in _rows(path, {"file", "class"}):
            yield _listed(path, line, row, row["file"])


class FileList:
    """A CSV file instead of a folder: columns path, class, and optionally split, group, licence, attribution.

    Paths are relative to the CSV's folder; classes are slugs or labels of AudioSet, FSD50K or ESC-50.
    """

    def fits(self, root: Path) -> bool:
        """Whether `root` is a CSV file."""
        return root.is_file() and root.suffix.lower() == ".csv"

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """The list's rows."""
        for line, row in _rows(root, {"path", "class"}):
            yield _listed(root, line, row, row["path"])


class Fsd50k:
    """FSD50K as published: `FSD50K.ground_truth`, `FSD50K.dev_audio`, `FSD50K.eval_audio`.

    The development part's own splits are kept ("train", "val" as valid); the evaluation part is split "test".
    Recordings whose labels belong to two classes at once are left out.
    """

    _FOLDER: Final = "FSD50K.ground_truth"

    def fits(self, root: Path) -> bool:
        """Whether the ground truth is there."""
        return (root / self._FOLDER / "dev.csv").is_file() or (root / self._FOLDER / "eval.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Recordings of one class."""
        for part in ("dev", "eval"):
            path = root / self._FOLDER / f"{part}.csv"
            if not path.is_file():
                continue
            about = _clip_info(root / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json")
            for _, row in _rows(path, {"fname", "labels"}):
                kind = class_of_all(row["labels"].split(","))
                if kind:
                    clip = row["fname"]
                    split = "test" if part == "eval" else row.get("split", "").replace("val", "valid")
                    licence, uploader = about.get(clip, ("", ""))
                    # The published splits keep an uploader's sounds together, so the uploader is the group.
                    group = uploader or f"freesound_{clip}"
                    credit = f"freesound {clip}{' by ' + uploader if uploader else ''}, FSD50K"
                    yield BankSound(f"FSD50K.{part}_audio/{clip}.wav", kind, split, group, licence, credit)


def _clip_info(path: Path) -> dict[str, tuple[str, str]]:
    """Licence and uploader of each clip; empty where the bank came without its metadata."""
    if not path.is_file():
        return {}
    try:
        clips = json.loads(path.read_text(encoding="utf-8"))
        return {clip: (str(about.get("license", "")), str(about.get("uploader", ""))) for clip, about in clips.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BankError(f"'{path}' is not FSD50K's clip metadata: {error}") from error


class Esc50:
    """ESC-50 as published: `meta/esc50.csv` and `audio`. Fold 5 is valid; clips of one source file are a group."""

    def fits(self, root: Path) -> bool:
        """Whether the meta data are there."""
        return (root / "meta" / "esc50.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Recordings of one class."""
        for _, row in _rows(root / "meta" / "esc50.csv", {"filename", "fold", "category"}):
            kind = class_of(row["category"])
            if kind:
                source = row.get("src_file") or row["filename"]
                split = "valid" if row["fold"] == "5" else "train"
                credit = f"freesound {source}, ESC-50"
                yield BankSound(f"audio/{row['filename']}", kind, split, f"freesound_{source}", "CC-BY-NC", credit)


class ClassFolders:
    """One folder a class, named by its slug, and optionally `background` and `interference`.

    Labels of AudioSet, FSD50K or ESC-50 will do as names, too; see `labelmap`.
    """

    def fits(self, root: Path) -> bool:
        """Any folder will do."""
        return root.is_dir()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Sound files in the classes' folders, at any depth."""
        for folder in _folders(root):
            kind = _kind_of(folder.name)
            if kind is not None:
                for path in _recordings(folder):
                    yield BankSound(path.relative_to(root).as_posix(), kind)


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir())


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES)


def _kind_of(name: str) -> str | None:
    return name if name in KINDS else class_of(name)


ADAPTORS: Final[tuple[BankAdaptor, ...]] = (ManifestFolder(), FileList(), Fsd50k(), Esc50(), ClassFolders())
"""In the order in which they are tried."""


def list_sounds(root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS) -> list[BankSound]:
    """The recordings of the bank at `root`, by the first adaptor that fits.

    Raises:
        BankError: nothing fits, or the list breaks its format.
    """
    for adaptor in adaptors:
        if adaptor.fits(root):
            return list(adaptor.sounds(root))
    raise BankError(f"no sound bank at '{root}': give a folder with manifest.csv or with one folder a class")


def unused_folders(root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS) -> list[str]:
    """Names of folders in a bank of one folder a class that hold recordings, but name no class."""
    if not isinstance(next((one for one in adaptors if one.fits(root)), None), ClassFolders):
        return []
    return [path.name for path in _folders(root) if _kind_of(path.name) is None and _recordings(path)]


def _rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise BankError(f"'{path}' lacks the column(s) {', '.join(sorted(missing))}")
            for row in reader:
                yield reader.line_num, {key: value or "" for key, value in row.items() if isinstance(key, str)}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BankError(f"'{path}' cannot be read: {error}") from error


def _listed(path: Path, line: int, row: dict[str, str], name: str) -> BankSound:
    kind = _kind_of(row["class"])
    if kind is None:
        known = ", ".join(sorted(KINDS))
        raise BankError(f"'{path}', line {line}: unknown class '{row['class']}'; known are {known}")
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BankError(f"'{path}', line {line}: file '{name}' must be a path inside the bank's folder")
    return BankSound(name, kind, *(row.get(key, "") for key in ("split", "group", "licence", "attribution")))
