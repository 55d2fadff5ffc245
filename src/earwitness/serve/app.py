"""The server: Gradio's page, the results, and nothing from outside."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from earwitness.core.errors import MissingExtraError, UsageError
from earwitness.serve.uploads import Limits, UploadProcessor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from earwitness.detect.detector import Detector

_GRACE_SECONDS: Final = 2


@contextmanager
def application(detector: Detector, limits: Limits | None = None) -> Iterator[tuple[Any, UploadProcessor]]:
    """The ASGI application, and what works for it; all files lie in one temporary folder, which goes with it.

    Raises:
        MissingExtraError: Gradio is not installed.
    """
    limits = limits or Limits()
    with TemporaryDirectory(prefix="earwitness-serve-") as folder:
        # Gradio reads these when it is imported: no analytics, uploads where they are cleared away.
        os.environ.update(
            GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=f"{folder}/uploads", HF_HUB_DISABLE_TELEMETRY="1"
        )
        workshop = UploadProcessor(detector, Path(folder) / "results", limits, Path(folder) / "uploads")
        stop = Event()
        sweeper = Thread(target=_sweep, args=(workshop.sweep, stop), daemon=True)
        sweeper.start()
        try:
            yield _mounted(workshop), workshop
        finally:
            stop.set()
            sweeper.join(timeout=5)


def serve(
    detector: Detector,
    host: str,
    port: int,
    limits: Limits | None = None,
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until interrupted or terminated; `ready` is called when the page can be asked for, or very nearly so.

    What is being worked on then is broken off, and all files go.

    Raises:
        MissingExtraError: Gradio is not installed.
        UsageError: the address is taken, or not this machine's.
    """
    import socket

    with _terminated_as_interrupted(), application(detector, limits) as (app, workshop):
        import uvicorn

        try:
            with socket.create_server((host, port)):
                pass
        except OSError as error:
            raise UsageError(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from None
        ready()
        # Pages that are open keep a connection, which would keep the server.
        config = uvicorn.Config(
            app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=_GRACE_SECONDS
        )
        server: Any = uvicorn.Server(config)
        end = server.handle_exit

        def handle_exit(number: int, frame: FrameType | None) -> None:
            workshop.stop()
            end(number, frame)

        server.handle_exit = handle_exit
        with suppress(KeyboardInterrupt):  # the server raises it again when it has ended
            server.run()


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM is taken for Ctrl-C, so that all files go. Only the main thread may ask for that."""
    if current_thread() is not main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _mounted(workshop: UploadProcessor) -> Any:
    try:
        import fastapi
        import gradio as gr
        from fastapi.responses import FileResponse
    except ModuleNotFoundError as error:
        raise MissingExtraError("the page in the browser", "serve") from error
    from earwitness.serve.offline import Offline
    from earwitness.serve.page import FONTS, build_page

    app = fastapi.FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    def result(token: str, name: str) -> Any:
        path = workshop.find(token, name)
        if path is None:
            raise fastapi.HTTPException(404, "This result is not kept any more.")
        return FileResponse(path)

    app.get("/results/{token}/{name}")(result)
    app.add_middleware(Offline)
    return gr.mount_gradio_app(
        app, build_page(workshop), path="/", footer_links=[], max_file_size=round(workshop.limits.megabytes * 1e6),
        ssr_mode=False, pwa=False, theme=gr.themes.Soft(font=FONTS, font_mono=("ui-monospace", "monospace")),
    )  # fmt: skip


def _sweep(sweep: Callable[[], None], stop: Event) -> None:
    while not stop.wait(30):
        sweep()
