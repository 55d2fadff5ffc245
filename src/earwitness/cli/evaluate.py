"""The verb `evaluate`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.core.errors import one_line
from earwitness.core.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

    from earwitness.metrics.evaluation import LabelFolder
    from earwitness.metrics.intervals import Intervals
    from earwitness.metrics.scores import Scores


class Protocols(StrEnum):
    """Names of the protocols in `earwitness.metrics.protocols`."""

    strict = "strict"
    dcase2025 = "dcase2025"


class Units(StrEnum):
    """Resampling unit of the intervals."""

    file = "file"
    recording = "recording"
    room = "room"


class Breakdowns(StrEnum):
    """Dimensions of a breakdown."""

    azimuth = "azimuth"
    distance = "distance"
    overlap = "overlap"
    onscreen = "onscreen"
    fold = "fold"
    room = "room"
    recording = "recording"


def run(
    reference: Annotated[
        list[Path],
        typer.Option(
            metavar="DIR|FILE",
            help="Folder of reference CSV files or corrected results, with its subfolders, or one file (.csv, .json); "
            "may be repeated.",
        ),
    ],
    predictions: Annotated[
        Path | None,
        typer.Option(metavar="DIR|FILE", help="Folder of predicted CSV files of the same names, or one file."),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Instead of --predictions: two folders to compare."),
    ] = None,
    protocol: Annotated[
        Protocols,
        typer.Option(
            metavar="strict|dcase2025", help="strict counts every frame and file; dcase2025 equals the official scorer."
        ),
    ] = Protocols.strict,
    json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write all scores to this file.")] = None,
    jackknife: Annotated[bool, typer.Option("--jackknife", help="Add 95 % confidence intervals (jackknife).")] = False,
    bootstrap: Annotated[
        int,
        typer.Option(min=0, max=1_000_000, metavar="N", help="Add 95 % intervals from N bootstrap samples."),
    ] = 0,
    unit: Annotated[
        Units,
        typer.Option(
            metavar="file|recording|room", help="Resampling unit of the intervals; clips of one recording are similar."
        ),
    ] = Units.file,
    by: Annotated[
        list[Breakdowns] | None,
        typer.Option(
            metavar="DIMENSION",
            help="Break the scores down by azimuth, distance, overlap, onscreen, fold, room or "
            "recording; may be repeated.",
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Draw classes.png and errors.png into this folder.")
    ] = None,
    counts: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Save the additive counts of each file (.npz).")
    ] = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="List of the classes that all labels refer to; by default that in their folders."
        ),
    ] = None,
    frames: Annotated[
        int,
        typer.Option(min=1, max=6_048_000, metavar="N", help="Length of the clips in 100-ms frames, for strict."),
    ] = 50,
) -> None:
    """Score predictions against references: F20/1 with and without on/off, direction, distance, on/off accuracy."""
    if (predictions is None) == (compare is None):
        raise typer.BadParameter("give either --predictions DIR or --compare A B")
    if compare is not None and counts is not None:
        raise typer.BadParameter("--counts goes with --predictions, one folder at a time")
    from rich.console import Console

    from earwitness.core.classes.class_files import read_classes
    from earwitness.core.version import commit
    from earwitness.metrics import intervals as estimate
    from earwitness.metrics import score_report as show
    from earwitness.metrics.evaluation import read_folder, score_folders
    from earwitness.metrics.protocols import Protocol

    rules = Protocol(protocol.value)
    dimensions = [item.value for item in by or ()]
    console = Console(highlight=False)
    vocabulary = None if classes is None else read_classes(classes)
    references = read_folder(reference, rules, frames, vocabulary, reference=True)
    frames = max(frames, references.num_frames)
    folders = [folder for folder in (predictions, *(compare or ())) if folder is not None]
    answers = [read_folder(folder, rules, frames, vocabulary).answering(references) for folder in folders]
    scores = [score_folders(references, answer, rules) for answer in answers]

    intervals = None
    if compare or jackknife or bootstrap:
        what, minus = scores[-1].counts, scores[0].counts if compare else None
        if bootstrap:
            intervals = estimate.bootstrap(what, rules, minus=minus, unit=unit.value, resamples=bootstrap)
        else:
            intervals = estimate.jackknife(what, rules, minus=minus, unit=unit.value)

    if compare is not None and intervals is not None:
        show.print_comparison(scores[0], scores[1], (str(compare[0]), str(compare[1])), intervals, console)
        result: dict[str, Any] = {
            "protocol": rules.value,
            "a": show.as_json(scores[0], None, dimensions),
            "b": show.as_json(scores[1], None, dimensions),
            "difference": intervals.as_dict(),
        }
    else:
        show.print_scores(scores[0], console, intervals, dimensions)
        result = show.as_json(scores[0], intervals, dimensions)
    if plot is not None:
        targets = [plot / "a", plot / "b"] if compare else [plot]
        for target, answer, one in zip(targets, answers, scores, strict=True):
            _draw(target, references, answer, one, None if compare else intervals)
            _say(console, f"wrote {target / 'classes.png'} and {target / 'errors.png'}")
    if counts is not None:
        scores[0].counts.save(counts)
        _say(console, f"wrote {counts}")
    if json is not None:
        made = {"version": __version__, "commit": commit(), "protocol": rules.value, "frames": frames}
        _write_json(json, {**result, "run": made})
        _say(console, f"wrote {json}")


def _say(console: Console, text: str) -> None:
    """Print one line without markup; names may contain control characters."""
    console.print(one_line(text), markup=False, soft_wrap=True)


def _draw(
    target: Path, references: LabelFolder, answer: LabelFolder, scores: Scores, intervals: Intervals | None
) -> None:
    from earwitness.metrics.matching import matched_pairs
    from earwitness.render.score_plots import plot_classes, plot_errors

    plot_classes(scores, target / "classes.png", intervals)
    names = scores.counts.files
    rows = [references.clips[name] for name in names]
    pairs = matched_pairs(rows, [answer.clips.get(name) for name in names], scores.protocol)
    plot_errors(pairs, target / "errors.png")


def _write_json(path: Path, result: dict[str, Any]) -> None:
    import json

    from earwitness.core.files.atomic import atomic_file

    with atomic_file(path) as temporary:
        temporary.write_text(json.dumps(result, indent=1, allow_nan=False) + "\n")
