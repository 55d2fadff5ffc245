"""Weights on disk: where they lie, and whether they are what they should be."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from earwitness.cache import cache_folder
from earwitness.encoders.registry import ModelEntry, WeightFile, find_entry
from earwitness.errors import EncoderError, MissingWeightsError
from earwitness.small_files import CARD_BYTES, read_json

RECORD: Final = "files.json"
"""In a model's folder: the sha256 of each file as it was fetched, for those that the registry does not know."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The files of a model, checked.

    Attributes:
        name: of the model.
        folder: where they lie.
        sha256: of each file, by name.
    """

    name: str
    folder: Path
    sha256: dict[str, str]

    @property
    def digest(self) -> str:
        """One sha256 over those of all files."""
        lines = "\n".join(f"{name} {self.sha256[name]}" for name in sorted(self.sha256))
        return hashlib.sha256(lines.encode()).hexdigest()

    def path(self, name: str) -> Path:
        """The file called `name`."""
        return self.folder / name

    @contextmanager
    def alone(self) -> Iterator[Path]:
        """A folder that holds these files and no others, for libraries that look for more than they are told of.

        Raises:
            EncoderError: it cannot be made.
        """
        try:
            with TemporaryDirectory(prefix="earwitness-weights-") as made:
                for name in self.sha256:
                    _link(self.path(name).resolve(), Path(made) / name)
                yield Path(made)
        except OSError as error:
            raise EncoderError(f"{self.folder}: cannot be read ({error.strerror or error})") from error


def weights_folder(name: str) -> Path:
    """Folder in the cache that holds, or will hold, the weights of the model called `name`."""
    return cache_folder("models") / name


def find_weights(name: str) -> Weights:
    """The fetched weights of a model of the registry, checked against their sha256.

    Raises:
        EncoderError: no such model, or a damaged file.
        MissingWeightsError: they have not been fetched; names the command.
    """
    entry, folder = find_entry(name), weights_folder(name)
    return check_weights(entry, folder)


def check_weights(entry: ModelEntry, folder: Path) -> Weights:
    """Weights in `folder` that must be those of the registry, or as they were when they were fetched.

    Raises:
        MissingWeightsError: a file is missing.
        EncoderError: a file is damaged.
    """
    noted = read_record(folder)
    digests: dict[str, str] = {}
    for file in entry.files:
        path = folder / file.name
        if not path.is_file():
            raise MissingWeightsError(entry.name, str(folder))
        digests[file.name] = sha256_of(path)
        wanted = file.sha256 or noted.get(file.name)
        if wanted is None or digests[file.name] != wanted:
            raise EncoderError(f"{path}: damaged or of another version; run: earwitness models pull {entry.name}")
    return Weights(entry.name, folder, digests)


def local_weights(
    name: str, folder: Path, required: tuple[str, ...], one_of: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Weights:
    """Weights of the user's own in `folder`, whatever their sha256, which then enters the fingerprint.

    Args:
        name: of the encoder.
        folder: where they lie.
        required: files that must be there.
        one_of: files of which the first that is there is taken.
        optional: files that change the tokens where they are there.

    Raises:
        EncoderError: a file is missing.
    """
    found = next((name for name in one_of if (folder / name).is_file()), None)
    missing = [name for name in required if not (folder / name).is_file()]
    if found is None or missing:
        wanted = missing[0] if missing else " or ".join(one_of)
        raise EncoderError(f"{folder}: holds no weights for '{name}': {wanted} is missing")
    names = (*required, found, *(name for name in optional if (folder / name).is_file()))
    return Weights(name, folder, {name: sha256_of(folder / name) for name in names})


def is_intact(file: WeightFile, path: Path) -> bool:
    """Whether `path` is there and is what the registry says of `file`; the size alone if it does not say more."""
    if not path.is_file() or (file.size is not None and path.stat().st_size != file.size):
        return False
    return file.sha256 is None or sha256_of(path) == file.sha256


def read_record(folder: Path) -> dict[str, str]:
    """The sha256 of each file as it was fetched; empty if nothing was noted."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    advice = f"{path}: damaged; delete the folder '{folder}' and pull the model again"
    try:
        found = read_json(path, CARD_BYTES, EncoderError)
    except EncoderError as error:
        raise EncoderError(advice) from error
    if not isinstance(found, dict):
        raise EncoderError(advice)
    return {str(name): str(digest) for name, digest in found.items()}


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path)
    except (OSError, NotImplementedError):  # Windows asks for a right that few users have
        shutil.copyfile(path, link)


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file.

    Raises:
        EncoderError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EncoderError(f"{path}: cannot be read ({error.strerror or error})") from error
