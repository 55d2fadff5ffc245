"""The folder layout of DCASE2025 Task 3: the clips of a data set, and the files of each clip.

    stereo_dev/<split>/<clip>.wav    metadata_dev/<split>/<clip>.csv    video_dev/<split>/<clip>.mp4
    stereo_eval/eval/<clip>.wav      (no labels)                        video_eval/eval/<clip>.mp4

Files are matched by clip name, never by their order in a folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from earwitness.core.classes.class_files import classes_of
from earwitness.core.errors import LabelError
from earwitness.core.files.small_files import read_head
from earwitness.core.vocabulary import DCASE2025, Vocabulary

Part = Literal["sound", "labels", "picture"]
FOLDERS: Final[dict[Part, tuple[str, ...]]] = {
    "sound": ("stereo_dev", "stereo_eval"),
    "labels": ("metadata_dev",),
    "picture": ("video_dev", "video_eval"),
}
SUFFIXES: Final[dict[Part, str]] = {"sound": ".wav", "labels": ".csv", "picture": ".mp4"}

_NAME: Final = re.compile(r"fold(\d+)_room(\d+)_mix(\d+)_deg(\d{1,3})_start(\d+)")

OTHER_HEADS: Final = (b"file,start_s,", b"clip,start_s,", b"#,Name,Start,")
"""How the first line of such a table begins; that of a label file begins with a frame number or "frame"."""
_LONGEST_HEAD: Final = max(map(len, OTHER_HEADS))


@dataclass(frozen=True, slots=True, order=True)
class ClipName:
    """The parts of a clip name.

    Attributes:
        fold: 1 synthetic, 3 training, 4 test.
        room: number of the room, unique within the data set.
        mix: number of the recording in its room.
        deg: rotation of the view in degrees.
        start: first 100-ms frame of the clip in the recording.
    """

    fold: int
    room: int
    mix: int
    deg: int
    start: int

    @classmethod
    def parse(cls, name: str) -> ClipName | None:
        """Parse a file's stem; None if it has another format (as evaluation clips may have)."""
        match = _NAME.fullmatch(name)
        return None if match is None else cls(*map(int, match.groups()))

    def __str__(self) -> str:
        return f"fold{self.fold}_room{self.room}_mix{self.mix:03d}_deg{self.deg:03d}_start{self.start:04d}"


@dataclass(frozen=True, slots=True)
class Clip:
    """The files of a clip.

    Attributes:
        split: name of its folder, such as "dev-train-sony".
        name: common stem of the files.
        sound, labels, picture: the files; None if missing.
        vocabulary: the classes that the labels refer to.
    """

    split: str
    name: str
    sound: Path | None = None
    labels: Path | None = None
    picture: Path | None = None
    vocabulary: Vocabulary = DCASE2025

    @property
    def id(self) -> str:
        """Its id within the data set, such as "dev-train-sony/fold3_room21_mix001_deg040_start0010"."""
        return f"{self.split}/{self.name}"

    @property
    def root(self) -> Path | None:
        """Folder of its data set; None if it has no files."""
        path = self.sound or self.labels or self.picture
        return None if path is None else path.parent.parent.parent

    @property
    def parsed(self) -> ClipName | None:
        """The parsed name."""
        return ClipName.parse(self.name)


@dataclass(frozen=True, slots=True)
class DcaseFolder:
    """A data set on disk.

    Attributes:
        root: folder of the data set.
        clips: clips, sorted by split and name.
        strays: files that belong to no clip.
        vocabulary: its classes: those of the list in the folder (`core.classes.class_files`), else DCASE2025.
    """

    root: Path
    clips: tuple[Clip, ...]
    strays: tuple[Path, ...]
    vocabulary: Vocabulary = DCASE2025

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, sorted."""
        return tuple(dict.fromkeys(clip.split for clip in self.clips))

    def of(self, split: str) -> tuple[Clip, ...]:
        """The clips of a split."""
        return tuple(clip for clip in self.clips if clip.split == split)


def scan(root: Path | str) -> DcaseFolder:
    """List the clips of a data set; no file is opened, except the list of its classes.

    Raises:
        LabelError: the folder does not exist or has another layout, or its list of classes is damaged.
    """
    root = Path(root)
    if not root.is_dir():
        raise LabelError(f"{root}: no such folder")
    found: dict[tuple[str, str], dict[str, Path]] = {}
    strays: list[Path] = []
    for part, names in FOLDERS.items():
        for path in (path for name in names for path in walk_files(root / name)):
            if path.suffix.lower() == SUFFIXES[part] and path.parent.parent.parent == root:
                found.setdefault((path.parent.name, path.stem), {})[part] = path
            else:
                strays.append(path)
    if not found:
        hint = "; this looks like STARSS23: convert it with `earwitness dataset stereo`"
        raise LabelError(
            f"{root}: has no clips; expected stereo_dev/<split>/*.wav, metadata_dev/<split>/*.csv and "
            f"video_dev/<split>/*.mp4{hint if (root / 'foa_dev').is_dir() else ''}"
        )
    vocabulary = classes_of(root, 1)
    clips = (Clip(split, name, **parts, vocabulary=vocabulary) for (split, name), parts in sorted(found.items()))
    return DcaseFolder(root, tuple(clips), tuple(sorted(strays)), vocabulary)


def walk_files(folder: Path) -> list[Path]:
    """All files below `folder` except hidden ones, sorted; links are followed, each folder once.

    Large data sets often consist of links to their splits.
    """
    paths: list[Path] = []
    known = {folder.resolve()}
    for where, subfolders, names in os.walk(folder, followlinks=True):
        shown = sorted(name for name in subfolders if not name.startswith("."))
        real = {name: Path(where, name).resolve() for name in shown}
        subfolders[:] = [name for name in shown if not (Path(where, name).is_symlink() and real[name] in known)]
        known |= set(real.values())
        paths += [Path(where, name) for name in sorted(names) if not name.startswith(".")]
    return paths


def is_other_table(path: Path) -> bool:
    """Whether a CSV file is one of these tables and so holds no labels."""
    try:
        return read_head(path, _LONGEST_HEAD, LabelError).startswith(OTHER_HEADS)
    except LabelError:  # reported where the labels are read
        return False
