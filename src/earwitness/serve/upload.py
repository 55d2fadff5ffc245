"""The upload route: one request is one job, from the first byte of the file to the result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl

from pydantic import ValidationError

from earwitness.core.errors import EarwitnessError
from earwitness.serve.analysis import VisitorOptions
from earwitness.serve.guard import BodyTooLargeError, Message, Receive, Scope, Send, refuse
from earwitness.serve.result_store import ResultStore, Sessions, StoredResult
from earwitness.serve.upload_queue import JobQueue, QueueFullError, UploadJob

CONTENT_TYPE: Final = "application/octet-stream"
"""A form of another website cannot send this type without a CORS preflight, which fails."""
_IDLE_SECONDS: Final = 60.0
"""An upload that sends nothing for this long is cancelled."""
_PIECE_BYTES: Final = 2**20


class _ClientGoneError(EarwitnessError):
    """The visitor closed the connection."""


class UploadRoute:
    """ASGI application: the body is the file, the query holds the options, the response streams JSON lines.

    A request cannot name a path, an address or an earlier upload. Closing the connection cancels the job.
    """

    def __init__(self, queue: JobQueue, store: ResultStore, sessions: Sessions) -> None:
        self._queue, self._store, self._sessions = queue, store, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        session = self._sessions.find(headers.get("cookie"))
        if session is None:
            await refuse(
                receive, send, 403, "Open the page first, and let it set its cookie; after a restart, load it again."
            )
            return
        if headers.get("content-type", "").split(";")[0].strip().lower() != CONTENT_TYPE:
            await refuse(receive, send, 415, f"An upload is the bytes of one file, sent as {CONTENT_TYPE}.")
            return
        try:
            options = _options(scope["query_string"])
            with self._queue.place(), self._folder(session) as result:
                media = result.folder / options.file_name
                await self._receive_file(receive, media)
                await self._work(UploadJob(media, options), result, receive, send)
        except _ClientGoneError:
            return
        except BodyTooLargeError as error:
            await refuse(receive, send, 413, str(error))
        except QueueFullError as error:
            await refuse(receive, send, 503, str(error))
        except EarwitnessError as error:
            await refuse(receive, send, 400, str(error))
        except OSError as error:
            await refuse(receive, send, 507, f"The server cannot store the upload ({error.strerror}).")

    @contextmanager
    def _folder(self, session: str) -> Iterator[StoredResult]:
        result = self._store.open(session)
        try:
            yield result
        finally:
            if result.finished_at is None:
                self._store.discard(result)

    async def _receive_file(self, receive: Receive, target: Path) -> None:
        """Write the body of a request to a new file."""
        held = bytearray()
        with closing(target.open("xb")) as file:
            last = False
            while not last:
                message = await self._next(receive)
                held += message.get("body", b"")
                last = not message.get("more_body", False)
                if len(held) >= _PIECE_BYTES or last:
                    await asyncio.to_thread(file.write, bytes(held))
                    held.clear()
        if target.stat().st_size == 0:
            raise EarwitnessError("The upload is empty.")

    async def _next(self, receive: Receive) -> Message:
        """Wait for the next piece of a body, until a timeout or the server's shutdown."""
        coming = asyncio.ensure_future(receive())
        stopping = asyncio.ensure_future(self._queue.stopped.wait())
        try:
            await asyncio.wait([coming, stopping], timeout=_IDLE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                raise QueueFullError("The server is shutting down.")
            if not coming.done():
                raise EarwitnessError("No data arrived for a minute; send the file again.")
            message = coming.result()
        finally:
            coming.cancel()
            stopping.cancel()
        if message["type"] == "http.disconnect":
            raise _ClientGoneError
        return message

    async def _work(self, job: UploadJob, result: StoredResult, receive: Receive, send: Send) -> None:
        """Run a job until it ends or its visitor disconnects."""
        headers = [(b"content-type", b"application/x-ndjson"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        messages = self._queue.run(job)
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            while True:
                coming = asyncio.ensure_future(anext(messages, None))
                await asyncio.wait([coming, gone], return_when=asyncio.FIRST_COMPLETED)
                if not coming.done():  # the visitor has disconnected
                    coming.cancel()
                    await asyncio.wait([coming])
                    return
                message = coming.result()
                if message is None:
                    break
                if message["kind"] == "result":
                    await asyncio.to_thread(self._store.finish, result, message["report"])
                    message["token"] = result.token
                elif message["kind"] == "error":
                    await asyncio.to_thread(self._store.discard, result)
                await send({"type": "http.response.body", "body": _line(message), "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            job.cancelled.set()
            await messages.aclose()


def _options(query: bytes) -> VisitorOptions:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise EarwitnessError("The request has too many options.") from None
    if len({name for name, _ in pairs}) < len(pairs):
        raise EarwitnessError("The request has an option twice.")
    try:
        return VisitorOptions.model_validate(dict(pairs))
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(map(str, problem["loc"]))
        raise EarwitnessError(f"The option {where!r} is not valid: {problem['msg']}.") from None


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _line(message: Mapping[str, Any]) -> bytes:
    return json.dumps(message, ensure_ascii=False).encode(errors="replace") + b"\n"
