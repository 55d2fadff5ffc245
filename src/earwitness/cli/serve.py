"""The verb `serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitness.cli.threads import one_thread


def run(
    host: Annotated[
        str, typer.Option(help="Address to listen on. Others can only reach you if you name an address of the network.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port.")] = 7860,
    model: Annotated[
        str, typer.Option(metavar="NAME|PATH", help="A shipped model, an .onnx or .ensemble file; several with commas.")
    ] = "default",
    vision: Annotated[
        str,
        typer.Option(
            help="Visual detector: pose; vitpose or owlvit-boxes (experimental: never run with published weights); "
            "auto: pose where it is installed."
        ),
    ] = "auto",
    no_vision: Annotated[bool, typer.Option("--no-vision", help="Listen only; do not look at pictures.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="What to compute on.")] = "auto",
    max_mb: Annotated[float, typer.Option(help="Largest upload, MB.")] = 500.0,
    max_minutes: Annotated[float, typer.Option(help="Longest video or recording, minutes.")] = 30.0,
    max_seconds: Annotated[float, typer.Option(help="Longest time to work on one, seconds.")] = 1800.0,
    queue: Annotated[int, typer.Option(help="Uploads that may wait; one at a time is worked on.")] = 10,
    keep_minutes: Annotated[float, typer.Option(help="Minutes after which results are removed.")] = 30.0,
    max_memory: Annotated[float, typer.Option(metavar="MB", help="Most memory that work on one may take.")] = 3000.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further name under which browsers may ask for the page, such as a proxy's. Repeatable.",
        ),
    ] = None,
) -> None:
    """Open a page in the browser: drop a video or record one; get the report, captions and an annotated video.

    Works without a network. Nobody but you can reach it unless --host names an address of the network; there is no
    password. With --host 0.0.0.0 it is reached by this machine's addresses; by a name only with --allow-host NAME.
    Needs the extra 'serve'.
    """
    one_thread()

    from functools import partial

    from earwitness.detect.runner.runtime import check_device
    from earwitness.serve.analysis import load_detector
    from earwitness.serve.server import serve
    from earwitness.serve.upload_options import ServeLimits

    limits = ServeLimits(max_mb, max_minutes, max_seconds, queue, keep_minutes, max_memory)
    load = partial(load_detector, model, check_device(device), None if no_vision else vision)
    shown = f"[{host}]" if ":" in host else host
    serve(
        load,
        host,
        port,
        limits,
        allow_host or (),
        lambda: typer.echo(f"earwitness listens on http://{shown}:{port} (stop with Ctrl+C)"),
    )
