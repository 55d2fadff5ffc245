"""Weights on disk: their location and verification, and the files of models that `save_pretrained` wrote."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from earwitness.core.errors import EncoderError, MissingWeightsError
from earwitness.core.files.cache import cache_folder
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.encoders.weights.pretrained_models import HubSource, ModelEntry, WeightFile, find_entry

RECORD: Final = "files.json"
"""In the folder of a model: the sha256 of each downloaded file, for files without one in the registry."""

CONFIG: Final = "config.json"
PROCESSOR: Final = "processor_config.json"
PREPROCESSOR: Final = "preprocessor_config.json"
WEIGHT_FILES: Final = ("model.safetensors", "pytorch_model.bin")
INDEX: Final = ".index.json"
MOST_SHARDS: Final = 1000


@dataclass(frozen=True, slots=True)
class Weights:
    """The verified files of a model.

    Attributes:
        name: name of the model.
        folder: their folder.
        sha256: sha256 of each file, by file name.
    """

    name: str
    folder: Path
    sha256: dict[str, str]

    @property
    def digest(self) -> str:
        """A sha256 over the sha256 of all files."""
        lines = "\n".join(f"{name} {self.sha256[name]}" for name in sorted(self.sha256))
        return hashlib.sha256(lines.encode()).hexdigest()

    def only(self, names: Iterable[str]) -> Weights:
        """The same weights with the named files only, as far as they exist."""
        return replace(self, sha256={name: self.sha256[name] for name in names if name in self.sha256})

    def path(self, name: str) -> Path:
        """Path of the file named `name`."""
        return self.folder / name

    @contextmanager
    def isolated(self) -> Iterator[Path]:
        """A temporary folder with only these files, for libraries that also load other files in a folder.

        Raises:
            EncoderError: it cannot be created.
        """
        try:
            with TemporaryDirectory(prefix="earwitness-weights-") as made:
                for name in self.sha256:
                    _link(self.path(name).resolve(), Path(made) / name)
                yield Path(made)
        except OSError as error:
            raise EncoderError(f"{self.folder}: cannot be read ({error.strerror or error})") from error


def weights_folder(name: str) -> Path:
    """Folder in the cache for the weights of the model named `name`; it need not exist."""
    return cache_folder("models") / name


def find_weights(name: str) -> Weights:
    """The downloaded weights of a registered model, verified by sha256.

    Raises:
        EncoderError: there is no such model, or a file is damaged.
        MissingWeightsError: they have not been downloaded; the message gives the command.
    """
    entry, folder = find_entry(name), weights_folder(name)
    return check_weights(entry, folder)


def check_weights(entry: ModelEntry, folder: Path) -> Weights:
    """Verify the weights in `folder` against the registry or, without a registered sha256, against the download.

    Raises:
        MissingWeightsError: a file is missing.
        EncoderError: a file is damaged.
    """
    noted = read_record(folder)
    digests: dict[str, str] = {}
    for name, registered in installed_files(entry, noted).items():
        path = folder / name
        if not path.is_file():
            raise MissingWeightsError(entry.name, str(folder))
        digests[name] = sha256_of(path)
        wanted = registered or noted.get(name)
        if wanted is None or digests[name] != wanted:
            raise EncoderError(f"{path}: damaged or of another version; run: earwitness models pull {entry.name}")
    return Weights(entry.name, folder, digests)


def installed_files(entry: ModelEntry, noted: dict[str, str]) -> dict[str, str | None]:
    """Names of a model's files and their registered sha256; a model of the hub has the files that were pulled.

    Args:
        entry: the model.
        noted: the record of the pull.
    """
    if noted and isinstance(entry.source, HubSource):
        return dict.fromkeys(noted)
    return {file.name: file.sha256 for file in entry.files}


def local_weights(name: str, folder: Path, required: tuple[str, ...], one_of: tuple[str, ...]) -> Weights:
    """The user's own weights in `folder`; any sha256 is accepted and becomes part of the fingerprint.

    Args:
        name: name of the encoder.
        folder: folder of the weights.
        required: files that must exist.
        one_of: alternative files; the first that exists is used.

    Raises:
        EncoderError: a file is missing.
    """
    found = next((name for name in one_of if (folder / name).is_file()), None)
    missing = [name for name in required if not (folder / name).is_file()]
    if found is None or missing:
        wanted = missing[0] if missing else " or ".join(one_of)
        raise EncoderError(f"{folder}: holds no weights for '{name}': {wanted} is missing")
    return Weights(name, folder, {name: sha256_of(folder / name) for name in (*required, found)})


def is_intact(file: WeightFile, path: Path) -> bool:
    """Whether `path` has the registered size and sha256 of `file`, as far as they are known."""
    if not path.is_file() or (file.size is not None and path.stat().st_size != file.size):
        return False
    return file.sha256 is None or sha256_of(path) == file.sha256


def read_record(folder: Path) -> dict[str, str]:
    """The recorded sha256 of each downloaded file; empty if there is no record."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    advice = f"{path}: damaged; delete the folder '{folder}' and pull the model again"
    try:
        found = read_json(path, CARD_BYTES, EncoderError)
    except EncoderError as error:
        raise EncoderError(advice) from error
    if not isinstance(found, dict) or any(Path(name).name != name for name in found):
        raise EncoderError(advice)
    return {str(name): str(digest) for name, digest in found.items()}


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path)
    except (OSError, NotImplementedError):  # Windows requires a privilege that few users have
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


def saved_files(folder: Path, what: str) -> tuple[str, ...]:
    """Names of the files of a saved model that affect its tokens: configuration, weights and preprocessing.

    Args:
        folder: contains the model.
        what: name of the model, for messages.

    Raises:
        EncoderError: the configuration or weights are missing, or the index of the weights is damaged.
    """
    weights = next((found for name in WEIGHT_FILES if (found := _named_or_parts(folder, name))), None)
    if not (folder / CONFIG).is_file() or weights is None:
        missing = " or ".join(WEIGHT_FILES) if (folder / CONFIG).is_file() else CONFIG
        raise EncoderError(
            f"{folder}: holds no weights for '{what}': {missing} is missing; use a folder that save_pretrained wrote"
        )
    return (CONFIG, *weights, *(name for name in (PREPROCESSOR, PROCESSOR) if (folder / name).is_file()))


def saved_weights(what: str, folder: Path | None) -> Weights:
    """The files of a model that affect its tokens, so that the same weights have one fingerprint wherever they lie.

    Args:
        what: name of the model.
        folder: folder of the user's own weights, with any sha256; None: the downloaded ones, which are verified.

    Raises:
        MissingWeightsError: the weights have not been downloaded.
        EncoderError: as `saved_files`, or a file cannot be read.
    """
    if folder is None:
        weights = find_weights(what)
        return weights.only(saved_files(weights.folder, what))
    return Weights(what, folder, {name: sha256_of(folder / name) for name in saved_files(folder, what)})


def preprocessing(weights: Weights, section: str) -> tuple[Path | None, dict[str, Any]]:
    """The settings of a model's preprocessing and their file; None and no settings if none were saved.

    A processor's file takes precedence, as in `transformers`.

    Args:
        weights: files of the model.
        section: of the processor's file: `feature_extractor` or `image_processor`.

    Raises:
        EncoderError: the file cannot be read.
    """
    for name in (PROCESSOR, PREPROCESSOR):
        if name not in weights.sha256:
            continue
        path = weights.path(name)
        values = read_json(path, CARD_BYTES, EncoderError)
        if name == PROCESSOR and isinstance(values, dict):
            values = values.get(section)  # older versions of transformers keep it in the other file
            if values is None:
                continue
        if not isinstance(values, dict):
            raise EncoderError(f"{path}: does not hold the settings of a preprocessor; save the processor again")
        return path, values
    return None, {}


def refuse_other_settings(path: Path | None, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    """Refuse preprocessing that differs from what an encoder does.

    Raises:
        EncoderError: names the first setting that differs.
    """
    other = [name for name, value in expected.items() if settings.get(name, value) != value]
    if other:
        raise EncoderError(f"{path}: {other[0]} is {settings[other[0]]}, expected {expected[other[0]]}")


def _named_or_parts(folder: Path, name: str) -> tuple[str, ...]:
    """The file `name`, or its index and parts; empty if there is neither."""
    if (folder / name).is_file():
        return (name,)
    index = folder / f"{name}{INDEX}"
    if not index.is_file():
        return ()
    values = read_json(index, CARD_BYTES, EncoderError)
    parts = values.get("weight_map") if isinstance(values, dict) else None
    names = sorted(set(parts.values())) if isinstance(parts, dict) and all(map(_is_plain, parts.values())) else []
    if not 0 < len(names) <= MOST_SHARDS:
        raise EncoderError(f"{index}: damaged: it does not list the parts of the weights; save the model again")
    missing = next((one for one in names if not (folder / one).is_file()), None)
    if missing is not None:
        raise EncoderError(f"{folder}: a part of the weights is missing: {missing}")
    return (index.name, *names)


def _is_plain(name: object) -> bool:
    """Whether a name in an index lies in the folder itself."""
    return isinstance(name, str) and Path(name).name == name and Path(name).suffix in (".safetensors", ".bin")
