"""The protocol of frozen encoders, the base classes of their settings, and the registry that loads them by name.

Settings are part of an encoder's fingerprint and are stored with the tokens. An `EncoderSpec` is an encoder in a
recipe, a command or a store.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from math import nan
from pathlib import Path
from typing import Final, Literal, NamedTuple, Protocol, Self, cast, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, field_validator

from earwitness.core.errors import EncoderError, UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.schema import PlainValues, StrictModel

Modality = Literal["sound", "picture"]
_SAME_DIRECTION_DEG: Final = 1e-3

Device = Literal["cpu", "cuda"]


@dataclass(frozen=True, slots=True, eq=False)
class TokenMap:
    """Tokens of a segment of sound or of pictures.

    Attributes:
        tokens: (T, P, D) float32 or float16: T time steps, P positions, dimension D.
        times: (T,) float64, increasing: seconds from the start of the segment to the centre of each step.
        azimuth, elevation: (P,) float32, degrees: direction of each position; NaN if it has none, as the sum of both
            channels. The channels themselves are cardioids that face left (+90) and right (-90).
        modality: whether sound or pictures were encoded.
    """

    tokens: NDArray[np.floating]
    times: NDArray[np.float64]
    azimuth: NDArray[np.float32]
    elevation: NDArray[np.float32]
    modality: Modality

    def __post_init__(self) -> None:
        """Check the shapes.

        Raises:
            EncoderError: they do not match.
        """
        steps, positions = self.tokens.shape[:2] if self.tokens.ndim == 3 else (-1, -1)
        if self.times.shape != (steps,) or {self.azimuth.shape, self.elevation.shape} != {(positions,)}:
            raise EncoderError(
                f"a token map holds tokens (T, P, D), times (T,), azimuth (P,) and elevation (P,), not "
                f"{self.tokens.shape}, {self.times.shape}, {self.azimuth.shape} and {self.elevation.shape}"
            )

    def __len__(self) -> int:
        """Number of time steps."""
        return int(self.tokens.shape[0])

    @property
    def positions(self) -> int:
        """Number of positions: 1 for the sum of both channels, the cells of the grid for pictures."""
        return int(self.tokens.shape[1])

    @property
    def dim(self) -> int:
        """Dimension of a token."""
        return int(self.tokens.shape[2])

    def between(self, start: float, end: float) -> Self:
        """The steps with start <= time < end (seconds) as a view; times are relative to `start`."""
        first, last = np.searchsorted(self.times, (start, end), side="left")
        return replace(self, tokens=self.tokens[first:last], times=self.times[first:last] - start)

    def mirrored(self) -> Self:
        """The map with left and right swapped.

        For sound, this is exact, since channels are encoded separately. For pictures, it is an approximation, since
        networks are not exactly mirror-symmetric; encode mirrored pictures if that matters. If the positions are
        symmetric, they keep their order and the tokens are permuted.
        """
        places = np.stack([self.azimuth, self.elevation], axis=1)
        source = _matching(places * np.array([-1, 1], dtype=np.float32), places)
        if source is None:
            return replace(self, azimuth=-self.azimuth)
        return replace(self, tokens=self.tokens[:, source])


def _matching(wanted: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.intp] | None:
    """For each wanted direction (P, 2) the index of the matching place (NaN matches NaN); None if one has no match."""
    wanted, places = np.nan_to_num(wanted, nan=1e6), np.nan_to_num(places, nan=1e6)
    apart = np.abs(wanted[:, None] - places[None]).max(axis=2)
    nearest = apart.argmin(axis=1)
    used_once = np.unique(nearest).size == nearest.size
    return nearest if used_once and (apart.min(axis=1) < _SAME_DIRECTION_DEG).all() else None


SoundChannel = Literal["M", "S", "L", "R"]
"""L and R face left and right; M = (L + R) / 2 and S = (L - R) / 2 have no direction."""
CHANNEL_AZIMUTH: Final[Mapping[SoundChannel, float]] = {"M": nan, "S": nan, "L": 90.0, "R": -90.0}


class EncoderSettings(StrictModel):
    """Settings of an encoder; frozen, and unknown names are an error."""

    @classmethod
    def of(cls, values: object) -> Self:
        """Settings from a mapping of names to values, as in a recipe or a store.

        Raises:
            UsageError: a name is unknown or a value is invalid.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "settings"
            if first["type"] == "extra_forbidden":
                known = ", ".join(cls.model_fields) or "none"
                raise UsageError(
                    f"encoder setting '{where}': there is no such setting; choose one of: {known}"
                ) from None
            raise UsageError(f"encoder setting '{where}': {first['msg']}") from None


class SoundSettings(EncoderSettings):
    """Settings of all sound encoders.

    Attributes:
        channels: channels that are encoded, each separately.
    """

    channels: tuple[SoundChannel, ...] = Field(default=("M",), min_length=1)

    @field_validator("channels", mode="before")
    @classmethod
    def _from_text(cls, channels: object) -> object:
        return channels.split(",") if isinstance(channels, str) else channels

    @field_validator("channels")
    @classmethod
    def _no_channel_twice(cls, channels: tuple[SoundChannel, ...]) -> tuple[SoundChannel, ...]:
        if len(set(channels)) != len(channels):
            raise ValueError("a channel is named twice")
        if ("L" in channels) != ("R" in channels):
            raise ValueError("L and R must be used together, so that left and right can be swapped")
        return channels


class Encoder(Protocol):
    """A network with fixed weights that encodes a segment of a video as tokens."""

    @property
    def name(self) -> str:
        """Name in the registry, such as "yamnet"."""

    @property
    def modality(self) -> Modality:
        """Whether it encodes sound or pictures."""

    @property
    def dim(self) -> int:
        """Dimension of a token."""

    @property
    def settings(self) -> EncoderSettings:
        """Settings of the encoder."""

    @property
    def fingerprint(self) -> str:
        """Hexadecimal digits, equal if weights, settings and method are; tokens may then be mixed."""


class SoundEncoder(Encoder, Protocol):
    """Encodes stereo sound."""

    @property
    def channels(self) -> tuple[SoundChannel, ...]:
        """Channels that are encoded, each separately: the positions of the token map."""

    def encode(self, stereo: NDArray[np.float32], rate: int) -> TokenMap:
        """Encode a segment of sound.

        Args:
            stereo: (2, n) float32, left then right.
            rate: samples per second.

        Returns:
            (T, channels, D) float32; T depends only on the length.

        Raises:
            EncoderError: not stereo, empty, or not finite.
        """

    def encode_batch(self, windows: Sequence[NDArray[np.float32]], rate: int) -> list[TokenMap]:
        """Encode several segments; up to rounding, each has the tokens that `encode` returns for it."""


class PictureEncoder(Encoder, Protocol):
    """Encodes pictures, each separately."""

    def encode(
        self, frames: NDArray[np.uint8], times: NDArray[np.float64], horizontal_fov_deg: float = DEFAULT_FOV_DEG
    ) -> TokenMap:
        """Encode pictures; up to rounding, the result does not depend on the batch.

        Args:
            frames: (N, H, W, 3) uint8, red, green, blue, square pixels, upright.
            times: (N,) seconds, increasing.
            horizontal_fov_deg: field of view over the width; affects the directions, not the tokens.

        Returns:
            (N, P, D) float32 with the direction of each position.

        Raises:
            EncoderError: the shapes do not match, or there is no picture.
        """


def fingerprint(name: str, weights_sha256: str, settings: Mapping[str, object], revision: int) -> str:
    """Hexadecimal digits that identify an encoder.

    Args:
        name: name of the encoder.
        weights_sha256: sha256 of its weights.
        settings: all settings that affect its tokens, as JSON values.
        revision: revision of the method, incremented when the same weights and settings give different tokens.
    """
    text = json.dumps([name, weights_sha256, dict(settings), revision], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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
