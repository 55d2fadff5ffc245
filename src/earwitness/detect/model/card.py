"""The model card: the JSON file beside an ONNX model that says how to feed it, read it and judge it. Torch-free."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from earwitness.core.errors import ModelError
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.smoothing import Smoothing
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.features import FeatureConfig

CARD_FORMAT: Final = 1


class TokenNeed(BaseModel):
    """Semantic tokens that a model takes besides its features.

    Attributes:
        made_by: encoder, weights, settings and picture rate of the tokens that it learnt from.
        required: whether it does not work without.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_by: StoreDescription
    required: bool = False


class ModelCard(BaseModel):
    """What belongs to a model besides its weights.

    Attributes:
        format: version of this file's layout.
        name: what the model is called.
        features: what the model hears; the extractor is built from it.
        tokens: modality's name -> the semantic tokens that the model takes; what is not required may be missing.
        model: the network's dimensions, for information and for rebuilding it.
        calibration: what makes its activities probabilities, and its distances right on average.
        thresholds: (classes,) probability above which a class counts as sounding.
        window_frames: label frames that it was trained to hear at once.
        smoothing: what is done to its events after decoding.
        data: what it learnt from, in words and values.
        recipe: the whole training recipe.
        commit: of the code that trained it.
        scores: figures on named data, such as `valid/f_score`.
        limits: what it cannot do, one sentence each.
        licence: of the weights.
        sha256: of the .onnx file.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal[1] = CARD_FORMAT
    name: str = Field(min_length=1)
    features: FeatureConfig
    tokens: dict[str, TokenNeed] = {}
    model: dict[str, Any]
    calibration: Calibration = Calibration()
    thresholds: Annotated[tuple[float, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]
    window_frames: int = Field(50, ge=1, le=6000)
    smoothing: Smoothing = Smoothing()
    data: dict[str, Any] = {}
    recipe: dict[str, Any] = {}
    commit: str = "unknown"
    scores: dict[str, float] = {}
    limits: tuple[str, ...] = ()
    licence: str = "MIT"
    sha256: str = ""

    def write(self, path: Path) -> None:
        """Write the card as JSON, under a temporary name first."""
        partial = path.with_name(path.name + ".tmp")
        partial.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        partial.replace(path)

    def check(self, model: Path) -> None:
        """Make sure that `model` is the file that this card describes.

        Raises:
            ModelError: another file, or a damaged one.
        """
        if self.sha256 and self.sha256 != file_sha256(model):
            raise ModelError(f"{model}: its contents do not match its card; copy the model and its .json again")


def card_path(model: Path) -> Path:
    """Where the card of an .onnx file lies: the same name with .json."""
    return model.with_suffix(".json")


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        ModelError: missing, or not a card (says which field).
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model card; a model needs the .json file that export-model wrote beside it")
    return parse_card(path.read_bytes(), str(path))


def parse_card(text: bytes, where: str) -> ModelCard:
    """Read a card's text.

    Raises:
        ModelError: not a card (says which field); the message begins with `where`.
    """
    try:
        return ModelCard.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "the file"
        raise ModelError(f"{where}: not a usable model card: {field}: {first['msg']}") from None


def file_sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
