"""A local stand-in of the Hugging Face hub's HTTP API: repositories, commits, LFS uploads, redirects, refusals."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

WRITER, READER = "hf_writer", "hf_reader"
METER = "hf:ear/meter"


@dataclass
class Repo:
    """A repository: files of each commit, and the commit of each branch."""

    private: bool = False
    gated: bool = False
    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"0" * 40: {".gitattributes": b"x\n"}})
    branches: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})

    def files(self, revision: str) -> dict[str, bytes] | None:
        return self.commits.get(self.branches.get(revision, revision))

    def commit(self, branch: str, changes: dict[str, bytes | None]) -> str:
        """Add, replace and delete (None) files of a branch; returns the commit."""
        files = {**self.commits[self.branches[branch]]}
        for path, content in changes.items():
            if content is None:
                files.pop(path, None)
            else:
                files[path] = content
        listing = json.dumps({path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())})
        sha = hashlib.sha1((listing + self.branches[branch]).encode()).hexdigest()
        self.commits[sha] = files
        self.branches[branch] = sha
        return sha


@dataclass
class Hub:
    """The hub's contents, and what tests make it do.

    Attributes:
        base: its address.
        repos: by "owner/name".
        requests: method, path, host and token of each request.
        status: answer every request with this status.
        cut: send only this many bytes of files, then close the connection.
        garbage: answer the API with this text.
        elsewhere: redirect the contents of large files to this address instead of its own.
    """

    base: str = ""
    repos: dict[str, Repo] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str, str, str]] = field(default_factory=list)
    status: int = 0
    cut: int | None = None
    garbage: bytes | None = None
    elsewhere: str = ""

    def paths(self, method: str = "GET") -> list[str]:
        return [path for each, path, _, _ in self.requests if each == method]


class Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    @property
    def token(self) -> str:
        return (self.headers.get("Authorization") or "").removeprefix("Bearer ")

    def answer(self, status: int, body: bytes | dict[str, Any] | list[Any] = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.hub.cut is not None and status == 200 and not self.path.startswith("/api"):
            self.wfile.write(data[: self.hub.cut])
            self.close_connection = True
            return
        self.wfile.write(data)

    def visible(self, name: str) -> Repo | None:
        """The repository, if it exists and this token may read it; else the answer is sent, as the hub words it."""
        repo = self.hub.repos.get(name)
        if repo is None or (repo.private and self.token not in (WRITER, READER)):
            self.answer(404 if self.token else 401, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
            return None
        if repo.gated:
            self.answer(403, {"error": "gated"}, X_Error_Code="GatedRepo")
            return None
        return repo

    def handle_any(self) -> None:
        path = unquote(urlsplit(self.path).path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.hub.requests.append((self.command, path, self.headers.get("Host", ""), self.token))
        if self.hub.status:
            self.answer(self.hub.status, {"error": "no"})
        elif self.hub.garbage is not None and path.startswith("/api"):
            self.answer(200, self.hub.garbage)
        elif self.command in ("POST", "PUT"):
            self.write(path, body)
        else:
            self.read(path)

    do_GET = do_HEAD = do_POST = do_PUT = handle_any  # noqa: N815

    def read(self, path: str) -> None:
        parts = path.strip("/").split("/")
        if parts[0] == "cdn":
            self.answer(200, self.hub.blobs[parts[1]])
            return
        if parts[:2] == ["api", "models"]:
            repo = self.visible("/".join(parts[2:4]))
            if repo is None:
                return
            revision = "/".join(parts[5:])
            files = repo.files(revision or "main")
            if files is None:
                self.answer(404, {"error": "Invalid rev"}, X_Error_Code="RevisionNotFound")
            elif parts[4:5] == ["tree"]:
                entries = [
                    {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}
                    for name, content in files.items()
                ]
                self.answer(200, entries)
            else:
                sha = repo.branches.get(revision or "main", revision)
                listed = [{"rfilename": name} for name in files]
                self.answer(200, {"id": "/".join(parts[2:4]), "sha": sha, "siblings": listed, "private": repo.private})
            return
        repo = self.visible("/".join(parts[:2]))
        if repo is None:
            return
        content = (repo.files(parts[3]) or {}).get("/".join(parts[4:]))
        if content is None:
            self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
        elif parts[-1].endswith((".onnx", ".safetensors", ".ensemble")):
            digest = hashlib.sha256(content).hexdigest()
            self.hub.blobs[digest] = content
            self.answer(302, Location=f"{self.hub.elsewhere or self.hub.base}/cdn/{digest}")
        else:
            self.answer(200, content)

    def write(self, path: str, body: bytes) -> None:
        parts = path.strip("/").split("/")
        if parts[0] == "upload":
            self.hub.blobs[parts[1]] = body
            self.answer(200)
            return
        if self.token != WRITER:
            self.answer(403 if self.token else 401, {"error": "You don't have the rights"})
            return
        if path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked.get('organization') or 'ear'}/{asked['name']}"
            known = name in self.hub.repos
            self.hub.repos.setdefault(
                name, Repo(private=bool(asked.get("private")) or asked.get("visibility") == "private")
            )
            self.answer(409 if known else 200, {"url": f"{self.hub.base}/{name}", "name": name, "error": "exists"})
        elif path == "/api/validate-yaml":
            self.answer(200, {"errors": [], "warnings": []})
        elif path.endswith(".git/info/lfs/objects/batch"):
            objects = [
                {**each, "actions": {"upload": {"href": f"{self.hub.base}/upload/{each['oid']}"}}}
                for each in json.loads(body)["objects"]
            ]
            self.answer(200, {"transfer": "basic", "objects": objects})
        else:
            self.change("/".join(parts[2:4]), parts[4], "/".join(parts[5:]), body)

    def change(self, name: str, verb: str, branch: str, body: bytes) -> None:
        repo = self.hub.repos[name]
        if verb == "branch":
            repo.branches.setdefault(branch, repo.branches["main"])
            self.answer(200, {})
        elif verb == "preupload":
            large = (".onnx", ".safetensors", ".ensemble")
            modes = [
                {"path": each["path"], "uploadMode": "lfs" if each["path"].endswith(large) else "regular",
                 "shouldIgnore": False, "oid": None}
                for each in json.loads(body)["files"]
            ]  # fmt: skip
            self.answer(200, {"files": modes})
        else:
            changes: dict[str, bytes | None] = {}
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    changes[value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    changes[value["path"]] = self.hub.blobs[value["oid"]]
                elif line["key"] == "deletedFile":
                    changes[value["path"]] = None
            sha = repo.commit(branch, changes)
            self.answer(200, {"success": True, "commitOid": sha, "commitUrl": f"{self.hub.base}/{name}/commit/{sha}"})


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub at a free port of this machine."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OwnHandler", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.base = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def can_push(monkeypatch: pytest.MonkeyPatch) -> None:
    constants = pytest.importorskip("huggingface_hub.constants", reason="pushing needs the extra 'hub'")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # the stand-in has LFS only


def nothing_is_left(tmp_path: Path) -> bool:
    return not [path for path in (tmp_path / "cache" / "hub-models").rglob("*") if path.is_file()]
