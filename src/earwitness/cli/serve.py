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
        typer.Option(help="What looks at pictures: pose, vitpose, owlvit-boxes, or auto: pose where it is present."),
    ] = "auto",
    no_vision: Annotated[bool, typer.Option("--no-vision", help="Listen only; do not look at pictures.")] = False,
    device: Annotated[str, typer.Option(metavar="auto|cpu|cuda", help="What to compute on.")] = "auto",
    max_mb: Annotated[float, typer.Option(help="Largest upload, MB.")] = 500.0,
    max_minutes: Annotated[float, typer.Option(help="Longest video or recording, minutes.")] = 30.0,
    max_seconds: Annotated[float, typer.Option(help="Longest time to work on one, seconds.")] = 1800.0,
    queue: Annotated[int, typer.Option(help="Uploads that may wait; one at a time is worked on.")] = 10,
    keep_minutes: Annotated[float, typer.Option(help="Minutes after which results are removed.")] = 30.0,
) -> None:
    """Open a page in the browser: drop a video or record one; get the report, captions and an annotated video.

    Works without a network. Nobody but you can reach it unless --host names an address of the network; there is no
    password. Needs the extra 'serve'.
    """
    one_thread()

    from earwitness.core.errors import EncoderError, MissingExtraError, ModelError, UsageError
    from earwitness.detect.detector import Detector
    from earwitness.detect.runner.runtime import check_device
    from earwitness.serve.app import serve
    from earwitness.serve.uploads import Limits

    limits = Limits(max_mb, max_minutes, max_seconds, queue, keep_minutes)
    try:
        # What is seen in uploads must go with them: it is not kept in the user's cache.
        visual_analysis = None if no_vision else vision
        detector = Detector.load(model, device=check_device(device), vision=visual_analysis, keep_seen=False)
    except (ModelError, EncoderError, MissingExtraError) as error:
        raise UsageError(str(error)) from error
    serve(
        detector,
        host,
        port,
        limits,
        lambda: typer.echo(f"earwitness listens on http://{host}:{port} (stop with Ctrl+C)"),
    )
