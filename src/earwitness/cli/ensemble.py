"""The verb `ensemble`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    members: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL", help="Shipped models or .onnx files; mirror:MODEL also runs it on swapped channels."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The .ensemble file to write.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the ensemble; by default its members' names.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="W,...", help="A weight for each member, as 2,1,1; by default equal.")
    ] = None,
    valid: Annotated[
        Path | None, typer.Option(metavar="DIR", help="DCASE folder on which weights and thresholds are tuned.")
    ] = None,
    splits: Annotated[
        str | None, typer.Option(metavar="NAME,...", help="With --valid: its splits; by default dev-train*.")
    ] = None,
) -> None:
    """Combine models into one file for `detect --model`; their matched tracks are averaged."""
    from earwitness.cli.command import one_thread

    one_thread()
    from earwitness.cli.command import needs
    from earwitness.core.errors import UsageError
    from earwitness.core.files.lock import locked_file

    with needs("making an ensemble", "train"):
        from earwitness.training.export.ensemble_export import export_ensemble
    try:
        given = None if weights is None else [float(part) for part in weights.split(",")]
    except ValueError:
        raise UsageError(f"--weights {weights}: give numbers with commas, as 2,1,1") from None
    if splits is not None and valid is None:
        raise UsageError("--splits needs --valid")
    wanted = None if splits is None else [part for part in splits.split(",") if part]
    with locked_file(out, "earwitness ensemble"):
        card = export_ensemble(members, out, name=name, weights=given, valid=valid, splits=wanted)
    judged = f", F20/1 {card.scores['valid/f_score']:.3f}" if "valid/f_score" in card.scores else ""
    typer.echo(f"{out}: {card.name}, {len(members)} members, {out.stat().st_size / 1e6:.1f} MB{judged}")
