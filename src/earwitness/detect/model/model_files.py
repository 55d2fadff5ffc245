"""Model files: a model shipped with earwitness, by name, or an .onnx file with its card beside it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from earwitness.core.errors import ModelError
from earwitness.detect.hub.hub_cache import HubAddress, is_hub_address, pulled_model
from earwitness.detect.model.card import ModelCard, card_path, file_sha256, read_card

DEFAULT_MODEL: Final = "default"
_SUFFIX: Final = ".onnx"


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model on disk, checked against its card.

    Attributes:
        path: the .onnx file.
        card: its card.
        sha256: SHA-256 of the .onnx file.
        shipped: whether it is part of earwitness; other models are tested before use.
    """

    path: Path
    card: ModelCard
    sha256: str
    shipped: bool = False


def shipped_models() -> dict[str, Path]:
    """Models in the package, by name."""
    # as_file returns a real path even for a package in a zip; from unpacked wheels it copies nothing.
    with as_file(files("earwitness") / "assets" / "models") as folder:
        return {path.stem: path for path in sorted(folder.glob(f"*{_SUFFIX}"))} if folder.is_dir() else {}


def local_name(model: str | Path) -> str | Path:
    """The name of a model on this machine: for an address on the hub, the path of the pulled file.

    Raises:
        UsageError: not an address.
        ModelError: it was not pulled.
    """
    return pulled_model(HubAddress.parse(str(model))) if is_hub_address(model) else model


def find_model(model: str | Path = DEFAULT_MODEL) -> ModelFile:
    """Find a model and check it against its card.

    Args:
        model: the name of a shipped model, the path of an .onnx file, or the address of a pulled model on the hub.

    Raises:
        ModelError: no such name or file, no card beside it, or card and model do not match.
    """
    path = _locate(local_name(model))
    card = read_card(card_path(path))
    sha256 = file_sha256(path)
    card.check_digest(sha256, str(path))
    return ModelFile(path, card, sha256, shipped=path in shipped_models().values())


def _locate(model: str | Path) -> Path:
    shipped = shipped_models()
    if str(model) in shipped:
        return shipped[str(model)]
    path = Path(model)
    if path.suffix == _SUFFIX:
        if path.is_file():
            return path
        raise ModelError(f"{path}: no such model file")
    if path.is_file():
        raise ModelError(
            f"{path}: not a model; name an .onnx file (`earwitness export-model` makes one from a training run)"
        )
    names = ", ".join(shipped) or "none"
    raise ModelError(
        f"unknown model '{model}'; name a shipped one ({names}), an .onnx or .ensemble file, or a pulled hf:USER/NAME"
    )
