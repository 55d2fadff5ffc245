"""The verb `doctor`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.cli.command import one_thread

if TYPE_CHECKING:
    from earwitness.core.isolation import Reporter
    from earwitness.doctor.diagnosis import Diagnosis


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A video or audio file.")],
    model: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="The model to judge for: shipped, pulled or an .onnx file."),
    ] = "default",
    json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    max_seconds: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="Time limit; by default it grows with the file's length."),
    ] = None,
    max_memory: Annotated[float, typer.Option(metavar="MB", help="Memory limit.")] = 3000.0,
) -> None:
    """Check whether a recording can give directions: stereo, microphones, effects, balance, delay, clipping.

    Exit code: 0 fit for directions, 1 not fit or not readable.
    """
    one_thread()

    from earwitness.core.isolation import FileLimits, run_isolated
    from earwitness.detect.model.model_files import find_model

    limits, advice = FileLimits(max_seconds, max_memory), find_model(model).card.spaced_advice
    diagnosis = run_isolated(_diagnose, file, advice, limits=limits, on_progress=lambda _: None, name=str(file))
    if json:
        typer.echo(_json(file, diagnosis))
    else:
        _print(file, diagnosis)
    if not diagnosis.fit:
        raise typer.Exit(1)


def _diagnose(file: Path, spaced_advice: str | None, report: Reporter) -> Diagnosis:
    """Diagnose a file; runs in its own process."""
    from earwitness.doctor.diagnosis import diagnose
    from earwitness.media.containers.container import container_duration, open_media

    with open_media(file) as container:
        report.allow(file, container_duration(container) or 0.0)
    return diagnose(file, spaced_advice=spaced_advice)


def _json(file: Path, diagnosis: Diagnosis) -> str:
    import json

    checks: list[dict[str, Any]] = [
        {
            "name": check.name,
            "value": check.value if math.isfinite(check.value) else None,
            "unit": check.unit,
            "verdict": check.verdict,
            "sentence": check.sentence,
        }
        for check in diagnosis.checks
    ]
    document = {
        "file": file.as_posix(),
        "seconds": round(diagnosis.seconds, 6),
        "fit": diagnosis.fit,
        "checks": checks,
        "undirected": [
            {"start": round(one.start, 3), "end": round(min(one.end, diagnosis.seconds), 3), "reason": one.reason}
            for one in diagnosis.stretches
        ],
        "notes": list(diagnosis.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def _print(file: Path, diagnosis: Diagnosis) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    audio = diagnosis.media.audio
    about = f"{diagnosis.seconds:.1f} s"
    if audio is not None:
        about += f", {audio.rate} Hz, {audio.layout}, {audio.codec}"
    console.print(f"{file}: {about}", style="bold", markup=False, soft_wrap=True)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("verdict", no_wrap=True)
    table.add_column("check", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("meaning")
    colours = {"ok": "green", "caution": "yellow", "unfit": "red"}
    for check in diagnosis.checks:
        value = f"{_number(check.value)} {check.unit}".strip()
        table.add_row(f"[{colours[check.verdict]}]{check.verdict}[/]", check.name, value, check.sentence)
    console.print(table)
    for note in diagnosis.notes:
        console.print(f"note: {note}", markup=False, soft_wrap=True)
    console.print("Fit for directions." if diagnosis.fit else "Not fit for directions.", style="bold")


def _number(value: float) -> str:
    if math.isnan(value):
        return "-"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}" if abs(value) < 1 else f"{value:.1f}"
