"""Ensemble files: a ZIP archive with the members' .onnx files and cards, their weights, and a card of the ensemble.

It is not one ONNX graph, because members may have different features, window lengths and semantic tokens, all computed
outside of ONNX, and because tracks are matched in NumPy. The archive is stored without compression and contains no
code; each member is checked against its card.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, field_validator

from earwitness.core.errors import ModelError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, open_zip, read_entry
from earwitness.core.schema import StrictModel, first_problem
from earwitness.detect.model.card import ModelCard, parse_card
from earwitness.detect.model.model_files import ModelFile
from earwitness.encoders.onnx_session import MOST_BYTES

SUFFIX: Final = ".ensemble"
MOST_MEMBERS: Final = 64
LARGEST_WEIGHT: Final = 1e6
Weight = Annotated[float, Field(ge=0, le=LARGEST_WEIGHT)]
MOST_UNPACKED: Final = 2**31
"""Limit on the size of all members together, bytes."""
_INDEX: Final = "ensemble.json"
_CARD: Final = "card.json"
_EARLIEST: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time stamp in ZIP; a fixed one makes the same members give the same bytes."""


class MemberEntry(StrictModel):
    """A member in the index.

    Attributes:
        file: its name in the archive without suffix; there are `file`.onnx and `file`.json.
        mirrored: whether it gets left and right exchanged.
    """

    file: str = Field(pattern=r"^members/[0-9]+$")
    mirrored: bool = False


class _Index(StrictModel):
    """The contents of the archive, in order."""

    format: Literal[1] = 1
    members: tuple[MemberEntry, ...] = Field(min_length=1, max_length=MOST_MEMBERS)
    weights: tuple[Weight, ...] | tuple[tuple[Weight, ...], ...] | None = None

    @field_validator("members")
    @classmethod
    def _no_file_twice(cls, members: tuple[MemberEntry, ...]) -> tuple[MemberEntry, ...]:
        if len({member.file for member in members}) != len(members):
            raise ValueError("a member's file is named twice")
        return members


@dataclass(frozen=True, slots=True)
class PackedMember:
    """A member read from the archive.

    Attributes:
        card: its card.
        contents: contents of its .onnx file.
        mirrored: whether it gets left and right exchanged.
    """

    card: ModelCard
    contents: bytes
    mirrored: bool


@dataclass(frozen=True, slots=True)
class PackedEnsemble:
    """An ensemble read from its file.

    Attributes:
        card: card of the ensemble.
        members: the models.
        weights: (members,) or (members, classes); None: equal weights.
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
    """Write an ensemble atomically.

    Args:
        path: ends in .ensemble.
        members: model files, and whether each is mirrored.
        card: card of the ensemble.
        weights: one per member, or one per member and class.

    Raises:
        ModelError: a wrong suffix, too many members, or a member that does not match its card.
    """
    if path.suffix != SUFFIX:
        raise ModelError(f"{path}: the name of an ensemble must end in {SUFFIX}")
    entries = tuple(MemberEntry(file=f"members/{n}", mirrored=mirrored) for n, (_, mirrored) in enumerate(members))
    if len(members) > MOST_MEMBERS:
        raise ModelError(f"{path}: {len(members)} members; an ensemble has at most {MOST_MEMBERS}")
    index = _Index.model_validate({"members": entries, "weights": weights})
    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, _INDEX, index.model_dump_json(indent=1).encode())
        _add(archive, _CARD, card.model_dump_json(indent=1).encode())
        for entry, (file, _) in zip(entries, members, strict=True):
            file.card.check(file.path)
            _add(archive, f"{entry.file}.onnx", file.path.read_bytes())
            _add(archive, f"{entry.file}.json", file.card.model_dump_json(indent=1).encode())


def read_ensemble(path: Path) -> PackedEnsemble:
    """Read an ensemble file.

    Raises:
        ModelError: the file is missing, damaged or of another kind, or a member does not match its card.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such ensemble")
    with open_zip(path, ModelError, MOST_UNPACKED, "ensemble") as archive:
        index = _index(read_entry(archive, _INDEX, CARD_BYTES), path)
        card = parse_card(read_entry(archive, _CARD, CARD_BYTES), f"{path}: {_CARD}")
        members = tuple(_member(archive, entry, path) for entry in index.members)
    return PackedEnsemble(card, members, index.weights)


def _index(text: bytes, path: Path) -> _Index:
    try:
        return _Index.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"{path}: not a usable ensemble: {_INDEX}: {first_problem(error)}") from None


def _member(archive: zipfile.ZipFile, entry: MemberEntry, path: Path) -> PackedMember:
    card = parse_card(read_entry(archive, f"{entry.file}.json", CARD_BYTES), f"{path}: {entry.file}.json")
    contents = read_entry(archive, f"{entry.file}.onnx", MOST_BYTES)
    card.check_digest(sha256(contents).hexdigest(), f"{path}: {entry.file}.onnx")
    return PackedMember(card, contents, entry.mirrored)


def _add(archive: zipfile.ZipFile, name: str, contents: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, _EARLIEST), contents)
