"""From a file to its sound events: the whole way of the data, in memory that does not grow with length."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MediaError, NotStereoError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.files.digests import stamp
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.memory import release_memory
from earwitness.core.multi_accddoa import decode
from earwitness.core.version import __version__, commit
from earwitness.core.vocabulary import NUM_CLASSES
from earwitness.detect.incremental import IncrementalEvents
from earwitness.detect.live_stream import MERGE_DEG, LiveStream
from earwitness.detect.model.card import file_sha256
from earwitness.detect.model.loading import LoadOptions, load
from earwitness.detect.model.model_files import DEFAULT_MODEL
from earwitness.detect.progress import Progress, part_of, seconds_of
from earwitness.detect.runner.model_runner import Runner
from earwitness.detect.runner.runtime import Device
from earwitness.detect.runner.windows import label_frames
from earwitness.doctor.channel_stats import ChannelFigures, ChannelStats
from earwitness.doctor.diagnosis import judge, warnings_of
from earwitness.doctor.flat_tops import FlatTops
from earwitness.fusion.visual_analysis import AUTO, VisualAnalysis, open_visual_analysis
from earwitness.fusion.visual_result import VisualResult
from earwitness.media.containers.probe import MediaInfo, probe_pair
from earwitness.media.containers.sound_tracks import Track, track_text
from earwitness.media.sound.ambisonics import Layout
from earwitness.media.sound.audio import DUAL_MONO_DIFFERENCE, AudioReader
from earwitness.media.sound.resample import resample
from earwitness.media.sound.stretches import Stretch, sentence
from earwitness.results.detection import (
    TURNED_OFF,
    Detection,
    ModelId,
    has_moving_pictures,
    off_screen,
    without_direction,
    without_direction_in,
)

Float32Array = NDArray[np.float32]

_TIDIED_EVERY: Final = 30
"""Batches of windows after which memory is given back: about ten minutes of sound."""
LONG_SECONDS: Final = 300.0
"""When a longer file has been heard, and again when it has been looked at, the memory of the models is given back:
loading them again takes half a second, and looking at, writing and drawing hours some memory of its own."""
CHANGED: Final = "the file changed while it was being heard: the events may be those of either state; hear it again"
SOUND_SHARE: Final = 0.2
"""Of the time for a file whose pictures are looked at too, what hearing takes."""


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
        runner: the model, or several that answer as one.
        model: which one it is.
        visual_analysis: looks at the pictures of videos; None: sound only.
        vision_off_reason: why pictures are not looked at.
    """

    def __init__(
        self,
        runner: Runner,
        model: ModelId,
        visual_analysis: VisualAnalysis | None = None,
        vision_off_reason: str = TURNED_OFF,
    ) -> None:
        self.card, self.model = runner.card, model
        self.visual_analysis, self.vision_off_reason = visual_analysis, "" if visual_analysis else vision_off_reason
        self._runner = runner

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
        return cls(
            *load(model, LoadOptions(device, threads, batch, modalities, fov)),
            *open_visual_analysis(vision, keep=keep_seen),
        )

    def unload(self) -> None:
        """Give back the memory of the models (about 100 MB of the default one) until they are to hear or look again."""
        self._runner.unload()
        if self.visual_analysis is not None:
            self.visual_analysis.unload()
        release_memory()

    def record(self) -> dict[str, Any]:
        """What decides its results, besides the settings of a call: version, commit, model and its windows, vision."""
        visual_analysis = self.visual_analysis.record() if self.visual_analysis else None
        model = asdict(self.model) | self._runner.settings
        return {"version": __version__, "commit": commit(), "model": model, "vision": visual_analysis}

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
        incremental: str | Path | None = None,
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
            incremental: a file that gets the events as JSON lines while detection runs; see `IncrementalEvents`.
            fov: horizontal field of view of the camera, degrees.

        Raises:
            MediaError: the file cannot be read, has no such track, or is mono without `allow_mono`.
        """
        begun, thresholds = time.perf_counter(), self._thresholds(threshold)
        media, before = probe_pair(path, pictures), stamp(Path(path))
        reader = AudioReader(path, self._rate, "allow" if allow_mono else "error", track, swap_channels, layout)
        runner = self._runner.at(media.picture_path if has_moving_pictures(media) else None)
        looks = self.visual_analysis is not None and has_moving_pictures(media)
        reader.tap = FlatTops()
        blocks = _reporting(reader, media.duration or None, part_of(progress, 0, SOUND_SHARE if looks else 1))
        with (
            nullcontext() if incremental is None else IncrementalEvents(Path(incremental), self.card.smoothing) as lines
        ):
            heard = self._hear(blocks, thresholds, runner, lines, reader.undirected, reader.tap)
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
            progress=part_of(progress, SOUND_SHARE, 1),
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
            UsageError: a value that cannot be.
        """
        return LiveStream(self._runner.at(None), self._thresholds(threshold), rate, lookahead, hop)

    def detect_array(
        self, stereo: NDArray[np.floating], rate: int, *, allow_mono: bool = False, threshold: float | None = None
    ) -> Detection:
        """Find the sound events of samples in memory; nothing is on screen.

        Args:
            stereo: (2, n) in [-1, 1], left and right; with `allow_mono` also (n,) or (1, n).
            rate: samples per second.

        Raises:
            NotStereoError: another number of channels.
            UsageError: a rate that cannot be, or samples that are no numbers.
        """
        begun, thresholds = time.perf_counter(), self._thresholds(threshold)
        samples = np.atleast_2d(np.asarray(stereo, dtype=np.float32))
        mono = samples.shape[0] == 1
        if samples.ndim != 2 or samples.shape[0] > 2 or (mono and not allow_mono):
            raise NotStereoError(f"expected samples of shape (2, n), left and right, not {np.shape(stereo)}")
        if rate < 1:
            raise UsageError(f"the sample rate must be positive, not {rate}")
        if not np.isfinite(samples).all():
            raise UsageError("some samples are no finite numbers; set them to 0, or leave that part out")
        samples = resample(np.repeat(samples, 2, axis=0) if mono else samples, rate, self._rate)
        blocks = (samples[:, begin : begin + self._rate] for begin in range(0, samples.shape[1], self._rate))
        return self._detection(
            self._hear(blocks, thresholds, self._runner.at(None)),
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
        runner: Runner,
        lines: IncrementalEvents | None = None,
        undirected: Sequence[Stretch] = (),
        tops: FlatTops | None = None,
    ) -> _Heard:
        """Events of a stream of sound at the model's rate; `undirected` may grow while the stream is read."""
        stats = ChannelStats(self._rate, tops)
        tables, frames = [], 0
        for number, output in enumerate(runner.outputs(_measured(blocks, stats))):
            if number % _TIDIED_EVERY == 0:  # first of all what opening a long file took
                release_memory()
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
            self.unload()
        mono_throughout = mono or heard.figures.difference < DUAL_MONO_DIFFERENCE
        if mono_throughout:
            table = without_direction(table)
        stretches = [] if mono_throughout else heard.stretches
        table = without_direction_in(table, [*undirected, *stretches])
        if not has_moving_pictures(media):
            table = off_screen(table)
        table = self.card.smoothing.apply(table)
        visual, settings, unseen = self._look(table, media, settings, progress)
        if is_long:
            self.unload()
        unfit = warnings_of(judge(heard.figures, mono=mono))
        parts = [sentence(stretches)] if stretches else []
        return Detection(
            visual.fused.table if visual else table,
            self.model,
            duration=heard.figures.seconds,
            path=None if media is None else media.path,
            has_video=has_moving_pictures(media),
            sha256=sha256,
            warnings=[*warnings, *unfit, *parts, *unseen],
            settings=settings,
            elapsed=time.perf_counter() - begun,
            visual=visual,
        )

    def _look(
        self,
        table: EventTable,
        media: MediaInfo | None,
        settings: dict[str, Any],
        progress: Progress | None,
    ) -> tuple[VisualResult | None, dict[str, Any], list[str]]:
        """What the pictures say of events, the settings with those of looking, and warnings."""
        if media is None or not has_moving_pictures(media):
            return None, settings, []
        if self.visual_analysis is None:
            return None, settings | {"vision": None, "vision_off": self.vision_off_reason}, []
        settings = settings | {"vision": self.visual_analysis.record()}
        try:
            visual = self.visual_analysis.look(
                media.pictures or media.path, table, settings["fov"], seconds_of(progress, media.duration or None)
            )
        except MediaError as error:  # the sound is worth as much as it was
            return None, settings, [f"its pictures could not be looked at ({error})"]
        if progress is not None and media.duration:
            progress(media.duration, media.duration)
        return visual, settings, list(visual.warnings)

    @property
    def _rate(self) -> int:
        return self.card.features.sample_rate

    def _thresholds(self, threshold: float | None) -> list[float]:
        if threshold is None:
            return list(self.card.thresholds)
        if not 0 <= threshold <= 1:
            raise UsageError(f"the threshold must lie in 0..1, not {threshold:g}")
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
            **self._runner.settings,
            "smoothing": self.card.smoothing.model_dump(),
            "swap_channels": swap_channels,
            "allow_mono": allow_mono,
            "track": track_text(track),
            "layout": layout,
            "fov": fov,
        }


def _reporting(reader: AudioReader, total: float | None, progress: Progress | None) -> Iterator[Float32Array]:
    for block in reader:
        yield block
        if progress is not None:
            progress(reader.duration, total)


def _measured(blocks: Iterable[Float32Array], stats: ChannelStats) -> Iterator[Float32Array]:
    for block in blocks:
        yield stats.add(block)
