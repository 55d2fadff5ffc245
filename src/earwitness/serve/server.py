"""The server: its routes, its start, and a shutdown that takes seconds at most.

No route takes a path or an address.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread, Timer, current_thread, main_thread
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from earwitness.core.errors import EncoderError, MissingExtraError, ModelError, UsageError
from earwitness.media.input_files import MEDIA_SUFFIXES
from earwitness.serve.analysis import ServeLimits
from earwitness.serve.guard import AllowedHosts, Guard
from earwitness.serve.result_store import ResultStore, Sessions
from earwitness.serve.upload import UploadRoute
from earwitness.serve.upload_queue import JobQueue

if TYPE_CHECKING:
    from earwitness.detect.detector import Detector


UPLOAD_PATH: Final = "/api/detect"
_ASSETS: Final = {"page.js": "text/javascript", "page.css": "text/css", "recorder.js": "text/javascript"}
_REPORT_POLICY: Final = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "media-src blob: 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""Content security policy of a report, one file with an inline script: it may load its own video only."""


def build_application(
    queue: JobQueue, store: ResultStore, sessions: Sessions, limits: ServeLimits, hosts: AllowedHosts
) -> Guard:
    """The ASGI application of the page, behind its guard."""
    page = (files("earwitness") / "assets" / "serve" / "page.html").read_text(encoding="utf-8")
    known = {"bytes": limits.upload_bytes, "minutes": limits.minutes, "keepMinutes": limits.keep_minutes}
    page = page.replace("{{limits}}", json.dumps(known)).replace("{{accept}}", _accepted(sorted(MEDIA_SUFFIXES)))

    def show_page(request: Request) -> Response:
        response = Response(page, media_type="text/html")
        if sessions.find(request.headers.get("cookie")) is None:
            response.headers["set-cookie"] = sessions.new()
        return response

    def show_result(request: Request) -> Response:
        session, name = sessions.find(request.headers.get("cookie")), request.path_params["name"]
        found = store.find(session, request.path_params["token"], name) if session else None
        if found is None:
            return PlainTextResponse("This result does not exist any more.", 404)
        result, path = found
        if name == result.report:
            headers = {"content-security-policy": _REPORT_POLICY}
            return FileResponse(path, media_type="text/html", headers=headers)
        # Uploaded content is never served as a page.
        if path.suffix.lower() in MEDIA_SUFFIXES:
            return FileResponse(path)
        return FileResponse(path, media_type="application/octet-stream", filename=name)

    routes = [
        Route("/", show_page),
        Route("/results/{token}/{name}", show_result),
        Route(UPLOAD_PATH, UploadRoute(queue, store, sessions), methods=["POST"]),
        *(Route(f"/{name}", _asset(name, kind)) for name, kind in _ASSETS.items()),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Guard(app, hosts, UPLOAD_PATH, limits.upload_bytes)


def _asset(name: str, kind: str) -> Any:
    content = (files("earwitness") / "assets" / "serve" / name).read_text(encoding="utf-8")

    def show(request: Request) -> Response:
        return Response(content, media_type=kind)

    return show


def _accepted(suffixes: Sequence[str]) -> str:
    return ",".join(["video/*", "audio/*", *suffixes])


_GRACE_SECONDS: Final = 2
"""Time for responses that are being sent."""
_LAST_SECONDS: Final = 4.0
"""Time from the first signal until the process is ended by force."""
_SWEEP_SECONDS: Final = 30.0


def serve(
    load: Callable[[], Detector],
    host: str,
    port: int,
    limits: ServeLimits | None = None,
    allow_hosts: Iterable[str] = (),
    ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until interrupted or terminated; running jobs are then stopped and all files removed.

    Args:
        load: loads the model, in the process of each job; must be picklable.
        host: address to listen on.
        port: port.
        limits: limits of the server.
        allow_hosts: further allowed host names.
        ready: called when the server accepts connections.

    Raises:
        MissingExtraError: the extra is not installed.
        UsageError: the address is in use or not local, a host name is not valid, or the model does not exist.
    """
    limits = limits or ServeLimits()
    hosts = AllowedHosts(host, allow_hosts)
    try:
        import uvicorn

        from earwitness.serve.server import build_application
    except ModuleNotFoundError as error:
        raise MissingExtraError("the page in the browser", "serve") from error
    from earwitness.serve.result_store import ResultStore, Sessions
    from earwitness.serve.upload_queue import JobQueue

    with (
        _terminated_as_interrupted(),
        _listening(host, port) as listener,
        TemporaryDirectory(prefix="earwitness-serve-", ignore_cleanup_errors=True) as folder,
    ):
        queue = JobQueue(load, limits)
        store = ResultStore(Path(folder), limits.keep_minutes * 60, limits.upload_bytes)
        app = build_application(queue, store, Sessions(f"earwitness-{port}"), limits, hosts)
        _check_model(load)
        config = uvicorn.Config(
            app, http="h11", ws="none", log_level="error", proxy_headers=False, server_header=False,
            timeout_graceful_shutdown=_GRACE_SECONDS, limit_concurrency=200,
        )  # fmt: skip
        server: Any = uvicorn.Server(config)
        _stop_all_on_exit(server, queue.stop, Path(folder))
        with _swept(store.sweep), suppress(KeyboardInterrupt):  # uvicorn raises it again after its shutdown
            ready()
            server.run(sockets=[listener])


def _check_model(load: Callable[[], Detector]) -> None:
    """Load the model once, so that its errors appear now and not with the first upload."""
    try:
        load()
    except (ModelError, EncoderError, MissingExtraError) as error:
        raise UsageError(str(error)) from error


def _stop_all_on_exit(server: Any, stop: Callable[[], None], folder: Path) -> None:
    """Stop all jobs at the first signal, and end the process by force if the server does not exit in time."""
    end = server.handle_exit

    def by_force() -> None:
        for child in multiprocessing.active_children():
            child.kill()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)

    def handle_exit(number: int, frame: FrameType | None) -> None:
        stop()
        timer = Timer(_LAST_SECONDS, by_force)
        timer.daemon = True
        timer.start()
        end(number, frame)

    server.handle_exit = handle_exit


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen on {host}:{port} ({reason}); choose another --host or --port") from None
    with listener:
        yield listener


@contextmanager
def _swept(sweep: Callable[[], None]) -> Iterator[None]:
    """Remove old results regularly while the context is active."""
    stop = Event()

    def repeat() -> None:
        while not stop.wait(_SWEEP_SECONDS):
            sweep()

    thread = Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=1)


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM like Ctrl+C, so that all files are removed. Works in the main thread only."""
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
