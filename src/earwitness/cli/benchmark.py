"""The verb `benchmark`: sets whose seed stays hidden until they are scored, and entries of the leaderboard."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.cli.choices import folder_name
from earwitness.cli.command import Command, Group

if TYPE_CHECKING:
    from earwitness.benchmark.benchmark_set import Secret

app = typer.Typer(cls=Group, help="Make, score and check benchmark sets with hidden seeds.", no_args_is_help=True)


@app.command("make", cls=Command)
def make(
    bank: Annotated[Path, typer.Option(metavar="PATH", help="Sound bank, as for `synthesize`.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", parser=folder_name, help="Folder of the set.")],
    clips: Annotated[int | None, typer.Option(min=2, max=100_000, metavar="N", help="Number of clips.")] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the set; by default that of its folder.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**200, metavar="N", help="Seed; by default a random one of 128 bits.")
    ] = None,
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Only sounds of this split of the bank.")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, max=600.0, metavar="SECONDS", help="Length of a clip.")] = 5.0,
    rooms: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Rooms to simulate, for this set only.")
    ] = 20,
    preset: Annotated[str | None, typer.Option(metavar="NAME", help="starss: as for `synthesize`.")] = None,
    microphone: Annotated[str | None, typer.Option(metavar="NAME", help="As for `synthesize`.")] = None,
    elevation: Annotated[
        float | None, typer.Option(min=1.0, max=90.0, metavar="DEG", help="Largest elevation of sources.")
    ] = None,
    video: Annotated[bool, typer.Option("--video", help="Also render pictures.")] = False,
    reveal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make the set of this leaderboard entry again, from its revealed seed."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=1024, metavar="N", help="Processes.")] = 1,
) -> None:
    """Make a set: clips to hand out, a commitment to publish, and a secret part to keep.

    Hand out DIR/set, publish DIR/set/benchmark.json, and keep DIR/secret until `benchmark score` reveals the seed.
    """
    from earwitness.benchmark.benchmark_set import SceneSettings
    from earwitness.benchmark.leaderboard import read_entry
    from earwitness.benchmark.set_making import MakeOptions, made_again, make_set
    from earwitness.cli.command import Meter, one_thread
    from earwitness.core.errors import UsageError

    one_thread()
    if (clips is None) == (reveal is None):
        raise UsageError("give --clips for a new set, or --reveal FILE to make a scored one again")
    again = None if reveal is None else read_entry(reveal)
    if again is not None:
        about, secret = again.benchmark, again.secret
        options = MakeOptions(
            bank, out, about.name, about.clips, about.settings, int(secret.seed), secret.nonce, workers
        )
    else:
        settings = SceneSettings(
            split=split, seconds=seconds, rooms=rooms, preset=preset, microphone=microphone, elevation_deg=elevation,
            video=video,
        )  # fmt: skip
        called = name or _plain_name(out.resolve().name)
        options = MakeOptions(bank, out, called, clips or 0, settings, seed, workers=workers)
    with Meter() as meter:
        description, secret = make_set(options, warn=partial(typer.echo, err=True), progress=meter.task)
    if again is not None:
        made_again(options, again.benchmark, again.secret, partial(typer.echo, err=True))
        typer.echo(f"{out}: the set '{description.name}' again; labels are those of {reveal}")
        return
    typer.echo(f"{out / 'set'}: {description.clips} clips to hand out; publish benchmark.json in it now")
    typer.echo(f"commitment: {description.commitment}")
    typer.echo(f"{out / 'secret'}: seed and labels; keep them until the set is scored")
    _warn_of_weak_seed(secret)


@app.command("score", cls=Command)
def score(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the set, with its secret part.")],
    predictions: Annotated[
        list[Path], typer.Option(metavar="DIR", help="Prediction CSV files of a system; may be repeated.")
    ],
    system: Annotated[
        list[str], typer.Option(metavar="NAME", help="Name of the system; once for each --predictions, in order.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", parser=folder_name, help="Folder for the entries (JSON).")
    ] = Path(),
    authors: Annotated[str, typer.Option(metavar="TEXT", help="Who made the system.")] = "",
    url: Annotated[str, typer.Option(metavar="URL", help="Its paper, code or model.")] = "",
    note: Annotated[str, typer.Option(metavar="TEXT", help="What it is, and what it was trained on.")] = "",
    model_sha256: Annotated[str, typer.Option(metavar="HEX", help="SHA-256 of its model.")] = "",
    unit: Annotated[
        str, typer.Option(metavar="auto|file|room", help="Unit of the intervals; auto: rooms, if there are 8 or more.")
    ] = "auto",
    bootstrap: Annotated[
        int, typer.Option(min=0, max=1_000_000, metavar="N", help="Intervals from N bootstrap samples.")
    ] = 0,
) -> None:
    """Score predictions under the strict protocol, reveal the seed, and write an entry for the leaderboard.

    The commitment is checked first. The first scoring publishes the seed; later entries say that it was known.
    """
    from rich.console import Console

    from earwitness.benchmark.benchmark_set import write_model
    from earwitness.benchmark.leaderboard import ScoredSystem
    from earwitness.benchmark.set_scoring import ScoringOptions, score_set
    from earwitness.cli.choices import one_of
    from earwitness.core.errors import UsageError
    from earwitness.metrics import score_report

    if len(predictions) != len(system):
        raise UsageError(f"{len(predictions)} --predictions and {len(system)} --system: give one name for each folder")
    targets = [out / f"{_plain_name(name)}.json" for name in system]
    if len(set(targets)) < len(targets):
        raise UsageError("two systems have the same name; give each its own")
    chosen = one_of("--unit", unit, ("auto", "file", "room"))
    systems = [
        ScoredSystem(name=name, authors=authors, url=url, note=note, model_sha256=model_sha256) for name in system
    ]
    options = ScoringOptions(None if chosen == "auto" else chosen, bootstrap)  # type: ignore[arg-type]
    console = Console(highlight=False)
    for result, target in zip(
        score_set(folder, list(zip(systems, predictions, strict=True)), options), targets, strict=True
    ):
        console.print(result.entry.system.name, style="bold", markup=False)
        score_report.print_scores(result.scores, console, result.intervals, [])
        write_model(result.entry, target)
        known = "" if result.entry.blind else "; the seed was known before, and the entry says so"
        typer.echo(f"{target}: commitment holds, seed {result.entry.secret.seed}{known}")


@app.command("check", cls=Command)
def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="Entries of the leaderboard.")],
    sets: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Published descriptions of sets; entries must be of one of them.")
    ] = None,
) -> None:
    """Check entries of the leaderboard: their form, that their figures fit together, and their commitments.

    Exit code: 0 all are valid, 1 some are not (each is named).
    """
    from earwitness.benchmark.leaderboard import check_published, read_entry
    from earwitness.cli.command import say
    from earwitness.core.errors import BenchmarkError

    failed = False
    for path in files:
        try:
            entry = read_entry(path)
            if sets is not None:
                check_published(entry, sets, str(path))
        except BenchmarkError as error:
            say(str(error))
            failed = True
            continue
        reached = entry.scores.f_score.value
        shown = "undefined" if reached is None else f"{reached:.3f}"
        typer.echo(f"{path}: valid; {entry.system.name}, F20/1 {shown} on {entry.benchmark.name}")
    if failed:
        raise typer.Exit(1)


def _plain_name(text: str) -> str:
    """A name for a set or a file: lower case, digits, "-", "_" and "."."""
    plain = "".join(character if character.isascii() and character.isalnum() else "-" for character in text.lower())
    return "-".join(part for part in plain.split("-") if part)[:64] or "set"


def _warn_of_weak_seed(secret: Secret) -> None:
    from earwitness.cli.command import say

    if secret.can_be_guessed:
        say("a seed of fewer than 64 bits can be found by trying; without --seed a random one is drawn")
