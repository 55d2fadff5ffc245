"""The verb `dataset` and its sub-commands."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from earwitness.cli import embed
from earwitness.cli.choices import folder_name
from earwitness.cli.command import Command, Group, say

if TYPE_CHECKING:
    from earwitness.data.starss.foa import Recording
    from earwitness.data.starss.stereo_clips import StereoReport

OFFICIAL_PANORAMA: Final = (1920, 960)
"""Size of STARSS23's videos, pixels."""
_NAMED: Final = 10
"""Unusable recordings that are named one by one; beyond that, only their number is printed."""

app = typer.Typer(cls=Group, help="Check data sets, make them, and pack submissions.", no_args_is_help=True)
app.command("embed", cls=Command)(embed.run)


@app.command("check", cls=Command)
def check_set(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Data set in the folder layout of DCASE2025 Task 3.")],
    json: Annotated[bool, typer.Option("--json", help="Print all findings as JSON.")] = False,
    workers: Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="Processes.")] = 1,
) -> None:
    """Summarize a data set, and list what is missing, mispaired, damaged, out of range, clipped or silent.

    Exits with 1 if anything is wrong.
    """
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.data.dcase.check import check
    from earwitness.data.dcase.check_summary import as_dict, print_report

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("checking", total=None)
        report = check(folder, workers, lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        import json as format_json

        typer.echo(format_json.dumps(as_dict(report), indent=1))
    else:
        print_report(report, Console(highlight=False))
    if report.problems:
        raise typer.Exit(1)


@app.command("stereo", cls=Command)
def make_stereo(
    starss: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder with foa_dev, metadata_dev and, for pictures, video_dev.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the stereo data set.", parser=folder_name, metavar="DIR")
    ],
    clips: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="Number of clips; --official alone means 30,000."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="The same seed gives the same files; not with --official."),
    ] = None,
    official: Annotated[
        bool, typer.Option("--official", help="The crops, views and names of the official DCASE2025 set.")
    ] = False,
    every: Annotated[
        int | None,
        typer.Option(min=1, max=360, metavar="DEG", help="Make all views of each crop, this many degrees apart."),
    ] = None,
    test_rooms: Annotated[bool, typer.Option("--test-rooms", help="Also use recordings of dev-test-*.")] = False,
    video: Annotated[bool, typer.Option(help="Make pictures where there are 360-degree videos.")] = True,
    unknown_distance: Annotated[
        float | None, typer.Option(min=0.01, metavar="METRES", help="Distance of labels that have none (STARSS22).")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=1024, metavar="N", help="Processes; the files do not depend on their number.")
    ] = 1,
) -> None:
    """Make stereo clips from ambisonic recordings: STARSS22, STARSS23, or sets made with SpatialScaper.

    By default, makes random crops and views of the training rooms. An interrupted run continues when it is started
    again with the same options.
    """
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.core.files.lock import locked_folder
    from earwitness.data.starss.crops import OFFICIAL_CLIPS, TRAIN, digest_of, official_crops, random_crops
    from earwitness.data.starss.foa import find_recordings, unlabelled
    from earwitness.data.starss.stereo_clips import StereoJob, make_clips
    from earwitness.scenes.writing.scene_folder import RECORDINGS, keep_to_options

    if official and (seed is not None or every is not None or test_rooms):
        raise typer.BadParameter("--official fixes seed, views and rooms; omit --seed, --every and --test-rooms")
    if not official and (clips is None or seed is None):
        raise typer.BadParameter("give --clips N and --seed S, or --official")
    unusable: dict[str, str] = {}
    recordings = find_recordings(starss, video, unusable)
    if official:
        crops = official_crops(recordings)
    else:
        rooms = [one for one in recordings if test_rooms or one.split.startswith(TRAIN)]
        crops = random_crops(rooms, seed or 0, every)
    wanted = clips or OFFICIAL_CLIPS
    with locked_folder(out, "earwitness dataset stereo"):
        drawn = recordings if official else rooms
        keep_to_options(out, {
            "video": video, "unknown-distance": unknown_distance, "seed": seed, "official": official, "every": every,
            "test-rooms": test_rooms, RECORDINGS: digest_of(drawn),
        })  # fmt: skip
        console = Console(stderr=True, highlight=False, soft_wrap=True)
        for note in _notes(recordings, official, video, unlabelled(starss)):
            console.print(f"note: {note}", markup=False)
        with Progress(console=console) as bar:
            task = bar.add_task("clips", total=wanted)
            report = make_clips(
                crops, wanted, StereoJob(out, video, unknown_distance), workers,
                lambda done, total: bar.update(task, completed=done),
            )  # fmt: skip
    if not _print_made(out, wanted, report, unusable):
        raise typer.Exit(1)


def _print_made(out: Path, wanted: int, report: StereoReport, unusable: Mapping[str, str]) -> bool:
    """Print what was made and what is missing; returns whether the set is complete."""
    if report.in_metres:
        names = ", ".join(sorted(report.in_metres)[:3])
        typer.echo(
            f"note: {len(report.in_metres)} recordings have distances in metres, not cm; converted ({names})", err=True
        )
    made = report.made + report.kept
    typer.echo(f"{out}: {made} clips of 5 s ({report.made} new, {report.rejected} crops too loud)")
    for why in [*unusable.values(), *report.damaged.values()][:_NAMED]:
        say(why)
    if unusable:
        say(
            f"{len(unusable)} recordings cannot be used and were skipped, which changes the random crops; repair them "
            "and start again with another --out"
        )
    if report.damaged:
        say(f"{report.lost} clips of damaged recordings are missing; repair these and start again")
    if unusable or report.damaged:
        return False
    if made < wanted:
        say(f"the recordings yield only {made} of {wanted} different clips")
    return made >= wanted


def _notes(recordings: list[Recording], official: bool, video: bool, unlabelled: list[str]) -> list[str]:
    """Notes to print before the work begins."""
    notes = []
    sizes = {one.panorama for one in recordings if one.panorama}
    odd = sorted(f"{size[0]}x{size[1]}" for size in sizes - {OFFICIAL_PANORAMA})
    if odd:
        official_size = f"{OFFICIAL_PANORAMA[0]}x{OFFICIAL_PANORAMA[1]}"
        notes.append(f"panoramas are {', '.join(odd)}, not {official_size} as in STARSS23; views are still correct")
    without = sum(one.video is None for one in recordings)
    if video and 0 < without < len(recordings):
        notes.append(f"{without} of {len(recordings)} recordings have no video; their clips will have no pictures")
    if unlabelled:
        names = ", ".join(unlabelled[:3])
        notes.append(
            f"{len(unlabelled)} recordings have sound but no labels and are skipped ({names}); complete the set"
        )
    if official and unlabelled:
        notes.append("official crops depend on the number of recordings; some are missing, so crops will differ")
    if official and without:
        notes.append("official crops depend on the video lengths; some videos are missing, so crops may differ")
    return notes


@app.command("from-corrections", cls=Command)
def from_corrections(
    results: Annotated[
        list[Path],
        typer.Argument(metavar="RESULT...", help="Corrected results (NAME.corrected.json), or folders with them."),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the data set.", parser=folder_name, metavar="DIR")
    ],
    media: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR|FILE",
            help="Media files, or folders with them; by default beside each result. May be repeated.",
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the split: dev-train-... or dev-test-....")
    ] = "dev-train-corrected",
    video: Annotated[bool, typer.Option(help="Write pictures of results with video.")] = True,
    unknown_distance: Annotated[
        float | None, typer.Option(min=0.01, metavar="METRES", help="Distance of events that have none.")
    ] = None,
) -> None:
    """Make training data of results that were corrected in the report: clips of 5 s in the layout of DCASE2025.

    All events of a file count as correct, also those that were not changed, so correct the whole file. Clips with
    events without a direction are left out.
    """
    from earwitness.batch.corrected_set import CorrectedSet, find_corrected, make_corrected_set
    from earwitness.cli.command import Meter, say
    from earwitness.core.files.lock import locked_folder

    job = CorrectedSet(out, split, video, unknown_distance)
    found = find_corrected(results)
    with locked_folder(out, "earwitness dataset from-corrections"), Meter() as bars:
        report = make_corrected_set(found, media or [], job, bars.task("results"))
    for name in report.uncorrected:
        say(f"note: {name} has no corrections; its events count as correct")
    if report.without_direction:
        say(f"note: {report.without_direction} clips left out: an event has no direction; set it in the report")
    if report.without_distance:
        say(f"note: {report.without_distance} clips left out: an event has no distance; set it, or --unknown-distance")
    typer.echo(f"{out}: {report.clips} clips of 5 s from {len(found)} files ({report.seconds:.0f} s)")


@app.command("submission", cls=Command)
def pack_submission(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Predicted CSV files, as `detect --dcase` writes them.")
    ],
    evaluation: Annotated[
        Path, typer.Option("--eval", metavar="DIR", help="The clips: a data set with stereo_eval, or WAV files.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Zip file to write.")],
) -> None:
    """Check predictions against the challenge's rules (50 frames, whole numbers, every clip present) and zip them.

    If a rule is broken, exits with 1, names the problem and writes nothing.
    """
    from zipfile import is_zipfile

    from earwitness.core.errors import LabelError, one_line
    from earwitness.data.dcase.submission import check_submission, pack

    if out.exists() and not is_zipfile(out):
        raise LabelError(f"{out}: exists and is not a zip file; give --out another name")
    submission = check_submission(folder, evaluation)
    if submission.problems:
        for problem in submission.problems:
            typer.echo(one_line(problem))
        count = len(submission.problems)
        say(f"{count} problem{'s' if count > 1 else ''}; {out} was not written")
        raise typer.Exit(1)
    pack(submission, out)
    typer.echo(f"{out}: {len(submission.files)} predictions")
