"""All routes of the page; none takes a path or an address."""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from earwitness.media.input_files import MEDIA_SUFFIXES
from earwitness.serve.guard import Guard
from earwitness.serve.hosts import AllowedHosts
from earwitness.serve.result_store import ResultStore
from earwitness.serve.sessions import Sessions
from earwitness.serve.upload import UploadRoute
from earwitness.serve.upload_options import ServeLimits
from earwitness.serve.upload_queue import JobQueue

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
