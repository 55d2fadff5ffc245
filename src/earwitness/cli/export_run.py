"""The run of `export` that its options describe."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from earwitness.batch.formats import Format, Options, parse_formats, write
from earwitness.batch.planning import fitted
from earwitness.batch.saving import check_table, combined_table, is_result
from earwitness.cli.command import check_fov, chosen_classes, one_of, say
from earwitness.cli.export import ResultExportOptions
from earwitness.core.errors import EarwitnessError, LabelError, UnreadableMediaError, UsageError, one_line
from earwitness.core.files.lock import LONGEST_NAME
from earwitness.export.captions.caption_check import Breach, check_cues, check_sounds
from earwitness.export.captions.caption_words import STYLES
from earwitness.export.captions.captions import captions
from earwitness.export.event_clips import CLIP_KINDS, FOLDER_SUFFIX, INDEX_SUFFIX, ClipSettings, write_clips
from earwitness.export.subtitle_file import read_subtitles
from earwitness.media.containers.sound_tracks import parse_track
from earwitness.media.remux import add_subtitles
from earwitness.results.saved import read_result
from earwitness.results.selection import ClassChoice

if TYPE_CHECKING:
    from earwitness.results.detection import Detection

SUBTITLES: Final = frozenset({".srt", ".vtt"})
_TRACK_TITLE: Final = "Sound captions"
_DIALOGUE_TITLE: Final = "SDH"


def export_files(options: ResultExportOptions) -> int:
    """Write what the options ask for.

    Returns:
        Number of inputs that failed, and of files with broken caption rules.

    Raises:
        UsageError: options that are not possible, or do not go together.
    """
    if not options.events:
        raise UsageError("name EVENTS: saved events (.json, .csv) or a folder of them")
    run = _Run(options)
    failed = 0
    for source in run.sources():
        try:
            failed += run.check_file(source) if source.suffix.lower() in SUBTITLES else run.export(source)
        except UsageError:
            raise
        except EarwitnessError as error:
            say(str(error))
            failed += 1
    run.write_table()
    if options.check and run.files_checked > 1:
        typer.echo(f"{run.files_checked} files: {run.cues_checked} cues, {run.breaches} breaches of the rules")
    return failed


class _Run:
    def __init__(self, options: ResultExportOptions) -> None:
        self._options = options
        self._formats = _formats(options)
        self._settings = _settings(options)
        self._choice = ClassChoice.of(options.classes, options.exclude)
        self._clips = ClipSettings(
            one_of("--clip-kind", options.clip_kind, CLIP_KINDS), options.clip_padding, options.clip_merge
        )
        self._results: list[Path] = []
        self.files_checked = self.cues_checked = self.breaches = 0

    def sources(self) -> Iterator[Path]:
        """The files to read; those of a folder are its results."""
        found = [file for given in self._options.events for file in _files(given)]
        options = self._options
        single = {"--media": options.media, "--merge": options.merge, "--burn": options.burn, "--mux": options.mux}
        for name, value in single.items():
            if value is not None and len(found) > 1:
                raise UsageError(f"{name} applies to one file of events; name only that file")
        return iter(found)

    def export(self, source: Path) -> int:
        """Write one file of events in all ways; returns 1 if a caption rule is broken."""
        if self._options.table is not None:
            check_table(self._options.table)
        result = chosen_classes(read_result(source, self._options.media), self._choice)
        folder = self._options.out or source.parent
        for chosen in self._formats:
            name = fitted(source.stem, LONGEST_NAME - len(chosen.suffix), source.name)
            target = folder / f"{name}{chosen.suffix}"
            if target.exists() and target.samefile(source):
                raise UsageError(f"{target}: would overwrite its own source; give --out")
            write(result, target, chosen)
            typer.echo(one_line(str(target)))
        if self._options.clips:
            name = fitted(source.stem, LONGEST_NAME - len(INDEX_SUFFIX) - len(FOLDER_SUFFIX), source.name)
            typer.echo(one_line(str(write_clips(result, folder / name, self._clips))))
        self._write_videos(result)
        self._results.append(source)
        return self._check(result, source)

    def check_file(self, source: Path) -> int:
        """Check a subtitle file; returns 1 if it breaks a rule."""
        if not self._options.check:
            raise LabelError(f"{source}: not a result; --check checks subtitle files")
        rules = self._settings.fixed_caption_settings().rules()
        cues = read_subtitles(source)
        return self._report(source, len(cues), check_cues(cues, rules))

    def write_table(self) -> None:
        """Write the combined table, if asked for."""
        if self._options.table is not None:
            combined_table(self._results, self._options.table, self._choice)
            typer.echo(one_line(str(self._options.table)))

    def _check(self, result: Detection, source: Path) -> int:
        if not self._options.check:
            return 0
        settings = self._settings.caption_settings(result)
        made = captions(result, settings)
        sounds = [] if settings.dialogue else check_sounds(made.cues, result, made.language)
        if made.unnamed:
            count = "1 sound has" if made.unnamed == 1 else f"{made.unnamed} sounds have"
            say(f"{source}: {count} no caption, for want of room")
        return self._report(source, len(made.cues), [*check_cues(made.cues, settings.rules()), *sounds])

    def _report(self, source: Path, cues: int, breaches: list[Breach]) -> int:
        self.files_checked, self.cues_checked = self.files_checked + 1, self.cues_checked + cues
        self.breaches += len(breaches)
        for breach in breaches:
            typer.echo(one_line(f"{source}: {breach}"))
        broken = len({breach.cue for breach in breaches})
        many = "1 cue breaks a rule" if broken == 1 else f"{broken} cues break a rule"
        typer.echo(one_line(f"{source}: {many if broken else 'no rule is broken'}"))
        return 1 if breaches else 0

    def _write_videos(self, result: Detection) -> None:
        options = self._options
        if options.burn is None and options.mux is None:
            return
        if result.media_file is None:
            raise UnreadableMediaError(
                f"{result.path or 'the events'}: the video was not found; name it with --media FILE"
            )
        made = captions(result, self._settings.caption_settings(result))
        if options.mux is not None:
            title = _TRACK_TITLE if options.merge is None else _DIALOGUE_TITLE
            lines = [(cue.start, cue.end, cue.text) for cue in made.cues]
            add_subtitles(result.media_file, options.mux, lines, made.language.language, title)
            typer.echo(one_line(str(options.mux)))
        if options.burn is not None:
            from earwitness.render.video.annotated_video import VideoOptions, render_video
            from earwitness.render.video.frame_source import KeptSound

            sound = KeptSound(parse_track(str(result.settings.get("track", "auto"))))
            video = VideoOptions(
                fov=options.fov, sound=sound, captions=made.cues, font=options.font, markers=options.annotated
            )
            render_video(result, result.media_file, options.burn, video, note=say)
            typer.echo(one_line(str(options.burn)))


def _formats(options: ResultExportOptions) -> tuple[Format, ...]:
    formats = parse_formats(options.format, _settings(options))
    if options.format and not formats:
        raise UsageError("--format names no format")
    others = (options.burn, options.mux, options.table, options.clips or None, options.check or None)
    if not formats and all(value is None for value in others):
        raise UsageError("nothing to write: give --format, --burn, --mux, --clips, --table or --check")
    if options.fov is not None:
        check_fov(options.fov)
    if options.out is not None and options.out.exists() and not options.out.is_dir():
        raise UsageError(f"--out {options.out} is a file; name a folder")
    if options.annotated and options.burn is None:
        raise UsageError("--annotated belongs to --burn; give --burn VIDEO too")
    if options.font is not None and options.burn is None:
        raise UsageError("--font belongs to --burn; give --burn VIDEO too")
    return formats


def _settings(options: ResultExportOptions) -> Options:
    merge = None if options.merge is None else str(options.merge)
    settings = Options(
        captions=one_of("--captions", options.captions, STYLES), fov=options.fov, language=options.language,
        dialogue=merge, fps=options.fps,
    )  # fmt: skip
    settings.check()
    return settings


def _files(given: Path) -> list[Path]:
    """The file, or the results in a folder.

    Raises:
        LabelError: a folder without results.
    """
    if not given.is_dir():
        return [given]
    found = sorted(path for path in given.rglob("*.json") if path.is_file() and is_result(path))
    if not found:
        raise LabelError(f"{given}: holds no results of earwitness (.json)")
    return found
