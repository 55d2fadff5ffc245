"""From a file to its sound events: the whole way of the data, in memory that does not grow with length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from earwitness import __version__
from earwitness.accddoa import decode
from earwitness.allocator import give_back
from earwitness.classes import NUM_CLASSES
from earwitness.errors import MediaError, NotStereoError, RecipeError
from earwitness.events import EventTable
from earwitness.geometry import DEFAULT_FOV_DEG
from earwitness.inference.card import file_sha256
from earwitness.inference.channel_stats import ChannelFigures, ChannelStats
from earwitness.inference.detection import (
    TURNED_OFF,
    Detection,
    ModelId,
    has_moving_pictures,
    off_screen,
    without_direction,
    without_direction_in,
)
from earwitness.inference.doctor import judge, warnings_of
from earwitness.inference.eyes import AUTO, Eyes, Sight, open_eyes
from earwitness.inference.feature_stream import label_frames
from earwitness.inference.flat_tops import FlatTops
from earwitness.inference.growing import GrowingEvents
from earwitness.inference.journal import stamp
from earwitness.inference.listener import Listening
from earwitness.inference.live import MERGE_DEG, LiveStream
from earwitness.inference.loading import Use, load
from earwitness.inference.models import DEFAULT_MODEL
from earwitness.inference.runtime import Device
from earwitness.media.ambisonics import Layout
from earwitness.media.audio import DUAL_MONO_DIFFERENCE, AudioReader
from earwitness.media.probe import MediaInfo, probe_pair
from earwitness.media.resample import resample
from earwitness.media.stretches import Stretch, not_within, sentence
from earwitness.media.tracks import Track, track_text
from earwitness.provenance import commit

Float32Array = NDArray[np.float32]

_TIDIED_EVERY: Final = 30
"""Batches of windows after which memory is given back: about ten minutes of sound."""
LONG_SECONDS: Final = 300.0
"""When a longer file has been heard, and again when it has been looked at, the memory of the models is given back:
loading them again takes half a second, and looking at, writing and drawing hours some memory of its own."""
CHANGED: Final = "the file changed while it was being heard: the events may be those of either state; hear it again"
HEARING_SHARE: Final = 0.2
"""Of the time for a file whose pictures are looked at too, what hearing takes."""


class Progress(Protocol):
    """Told how far a file is: seconds done, and seconds in all where they are known.

    Of a file that is heard and looked at, both have their share of the seconds.
    """

    def __call__(self, done: float, total: float | None) -> None:
        """Take note."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was heard, before it is known whether the channels carry direction: events as decoded, and figures.

    Attributes:
        table: events as decoded.
        figures: of the two channels.
        stretches: in which they cannot tell directions, by what they hold.
    """

    table: EventTable
    figures: ChannelFigures
    stretches: list[Stretch]


class Detector:
    """A model, ready to be used on any number of files.

    Args:
        listener: the model, or several that answer as one.
        model: which one it is.
        eyes: looks at the pictures of videos; None leaves it at the sound.
        blind: why there are no eyes.
    """

    def __init__(self, listener: Listening, model: ModelId, eyes: Eyes | None = None, blind: str = TURNED_OFF) -> None:
        self.card, self.model = listener.card, model
        self.eyes, self.blind = eyes, "" if eyes else blind
        self._listener = listener

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        device: Device = "auto",
        batch: int = 8,
        threads: int = 1,
        modalities: str | None = None,
        fov: float | None = None,
        vision: str | None = AUTO,
        keep_seen: bool = True,
    ) -> Detector:
        """Load a model or an ensemble.

        Args:
            model: a shipped model's name, an .onnx file with its card beside it, an .ensemble file, or several of them
                with commas; `mirror:` before a name has it hear left and right exchanged.
            device: what to compute on.
            batch: windows a call; the results do not depend on it.
            threads: of one call.
            modalities: for models that take semantic tokens: which to use, with commas, or `none`; None: all.
            fov: for models that look at pictures: the camera's horizontal field of view, degrees.
            vision: the visual detector that looks at videos; "auto" takes the light one where it is present, None none.
            keep_seen: whether what is seen in videos is kept in the user's cache, so that none is looked at twice.

        Raises:
            ModelError: there is no such model, it is damaged, or the device does not work.
            MissingWeightsError, MissingExtraError: a visual detector was asked for by name and is not there.
        """
        return cls(*load(model, Use(device, threads, batch, modalities, fov)), *open_eyes(vision, keep=keep_seen))

    def rest(self) -> None:
        """Give back the memory of the models (about 100 MB of the default one) until they are to hear or look again."""
        self._listener.rest()
        if self.eyes is not None:
            self.eyes.rest()
        give_back()

    def record(self) -> dict[str, Any]:
        """What decides its results, besides the settings of a call: version, commit, model and how it listens, eyes."""
        eyes = self.eyes.record() if self.eyes else None
        model = asdict(self.model) | self._listener.settings
        return {"version": __version__, "commit": commit(), "model": model, "vision": eyes}

    def detect(
        self,
        path: str | Path,
        progress: Progress | None = None,
        *,
        swap_channels: bool = False,
        allow_mono: bool = False,
        threshold: float | None = None,
        pictures: str | Path | None = None,
        track: Track | None = None,
        layout: Layout = "auto",
        growing: str | Path | None = None,
        fov: float = DEFAULT_FOV_DEG,
    ) -> Detection:
        """Find the sound events of a video or audio file.

        Args:
            progress: called about once a second of sound, and of pictures.
            swap_channels: left and right are exchanged in the file.
            allow_mono: take mono too; its events have no direction (NaN).
            threshold: 0..1, probability above which a class sounds; by default the card's, one a class.
            pictures: a file with the pictures that belong to the sound, where they are kept apart, as in DCASE's sets.
            track: which sound track of the file, from 0, or two mono ones: left and right; None takes the default one.
            layout: what its channels are, where the file does not say it or says it wrongly: "foa" (ambisonics, ambiX),
                "fuma" or "surround".
            growing: a file to write events to, as JSON lines, while the sound is still being heard (`GrowingEvents`).
            fov: horizontal field of view of the camera, degrees.

        Raises:
            MediaError: the file cannot be read, has no such track, or is mono without `allow_mono`.
        """
        begun, thresholds = time.perf_counter(), self._thresholds(threshold)
        media, before = probe_pair(path, pictures), stamp(Path(path))
        reader = AudioReader(path, self._rate, "allow" if allow_mono else "error", track, swap_channels, layout)
        listener = self._listener.at(media.picture_path if has_moving_pictures(media) else None)
        looks = self.eyes is not None and has_moving_pictures(media)
        reader.tap = FlatTops()
        blocks = _reporting(reader, media.duration or None, _part(progress, 0, HEARING_SHARE if looks else 1))
        with nullcontext() if growing is None else GrowingEvents(Path(growing), self.card.smoothing) as lines:
            heard = self._hear(blocks, thresholds, listener, lines, reader.undirected, reader.tap)
        sha256 = file_sha256(media.path)
        changed = [CHANGED] if stamp(media.path) != before else []
        return self._detection(
            heard,
            media=media,
            sha256=sha256,
            mono=reader.mono,  # which is not known before the end
            undirected=reader.undirected,
            warnings=[*reader.warnings, *changed],
            settings=self._settings(
                thresholds,
                swap_channels=swap_channels,
                allow_mono=allow_mono,
                track=reader.track,
                fov=fov,
                layout=layout,
            ),
            begun=begun,
            progress=_part(progress, HEARING_SHARE, 1),
        )

    def stream(
        self, rate: int, *, lookahead: float = 1.0, hop: float = 0.5, threshold: float | None = None
    ) -> LiveStream:
        """Begin to hear sound that is still going on; see `LiveStream`.

        Args:
            rate: samples per second that will be pushed.
            lookahead: seconds that the model hears beyond what it is asked about: more is surer and later.
            hop: seconds between two answers: less is sooner and costs more.
            threshold: as in `detect`.

        Raises:
            RecipeError: a value that cannot be.
        """
        return LiveStream(self._listener.at(None), self._thresholds(threshold), rate, lookahead, hop)

    def detect_array(
        self, stereo: NDArray[np.floating], rate: int, *, allow_mono: bool = False, threshold: float | None = None
    ) -> Detection:
        """Find the sound events of samples in memory; nothing is on screen.

        Args:
            stereo: (2, n) in [-1, 1], left and right; with `allow_mono` also (n,) or (1, n).
            rate: samples per second.

        Raises:
            NotStereoError: another number of channels.
            RecipeError: a rate that cannot be, or samples that are no numbers.
        """
        begun, thresholds = time.perf_counter(), self._thresholds(threshold)
        samples = np.atleast_2d(np.asarray(stereo, dtype=np.float32))
        mono = samples.shape[0] == 1
        if samples.ndim != 2 or samples.shape[0] > 2 or (mono and not allow_mono):
            raise NotStereoError(f"expected samples of shape (2, n), left and right, not {np.shape(stereo)}")
        if rate < 1:
            raise RecipeError(f"the sample rate must be positive, not {rate}")
        if not np.isfinite(samples).all():
            raise RecipeError("some samples are no finite numbers; set them to 0, or leave that part out")
        samples = resample(np.repeat(samples, 2, axis=0) if mono else samples, rate, self._rate)
        blocks = (samples[:, begin : begin + self._rate] for begin in range(0, samples.shape[1], self._rate))
        return self._detection(
            self._hear(blocks, thresholds, self._listener.at(None)),
            media=None,
            mono=mono,
            warnings=[],
            settings=self._settings(thresholds, swap_channels=False, allow_mono=allow_mono),
            begun=begun,
        )

    def _hear(
        self,
        blocks: Iterable[Float32Array],
        thresholds: list[float],
        listener: Listening,
        lines: GrowingEvents | None = None,
        undirected: Sequence[Stretch] = (),
        tops: FlatTops | None = None,
    ) -> _Heard:
        """Events of a stream of sound at the model's rate; `undirected` may grow while the stream is read."""
        stats = ChannelStats(self._rate, tops)
        tables, frames = [], 0
        for number, output in enumerate(listener.outputs(_measured(blocks, stats))):
            if number % _TIDIED_EVERY == 0:  # first of all what opening a long file took
                give_back()
            tables.append(
                decode(output, threshold=thresholds, merge_deg=MERGE_DEG).shifted(frames, frames + len(output))
            )
            frames += len(output)
            if lines is not None:
                lines.add(without_direction_in(tables[-1], undirected))
        if lines is not None:
            lines.finish()
        whole = EventTable.concatenate(tables, num_frames=frames)
        # A sound shorter than a window was filled up.
        whole = whole.window(0, label_frames(stats.samples, self.card.features))
        return _Heard(whole, stats.figures(), stats.stretches())

    def _detection(
        self,
        heard: _Heard,
        *,
        media: MediaInfo | None,
        sha256: str | None = None,
        mono: bool,
        undirected: Sequence[Stretch] = (),
        warnings: list[str],
        settings: dict[str, Any],
        begun: float,
        progress: Progress | None = None,
    ) -> Detection:
        """Apply what the whole file says about direction and picture."""
        table, is_long = heard.table, heard.figures.seconds > LONG_SECONDS
        if is_long:
            self.rest()
        mono_throughout = mono or heard.figures.difference < DUAL_MONO_DIFFERENCE
        if mono_throughout:
            table = without_direction(table)
        stretches = [] if mono_throughout else heard.stretches
        table = without_direction_in(table, [*undirected, *stretches])
        if not has_moving_pictures(media):
            table = off_screen(table)
        table = self.card.smoothing.apply(table)
        sight, settings, unseen = self._look(table, media, settings, progress)
        if is_long:
            self.rest()
        unfit = warnings_of(judge(heard.figures, mono=mono))
        untold = not_within(stretches, undirected, heard.figures.seconds)  # the reader has told its own
        parts = [sentence(untold)] if untold else []
        return Detection(
            sight.fused.table if sight else table,
            self.model,
            duration=heard.figures.seconds,
            media=media,
            sha256=sha256,
            warnings=[*warnings, *unfit, *parts, *unseen],
            settings=settings,
            elapsed=time.perf_counter() - begun,
            sight=sight,
        )

    def _look(
        self,
        table: EventTable,
        media: MediaInfo | None,
        settings: dict[str, Any],
        progress: Progress | None,
    ) -> tuple[Sight | None, dict[str, Any], list[str]]:
        """What the pictures say of events, the settings with those of looking, and warnings."""
        if media is None or not has_moving_pictures(media):
            return None, settings, []
        if self.eyes is None:
            return None, settings | {"vision": None, "vision_off": self.blind}, []
        settings = settings | {"vision": self.eyes.record()}
        try:
            sight = self.eyes.look(media.pictures or media.path, table, settings["fov"], _seconds(progress, media))
        except MediaError as error:  # the sound is worth as much as it was
            return None, settings, [f"its pictures could not be looked at ({error})"]
        if progress is not None and media.duration:
            progress(media.duration, media.duration)
        return sight, settings, list(sight.warnings)

    @property
    def _rate(self) -> int:
        return self.card.features.sample_rate

    def _thresholds(self, threshold: float | None) -> list[float]:
        if threshold is None:
            return list(self.card.thresholds)
        if not 0 <= threshold <= 1:
            raise RecipeError(f"the threshold must lie in 0..1, not {threshold:g}")
        return [float(threshold)] * NUM_CLASSES

    def _settings(
        self,
        thresholds: list[float],
        *,
        swap_channels: bool,
        allow_mono: bool,
        track: Track = 0,
        fov: float = DEFAULT_FOV_DEG,
        layout: Layout = "auto",
    ) -> dict[str, Any]:
        return {
            "thresholds": thresholds,
            "merge_deg": MERGE_DEG,
            **self._listener.settings,
            "smoothing": self.card.smoothing.model_dump(),
            "swap_channels": swap_channels,
            "allow_mono": allow_mono,
            "track": track_text(track),
            "layout": layout,
            "fov": fov,
        }


def _part(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """`progress` for what takes a file from `begin` to `end`, 0..1 of all that is to do."""
    if progress is None or (begin, end) == (0, 1):
        return progress

    def report(done: float, total: float | None) -> None:
        progress(done if total is None else begin * total + (end - begin) * min(done, total), total)

    return report


def _seconds(progress: Progress | None, media: MediaInfo) -> Callable[[float], None] | None:
    """`progress` by the seconds of a file alone."""
    return None if progress is None else lambda seconds: progress(seconds, media.duration or None)


def _reporting(reader: AudioReader, total: float | None, progress: Progress | None) -> Iterator[Float32Array]:
    for block in reader:
        yield block
        if progress is not None:
            progress(reader.duration, total)


def _measured(blocks: Iterable[Float32Array], stats: ChannelStats) -> Iterator[Float32Array]:
    for block in blocks:
        yield stats.add(block)
