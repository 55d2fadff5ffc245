"""The model card: the JSON file beside an ONNX model that says how to feed it, read it and judge it. Torch-free."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from earwitness.core.errors import ModelError, UsageError, shortened
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.schema import PlainValues, StrictModel, first_problem
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.detect.model.calibration import Calibration
from earwitness.detect.smoothing import Smoothing
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.features import FeatureConfig

CARD_FORMAT: Final = 1
LONGEST_NAME: Final = 1000
MOST_WINDOW_VALUES: Final = 2**25
"""Values of a window's features: 128 MiB."""
Threshold = Annotated[float, Field(ge=0, le=2)]
"""Above 1 a class never sounds."""


class TokenNeed(StrictModel):
    """Semantic tokens that a model takes besides its features.

    Attributes:
        made_by: encoder, weights, settings and picture rate of the tokens that it learnt from.
        required: whether it does not work without.
    """

    made_by: StoreDescription
    required: bool = False


class ModelCard(StrictModel):
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

    format: Literal[1] = CARD_FORMAT
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    features: FeatureConfig
    tokens: dict[str, TokenNeed] = Field(default_factory=dict)
    model: PlainValues
    calibration: Calibration = Calibration()
    thresholds: Annotated[tuple[Threshold, ...], Field(min_length=NUM_CLASSES, max_length=NUM_CLASSES)]
    window_frames: int = Field(50, ge=1, le=6000)
    smoothing: Smoothing = Smoothing()
    data: PlainValues = Field(default_factory=dict)
    recipe: PlainValues = Field(default_factory=dict)
    commit: str = "unknown"
    scores: dict[str, float] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licence: str = "MIT"
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @model_validator(mode="after")
    def _windows_fit_into_memory(self) -> ModelCard:
        values = self.window_frames * self.features.frames_per_label * self.features.mels * len(self.features.channels)
        if values > MOST_WINDOW_VALUES:
            raise ValueError(f"a window would have {values:,} values; at most {MOST_WINDOW_VALUES:,} are taken")
        return self

    def write(self, path: Path) -> None:
        """Write the card as JSON.

        Raises:
            EncodingError: it cannot be written.
        """
        with atomic_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def check(self, model: Path) -> None:
        """Make sure that `model` is the file that this card describes.

        Raises:
            ModelError: another file, a damaged one, or a card without a SHA-256.
        """
        self.check_digest(file_sha256(model), str(model))

    def check_digest(self, sha256: str, where: str) -> None:
        """As `check`, of a model whose SHA-256 is known already; messages begin with `where`."""
        if not self.sha256:
            raise ModelError(
                f"{where}: its card has no sha256, so nobody can say whether they belong together; write it again with "
                "`earwitness export-model`, or put the file's SHA-256 into the card"
            )
        if self.sha256 != sha256:
            raise ModelError(f"{where}: its contents do not match its card; copy the model and its .json again")


def check_words(text: str, what: str) -> str:
    """A model's name, or a sentence about it, as a card keeps it.

    Raises:
        UsageError: it is empty, too long or does not print.
    """
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise UsageError(f"{what} '{shortened(text, 40)}': give up to {LONGEST_NAME} characters that can be printed")
    return text


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
    return parse_card(read_bytes(path, CARD_BYTES, ModelError), str(path))


def parse_card(text: bytes, where: str) -> ModelCard:
    """Read a card's text.

    Raises:
        ModelError: not a card (says which field); the message begins with `where`.
    """
    try:
        return ModelCard.model_validate_json(text)
    except ValidationError as error:
        raise ModelError(f"{where}: not a usable model card: {first_problem(error)}") from None


def file_sha256(path: Path) -> str:
    """Hex digest of a file.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error})") from None
