"""Base class of encoders whose network is a model of `transformers`.

Models are loaded from a folder: offline, without running code of the model, and only if all weights match.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from earwitness.core.errors import EncoderError, MissingExtraError, first_line
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.encoders.protocol import Device, EncoderSettings, fingerprint
from earwitness.encoders.weights.weight_files import CONFIG, Weights, preprocessing, saved_weights

EXTRA: Final = "semantic"


def load_pretrained(class_name: str, folder: Path, what: str, threads: int, device: Device) -> Any:
    """Load a frozen model of `transformers` on `device`.

    Args:
        class_name: class of the model in `transformers`.
        folder: contains config.json and the weights; only tensors are read from PyTorch files.
        what: name of the encoder, for messages.
        threads: CPU threads of torch in this process.
        device: where the model runs.

    Raises:
        EncoderError: the folder holds no such model, weights are missing, or the device is not available.
        MissingExtraError: transformers or torch is not installed.
    """
    try:
        import torch
        import transformers
    except ModuleNotFoundError as error:
        raise MissingExtraError(f"the encoder '{what}'", EXTRA) from error
    if device == "cuda" and not torch.cuda.is_available():
        raise EncoderError(f"the encoder '{what}' cannot run on CUDA: torch finds no usable GPU here; use --device cpu")
    torch.set_num_threads(threads)
    try:
        with _silence(transformers.utils.logging):
            model, report = getattr(transformers, class_name).from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
    except Exception as error:  # transformers raises a dozen unrelated types for files that it cannot use
        raise EncoderError(f"{folder}: no usable weights of '{what}' ({first_line(error)})") from error
    lacking = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if lacking:
        raise EncoderError(
            f"{folder}: the weights do not fit '{what}': {len(lacking)} are missing or of another shape, the first "
            f"'{lacking[0]}'"
        )
    return model.float().eval().requires_grad_(False).to(device)  # saved with 16 bits, it would not take float32


def refuse_other_weights(config: Path, folder: Path) -> None:
    """Refuse a configuration that names its own weights or code, since these files would not have been checked.

    Raises:
        EncoderError: it names such files, or cannot be read; the message names `folder`.
    """
    values = read_json(config, CARD_BYTES, EncoderError)
    if not isinstance(values, dict) or any(key in values for key in ("transformers_weights", "auto_map")):
        raise EncoderError(f"{folder / CONFIG}: names other files; use a folder that save_pretrained wrote")


@contextmanager
def _silence(messages: Any) -> Iterator[None]:
    """Suppress progress bars and warnings about unused weights; missing weights are reported separately."""
    level, bars = messages.get_verbosity(), messages.is_progress_bar_enabled()
    messages.set_verbosity_error()
    messages.disable_progress_bar()
    try:
        yield
    finally:
        messages.set_verbosity(level)
        if bars:
            messages.enable_progress_bar()


S = TypeVar("S", bound=EncoderSettings)


class Pretrained(ABC, Generic[S]):
    """An encoder whose network is a model of `transformers`.

    Attributes:
        name: name in the registry.
        settings: settings of the encoder.
        dim: dimension of a token.
        fingerprint: identifies weights and settings.
    """

    name: str
    _settings_class: type[S]
    _model_class: ClassVar[str]
    """Class of the network in `transformers`."""
    _preprocessing: ClassVar[str]
    """Section of the processor's file with the settings of the preprocessing."""
    _revision: ClassVar[int]
    """Incremented when the same weights and settings give different tokens, as after a change of the resampling."""

    def __init__(
        self, weights: Weights, settings: S | None = None, threads: int = 1, device: Device = "cpu", batch: int = 8
    ) -> None:
        """Load the network.

        Args:
            weights: files that `save_pretrained` of the network's class, and of its processor, wrote.
            settings: settings of the encoder; None takes the defaults.
            threads: CPU threads.
            device: where the network runs.
            batch: sound windows or pictures per batch.

        Raises:
            EncoderError: the weights are not those of this network, or the device is not available.
            MissingExtraError: transformers or torch is not installed.
        """
        self.settings: S = settings or self._settings_class()
        self.fingerprint = fingerprint(self.name, weights.digest, self.settings.model_dump(mode="json"), self._revision)
        self._device, self._batch = device, batch
        with weights.isolated() as folder:  # so that only files in the fingerprint affect the tokens
            refuse_other_weights(folder / CONFIG, weights.folder)
            model = load_pretrained(self._model_class, folder, self.name, threads, device)
        self.dim = self._use_model(model, weights.folder)
        self._use_preprocessing(*preprocessing(weights, self._preprocessing))

    @abstractmethod
    def _use_model(self, model: Any, folder: Path) -> int:
        """Check that the loaded network is of the right kind, and store the parts that are used.

        Args:
            model: the network.
            folder: folder of its weights, for messages.

        Returns:
            Dimension of a token.

        Raises:
            EncoderError: the network is of another kind.
        """

    @abstractmethod
    def _use_preprocessing(self, path: Path | None, settings: dict[str, Any]) -> None:
        """Check and store the settings of the preprocessing.

        Args:
            path: their file, for messages; None if none were saved.
            settings: their values; those that are missing have the published model's values.

        Raises:
            EncoderError: the encoder works differently.
        """

    @classmethod
    def load(
        cls, settings: S | None = None, folder: Path | None = None, threads: int = 1, device: Device = "cpu"
    ) -> Self:
        """Load the network with the downloaded weights, or with those in `folder`.

        Raises:
            MissingWeightsError: the weights have not been downloaded.
        """
        return cls(saved_weights(cls.name, folder), settings, threads, device)
