"""The detector: from a video or audio file to its sound events, in memory that does not grow with the length."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, Unpack

import numpy as np
from numpy.typing import NDArray

from earwitness.core.errors import MediaError, UsageError
from earwitness.core.events import EventTable
from earwitness.core.files.cache import stamp
from earwitness.core.memory import release_memory
from earwitness.core.version import __version__, commit
from earwitness.detect.any_sound.sound_plan import SoundPlan
from earwitness.detect.decoded_sound import DecodedSound, decode_sound
from earwitness.detect.detect_settings import DetectKeywords, DetectSettings, Labels
from earwitness.detect.detector_input import (
    InputFacts,
    Source,
    as_file,
    check_for_samples,
    is_file_like,
    stereo_samples,
)
from earwitness.detect.file_progress import SOUND_SHARE, Progress, part_of, reporting, seconds_of
from earwitness.detect.incremental import IncrementalEvents
from earwitness.detect.live_stream import MERGE_DEG, LiveStream
from earwitness.detect.model.card import file_sha256
from earwitness.detect.model.loading import LoadKeywords, LoadOptions, load
from earwitness.detect.model.model_files import DEFAULT_MODEL
from earwitness.detect.runner.model_runner import Runner
from earwitness.doctor.diagnosis import is_spaced, judge, warnings_of
from earwitness.doctor.waveform_faults import FlatTops
from earwitness.encoders.words import WORDS
from earwitness.fusion.visual_analysis import AUTO, VisualAnalysis, open_visual_analysis
from earwitness.fusion.visual_result import VisualResult
from earwitness.media.containers.probe import MediaInfo, probe_pair
from earwitness.media.containers.sound_tracks import Track
from earwitness.media.sound.audio import DUAL_MONO_DIFFERENCE
from earwitness.media.sound.conversion import resample
from earwitness.media.timeline import describe_stretches, not_within
from earwitness.results.detection import TURNED_OFF, Detection, ModelId, has_moving_pictures
from earwitness.results.selection import EVERY_CLASS, ClassChoice

LONG_SECONDS: Final = 300.0
"""The models are unloaded after the sound of a longer file, and again after its pictures: what follows needs memory."""
CHANGED: Final = "the file changed during detection, so the events may mix both versions; run it again"
INTERVALS_VOID: Final = "for such a recording, the intervals of directions and distances do not hold"


class Detector:
    """A loaded model, usable on any number of files.

    Args:
        runner: runs the model or ensemble.
        model: its name and SHA-256.
        visual_analysis: analyses the pictures of videos; None: sound only.
        vision_off_reason: why pictures are not analysed.
        choice: the classes that results keep; all are detected, and the pictures are analysed with all of them.
        words: folder of an encoder of words, for searches; None: there is none.

    Raises:
        UsageError: `choice` names a class that the model does not have.
    """

    def __init__(
        self,
        runner: Runner,
        model: ModelId,
        visual_analysis: VisualAnalysis | None = None,
        vision_off_reason: str = TURNED_OFF,
        choice: ClassChoice = EVERY_CLASS,
        words: Path | None = None,
    ) -> None:
        self.card, self.model = runner.card, model
        self.visual_analysis, self.vision_off_reason = visual_analysis, "" if visual_analysis else vision_off_reason
        self._runner = runner
        choice.kept(runner.card.vocabulary)
        self.choice, self.words = choice, words

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT_MODEL,
        *,
        vision: str | None = AUTO,
        keep_seen: bool = True,
        classes: str | Sequence[str] = (),
        exclude: str | Sequence[str] = (),
        **options: Unpack[LoadKeywords],
    ) -> Detector:
        """Load a model or an ensemble.

        Args:
            model: name of a shipped model, an .onnx file with its card beside it, an .ensemble file, or several of them
                separated by commas; the prefix `mirror:` runs a model with left and right exchanged.
            vision: visual detector for videos; "auto" uses `pose` where it is installed; None: none.
            keep_seen: cache the objects detected in a video, so that the same video is not analysed twice.
            classes: names of the classes, or of groups of classes, that results keep, such as "speech, bell"; all by
                default. Every class is detected and takes part in the visual analysis all the same.
            exclude: names of the classes or groups that results leave out.
            options: the fields of `LoadOptions`; the weights `words` are those of a text encoder for `find`.

        Raises:
            ModelError: there is no such model, it is damaged, or the device does not work.
            UsageError: the model has no such class or group.
            MissingWeightsError, MissingExtraError: the visual detector that was named is not installed.
        """
        weights = dict(options.get("weights", {}))
        words = weights.pop(WORDS, None)
        loaded = load(model, LoadOptions(**(options | {"weights": weights})))
        seen = open_visual_analysis(vision, keep=keep_seen)
        return cls(*loaded, *seen, ClassChoice.of(classes, exclude), None if words is None else Path(words))

    def unload(self) -> None:
        """Free the memory of the models (about 100 MB for the default model); the next call loads them again."""
        self._runner.unload()
        if self.visual_analysis is not None:
            self.visual_analysis.unload()
        release_memory()

    def plan(self, settings: DetectSettings) -> SoundPlan:
        """What `detect` says with these settings about sounds that are none of the classes.

        Raises:
            UsageError: the model or the machine cannot, or nothing has the name that is searched for.
        """
        return SoundPlan.of(self._runner, settings, self.words)

    def record(self) -> dict[str, Any]:
        """Everything that determines the results, except the settings of a call: version, commit, model, vision."""
        visual_analysis = self.visual_analysis.record() if self.visual_analysis else None
        model = asdict(self.model) | self._runner.settings
        record = {"version": __version__, "commit": commit(), "model": model, "vision": visual_analysis}
        return record | ({"classes": asdict(self.choice)} if self.choice else {})

    def detect(
        self,
        path: Source,
        progress: Progress | None = None,
        *,
        rate: int | None = None,
        settings: DetectSettings | None = None,
        **changes: Unpack[DetectKeywords],
    ) -> Detection:
        """Detect the sound events of a video or audio file, or of samples.

        Args:
            path: the file; or its contents as bytes or as a file opened in binary mode; or samples, (2, n) or (n, 2),
                floats in [-1, 1] or integers (see `stereo_samples`).
            progress: called about once per second of sound and of pictures.
            rate: samples per second, for samples.
            settings: how to process the file; the defaults if None.
            changes: fields of `DetectSettings` that replace those of `settings`, such as `threshold=0.5` or `fov=70`.

        Raises:
            MediaError: the file cannot be read, has no such track, or is mono without `allow_mono`.
            UsageError: a value out of range.
        """
        started, settings = time.perf_counter(), replace(settings or DetectSettings(), **changes)
        if not isinstance(path, str | Path):
            return self._detect_other(path, progress, rate, settings)
        plan = self.plan(settings)
        if settings.incremental is not None:
            plan.only_classes("events during detection")
        media, before = probe_pair(path, settings.pictures), stamp(Path(path))
        reader = settings.reader(path, self._rate)
        reader.tap = FlatTops()
        runner = self._runner.at(media.picture_path if has_moving_pictures(media) else None)
        has_vision = self.visual_analysis is not None and has_moving_pictures(media)
        sound_progress = part_of(progress, 0, SOUND_SHARE if has_vision else 1)
        blocks = reporting(reader, media.duration or None, sound_progress)
        with (
            IncrementalEvents(Path(settings.incremental), plan.smoothing, partial(plan.selected, self.choice))
            if settings.incremental is not None
            else nullcontext()
        ) as incremental:
            thresholds = settings.thresholds(self.card.thresholds)
            decoded = decode_sound(
                blocks, runner, thresholds, incremental, reader.undirected, reader.tap, any_sound=plan.any_sound
            )
        sha256 = file_sha256(media.path)
        changed = [CHANGED] if stamp(media.path) != before else []
        # The reader knows whether the sound is mono only after the last block.
        again, warnings = partial(settings.reader, path, self._rate), [*reader.warnings, *changed]
        facts = InputFacts(media, reader.mono, plan, again, sha256, reader.undirected, warnings)
        record = self._settings_record(settings, reader.track)
        return self._complete(decoded, facts, record, started, part_of(progress, SOUND_SHARE, 1))

    def detect_array(
        self,
        stereo: NDArray[np.floating],
        rate: int,
        *,
        allow_mono: bool = False,
        threshold: float | None = None,
        labels: Labels = "classes",
        find: str | Sequence[str] = (),
    ) -> Detection:
        """Detect the sound events of samples in memory; no event is on screen.

        Args:
            stereo: (2, n) or (n, 2), left and right; with `allow_mono` also one channel; floats in [-1, 1], or
                integers (see `stereo_samples`).
            rate: samples per second.
            allow_mono: as in `DetectSettings`.
            threshold: as in `DetectSettings`.
            labels: as in `DetectSettings`.
            find: as in `DetectSettings`.

        Raises:
            NotStereoError: another number of channels.
            UsageError: a rate or threshold out of range, or samples that are not finite.
        """
        started = time.perf_counter()
        settings = DetectSettings(allow_mono=allow_mono, threshold=threshold, labels=labels, find=find)
        plan = self.plan(settings)
        samples, mono = stereo_samples(stereo, allow_mono=allow_mono)
        if rate < 1:
            raise UsageError(f"the sample rate must be positive, not {rate}")
        samples = resample(samples, rate, self._rate)
        blocks = (samples[:, begin : begin + self._rate] for begin in range(0, samples.shape[1], self._rate))
        thresholds = settings.thresholds(self.card.thresholds)
        decoded = decode_sound(blocks, self._runner.at(None), thresholds, any_sound=plan.any_sound)
        facts = InputFacts(None, mono, plan, lambda: [samples])
        return self._complete(decoded, facts, self._settings_record(settings, 0), started)

    def _detect_other(
        self, source: Any, progress: Progress | None, rate: int | None, settings: DetectSettings
    ) -> Detection:
        """Detect the events of samples, or of a file in memory or opened."""
        if is_file_like(source):
            with as_file(source) as (file, name):
                return replace(self.detect(file, progress, settings=settings), path=name)
        rate = check_for_samples(settings, rate)
        samples, mono = stereo_samples(source, allow_mono=settings.allow_mono)
        if settings.swap_channels:
            samples = samples[::-1]
        kept = {name: getattr(settings, name) for name in ("allow_mono", "threshold", "labels", "find")}
        return self.detect_array(samples[:1] if mono else samples, rate, **kept)

    def stream(
        self,
        rate: int,
        *,
        lookahead: float = 1.0,
        hop: float = 0.5,
        threshold: float | None = None,
        labels: Labels = "classes",
        find: str | Sequence[str] = (),
    ) -> LiveStream:
        """Start detection on live sound; see `LiveStream`.

        Args:
            rate: samples per second of the sound that will be pushed.
            lookahead: seconds of sound after a frame that the model uses for it: more improves accuracy and adds delay.
            hop: seconds between two results: less reduces the delay and costs more computation.
            threshold: as in `DetectSettings`.
            labels: as in `DetectSettings`, for classes of the model only.
            find: as in `DetectSettings`, for classes of the model only.

        Raises:
            UsageError: a value out of range, or a sound that is none of the classes.
        """
        settings = DetectSettings(threshold=threshold, labels=labels, find=find)
        plan, thresholds = self.plan(settings).only_classes("live sound"), settings.thresholds(self.card.thresholds)
        return LiveStream(self._runner.at(None), thresholds, rate, lookahead, hop, partial(plan.selected, self.choice))

    def _complete(
        self,
        decoded: DecodedSound,
        facts: InputFacts,
        record: dict[str, Any],
        started: float,
        progress: Progress | None = None,
    ) -> Detection:
        """Turn decoded events into a result: directions checked, smoothed, merged with the pictures."""
        media, is_long = facts.media, decoded.figures.seconds > LONG_SECONDS
        if is_long:
            self.unload()
        checks = judge(decoded.figures, mono=facts.mono, spaced_advice=self.card.spaced_advice)
        same_sound = decoded.figures.difference < DUAL_MONO_DIFFERENCE
        mono_throughout = facts.mono or same_sound or any(check.undirected for check in checks)
        stretches = [] if mono_throughout else decoded.stretches
        table = facts.checked(decoded.table, stretches, mono=mono_throughout)
        free = None if decoded.free is None else facts.checked(decoded.free, stretches, mono=mono_throughout)
        own, table = facts.plan.sort(table, free, facts.again, self._rate)
        intervals = {} if self.card.intervals is None else self.card.intervals.of(own)
        visual, vision_record, vision_warnings = self._analyse_pictures(table, media, record["fov"], progress)
        if is_long:
            self.unload()
        unfit = warnings_of(checks)
        if intervals and any(check.verdict == "unfit" or is_spaced(check) for check in checks):
            unfit.append(INTERVALS_VOID)  # they are calibrated with coincident microphones
        unreported = not_within(stretches, facts.undirected, decoded.figures.seconds)  # the reader reports its own
        parts = [describe_stretches(unreported)] if unreported else []
        result = Detection(
            visual.fused.table if visual else table,
            self.model,
            duration=decoded.figures.seconds,
            path=None if media is None else media.path,
            has_video=has_moving_pictures(media),
            sha256=facts.sha256,
            warnings=[*facts.warnings, *unfit, *parts, *vision_warnings],
            settings=record | facts.plan.record | vision_record,
            elapsed=time.perf_counter() - started,
            visual=visual,
            intervals=intervals,
        )
        return ClassChoice.of(facts.plan.found).apply(self.choice.apply(result))

    def _analyse_pictures(
        self, table: EventTable, media: MediaInfo | None, fov: float, progress: Progress | None
    ) -> tuple[VisualResult | None, dict[str, Any], list[str]]:
        """The result of the visual analysis, its settings for the record, and warnings."""
        if media is None or not has_moving_pictures(media):
            return None, {}, []
        if self.visual_analysis is None:
            return None, {"vision": None, "vision_off": self.vision_off_reason}, []
        record = {"vision": self.visual_analysis.record()}
        try:
            seconds = seconds_of(progress, media.duration or None)
            visual = self.visual_analysis.analyse(media.pictures or media.path, table, fov, seconds)
        except MediaError as error:  # the events from sound remain valid
            return None, record, [f"the pictures could not be analysed ({error})"]
        if progress is not None and media.duration:
            progress(media.duration, media.duration)
        return visual, record, list(visual.warnings)

    @property
    def _rate(self) -> int:
        return self.card.features.sample_rate

    def _settings_record(self, settings: DetectSettings, track: Track) -> dict[str, Any]:
        return {
            "thresholds": settings.thresholds(self.card.thresholds),
            "merge_deg": MERGE_DEG,
            "decoding": self.card.decoding,
            **self._runner.settings,
            "smoothing": settings.smoothing(self.card.smoothing).model_dump(),
            **settings.result_record(track),
            **({} if self.card.intervals is None else {"interval_coverage": self.card.intervals.coverage}),
        }
