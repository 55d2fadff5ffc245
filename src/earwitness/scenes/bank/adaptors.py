"""Layouts of sound banks: an adaptor for each layout lists the recordings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from earwitness.core.classes.class_files import FILE_NAMES, read_classes, vocabulary_of
from earwitness.core.errors import BankError, LabelError
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.data.dcase.layout import walk_files
from earwitness.media.input_files import MEDIA_SUFFIXES
from earwitness.scenes.bank.bank_sound import (
    BACKGROUND,
    DEFAULT_MAP,
    INTERFERENCE,
    BankSound,
    LabelMap,
    list_rows,
    listed_classes,
    listed_sound,
)


class BankAdaptor(Protocol):
    """Lists the recordings of sound banks with a particular layout.

    Attributes:
        published: whether the splits are those of a published data set, which are used unchanged.
    """

    published: bool

    def fits(self, root: Path) -> bool:
        """Whether the folder or file `root` has this layout."""

    def class_names(self, root: Path) -> list[str]:
        """Names of the classes in the list or of the folders, unless they are those of a published data set."""

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """All recordings with a class; their files are not checked.

        Raises:
            BankError: the list violates its format; the message names the file and the line.
        """

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
        """Paths, relative to the folder, of files that may be recordings but are not in the bank."""


class ManifestFolder:
    """A folder with `manifest.csv`: columns file, class, and optionally split, group, licence, attribution, variant_of.

    Other columns are ignored.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether the folder has a manifest."""
        return (root / "manifest.csv").is_file()

    def class_names(self, root: Path) -> list[str]:
        """The values of the column class."""
        return listed_classes(root / "manifest.csv", {"file", "class"})

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """The rows of the manifest."""
        path = root / "manifest.csv"
        for line, row in list_rows(path, {"file", "class"}):
            yield listed_sound((path, line), row, row["file"], labels)

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
        """Media files that the manifest does not list."""
        listed = {sound.name for sound in self.sounds(root, labels)}
        return [name for name in _names(root) if _is_media(name) and name not in listed]


class FileList:
    """A CSV file instead of a folder: columns path, class, and optionally those of a manifest.

    Paths are relative to the folder of the CSV file; classes are slugs or labels of AudioSet, FSD50K or ESC-50.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether `root` is a CSV file."""
        return root.is_file() and root.suffix.lower() == ".csv"

    def class_names(self, root: Path) -> list[str]:
        """The values of the column class."""
        return listed_classes(root, {"path", "class"})

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """The rows of the list."""
        for line, row in list_rows(root, {"path", "class"}):
            yield listed_sound((root, line), row, row["path"], labels)

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
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

    def class_names(self, root: Path) -> list[str]:
        """None: its labels are those of AudioSet."""
        return []

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """Recordings whose labels belong to exactly one class."""
        for part in ("dev", "eval"):
            path = root / self._FOLDER / f"{part}.csv"
            if not path.is_file():
                continue
            about = _clip_info(root / "FSD50K.metadata" / f"{part}_clips_info_FSD50K.json")
            for _, row in list_rows(path, {"fname", "labels"}):
                kind = labels.class_of_all(row["labels"].split(","))
                if kind:
                    clip = row["fname"]
                    split = "test" if part == "eval" else row.get("split", "").replace("val", "valid")
                    licence, uploader = about.get(clip, ("", ""))
                    # The published splits keep the sounds of an uploader together, so the uploader is the group.
                    group = uploader or f"freesound_{clip}"
                    credit = f"freesound {clip}{' by ' + uploader if uploader else ''}, FSD50K"
                    yield BankSound(f"FSD50K.{part}_audio/{clip}.wav", kind, split, group, licence, credit)

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
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

    def class_names(self, root: Path) -> list[str]:
        """None: its labels are those of AudioSet."""
        return []

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """Recordings whose labels belong to exactly one class."""
        for _, row in list_rows(root / "meta" / "esc50.csv", {"filename", "fold", "category"}):
            kind = labels.class_of(row["category"])
            if kind:
                source = row.get("src_file") or row["filename"]
                split = "valid" if row["fold"] == "5" else "train"
                credit = f"freesound {source}, ESC-50"
                yield BankSound(f"audio/{row['filename']}", kind, split, f"freesound_{source}", "CC-BY-NC", credit)

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
        """Nothing: recordings of other classes are omitted by design."""
        return []


class ClassFolders:
    """A folder for each class, and optionally `background` and `interference`.

    Folders are named by the class, or by a label of AudioSet, FSD50K or ESC-50 that belongs to it; see `LabelMap`.
    Links to folders are followed.
    """

    published = False

    def fits(self, root: Path) -> bool:
        """Whether `root` is a folder."""
        return root.is_dir()

    def class_names(self, root: Path) -> list[str]:
        """Names of the folders with recordings."""
        return [folder.name for folder in _folders(root) if any(map(_is_media, _names(folder)))]

    def sounds(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> Iterator[BankSound]:
        """Sound and video files in the folders of the classes, at any depth."""
        for folder in _folders(root):
            kind = labels.kind_of(folder.name)
            if kind is not None:
                for name in _names(folder):
                    if _is_media(name):
                        yield BankSound(f"{folder.name}/{name}", kind)

    def left_out(self, root: Path, labels: LabelMap = DEFAULT_MAP) -> list[str]:
        """Files in the folders of the classes without a media suffix, and media files outside of folders.

        `unused_folders` lists the folders that are not of a class.
        """
        loose = [path.name for path in sorted(root.iterdir()) if _is_media(path.name) and not path.is_dir()]
        known = [folder for folder in _folders(root) if labels.kind_of(folder.name) is not None]
        return loose + [f"{one.name}/{name}" for one in known for name in _names(one) if not _is_media(name)]


def _folders(root: Path) -> list[Path]:
    return sorted(path for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))


def _names(folder: Path) -> list[str]:
    """Relative paths of the files below a folder, without hidden ones."""
    return [path.relative_to(folder).as_posix() for path in walk_files(folder)]


def _is_media(name: str) -> bool:
    return Path(name).suffix.lower() in MEDIA_SUFFIXES


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


def bank_vocabulary(root: Path, classes: Vocabulary | None = None) -> Vocabulary:
    """The classes of the bank at `root`.

    They are `classes` if given, else those of a `classes.yaml` or `classes.json` in the bank. Without one, a bank whose
    folders are all known (as classes of DCASE2025 or labels of AudioSet that belong to them) has the classes of
    DCASE2025; in any other bank, each folder is a class. In a list or manifest, one known class suffices for those of
    DCASE2025, so that a misspelt class is reported and does not become a class.

    Raises:
        BankError: there is no such bank, its list of classes is damaged, or names of classes cannot be used.
    """
    if classes is not None:
        return classes
    folder = root if root.is_dir() else root.parent
    try:
        listed = [folder / name for name in FILE_NAMES if (folder / name).is_file()] if root.is_dir() else []
        if listed:
            return read_classes(listed[0])
        adaptor = adaptor_of(root)
        names = [name for name in adaptor.class_names(root) if name not in (BACKGROUND, INTERFERENCE)]
        known = [DEFAULT_MAP.kind_of(name) is not None for name in names]
        if all(known) or (any(known) and not isinstance(adaptor, ClassFolders)):
            return DCASE2025
        return vocabulary_of(names, folder.resolve().name)
    except LabelError as error:
        raise BankError(f"the sound bank at '{root}': {str(error).removeprefix(f'{root}: ')}") from error
    except OSError as error:
        raise BankError(f"the sound bank at '{root}' cannot be read ({error.strerror or error})") from error


def list_sounds(
    root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS, classes: Vocabulary | None = None
) -> list[BankSound]:
    """The recordings of the bank at `root`, by the first adaptor that matches.

    Args:
        root: folder or file of the bank.
        adaptors: layouts.
        classes: its classes; None: see `bank_vocabulary`.

    Raises:
        BankError: no adaptor matches, the list violates its format, or the folder cannot be read.
    """
    try:
        adaptor = adaptor_of(root, adaptors)
        sounds = list(adaptor.sounds(root, LabelMap(bank_vocabulary(root, classes))))
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


def unused_folders(
    root: Path, adaptors: Iterable[BankAdaptor] = ADAPTORS, classes: Vocabulary | None = None
) -> list[str]:
    """For banks with a folder per class: names of folders with recordings that are not of a class."""
    if not isinstance(adaptor_of(root, adaptors), ClassFolders):
        return []
    labels = LabelMap(bank_vocabulary(root, classes))
    unknown = [path for path in _folders(root) if labels.kind_of(path.name) is None]
    return [path.name for path in unknown if any(map(_is_media, _names(path)))]
