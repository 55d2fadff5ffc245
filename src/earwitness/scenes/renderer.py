"""Renders scene recipes: dry sounds convolved with RIRs for a stereo microphone, a diffuse bed, and labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import fft, signal

from earwitness.core.errors import BankError
from earwitness.core.events import FRAME_SECONDS, EventTable
from earwitness.core.geometry import DCASE_CAMERA, Camera, fold, rotate_view, wrap
from earwitness.core.vocabulary import DCASE2025, Vocabulary
from earwitness.scenes.acoustics.convolver import BlockConvolver
from earwitness.scenes.acoustics.microphone_response import capture_bed, capture_rir, direct_part
from earwitness.scenes.acoustics.microphones import microphone_called
from earwitness.scenes.acoustics.rir_pool import RirPool
from earwitness.scenes.bank.sound_bank import INTERFERENCE, SoundBank, event_blocks, sound_frames
from earwitness.scenes.scene import SAMPLE_RATE, TONE_KNOTS_HZ, EventRecipe, Scene, SceneRecipe, SourceTrack

FloatArray = NDArray[np.float32]

FULL_SCALE: Final = 0.9999
"""Peak of a scene at 0 dB gain; DCASE rejects clips above it."""
_EDGE: Final = 64
"""Input samples after the last one needed, so that edge effects of the resampler are cut off."""
_FADE_SAMPLES: Final = SAMPLE_RATE // 25
"""Fade-out of a truncated sound: 40 ms."""
_PREROLL_SECONDS: Final = 0.6
"""Sound before the scene is rendered for this long, since its reverberation is audible in the scene."""


class _Piece(NamedTuple):
    rir: int
    dry: FloatArray
    start: int
    event: EventRecipe


class SceneRenderer:
    """Renders recipes; it is stateless, so that a recipe always gives the same samples."""

    def __init__(self, bank: SoundBank, pool: RirPool) -> None:
        self.bank = bank
        self.pool = pool

    def render(self, recipe: SceneRecipe, *, noise: bool = True, direct: bool = False) -> Scene:
        """Render sound (2, samples) at 24 kHz and labels at 10 frames per second, optionally without noise.

        Args:
            recipe: of the scene.
            noise: whether to add the bed and the noise of the microphone.
            direct: also render the direct sound of the labelled sources: what their RIRs hold up to 2.5 ms after its
                arrival. Everything else is the same without it.

        Raises:
            BankError: the recipe was made with another bank or pool.
        """
        self._check(recipe)
        samples = round(recipe.seconds * SAMPLE_RATE)
        captured = self._captured(recipe, samples)
        mid_side = self._convolved(recipe, captured, samples)
        near = _stereo(self._convolved(recipe, self._direct(captured), samples)) if direct else None
        if noise:
            mid_side += self._bed(recipe, samples)
        audio = _stereo(mid_side)
        if noise:
            audio += _hiss(recipe, samples)
        if recipe.flaws is not None:
            audio *= recipe.flaws.channel_gains
        gain = _gain(audio, recipe)
        audio *= gain
        if near is not None:
            near *= gain if recipe.flaws is None else gain * recipe.flaws.channel_gains
        tracks = self.tracks(recipe)
        table = labels(tracks, round(recipe.seconds / FRAME_SECONDS), recipe.camera, self.bank.vocabulary)
        return Scene(recipe, audio, table, tracks, near)

    def tracks(self, recipe: SceneRecipe) -> tuple[SourceTrack, ...]:
        """Positions and activity of the sources of `recipe`; needs no rendering."""
        return tuple(self._track(event, recipe) for event in recipe.events)

    def stems(self, recipe: SceneRecipe) -> tuple[list[FloatArray], FloatArray]:
        """The parts whose sum is the scene: each event with reverberation, and the noise; (2, samples) each.

        Raises:
            BankError: the recipe was made with another bank or pool.
        """
        self._check(recipe)
        samples = round(recipe.seconds * SAMPLE_RATE)
        alone = [replace(recipe, events=(event,)) for event in recipe.events]
        events = [_stereo(self._convolved(one, self._captured(one, samples), samples)) for one in alone]
        noise = _stereo(self._bed(recipe, samples)) + _hiss(recipe, samples)
        channel_gains = np.float32(1) if recipe.flaws is None else recipe.flaws.channel_gains
        gain = channel_gains * _gain(channel_gains * np.sum([*events, noise], axis=0), recipe)
        return [event * gain for event in events], noise * gain

    def _check(self, recipe: SceneRecipe) -> None:
        rirs = [index for event in recipe.events for index in event.rirs]
        other = bool(recipe.pool and self.pool.name) and recipe.pool != self.pool.name
        if (
            other
            or recipe.room >= len(self.pool.rooms)
            or any(index >= len(self.pool) or self.pool.room[index] != recipe.room for index in rirs)
        ):
            raise BankError(
                f"the recipe was made with other rooms ({recipe.pool or 'unnamed'}): use the rooms of its data set"
            )

    def dry(self, event: EventRecipe, needed: int | None = None) -> FloatArray:
        """Anechoic sound of an event at 1 m and at its level: (n,); stops after `needed` samples or slightly more."""
        parts: list[FloatArray] = []
        for number, name in enumerate(event.sounds):
            missing = None if needed is None else needed - sum(part.size for part in parts)
            if missing is not None and missing <= 0:
                break
            cut = None if missing is None else int((missing + _EDGE) * event.speed) + 1
            sound = self.bank.samples(name, end=cut)
            if event.speed != 1.0:
                sound = soxr.resample(sound, SAMPLE_RATE * event.speed, SAMPLE_RATE, quality="LQ")
            if parts:
                parts.append(np.zeros(round(event.pause(number - 1) * SAMPLE_RATE), dtype=np.float32))
            parts.append(_cut(sound, event.cut(number)))
        rms = float(np.sqrt(np.mean([self.bank.loudness(name) ** 2 for name in event.sounds])))
        dry = np.concatenate(parts)
        dry *= np.float32(10 ** (event.level_db / 20) / max(rms, 1e-9))
        return dry

    def _captured(self, recipe: SceneRecipe, samples: int) -> list[tuple[_Piece, FloatArray]]:
        """The pieces of all events of a scene, each with its RIR as mid and side."""
        pieces = [piece for event in recipe.events for piece in self._pieces(event, samples)]
        microphone = microphone_called(recipe.microphone)
        return [(piece, capture_rir(microphone, self.pool, piece.rir, recipe.view_deg)) for piece in pieces]

    def _direct(self, captured: list[tuple[_Piece, FloatArray]]) -> list[tuple[_Piece, FloatArray]]:
        """The labelled pieces with the direct sound of their RIRs."""
        return [
            (piece, direct_part(rir, self.pool.arrival(piece.rir)))
            for piece, rir in captured
            if piece.event.kind != INTERFERENCE
        ]

    def _convolved(self, recipe: SceneRecipe, captured: list[tuple[_Piece, FloatArray]], samples: int) -> FloatArray:
        """Pieces convolved with their RIRs, as mid and side (2, samples)."""
        if not captured:
            return np.zeros((2, samples), dtype=np.float32)
        rirs = [rir for _, rir in captured]
        longest = max(rir.shape[1] for rir in rirs)
        convolver = BlockConvolver(samples, longest, round(_PREROLL_SECONDS * SAMPLE_RATE))
        responses: dict[EventRecipe, NDArray[np.complex64]] = {}
        for (piece, _), response in zip(captured, convolver.responses(rirs), strict=True):
            if piece.event not in responses:
                responses[piece.event] = _source_response(piece.event, response.shape[1])
            response *= responses[piece.event]
            if recipe.flaws is not None:
                response *= recipe.flaws.towards(self._azimuth(piece.rir, recipe.view_deg), _bins(response.shape[1]))
            convolver.add(piece.dry, piece.start, response)
        return convolver.result()

    def _azimuth(self, rir: int, view_deg: float) -> float:
        ahead, left, _ = self.pool.position[rir].astype(np.float64)
        return float(np.degrees(np.arctan2(left, ahead))) + view_deg

    def _pieces(self, event: EventRecipe, samples: int) -> Iterator[_Piece]:
        """The dry sound for each RIR of an event; for moving sources, cross-faded between neighbouring RIRs."""
        start = round(event.onset * SAMPLE_RATE)
        if start >= samples:
            return
        skipped = max(0, -start - round(_PREROLL_SECONDS * SAMPLE_RATE))
        dry = self.dry(event, samples - start)[skipped : samples - start]
        start += skipped
        if len(event.rirs) == 1:
            yield _Piece(event.rirs[0], dry, start, event)
            return
        position = self._path_position(event, (np.arange(dry.size) + skipped) / SAMPLE_RATE)
        for point, rir in enumerate(event.rirs):
            on = _within(position, point)
            if on.stop > on.start:
                weight = np.maximum(1 - np.abs(position[on] - point), 0).astype(np.float32)
                yield _Piece(rir, dry[on] * weight, start + on.start, event)

    def _path_position(self, event: EventRecipe, time: NDArray[np.float64]) -> NDArray[np.float64]:
        """Position on the path, in points, at `time` seconds after the onset; sources stop at the ends of the path."""
        return np.clip(event.path_start + event.path_speed * time, 0, len(event.rirs) - 1)

    def _bed(self, recipe: SceneRecipe, samples: int) -> FloatArray:
        """Diffuse bed as mid and side (2, samples): W and Y' are uncorrelated, Y' has a third of the power of W."""
        noise = recipe.noise
        if noise.sound is not None:
            shift, length = round(noise.start * SAMPLE_RATE), self.bank.size(noise.sound)
            # The same background, shifted by half its length, is the uncorrelated side signal.
            bed = np.stack([self._repeated(noise.sound, shift + lag, samples) for lag in (0, length // 2)])
        else:
            rng = np.random.default_rng(noise.seed)
            bed = _coloured(rng.standard_normal((2, samples), dtype=np.float32), noise.slope_db)
        for channel, share in zip(bed, (1.0, 1 / 3), strict=True):
            rms = float(np.sqrt(np.dot(channel, channel) / samples))
            channel *= np.float32(np.sqrt(share) * 10 ** (noise.level_db / 20) / max(rms, 1e-9))
        captured = capture_bed(microphone_called(recipe.microphone), bed)
        if recipe.flaws is not None:
            side = fft.rfft(captured[1])
            side *= recipe.flaws.pattern(_bins(side.size))
            captured[1] = fft.irfft(side, samples)
        return captured

    def _repeated(self, name: str, start: int, samples: int) -> FloatArray:
        """A sound of the bank from sample `start` on, repeated as needed: (samples,)."""
        size = self.bank.size(name)
        start %= size
        parts = [self.bank.samples(name, start, start + samples)]
        missing = samples - parts[0].size
        if missing > 0:
            parts.append(np.resize(self.bank.samples(name, end=missing), missing))
        return np.concatenate(parts)

    def _track(self, event: EventRecipe, recipe: SceneRecipe) -> SourceTrack:
        frames = round(recipe.seconds / FRAME_SECONDS)
        points = self.pool.position[list(event.rirs)].astype(np.float64)
        if len(event.rirs) > 1:
            time = (np.arange(frames) + 0.5) * FRAME_SECONDS - event.onset
            place = self._path_position(event, np.maximum(time, 0))
            points = np.stack([np.interp(place, np.arange(len(points)), points[:, axis]) for axis in range(3)], axis=1)
        else:
            points = np.repeat(points, frames, axis=0)
        ahead, left, up = points.T
        return SourceTrack(
            kind=event.kind,
            active=sound_frames(event_blocks(self.bank, event), event.onset, recipe.seconds),
            azimuth=rotate_view(np.degrees(np.arctan2(left, ahead)), recipe.view_deg).astype(np.float64),
            elevation=np.degrees(np.arctan2(up, np.hypot(ahead, left))),
            distance=np.linalg.norm(points, axis=1),
        )


def labels(
    tracks: tuple[SourceTrack, ...],
    num_frames: int,
    camera: Camera = DCASE_CAMERA,
    vocabulary: Vocabulary = DCASE2025,
) -> EventTable:
    """The DCASE labels of a scene: whole degrees, whole centimetres, on screen by the field of view of the camera.

    Sources of a class are numbered in the order of the recipe; interference is not labelled.
    """
    tables = [EventTable.empty(num_frames, vocabulary)]
    numbers: dict[str, int] = {}
    for track in tracks:
        if track.kind == INTERFERENCE:
            continue
        source = numbers.get(track.kind, 0)
        numbers[track.kind] = source + 1
        frame = np.flatnonzero(track.active)
        azimuth = wrap(np.rint(track.azimuth[frame]))
        table = EventTable.from_mapping(
            {
                "frame": frame,
                "class_index": vocabulary.by_slug(track.kind).index,
                "source": source,
                "azimuth": fold(azimuth),
                "distance": track.distance[frame],
                "onscreen": camera.sees(azimuth, np.rint(track.elevation[frame])),
                "score": 1.0,
            },
            num_frames,
            vocabulary,
        )
        tables.append(table.rounded())
    return EventTable.concatenate(tables, num_frames)


def _cut(sound: FloatArray, seconds: float) -> FloatArray:
    """The first `seconds` of a sound; a longer sound is faded out."""
    if sound.size <= seconds * SAMPLE_RATE:
        return sound
    kept = sound[: round(seconds * SAMPLE_RATE)].copy()
    fade = min(_FADE_SAMPLES, kept.size)
    kept[kept.size - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return kept


def _stereo(mid_side: FloatArray) -> FloatArray:
    """Left and right from mid and side."""
    return np.stack([mid_side[0] + mid_side[1], mid_side[0] - mid_side[1]])


def _gain(audio: FloatArray, recipe: SceneRecipe) -> np.float32:
    peak = max(float(audio.max()), -float(audio.min()))
    return np.float32(FULL_SCALE * 10 ** (recipe.gain_db / 20) / max(peak, 1e-9))


def _within(position: NDArray[np.float64], point: int) -> slice:
    """Samples in which a source with monotonic `position` is less than one point away from `point`."""
    backwards = bool(position.size) and position[-1] < position[0]
    ordered = position[::-1] if backwards else position
    first, last = np.searchsorted(ordered, point - 1, "right"), np.searchsorted(ordered, point + 1, "left")
    if backwards:
        first, last = position.size - last, position.size - first
    return slice(int(first), int(last))


def _source_response(event: EventRecipe, bins: int) -> NDArray[np.complex64]:
    """Response (bins,) of a source: gains in dB at TONE_KNOTS_HZ, interpolated over log-frequency, and band limits."""
    # 256 points suffice for a curve of six knots and gentle slopes, and are faster than evaluating each bin.
    coarse = np.linspace(0, 1, 256) ** 2
    gain = np.interp(np.log(coarse * SAMPLE_RATE / 2 + 1), np.log(TONE_KNOTS_HZ), event.tone_db)
    response: NDArray[np.floating | np.complexfloating] = 10 ** (gain / 20)
    if any(event.band_hz):
        response = response * _band_response(event.band_hz, coarse * SAMPLE_RATE / 2)
    return np.asarray(np.interp(np.arange(bins) / (bins - 1), coarse, response), dtype=np.complex64)


def _band_response(band_hz: tuple[float, float], frequency: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Response of Butterworth filters as in small devices: 12 dB per octave below the band, 36 dB above.

    The filters are minimum-phase: zero-phase filters would ring before the direct sound, beyond the block margins.
    """
    low, high = band_hz
    slopes = [signal.butter(2, low, "highpass", fs=SAMPLE_RATE, output="sos")] if low else []
    slopes += [signal.butter(6, high, "lowpass", fs=SAMPLE_RATE, output="sos")] if high else []
    passed = np.ones(frequency.size, dtype=np.complex128)
    for slope in slopes:
        passed *= signal.sosfreqz(slope, frequency, fs=SAMPLE_RATE)[1]
    return passed


def _bins(number: int) -> NDArray[np.float64]:
    """Frequencies of `number` bins from 0 Hz to half the sample rate."""
    return np.linspace(0, SAMPLE_RATE / 2, number)


def _coloured(white: FloatArray, slope_db: float) -> FloatArray:
    """Tilt white noise by `slope_db` per octave; flat below 50 Hz."""
    spectrum = fft.rfft(white, axis=1)
    frequency = np.maximum(fft.rfftfreq(white.shape[1], 1 / SAMPLE_RATE), 50.0)
    gain = (frequency / 50.0) ** (slope_db / (20 * np.log10(2)))
    return fft.irfft(spectrum * gain.astype(np.float32), white.shape[1], axis=1)


def _hiss(recipe: SceneRecipe, samples: int) -> FloatArray:
    noise = recipe.noise
    rng = np.random.default_rng(np.random.SeedSequence(noise.seed, spawn_key=(1,)))
    hiss = rng.standard_normal((2, samples), dtype=np.float32)
    hiss *= np.float32(10 ** (noise.hiss_db / 20))
    if recipe.flaws is not None:
        hiss *= recipe.flaws.noise_gains
    return hiss
