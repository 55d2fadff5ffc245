"""An ensemble in one file: a ZIP archive of its members' .onnx files and cards, its weights, and a card of the whole.

Not one ONNX graph: members may hear other features, in windows of other lengths, and semantic tokens besides, all of
which are made outside of ONNX; and matching tracks is NumPy's work. The archive is stored, not compressed, holds no
code, and each member is checked against its card.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earwitness.core.errors import ModelError
from earwitness.core.files.atomic import atomic_file
from earwitness.detect.model.card import ModelCard, parse_card
from earwitness.detect.model.model_files import ModelFile

SUFFIX: Final = ".ensemble"
_INDEX: Final = "ensemble.json"
_CARD: Final = "card.json"
_THEN: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that ZIP knows: the same members give the same bytes."""


class MemberEntry(BaseModel):
    """A member in the index.

    Attributes:
        file: its name in the archive, without suffix: `file`.onnx and `file`.json.
        mirrored: whether it hears left and right exchanged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(pattern=r"^members/[0-9]+$")
    mirrored: bool = False


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = 1
    members: tuple[MemberEntry, ...] = Field(min_length=1)
    weights: tuple[float, ...] | tuple[tuple[float, ...], ...] | None = None


@dataclass(frozen=True, slots=True)
class PackedMember:
    """A member out of the archive.

    Attributes:
        card: how to feed and read it.
        contents: of its .onnx file.
        mirrored: whether it hears left and right exchanged.
    """

    card: ModelCard
    contents: bytes
    mirrored: bool


@dataclass(frozen=True, slots=True)
class PackedEnsemble:
    """An ensemble out of its file.

    Attributes:
        card: of the whole.
        members: its models.
        weights: theirs; None: all alike.
    """

    card: ModelCard
    members: tuple[PackedMember, ...]
    weights: tuple[float, ...] | tuple[tuple[float, ...], ...] | None


def write_ensemble(
    path: Path,
    members: Sequence[tuple[ModelFile, bool]],
    card: ModelCard,
    weights: Sequence[float] | Sequence[Sequence[float]] | None = None,
) -> None:
    """Write an ensemble, complete or not at all.

    Args:
        path: ends in .ensemble.
        members: models on disk, and whether each is mirrored.
        card: of the whole.
        weights: one a member, or one a class.

    Raises:
        ModelError: another suffix, or a member's file is not what its card describes.
    """
    if path.suffix != SUFFIX:
        raise ModelError(f"{path}: an ensemble's file ends in {SUFFIX}")
    entries = tuple(MemberEntry(file=f"members/{n}", mirrored=mirrored) for n, (_, mirrored) in enumerate(members))
    index = _Index.model_validate({"members": entries, "weights": weights})
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, _INDEX, index.model_dump_json(indent=1).encode())
        _add(archive, _CARD, card.model_dump_json(indent=1).encode())
        for entry, (file, _) in zip(entries, members, strict=True):
            file.card.check(file.path)
            _add(archive, f"{entry.file}.onnx", file.path.read_bytes())
            _add(archive, f"{entry.file}.json", file.card.model_dump_json(indent=1).encode())


def read_ensemble(path: Path) -> PackedEnsemble:
    """Read what `write_ensemble` wrote.

    Raises:
        ModelError: missing, damaged, not such a file, or a member that is not what its card describes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            index = _Index.model_validate_json(archive.read(_INDEX))
            card = parse_card(archive.read(_CARD), f"{path}: {_CARD}")
            members = tuple(_member(archive, entry, path) for entry in index.members)
    except FileNotFoundError:
        raise ModelError(f"{path}: no such ensemble") from None
    except (OSError, zipfile.BadZipFile, KeyError, ValidationError) as error:
        reason = str(error).strip("'").splitlines()[0]
        raise ModelError(f"{path}: not a usable ensemble ({reason}); write or copy it again") from error
    return PackedEnsemble(card, members, index.weights)


def _member(archive: zipfile.ZipFile, entry: MemberEntry, path: Path) -> PackedMember:
    card = parse_card(archive.read(f"{entry.file}.json"), f"{path}: {entry.file}.json")
    contents = archive.read(f"{entry.file}.onnx")
    if card.sha256 and sha256(contents).hexdigest() != card.sha256:
        raise ModelError(f"{path}: {entry.file}.onnx does not match its card; write or copy the ensemble again")
    return PackedMember(card, contents, entry.mirrored)


def _add(archive: zipfile.ZipFile, name: str, contents: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _THEN), contents)
