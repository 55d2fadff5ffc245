"""The verb `export-model`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def run(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a training run.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", "-o", metavar="FILE", help="The .onnx file to write; its card gets the same name with .json."
        ),
    ],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the model; by default its recipe's name.")
    ] = None,
    best: Annotated[
        bool, typer.Option("--best", help="Use the weights with the best validation score, not the last ones.")
    ] = False,
    bank: Annotated[
        str | None, typer.Option(metavar="DIR", help="Folder of the sound bank, if it has moved since the run.")
    ] = None,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Also run the model on swapped channels and average: twice the work.")
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store large weights as 16-bit floats: half the size.")] = False,
    limit: Annotated[
        list[str] | None,
        typer.Option(metavar="SENTENCE", help="A further limitation for the model card; may be repeated."),
    ] = None,
    scenes: Annotated[
        int, typer.Option(min=2, metavar="N", help="Scenes on which thresholds are tuned and scored.")
    ] = 800,
) -> None:
    """Export a training run for `detect`: ONNX weights, and a card with tuned thresholds and scores."""
    from earwitness.cli.command import one_thread

    one_thread()
    from earwitness.cli.command import needs
    from earwitness.core.files.lock import locked_file

    with needs("exporting a model", "train"):
        from earwitness.models.architectures import token_widths
        from earwitness.models.checkpoint import load_model
        from earwitness.models.symmetric import MirroredNetwork
        from earwitness.training.data.clip_stream import VALID_STREAM, SceneStream
        from earwitness.training.data.token_lookup import TokenLookup
        from earwitness.training.data.training_sources import open_sources
        from earwitness.training.export.calibrate import tune_and_score
        from earwitness.training.export.model_export import ExportOptions, export_run, run_recipe
        from earwitness.training.loop.validate import ValidSet
    if out.suffix != ".onnx":
        raise typer.BadParameter("must end in .onnx", param_hint="--out")
    with locked_file(out, "earwitness export-model"):
        checkpoint = "best.safetensors" if best else "last.safetensors"
        recipe = run_recipe(folder)
        data = recipe.data.model_copy(update={"bank": bank}) if bank else recipe.data
        net = load_model(folder / checkpoint)
        valid = open_sources(data, recipe.features).valid
        tokens = TokenLookup.open(data, token_widths(recipe.model))
        stream = SceneStream(
            valid, recipe.features, seed=data.valid_seed, swap="none", stream=VALID_STREAM, tokens=tokens
        )
        network = MirroredNetwork(net, recipe.features) if mirror else net
        tuning = tune_and_score(network, ValidSet.render(stream, scenes), recipe.run)
        options = ExportOptions(name, checkpoint, mirror, half, tuple(limit or ()))
        card = export_run(folder, out, tuning, options)
    for note in tuning.limits:
        typer.echo(f"note: {note}", err=True)
    reached = card.scores.get("synthetic/f_score")
    judged = "" if reached is None else f", F20/1 {reached:.3f}"
    typer.echo(f"{out}: {card.name}, {out.stat().st_size / 1e6:.1f} MB{judged}")
