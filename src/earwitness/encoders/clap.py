"""CLAP: language-aligned audio tokens, taken before pooling so that they keep their time resolution.

Source: Y. Wu et al.: Large-scale contrastive language-audio pretraining (ICASSP 2023), the unfused HTSAT variant, as
implemented by `ClapModel` of `transformers`. The input is a 10-s window at 48 kHz: a log-mel spectrogram of 1001
frames, stretched to 1024. The last feature map has 32 time steps, each of which covers 32 of these frames.

Unlike the feature extractor of `transformers`, this one is deterministic: longer sound is split into consecutive
windows, and a partial window is always padded in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from earwitness.core.errors import EncoderError, first_line
from earwitness.encoders.encoder_input import as_channels, sound_map
from earwitness.encoders.pretrained import Pretrained
from earwitness.encoders.protocol import SoundChannel, SoundSettings, TokenMap
from earwitness.encoders.weights.weight_files import refuse_other_settings
from earwitness.features.mel import hz_to_mel, mel_matrix, mel_to_hz

RATE: Final = 48_000
WINDOW_SECONDS: Final = 10
STEPS: Final = 32
_WINDOW: Final = RATE * WINDOW_SECONDS
_FFT: Final = 1024
_HOP: Final = 480
_FRAMES: Final = _WINDOW // _HOP + 1
_STRETCHED: Final = 1024
_MELS: Final = 64
_POWER_FLOOR: Final = 1e-10
_LOWEST, _HIGHEST = 50.0, 14_000.0
_EXPECTED: Final[dict[str, Any]] = {  # fused models use another mel scale
    "sampling_rate": RATE, "fft_window_size": _FFT, "hop_length": _HOP, "feature_size": _MELS,
    "truncation": "rand_trunc",
}  # fmt: skip


class ClapSettings(SoundSettings):
    """Settings of CLAP.

    Attributes:
        projected: return the 512-dimensional projection into the joint audio-text space instead of the 768 features
            before it.
        padding: how to pad a partial window: repeat the sound, as in the training of the model, or append zeros.
    """

    projected: bool = False
    padding: Literal["repeat", "zero"] = "repeat"


class Clap(Pretrained[ClapSettings]):
    """CLAP's audio tower as a sound encoder."""

    name: Final = "clap"
    modality: Final[Literal["sound"]] = "sound"
    _settings_class = ClapSettings
    _model_class = "ClapAudioModelWithProjection"
    _preprocessing = "feature_extractor"
    _revision = 1

    @property
    def channels(self) -> tuple[SoundChannel, ...]:
        """Channels that are encoded."""
        return self.settings.channels

    def _use_model(self, model: Any, folder: Path) -> int:
        config = model.config
        if config.enable_fusion or config.num_mel_bins != _MELS or config.spec_size**2 != _MELS * _STRETCHED:
            raise EncoderError(f"{folder}: not an unfused CLAP model; use laion/clap-htsat-unfused")
        self._model = model
        return int(config.projection_dim if self.settings.projected else config.hidden_size)

    def _use_preprocessing(self, path: Path | None, settings: dict[str, Any]) -> None:
        self._band = _band(path, settings)

    def encode(self, stereo: NDArray[np.float32], rate: int) -> TokenMap:
        """Encode a segment of sound; see `protocol.SoundEncoder`. One token every 10 / 32 s."""
        return self.encode_batch([stereo], rate)[0]

    def encode_batch(self, windows: Sequence[NDArray[np.float32]], rate: int) -> list[TokenMap]:
        """Encode several segments; their windows and channels are processed in batches."""
        pieces = [_cut(as_channels(window, rate, RATE, self.channels), self.settings.padding) for window in windows]
        tokens = self._run(np.concatenate([piece.sound for piece in pieces]))
        maps, start = [], 0
        for piece in pieces:
            count = len(piece.sound)
            # (windows, channels, steps, D) to (steps, channels, D), without the steps that cover only padding.
            whole = tokens[start : start + count].reshape(-1, len(self.channels), STEPS, self.dim)
            steps = whole.transpose(0, 2, 1, 3).reshape(-1, len(self.channels), self.dim)
            maps.append(sound_map(steps[: piece.times.size], piece.times, self.channels))
            start += count
        return maps

    def _run(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tokens (n, 32, D) of complete windows (n, 480,000)."""
        import torch

        parts = []
        for start in range(0, len(sound), self._batch):
            mels = np.stack([log_mel(one, self._band) for one in sound[start : start + self._batch]])
            with torch.inference_mode():
                output = self._model.audio_model(torch.from_numpy(mels[:, None]).to(self._device))
                tokens = output.last_hidden_state.mean(dim=2).transpose(1, 2)
                if self.settings.projected:
                    tokens = self._model.audio_projection(tokens)
            parts.append(tokens.float().cpu().numpy())
        return np.concatenate(parts)


class _Windows(NamedTuple):
    """A segment of sound, split into complete windows.

    Attributes:
        sound: (windows * channels, 480,000); the channels of a window are adjacent.
        times: (T,) seconds, centres of the steps within the sound.
    """

    sound: NDArray[np.float32]
    times: NDArray[np.float64]


def _cut(channels: NDArray[np.float32], padding: Literal["repeat", "zero"]) -> _Windows:
    """Split sound (C, n) at 48 kHz into windows; the last one is padded."""
    samples = channels.shape[1]
    count = -(-samples // _WINDOW)
    full = np.zeros((channels.shape[0], count * _WINDOW), dtype=np.float32)
    full[:, :samples] = channels
    last = channels[:, (count - 1) * _WINDOW :]
    if padding == "repeat":
        # Complete repetitions, then zeros, as in the training of the model.
        whole = np.tile(last, _WINDOW // last.shape[1])
        full[:, (count - 1) * _WINDOW : (count - 1) * _WINDOW + whole.shape[1]] = whole
    times = (np.arange(count)[:, None] * WINDOW_SECONDS + step_times()).ravel()
    inside = max(1, int(np.searchsorted(times, samples / RATE)))
    return _Windows(full.reshape(-1, count, _WINDOW).swapaxes(0, 1).reshape(-1, _WINDOW), times[:inside])


def step_times() -> NDArray[np.float64]:
    """Centres (32,) of the steps of a window, seconds."""
    # Frame f is centred on f hops; stretching moves it to f (1023 / 1000), with both ends fixed.
    middles = (np.arange(STEPS) + 0.5) * (_STRETCHED / STEPS) - 0.5
    return np.asarray(middles * (_FRAMES - 1) / (_STRETCHED - 1) * _HOP / RATE)


def log_mel(sound: NDArray[np.float32], band: tuple[float, float] = (_LOWEST, _HIGHEST)) -> NDArray[np.float32]:
    """CLAP's spectrogram (1001, 64) in dB of a complete window (480,000,) at 48 kHz, with reflection padding."""
    padded = np.pad(sound.astype(np.float64), _FFT // 2, mode="reflect")
    frames = sliding_window_view(padded, _FFT)[::_HOP]
    spectrum = np.fft.rfft(frames * np.hanning(_FFT + 1)[:-1])
    power = np.square(np.abs(spectrum)) @ _filters(*band)
    return np.asarray(10 * np.log10(np.maximum(power, _POWER_FLOOR)), dtype=np.float32)


@lru_cache(maxsize=4)
def _filters(low: float, high: float) -> NDArray[np.float64]:
    """Slaney's triangular filters, each normalised to an area of 1: (513, 64)."""
    edges = mel_to_hz(np.linspace(hz_to_mel(low), hz_to_mel(high), _MELS + 2))
    return np.asarray(mel_matrix(RATE, _FFT, _MELS, low, high) * (2 / (edges[2:] - edges[:-2])))


def _band(path: Path | None, settings: dict[str, Any]) -> tuple[float, float]:
    """Lowest and highest frequency in Hz: those of the preprocessor if it was saved, else the published model's."""
    refuse_other_settings(path, settings, _EXPECTED)
    try:
        low, high = (
            float(settings.get(name, value))
            for name, value in (("frequency_min", _LOWEST), ("frequency_max", _HIGHEST))
        )
    except (ValueError, TypeError, OverflowError) as error:
        raise EncoderError(f"{path}: cannot be read ({first_line(error)})") from error
    if not 0 <= low < high <= RATE / 2:
        raise EncoderError(f"{path}: frequency_min {low:g} and frequency_max {high:g} must rise within 0..{RATE // 2}")
    return low, high
