"""The semantic tokens of each window of a stream: of its sound, and of the pictures that are shown meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from earwitness.encoders.protocol import PictureEncoder, SoundEncoder
from earwitness.encoders.tokens import TokenMap
from earwitness.events import FRAME_RATE
from earwitness.geometry import DEFAULT_FOV_DEG
from earwitness.media.pictures import PictureReader

Float32Array = NDArray[np.float32]
_SLACK = 1e-6
"""Seconds by which a picture's time may miss a window's beginning through rounding."""


@dataclass(frozen=True, slots=True)
class Sense:
    """An encoder, ready for use.

    Attributes:
        encoder: makes the tokens.
        rate: pictures a second; None for sound.
        horizontal_fov_deg: of the camera, for pictures.
    """

    encoder: SoundEncoder | PictureEncoder
    rate: float | None = None
    horizontal_fov_deg: float = DEFAULT_FOV_DEG


class Attention:
    """Tokens of one stream, window by window, as `dataset embed` makes them of clips of that length; constant memory.

    Args:
        senses: modality's name -> its encoder.
        sample_rate: of the sound.
        video: file whose pictures belong to the sound; None: there are none.
        mirrored: the sound comes with left and right exchanged, so the pictures are mirrored too.
    """

    def __init__(
        self, senses: Mapping[str, Sense], sample_rate: int, video: Path | None = None, *, mirrored: bool = False
    ) -> None:
        self._sound = {name: sense for name, sense in senses.items() if sense.rate is None}
        self._pictures = {
            name: _Watching(sense, video, mirrored=mirrored)
            for name, sense in senses.items()
            if sense.rate is not None and video is not None
        }
        self._held = _Held(sample_rate)

    def pass_on(self, blocks: Iterable[Float32Array]) -> Iterable[Float32Array]:
        """The stream of sound (2, n), which is kept in mind as far as windows need it."""
        return self._held.passing(blocks) if self._sound else blocks

    def tokens(self, start: int, length: int) -> dict[str, TokenMap]:
        """Tokens of the window of `length` label frames from `start` on, of the modalities that exist.

        Windows are asked for in order.
        """
        begin, end = start / FRAME_RATE, (start + length) / FRAME_RATE
        found: dict[str, TokenMap] = {}
        if self._sound:
            sound = self._held.window(begin, end)
            for name, sense in self._sound.items():
                if sound.shape[1]:
                    found[name] = cast(SoundEncoder, sense.encoder).encode(sound, self._held.rate)
        for name, watching in self._pictures.items():
            shown = watching.window(begin, end)
            if shown is not None:
                found[name] = shown
        return found


class _Held:
    """The last stretch of a stream of sound."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._first = 0
        self._samples: Float32Array = np.zeros((2, 0), np.float32)

    def passing(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        for block in blocks:
            self._samples = np.concatenate([self._samples, block], axis=1)
            yield block

    def window(self, begin: float, end: float) -> Float32Array:
        """Samples of a stretch, as far as they exist; what lies before is forgotten."""
        start, stop = round(begin * self.rate), round(end * self.rate)
        self._samples, self._first = self._samples[:, start - self._first :], start
        return self._samples[:, : stop - start]


class _Watching:
    """Token maps of a video's pictures, each encoded once."""

    def __init__(self, sense: Sense, video: Path | None, *, mirrored: bool) -> None:
        assert video is not None
        self._sense, self._mirrored = sense, mirrored
        self._coming = iter(PictureReader(video, sense.rate))
        self._seen: list[TokenMap] = []
        self._ahead: tuple[float, NDArray[np.uint8]] | None = None

    def window(self, begin: float, end: float) -> TokenMap | None:
        """Tokens of the pictures of a stretch, their times counted from `begin`; None if there are none."""
        self._see_until(end)
        self._seen = [one for one in self._seen if one.times[0] >= begin - _SLACK]
        inside = [one for one in self._seen if one.times[0] < end - _SLACK]
        if not inside:
            return None
        tokens = np.concatenate([one.tokens for one in inside])
        times = np.concatenate([one.times for one in inside]) - begin
        return replace(inside[0], tokens=tokens, times=times)

    def _see_until(self, end: float) -> None:
        fresh: list[tuple[float, NDArray[np.uint8]]] = []
        while True:
            if self._ahead is None:
                picture = next(self._coming, None)
                if picture is None:
                    break
                rgb = np.ascontiguousarray(picture.rgb[:, ::-1]) if self._mirrored else picture.rgb
                self._ahead = picture.time, rgb
            if self._ahead[0] >= end - _SLACK:
                break
            fresh.append(self._ahead)
            self._ahead = None
        if fresh:
            encoder = cast(PictureEncoder, self._sense.encoder)
            times = np.array([time for time, _ in fresh])
            made = encoder.encode(np.stack([rgb for _, rgb in fresh]), times, self._sense.horizontal_fov_deg)
            self._seen += [
                replace(made, tokens=made.tokens[index : index + 1], times=made.times[index : index + 1])
                for index in range(len(made))
            ]
