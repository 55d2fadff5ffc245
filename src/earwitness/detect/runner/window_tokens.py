"""The semantic tokens of each window of a stream: of its sound, and of the pictures shown at the same time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from earwitness.core.events import FRAME_RATE
from earwitness.detect.runner.token_encoders import TokenEncoder
from earwitness.encoders.protocol import PictureEncoder, SoundEncoder, TokenMap
from earwitness.media.pictures import PictureReader

Float32Array = NDArray[np.float32]
_SLACK = 1e-6
"""Rounding tolerance between the time of a picture and the start of a window, seconds."""


class WindowTokens:
    """Tokens of one stream, window by window, equal to those of `dataset embed` for clips of that length.

    Memory is constant. Windows must be requested in order.

    Args:
        token_encoders: modality -> encoder.
        sample_rate: samples per second of the sound.
        video: video file that belongs to the sound; None: there is none.
        mirrored: left and right are exchanged in the sound, so the pictures are mirrored too.
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
            name: _PictureTokens(token_encoder, video, mirrored=mirrored)
            for name, token_encoder in token_encoders.items()
            if token_encoder.rate is not None and video is not None
        }
        self._buffer = _SoundBuffer(sample_rate)

    def pass_on(self, blocks: Iterable[Float32Array]) -> Iterable[Float32Array]:
        """Pass on a stream of sound (2, n), buffering as much as the windows need."""
        return self._buffer.passing(blocks) if self._sound else blocks

    def tokens(self, start: int, length: int) -> dict[str, TokenMap]:
        """Tokens of the window of `length` label frames from `start` on, for the modalities that have any."""
        begin, end = start / FRAME_RATE, (start + length) / FRAME_RATE
        found: dict[str, TokenMap] = {}
        if self._sound:
            sound = self._buffer.window(begin, end)
            for name, token_encoder in self._sound.items():
                if sound.shape[1]:
                    found[name] = cast(SoundEncoder, token_encoder.encoder).encode(sound, self._buffer.rate)
        for name, pictures in self._pictures.items():
            shown = pictures.window(begin, end)
            if shown is not None:
                found[name] = shown
        return found


class _SoundBuffer:
    """Buffer of the most recent sound of a stream."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self._first = 0
        self._samples: Float32Array = np.zeros((2, 0), np.float32)

    def passing(self, blocks: Iterable[Float32Array]) -> Iterator[Float32Array]:
        for block in blocks:
            self._samples = np.concatenate([self._samples, block], axis=1)
            yield block

    def window(self, begin: float, end: float) -> Float32Array:
        """Samples between two times, as far as they exist; earlier samples are discarded."""
        start, stop = round(begin * self.rate), round(end * self.rate)
        if start < self._first:
            raise ValueError(f"windows must be requested in order; the sound before sample {self._first} is gone")
        self._samples, self._first = self._samples[:, start - self._first :], start
        return self._samples[:, : stop - start]


class _PictureTokens:
    """Token maps of the pictures of a video, each picture encoded once."""

    def __init__(self, token_encoder: TokenEncoder, video: Path | None, *, mirrored: bool) -> None:
        assert video is not None
        self._token_encoder, self._mirrored = token_encoder, mirrored
        self._reader = iter(PictureReader(video, token_encoder.rate))
        self._maps: list[TokenMap] = []
        self._next: tuple[float, NDArray[np.uint8]] | None = None

    def window(self, begin: float, end: float) -> TokenMap | None:
        """Tokens of the pictures between two times, counted from `begin`; None if there are none."""
        self._encode_until(end)
        self._maps = [one for one in self._maps if one.times[0] >= begin - _SLACK]
        inside = [one for one in self._maps if one.times[0] < end - _SLACK]
        if not inside:
            return None
        tokens = np.concatenate([one.tokens for one in inside])
        times = np.concatenate([one.times for one in inside]) - begin
        return replace(inside[0], tokens=tokens, times=times)

    def _encode_until(self, end: float) -> None:
        fresh: list[tuple[float, NDArray[np.uint8]]] = []
        while True:
            if self._next is None:
                picture = next(self._reader, None)
                if picture is None:
                    break
                rgb = np.ascontiguousarray(picture.rgb[:, ::-1]) if self._mirrored else picture.rgb
                self._next = picture.time, rgb
            if self._next[0] >= end - _SLACK:
                break
            fresh.append(self._next)
            self._next = None
        if fresh:
            encoder = cast(PictureEncoder, self._token_encoder.encoder)
            times = np.array([time for time, _ in fresh])
            made = encoder.encode(np.stack([rgb for _, rgb in fresh]), times, self._token_encoder.horizontal_fov_deg)
            self._maps += [
                replace(made, tokens=made.tokens[index : index + 1], times=made.times[index : index + 1])
                for index in range(len(made))
            ]
