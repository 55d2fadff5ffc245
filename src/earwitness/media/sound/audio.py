"""Reads stereo audio from any media file in blocks, placed by time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer

from earwitness.core.errors import NotStereoError
from earwitness.media.containers.container import audio_streams, open_media
from earwitness.media.containers.media_limits import MediaLimits
from earwitness.media.containers.sound_tracks import (
    TRUNCATED_SECONDS,
    Track,
    choose_track,
    declared_end,
    mono_advice,
    trailing_data_warning,
    unfilled_end,
)
from earwitness.media.sound.conversion import Layout, StereoArray, StreamResampler, joined_channels
from earwitness.media.sound.decode import (
    BLOCK_SECONDS,
    Sound,
    SoundDecoder,
    Tap,
    channel_facts,
    join,
    mark_last,
    silence,
    without_padding,
)
from earwitness.media.timeline import SampleClock, Stretch, describe_stretches

DEFAULT_RATE: Final = 24_000
DUAL_MONO_DIFFERENCE: Final = 1e-3
"""Below this ratio of peak |L - R| to the peak level (-60 dB), both channels count as identical."""
_MONO_JOIN_SECONDS: Final = 0.1
MONO: Final = "mono"
"""Reason of the stretches in which the track has only one channel."""


class AudioReader:
    """Iterates over blocks of (2, n) float32 at `rate`, about a second each; memory use does not depend on the length.

    Sample i of the concatenated blocks lies i / rate seconds after the container's start: a late start and gaps in the
    time stamps become silence, overlaps are cut, and corrupt packets are replaced by silence. Layouts with more than
    two channels are mixed down (`downmix.stereo_matrix`), ambisonics is converted to two cardioids, and mono sections
    are delivered on both channels. Each iteration reads the file from the beginning and resets the statistics, which
    are complete when it ends.

    Attributes:
        track: the track that is read, or two mono tracks: left and right.
        tracks: number of audio tracks in the file.
        source_rate, layout: sample rate and channel layout as decoded, which can differ from the declared ones.
        channels: interpretation of the channels: "foa" or "fuma" (ambisonics), else "surround".
        start_seconds: silence before the first frame.
        gap_seconds, gaps: total length and number of the gaps that were filled with silence.
        corrupt_packets: number of packets that could not be decoded.
        damaged_samples: number of NaN, infinite or far too large samples, which were set to 0.
        channel_difference: peak of |L - R| relative to the peak level; 0 while silent.
        samples: number of samples at `rate` delivered so far.
        undirected: stretches in which the sound carries no direction, in order of time. The list object stays the same,
            and grows while the file is read.
        warnings: warnings about the file for the user.
        tap: receives the original channels of each frame, (channels, n), before downmix and resampling.
    """

    def __init__(
        self,
        path: str | Path,
        rate: int = DEFAULT_RATE,
        mono: Literal["error", "allow"] = "error",
        track: Track | None = None,
        swap: bool = False,
        layout: Layout = "auto",
    ) -> None:
        """Open the file and decode its first frame, or more frames if it has four channels or starts in mono.

        Args:
            path: a video or audio file.
            rate: samples per second of the output.
            mono: whether a track that is mono throughout raises an error, or is delivered on both channels.
            track: audio track, from 0, or two mono tracks: left and right; None selects the default track.
            swap: exchange left and right.
            layout: interpretation of the channels, if the file declares none or a wrong one.

        Raises:
            UnreadableMediaError: the file cannot be opened, or none of its audio can be decoded.
            NoAudioError: there is no such audio track.
            NotStereoError: the track is mono and `mono` is "error".
            MediaLimitError: the audio exceeds the limits (`MediaLimits`).
        """
        self.path, self.rate, self.swap = Path(path), rate, swap
        self._limits = MediaLimits.from_environment()
        self.undirected: list[Stretch] = []
        self.tap: Tap | None = None
        with open_media(self.path) as container:
            streams = audio_streams(container)
            self.track, chosen = choose_track(self.path, streams, track)
            self.tracks = len(streams)
            stream = self._stream(container)
            find_stereo = mono == "error" and isinstance(self.track, int)
            facts = channel_facts(self.path, container, stream, layout, find_stereo=find_stereo)
            if facts.mono and find_stereo:
                raise NotStereoError(
                    f"{self.path}: its sound is mono and carries no direction; allow mono for events without one"
                    f"{mono_advice(streams)}"
                )
        self.source_rate, self.layout, self.channels = facts.rate, facts.name, facts.layout
        self._starts_mono, self._certain = facts.mono and isinstance(self.track, int), facts.certain
        self._notes = [note for note in (chosen, facts.note) if note]
        self._reset()

    def __iter__(self) -> Iterator[StereoArray]:
        """Blocks of (2, n) float32, n > 0."""
        self._reset()
        if not isinstance(self.track, int):
            yield from self._joined(*self.track)
            return
        with open_media(self.path) as container:
            resampler: StreamResampler | None = None
            rate = 0
            for rate_in, block in self._blocks(container, self._stream(container)):
                if resampler is None or rate_in != rate:
                    if resampler is not None:
                        yield from self._deliver(resampler.finish())
                    resampler, rate = StreamResampler(rate_in, self.rate), rate_in
                yield from self._deliver(resampler.push(block))
            if resampler is not None:
                yield from self._deliver(resampler.finish())

    @property
    def duration(self) -> float:
        """Seconds delivered so far."""
        return self.samples / self.rate

    @property
    def channel_difference(self) -> float:
        """Peak of |L - R| relative to the peak level, so far."""
        return self._peak_difference / self._peak if self._peak > 0 else 0.0

    @property
    def dual_mono(self) -> bool:
        """Whether both channels of a stereo track have been identical so far."""
        return self._peak > 0 and self.channel_difference < DUAL_MONO_DIFFERENCE

    @property
    def mono(self) -> bool:
        """Whether all frames so far had one channel."""
        return self._mono

    @property
    def directional(self) -> bool:
        """Whether the sound carries directions: neither mono nor dual mono so far."""
        return not (self._mono or self.dual_mono)

    def _reset(self) -> None:
        self.start_seconds = self.gap_seconds = 0.0
        self.gaps = self.corrupt_packets = self.damaged_samples = self.samples = 0
        self._peak = self._peak_difference = 0.0
        self._mono = self._starts_mono
        self.undirected.clear()
        self.warnings: list[str] = [*self._notes]
        if not self._certain:
            self.undirected.append(Stretch(0.0, float("inf"), "channels that may be ambisonic"))

    def _stream(self, container: InputContainer) -> AudioStream:
        first = self.track if isinstance(self.track, int) else self.track[0]
        stream = audio_streams(container)[first]
        stream.codec_context.thread_count = 1
        return stream

    def _joined(self, left: int, right: int) -> Iterator[StereoArray]:
        """Two mono tracks as left and right channel."""
        sides = [AudioReader(self.path, self.rate, "allow", track) for track in (left, right)]
        for side in sides:
            side.tap = None if self.tap is None else self.tap.part()
        for block in joined_channels(*(sides[::-1] if self.swap else sides)):
            yield from self._deliver(self._measured(block))
        for side in sides:
            self.gaps, self.gap_seconds = self.gaps + side.gaps, self.gap_seconds + side.gap_seconds
            self.corrupt_packets += side.corrupt_packets
            self.damaged_samples += side.damaged_samples
            for warning in side.warnings:
                self._warn(f"track {side.track}: {warning}")
        self.start_seconds = min(side.start_seconds for side in sides)

    def _blocks(self, container: InputContainer, stream: AudioStream) -> Iterator[tuple[int, StereoArray]]:
        """Blocks of about a second at the source's sample rate, with gaps filled."""
        end = declared_end(container, stream)
        decoder = SoundDecoder(
            self.path, container, stream, self.channels, swap=self.swap, warn=self._warn, tap=self.tap
        )
        clock = SampleClock(self.source_rate)
        parts: list[StereoArray] = []
        held = 0
        for sound, last in mark_last(iter(decoder)):
            if sound.rate != clock.rate:
                yield from join(clock.rate, parts)
                clock.change_rate(sound.rate)
                held = 0
            stereo = without_padding(sound, end) if last else sound.stereo
            placed = clock.place(sound.start, stereo.shape[1], exact=sound.after_loss)
            if placed.silence:
                self._check_filled(clock)
                yield from silence(clock.rate, placed.silence, parts)
                held = sum(part.shape[1] for part in parts)
            part = self._measured(stereo[:, placed.skip :])
            self._note_mono(sound, clock, part.shape[1])
            parts.append(part)
            held += part.shape[1]
            if held >= clock.rate * BLOCK_SECONDS:
                yield from join(clock.rate, parts)
                held = 0
        if decoder.lost_until is not None:
            missing = clock.pad_to(decoder.lost_until)
            self._check_filled(clock)
            yield from silence(clock.rate, missing, parts)
        yield from join(clock.rate, parts)
        self._report(clock, decoder, end, container)

    def _check_filled(self, clock: SampleClock) -> None:
        filled = clock.start_samples + clock.gap_samples
        self._limits.check_filled(self.path, filled / clock.rate, (clock.position - filled) / clock.rate)

    def _note_mono(self, sound: Sound, clock: SampleClock, samples: int) -> None:
        """Record the stretches in which the audio has one channel."""
        if not sound.mono:
            self._mono = False
            return
        if not samples:
            return
        begin, end = (clock.position - samples) / clock.rate, clock.position / clock.rate
        last = self.undirected[-1] if self.undirected else None
        if last is not None and last.reason == MONO and begin - last.end < _MONO_JOIN_SECONDS:
            self.undirected[-1] = Stretch(last.start, end, MONO)
        else:
            self.undirected.append(Stretch(begin, end, MONO))

    def _report(
        self, clock: SampleClock, decoder: SoundDecoder, declared: Fraction | None, container: InputContainer
    ) -> None:
        self.start_seconds, self.gap_seconds = clock.start_samples / clock.rate, clock.gap_samples / clock.rate
        self.gaps, self.corrupt_packets = clock.gaps, decoder.corrupt_packets
        self.damaged_samples = decoder.damaged_samples
        if clock.gaps:
            self._warn(f"{clock.gaps} gaps of {self.gap_seconds:.2f} s in total were filled with silence")
        if clock.restarts:
            self._warn(f"the time stamps of the sound jump {clock.restarts} times; later times may be wrong")
        mono = [stretch for stretch in self.undirected if stretch.reason == MONO]
        if mono and not self._mono:
            self._warn(describe_stretches(mono))
        end = clock.position / clock.rate
        warning = trailing_data_warning(self.path, container, decoder.read_bytes, end)
        if warning:
            self._warn(warning)
            return
        until = unfilled_end(self.path, container, end) if declared is None else float(declared)
        if until - end > TRUNCATED_SECONDS and not clock.restarts:
            self._warn(f"the file is truncated: sound ends at {end:.1f} s of {until:.1f} s")

    def _measured(self, stereo: StereoArray) -> StereoArray:
        if stereo.shape[1]:
            self._peak = max(self._peak, float(np.abs(stereo).max()))
            self._peak_difference = max(self._peak_difference, float(np.abs(stereo[0] - stereo[1]).max()))
        return stereo

    def _deliver(self, block: StereoArray) -> Iterator[StereoArray]:
        if block.shape[1]:
            self.samples += block.shape[1]
            yield np.ascontiguousarray(block)

    def _warn(self, message: str) -> None:
        if message not in self.warnings:
            self.warnings.append(message)


def read_audio(
    path: str | Path,
    rate: int = DEFAULT_RATE,
    mono: Literal["error", "allow"] = "error",
    track: Track | None = None,
    swap: bool = False,
) -> StereoArray:
    """Read all audio of a file as (2, N) float32 at `rate`; arguments and errors as for `AudioReader`."""
    blocks = list(AudioReader(path, rate, mono, track, swap))
    return np.concatenate(blocks, axis=1) if blocks else np.zeros((2, 0), np.float32)
