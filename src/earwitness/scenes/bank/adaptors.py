"""Layouts of sound banks: an adaptor for each layout lists the recordings."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from earwitness.core.errors import BankError
from earwitness.core.vocabulary import CLASSES
from earwitness.data.dcase.layout import walk_files
from earwitness.media.input_files import MEDIA_SUFFIXES
from earwitness.scenes.bank.bank_sound import BACKGROUND, INTERFERENCE, BankSound
from earwitness.scenes.bank.label_map import class_of, class_of_all

KINDS: Final = frozenset({*(sound_class.slug for sound_class in CLASSES), BACKGROUND, INTERFERENCE})
_LARGEST_LIST: Final = 256 * 2**20
"""Maximum size of a list of recordings in bytes; those of FSD50K have 3 million."""
_COLUMNS: Final = ("split", "group", "licence", "attribution", "variant_of")


class BankAdaptor(Protocol):
    """Lists the recordings of sound banks with a particular layout.

    Attributes:
        published: whether the splits are those of a published data set, which are used unchanged.
    """

    published: bool

    def fits(self, root: Path) -> bool:
        """Whether the folder or file `root` has this layout."""

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """All recordings with a class; their files are not checked.

        Raises:
            BankError: the list violates its format; the message names the file and the line.
        """

    def left_out(self, root: Path) -> list[str]:
        """Paths, relative to the folder, of files that may be recordings but are not in the bank."""


class ManifestFolder:
    """A folder with `manifest.csv`: columns file, class, and optionally split, group, licence, attribution, variant_of.

    Other columns are ignored.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether the folder has a manifest."""
        return (root / "manifest.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """The rows of the manifest."""
        path = root / "manifest.csv"
        for line, row in _rows(path, {"file", "class"}):
            yield _listed(path, line, row, row["file"])

    def left_out(self, root: Path) -> list[str]:
        """Media files that the manifest does not list."""
        listed = {sound.name for sound in self.sounds(root)}
        return [name for name in _names(root) if _is_media(name) and name not in listed]


class FileList:
    """A CSV file instead of a folder: columns path, class, and optionally those of a manifest.

    Paths are relative to the folder of the CSV file; classes are slugs or labels of AudioSet, FSD50K or ESC-50.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether `root` is a CSV file."""
        return root.is_file() and root.suffix.lower() == ".csv"

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """The rows of the list."""
        for line, row in _rows(root, {"path", "class"}):
            yield _listed(root, line, row, row["path"])

    def left_out(self, root: Path) -> list[str]:
        """Nothing: the list is an explicit selection."""
        return []


class Fsd50k:
    """FSD50K as published: `FSD50K.ground_truth`, `FSD50K.dev_audio`, `FSD50K.eval_audio`.

    The splits of the development part are kept ("train", and "val" as "valid"); the evaluation part is split "test".
    Recordings whose labels belong to two classes are left out.
    """

    published = True
    _FOLDER: Final = "FSD50K.ground_truth"

    def fits(self, root: Path) -> bool:
        """Whether the folder has the ground truth."""
        return (root / self._FOLDER / "dev.csv").is_file() or (root / self._FOLDER / "eval.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Recordings whose labels belong to exactly one class."""
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
                    # The published splits keep the sounds of an uploader together, so the uploader is the group.
                    group = uploader or f"freesound_{clip}"
                    credit = f"freesound {clip}{' by ' + uploader if uploader else ''}, FSD50K"
                    yield BankSound(f"FSD50K.{part}_audio/{clip}.wav", kind, split, group, licence, credit)

    def left_out(self, root: Path) -> list[str]:
        """Nothing: recordings of other classes are omitted by design."""
        return []


def _clip_info(path: Path) -> dict[str, tuple[str, str]]:
    """Licence and uploader of each clip; empty if the bank has no metadata."""
    if not path.is_file():
        return {}
    try:
        clips = json.loads(path.read_text(encoding="utf-8"))
        return {clip: (str(about.get("license", "")), str(about.get("uploader", ""))) for clip, about in clips.items()}
    except (OSError, ValueError, AttributeError) as error:
        raise BankError(f"'{path}' is not FSD50K's clip metadata: {error}") from error


class Esc50:
    """ESC-50 as published: `meta/esc50.csv` and `audio`. Fold 5 is "valid"; clips of a source file form a group."""

    published = True

    def fits(self, root: Path) -> bool:
        """Whether the folder has the metadata."""
        return (root / "meta" / "esc50.csv").is_file()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Recordings whose labels belong to exactly one class."""
        for _, row in _rows(root / "meta" / "esc50.csv", {"filename", "fold", "category"}):
            kind = class_of(row["category"])
            if kind:
                source = row.get("src_file") or row["filename"]
                split = "valid" if row["fold"] == "5" else "train"
                credit = f"freesound {source}, ESC-50"
                yield BankSound(f"audio/{row['filename']}", kind, split, f"freesound_{source}", "CC-BY-NC", credit)

    def left_out(self, root: Path) -> list[str]:
        """Nothing: recordings of other classes are omitted by design."""
        return []


class ClassFolders:
    """A folder for each class, named by its slug, and optionally `background` and `interference`.

    Labels of AudioSet, FSD50K or ESC-50 are also accepted as names; see `label_map`. Links to folders are followed.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether `root` is a folder."""
        return root.is_dir()

    def sounds(self, root: Path) -> Iterator[BankSound]:
        """Sound and video files in the folders of the classes, at any depth."""
        for folder in _folders(root):
            kind = _kind_of(folder.name)
            if kind is not None:
                for name in _names(folder):
                    if _is_media(name):
                        yield BankSound(f"{folder.name}/{name}", kind)

    def left_out(self, root: Path) -> list[str]:
        """Files in the folders of the classes without a media suffix, and media files outside of folders.

        `unused_folders` lists the folders that are not of a class.
        """
        loose = [path.name for path in sorted(root.iterdir()) if _is_media(path.name) and not path.is_dir()]
        known = [folder for folder in _folders(root) if _kind_of(folder.name) is not None]
        return loose + [f"{one.name}/{name}" for one in known for name in _names(one) if not _is_media(name)]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _names(folder: Path) -> list[str]:
    """Relative paths of the files below a folder, without hidden ones."""
    return [path.relative_to(folder).as_posix() for path in walk_files(folder)]


def _is_media(name: str) -> bool:
    return Path(name).suffix.lower() in MEDIA_SUFFIXES


def _kind_of(name: str) -> str | None:
    return name if name in KINDS else class_of(name)


ADAPTORS: Final[tuple[BankAdaptor, ...]] = (ManifestFolder(), FileList(), Fsd50k(), Esc50(), ClassFolders())
"""In the order of precedence."""


def adaptor_of(root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS) -> BankAdaptor:
    """The first adaptor that matches the bank at `root`.

    Raises:
        BankError: no adaptor matches.
    """
    for adaptor in adaptors:
        if adaptor.fits(root):
            return adaptor
    raise BankError(f"no sound bank at '{root}': give a folder with manifest.csv or with one folder per class")


def list_sounds(root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS) -> list[BankSound]:
    """The recordings of the bank at `root`, by the first adaptor that matches.

    Raises:
        BankError: no adaptor matches, the list violates its format, or the folder cannot be read.
    """
    try:
        sounds = list(adaptor_of(root, adaptors).sounds(root))
    except OSError as error:
        raise BankError(f"the sound bank at '{root}' cannot be read ({error.strerror or error})") from error
    kinds: dict[str, str] = {}
    for sound in sounds:
        if kinds.setdefault(sound.name, sound.kind) != sound.kind:
            raise BankError(
                f"the sound bank at '{root}': '{sound.name}' is listed as {kinds[sound.name]} and as {sound.kind}; "
                "keep one"
            )
    return sounds


def is_published(root: Path) -> bool:
    """Whether the splits of the bank at `root` are those of a published data set."""
    return adaptor_of(root).published


def unused_folders(root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS) -> list[str]:
    """For banks with a folder per class: names of folders with recordings that are not of a class."""
    if not isinstance(adaptor_of(root, adaptors), ClassFolders):
        return []
    unknown = [path for path in _folders(root) if _kind_of(path.name) is None]
    return [path.name for path in unknown if any(map(_is_media, _names(path)))]


def _rows(path: Path, needed: set[str]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise BankError(f"'{path}' is too large for a list of recordings; give another file")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = needed - set(reader.fieldnames or ())
            if missing:
                raise BankError(f"'{path}' lacks the column(s) {', '.join(sorted(missing))}")
            for row in reader:
                cells = {key: (cell or "").strip() for key, cell in row.items() if isinstance(key, str)}
                yield reader.line_num, cells
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BankError(f"'{path}' cannot be read: {error}") from error


def _listed(path: Path, line: int, row: dict[str, str], name: str) -> BankSound:
    kind = _kind_of(row["class"])
    if kind is None:
        known = ", ".join(sorted(KINDS))
        raise BankError(f"'{path}', line {line}: unknown class '{row['class']}'; known are {known}")
    if not name or Path(name).is_absolute() or ".." in Path(name).parts:
        raise BankError(f"'{path}', line {line}: file '{name}' must be a path inside the bank's folder")
    return BankSound(name, kind, *(row.get(key, "") for key in _COLUMNS))
