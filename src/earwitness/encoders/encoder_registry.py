"""The registry of encoders, and the specification of one in a recipe, a command or a store."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final, Literal, NamedTuple, cast, get_args

from pydantic import Field

from earwitness.core.errors import UsageError
from earwitness.core.schema import PlainValues, StrictModel
from earwitness.encoders.protocol import Modality, PictureEncoder, SoundEncoder

Device = Literal["cpu", "cuda"]


class _Kind(NamedTuple):
    """Where the class and the settings of an encoder are defined; imported on use, since some need torch."""

    modality: Modality
    module: str
    encoder: str
    settings: str
    on_devices: bool = False


_KINDS: Final[Mapping[str, _Kind]] = {
    "yamnet": _Kind("sound", "yamnet", "Yamnet", "YamnetSettings"),
    "efficientnet-lite0": _Kind("picture", "efficientnet", "EfficientNetLite0", "EfficientNetSettings"),
    "clap": _Kind("sound", "clap", "Clap", "ClapSettings", on_devices=True),
    "owlvit": _Kind("picture", "owlvit", "OwlVit", "OwlVitSettings", on_devices=True),
}
ENCODERS: Final[tuple[str, ...]] = tuple(_KINDS)


class EncoderSpec(StrictModel):
    """An encoder to load; picklable. Recipes contain it.

    Attributes:
        name: one of `ENCODERS`.
        settings: settings of this encoder; missing ones have their defaults.
        folder: folder of the user's own weights; None takes the downloaded ones.
    """

    name: str
    settings: PlainValues = Field(default_factory=dict)
    folder: Path | None = None

    @property
    def modality(self) -> Modality:
        """Whether it encodes sound or pictures.

        Raises:
            UsageError: there is no such encoder.
        """
        return _kind(self.name).modality

    def load(self, threads: int = 1, device: Device = "cpu") -> SoundEncoder | PictureEncoder:
        """Load the encoder.

        Args:
            threads: CPU threads of one call.
            device: where torch networks run; the others run on the CPU.

        Raises:
            UsageError: there is no such encoder, or its settings are invalid.
            EncoderError: its weights are missing or damaged.
            MissingExtraError: an extra that it needs is not installed.
        """
        kind = _kind(self.name)
        module = import_module(f"earwitness.encoders.{kind.module}")
        settings = getattr(module, kind.settings).of(self.settings)
        places = {"device": device} if kind.on_devices else {}
        encoder: SoundEncoder | PictureEncoder = getattr(module, kind.encoder).load(
            settings, self.folder, threads=threads, **places
        )
        return encoder


def check_device(name: str) -> Device:
    """Check the name of a device.

    Raises:
        UsageError: there is no such device.
    """
    if name not in get_args(Device):
        raise UsageError(f"unknown device '{name}' for encoders; choose one of: {', '.join(get_args(Device))}")
    return cast(Device, name)


def _kind(name: str) -> _Kind:
    if name not in _KINDS:
        raise UsageError(f"unknown encoder '{name}'; choose one of: {', '.join(_KINDS)}")
    return _KINDS[name]
