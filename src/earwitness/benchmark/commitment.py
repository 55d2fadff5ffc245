"""Commit and reveal: a hash that is published with a set fixes its seed, its labels and its settings.

The commitment is the SHA-256 of a canonical JSON text of the description and the secret. The secret holds a random
number (nonce), so that the seed cannot be found by trying seeds. Whoever knows the secret can check the commitment, and
render the same set again from the same bank.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from secrets import randbits, token_hex
from typing import Any, Final, TypeVar

from pydantic import Field, ValidationError

from earwitness.core.errors import BenchmarkError
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import StrictModel, first_problem

Model = TypeVar("Model", bound=StrictModel)

HEX: Final = r"^[0-9a-f]{64}$"
SEED_BITS: Final = 128
"""Bits of a random seed; a seed of fewer than `FEW_BITS` can be found by rendering a set for each."""
FEW_BITS: Final = 64


class Secret(StrictModel):
    """What a maker keeps until the set is scored.

    Attributes:
        seed: decimal digits of the seed, from which scenes and rooms follow.
        nonce: random hexadecimal digits.
        labels_sha256: digest of all label files.
    """

    seed: str = Field(pattern=r"^[0-9]{1,80}$")
    nonce: str = Field(pattern=r"^[0-9a-f]{32,128}$")
    labels_sha256: str = Field(pattern=HEX)

    @property
    def can_be_guessed(self) -> bool:
        """Whether trying all seeds up to this one is feasible for somebody with the bank."""
        return int(self.seed).bit_length() < FEW_BITS


def new_seed() -> int:
    """A random seed."""
    return randbits(SEED_BITS)


def new_nonce() -> str:
    """Random digits for a secret."""
    return token_hex(32)


def commitment_of(described: Mapping[str, Any], secret: Secret) -> str:
    """The commitment of a set.

    Args:
        described: everything that is published about it, without the commitment, as plain values.
        secret: what is not.
    """
    text = json.dumps({"set": described, "secret": secret.model_dump()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def files_sha256(folder: Path, names: Iterable[str]) -> str:
    """A digest of files: of the lines "SHA-256 name", sorted.

    Raises:
        BenchmarkError: a file is missing.
    """
    lines = []
    for name in sorted(names):
        try:
            with (folder / name).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()} {name}\n")
        except OSError as error:
            raise BenchmarkError(f"{folder / name}: cannot be read ({error.strerror or error})") from None
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def read_model(kind: type[Model], path: Path, what: str) -> Model:
    """Read a JSON file.

    Raises:
        BenchmarkError: missing, or not of this kind (the message names the key).
    """
    try:
        return kind.model_validate_json(read_bytes(path, CARD_BYTES, BenchmarkError))
    except ValidationError as error:
        raise BenchmarkError(f"{path}: not {what}: {first_problem(error)}") from None


def write_model(model: StrictModel, path: Path) -> None:
    """Write a JSON file.

    Raises:
        EncodingError: it cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(model.model_dump_json(indent=1) + "\n", encoding="utf-8")
