"""Commands of the verb `models` for trained models on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from earwitness.cli.choices import folder_name

if TYPE_CHECKING:
    from earwitness.detect.hub.hub_cache import HubAddress

_MODEL = typer.Argument(
    metavar="MODEL", help="An .onnx file with its card beside it, an .ensemble file, or a shipped model."
)
_CHECKPOINT = typer.Option(
    metavar="FILE", help="Also publish this checkpoint (.safetensors), so that others can fine-tune the model."
)


def push(
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


def card(
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


def pull_addresses(texts: list[str], sha256: str | None) -> None:
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


def listed() -> list[dict[str, Any]]:
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


def described(text: str) -> dict[str, Any]:
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
