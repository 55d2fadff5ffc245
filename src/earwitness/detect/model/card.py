"""The model card: the JSON file beside an ONNX model with its input, output and metadata. Free of torch."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError, model_validator

from earwitness.core.classes.vocabulary_record import DEFAULT_VOCABULARY, VocabularyRecord
from earwitness.core.errors import ModelError, UsageError, shortened
from earwitness.core.files.atomic import atomic_file
from earwitness.core.files.small_files import CARD_BYTES, read_bytes
from earwitness.core.multi_accddoa import Decoding
from earwitness.core.schema import PlainValues, StrictModel, first_problem
from earwitness.detect.model.calibration import AnySound, Calibration
from earwitness.detect.model.interval_model import IntervalModel
from earwitness.detect.model.microphone_scores import MicrophoneScores
from earwitness.detect.smoothing import Smoothing
from earwitness.encoders.store.embedding_store import StoreDescription
from earwitness.features import FeatureConfig

CARD_FORMAT: Final = 1
LONGEST_NAME: Final = 1000
MOST_WINDOW_VALUES: Final = 2**25
"""Values of a window's features: 128 MiB."""
Threshold = Annotated[float, Field(ge=0, le=2)]
"""With a threshold above 1, a class is never active."""


class TokenNeed(StrictModel):
    """Semantic tokens that a model takes in addition to its features.

    Attributes:
        made_by: encoder, weights, settings and picture rate of the tokens in training.
        required: whether the model needs them.
    """

    made_by: StoreDescription
    required: bool = False


class ModelCard(StrictModel):
    """Everything about a model except its weights.

    Attributes:
        format: version of the file format.
        name: name of the model.
        features: settings of the feature extractor.
        tokens: modality -> semantic tokens that the model takes; those that are not required may be missing.
        model: dimensions of the network, for information and to rebuild it.
        calibration: calibration of activities, azimuth and distance.
        vocabulary: the classes of its outputs, in order.
        thresholds: (classes,) probability above which a class is active.
        decoding: how its tracks are merged into events; see `multi_accddoa.decode`.
        window_frames: label frames per window, as in training.
        smoothing: how its events are cleaned up after decoding.
        intervals: how to predict the intervals of its events; None in cards that have none.
        any_sound: what its class-free track is worth, if it has one, and when its classes are doubted.
        microphones: what it reaches with spaced microphones; None for models of coincident ones.
        data: description of the training data.
        recipe: the complete training recipe.
        commit: commit of the training code.
        scores: figures on named data, such as `valid/f_score`.
        limits: known limitations, one sentence each.
        licence: licence of the weights.
        sha256: SHA-256 of the .onnx file.
    """

    format: Literal[1] = CARD_FORMAT
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    features: FeatureConfig
    tokens: dict[str, TokenNeed] = Field(default_factory=dict)
    model: PlainValues
    calibration: Calibration = Calibration()
    vocabulary: VocabularyRecord = DEFAULT_VOCABULARY
    thresholds: tuple[Threshold, ...]
    decoding: Decoding = "weighted"
    window_frames: int = Field(50, ge=1, le=6000)
    smoothing: Smoothing = Smoothing()
    intervals: IntervalModel | None = None
    any_sound: AnySound = AnySound()
    microphones: MicrophoneScores | None = None
    data: PlainValues = Field(default_factory=dict)
    recipe: PlainValues = Field(default_factory=dict)
    commit: str = "unknown"
    scores: dict[str, float] = Field(default_factory=dict)
    limits: tuple[str, ...] = ()
    licence: str = "MIT"
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")

    @property
    def spaced_advice(self) -> str | None:
        """What to tell about spaced microphones; None if the model is of no use for them."""
        return None if self.microphones is None else self.microphones.advice()

    @model_validator(mode="after")
    def _one_value_per_class(self) -> ModelCard:
        counts = {"thresholds": len(self.thresholds)}
        if self.calibration != Calibration():
            counts |= {"calibration.slope": len(self.calibration.slope)}
        if self.intervals is not None:
            counts |= {"intervals.azimuth.classes": self.intervals.num_classes}
        if self.smoothing.event_filter is not None:
            counts |= {"smoothing.event_filter.levels": len(self.smoothing.event_filter.levels)}
        for name, count in counts.items():
            if count != len(self.vocabulary):
                raise ValueError(f"{name} has {count} values for {len(self.vocabulary)} classes")
        return self

    @model_validator(mode="after")
    def _windows_fit_into_memory(self) -> ModelCard:
        values = self.window_frames * self.features.frames_per_label * self.features.mels * len(self.features.channels)
        if values > MOST_WINDOW_VALUES:
            raise ValueError(f"a window would have {values:,} values; the limit is {MOST_WINDOW_VALUES:,}")
        return self

    def write(self, path: Path) -> None:
        """Write the card as JSON.

        Raises:
            EncodingError: it cannot be written.
        """
        with atomic_file(path) as temporary:
            temporary.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")

    def check(self, model: Path) -> None:
        """Check that `model` is the file that this card describes.

        Raises:
            ModelError: another file, a damaged one, or a card without a SHA-256.
        """
        self.check_digest(file_sha256(model), str(model))

    def check_digest(self, sha256: str, where: str) -> None:
        """As `check`, for a model whose SHA-256 is known; messages begin with `where`."""
        if not self.sha256:
            raise ModelError(
                f"{where}: its card has no sha256, so the two cannot be matched; export the model again with "
                "`earwitness export-model`, or add the SHA-256 of the file to the card"
            )
        if self.sha256 != sha256:
            raise ModelError(f"{where}: its contents do not match its card; copy the model and its .json again")


def check_words(text: str, what: str) -> str:
    """Check a model's name, or a sentence about it, and return it.

    Raises:
        UsageError: it is empty, too long or not printable.
    """
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        raise UsageError(f"{what} '{shortened(text, 40)}': use 1 to {LONGEST_NAME} printable characters")
    return text


def card_path(model: Path) -> Path:
    """Path of the card of an .onnx file: the same name with .json."""
    return model.with_suffix(".json")


def read_card(path: Path) -> ModelCard:
    """Read a card.

    Raises:
        ModelError: missing, or not a card (says which field).
    """
    if not path.is_file():
        raise ModelError(
            f"{path}: no such model card; a model needs the .json file that `earwitness export-model` writes beside it"
        )
    return parse_card(read_bytes(path, CARD_BYTES, ModelError), str(path))


def parse_card(text: bytes, where: str) -> ModelCard:
    """Parse the text of a card.

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
