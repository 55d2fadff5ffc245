"""What encoders have in common whose networks are models of the `transformers` package."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar

from earwitness.encoders.hub import CONFIG, WEIGHT_FILES, load_pretrained, refuse_other_weights
from earwitness.encoders.load import Device
from earwitness.encoders.protocol import fingerprint
from earwitness.encoders.settings import EncoderSettings
from earwitness.encoders.weights import Weights, find_weights, local_weights

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
