"""The verb `serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitness.cli.command import one_thread


def run(
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Address to listen on; other machines can connect only to a network address."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Port.")] = 7860,
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME|PATH,...",
            help="A shipped model, an .onnx or .ensemble file, or a pulled hf:USER/NAME; with commas, an ensemble.",
        ),
    ] = "default",
    vision: Annotated[
        str,
        typer.Option(
            metavar="DETECTOR",
            help="Visual detector: pose, auto (pose where it is installed), or vitpose or owlvit-boxes (experimental: "
            "never run with published weights).",
        ),
    ] = "auto",
    no_vision: Annotated[bool, typer.Option("--no-vision", help="Analyse sound only.")] = False,
    classes: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,...", help="Classes that visitors get, by name or group, such as people,alarms."),
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="NAME,...", help="Classes or groups to leave out.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="Device that runs the model.")] = "auto",
    max_mb: Annotated[float, typer.Option(metavar="MB", help="Largest upload.")] = 500.0,
    max_minutes: Annotated[float, typer.Option(metavar="MINUTES", help="Longest video or recording.")] = 30.0,
    max_seconds: Annotated[float, typer.Option(metavar="SECONDS", help="Time limit for each upload.")] = 1800.0,
    queue: Annotated[int, typer.Option(metavar="N", help="Uploads that may wait; one is processed at a time.")] = 10,
    keep_minutes: Annotated[
        float, typer.Option(metavar="MINUTES", help="Time after which results are removed.")
    ] = 30.0,
    max_memory: Annotated[float, typer.Option(metavar="MB", help="Memory limit for each upload.")] = 3000.0,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A further host name under which the page may be requested, such as a proxy's; may be repeated.",
        ),
    ] = None,
) -> None:
    """Serve a page for the browser: drop or record a video; get the report, captions and an annotated video.

    Works without a network. Other machines can connect only if --host is a network address; there is no password.
    With --host 0.0.0.0, the page answers to this machine's addresses, and to host names only with --allow-host NAME.
    Needs the extra 'serve'.
    """
    one_thread()

    from functools import partial

    from earwitness.detect.runner.runtime import check_device
    from earwitness.results.selection import ClassChoice
    from earwitness.serve.analysis import ServeLimits, load_detector
    from earwitness.serve.server import serve

    limits = ServeLimits(max_mb, max_minutes, max_seconds, queue, keep_minutes, max_memory)
    choice = ClassChoice.of(classes, exclude)
    load = partial(load_detector, model, check_device(device), None if no_vision else vision, choice)
    shown = f"[{host}]" if ":" in host else host
    serve(
        load,
        host,
        port,
        limits,
        allow_host or (),
        lambda: typer.echo(f"earwitness listens on http://{shown}:{port} (stop with Ctrl+C)"),
    )
