"""What encoders have in common whose networks are models of the `transformers` package.

Models of the `transformers` package from a folder: safely, offline, and only if all weights fit.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from earwitness.core.errors import EncoderError, MissingExtraError, first_line
from earwitness.core.files.small_files import CARD_BYTES, read_json
from earwitness.encoders.encoder_registry import Device
from earwitness.encoders.protocol import EncoderSettings, fingerprint
from earwitness.encoders.weights.weight_files import Weights, find_weights, local_weights

CONFIG: Final = "config.json"
WEIGHT_FILES: Final = ("model.safetensors", "pytorch_model.bin")
EXTRA: Final = "semantic"


def load_pretrained(class_name: str, folder: Path, what: str, threads: int, device: Device) -> Any:
    """A frozen model of `transformers`, on `device`.

    Args:
        class_name: of the model in `transformers`.
        folder: with config.json and the weights; PyTorch files are read as tensors only.
        what: name of the encoder, for messages.
        threads: processor threads of torch in this process.
        device: where it runs.

    Raises:
        EncoderError: no such model in the folder, weights that are missing from it, or no such device.
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
    return model.eval().requires_grad_(False).to(device)


def refuse_other_weights(config: Path, folder: Path) -> None:
    """Refuse a configuration that names a file of weights itself, which then would not be the one that was checked.

    Raises:
        EncoderError: it does, or it is not readable; the message names `folder`.
    """
    values = read_json(config, CARD_BYTES, EncoderError)
    if not isinstance(values, dict) or any(key in values for key in ("transformers_weights", "auto_map")):
        raise EncoderError(f"{folder / CONFIG}: names other files; take a folder as save_pretrained writes it")


@contextmanager
def _silence(messages: Any) -> Iterator[None]:
    """No progress bars, and no warnings about weights that are left over; what is missing is reported anyway."""
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
        name: in the registry.
        settings: what was chosen.
        dim: numbers a token.
        fingerprint: tells weights and settings apart.
    """

    name: str
    _settings_class: type[S]
    _model_class: ClassVar[str]
    """Name of the network's class in `transformers`."""
    _optional_files: ClassVar[tuple[str, ...]] = ()
    """Besides its configuration and weights, files that change the tokens where they are there."""
    _revision: ClassVar[int]
    """Goes up when the same weights and settings begin to give other tokens, as when resampling or spectra change."""

    def __init__(
        self, weights: Weights, settings: S | None = None, threads: int = 1, device: Device = "cpu", batch: int = 8
    ) -> None:
        """Load the network.

        Args:
            weights: a folder as `save_pretrained` of the network's class writes it.
            settings: what can be chosen.
            threads: processor threads.
            device: where it runs.
            batch: windows of sound, or pictures, at once.

        Raises:
            EncoderError: the weights are not this network's, or there is no such device.
            MissingExtraError: transformers or torch is not installed.
        """
        self.settings: S = settings or self._settings_class()
        self.fingerprint = fingerprint(self.name, weights.digest, self.settings.model_dump(mode="json"), self._revision)
        self._device, self._batch = device, batch
        with weights.alone() as folder:  # what is not in the fingerprint cannot change the tokens
            refuse_other_weights(folder / CONFIG, weights.folder)
            model = load_pretrained(self._model_class, folder, self.name, threads, device)
        self.dim = self._take(model, weights.folder)

    @abstractmethod
    def _take(self, model: Any, folder: Path) -> int:
        """Check that a loaded network is of the right kind, and keep what is used of it.

        Args:
            model: the network.
            folder: of its weights.

        Returns:
            Numbers a token.

        Raises:
            EncoderError: it is not.
        """

    @classmethod
    def load(
        cls, settings: S | None = None, folder: Path | None = None, threads: int = 1, device: Device = "cpu"
    ) -> Self:
        """The network with the fetched weights, or with those in `folder`.

        Raises:
            MissingWeightsError: they have not been fetched.
        """
        if folder is None:
            return cls(find_weights(cls.name), settings, threads, device)
        return cls(
            local_weights(cls.name, folder, (CONFIG,), WEIGHT_FILES, cls._optional_files), settings, threads, device
        )
