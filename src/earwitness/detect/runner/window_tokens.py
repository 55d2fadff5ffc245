"""The semantic tokens of each window of a stream: of its sound, and of the pictures that are shown meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE
from earwitness.detect.runner.token_encoders import TokenEncoder
from earwitness.encoders.protocol import PictureEncoder, SoundEncoder
from earwitness.encoders.tokens import TokenMap
from earwitness.media.pictures.pictures import PictureReader

Float32Array = NDArray[np.float32]
_SLACK = 1e-6
"""Seconds by which a picture's time may miss a window's beginning through rounding."""


class WindowTokens:
    """Tokens of one stream, window by window, as `dataset embed` makes them of clips of that length; constant memory.

    Args:
        token_encoders: modality's name -> its encoder.
        sample_rate: of the sound.
        video: file whose pictures belong to the sound; None: there are none.
        mirrored: the sound comes with left and right exchanged, so the pictures are mirrored too.
    """

    def __init__(
        self,
        token_encoders: Mapping[str, TokenEncoder],
        sample_rate: int,
        video: Path | None = None,
        *,
        mirrored: bool = False,
    ) -> None:
        self._sound = {
            name: token_encoder for name, token_encoder in token_encoders.items() if token_encoder.rate is None
        }
        self._pictures = {
            name: _Watching(token_encoder, video, mirrored=mirrored)
            for name, token_encoder in token_encoders.items()
            if token_encoder.rate is not None and video is not None
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
            for name, token_encoder in self._sound.items():
                if sound.shape[1]:
                    found[name] = cast(SoundEncoder, token_encoder.encoder).encode(sound, self._held.rate)
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

    def __init__(self, token_encoder: TokenEncoder, video: Path | None, *, mirrored: bool) -> None:
        assert video is not None
        self._token_encoder, self._mirrored = token_encoder, mirrored
        self._coming = iter(PictureReader(video, token_encoder.rate))
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
            encoder = cast(PictureEncoder, self._token_encoder.encoder)
            times = np.array([time for time, _ in fresh])
            made = encoder.encode(np.stack([rgb for _, rgb in fresh]), times, self._token_encoder.horizontal_fov_deg)
            self._seen += [
                replace(made, tokens=made.tokens[index : index + 1], times=made.times[index : index + 1])
                for index in range(len(made))
            ]
