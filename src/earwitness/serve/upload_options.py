"""Limits of the server, and options of a visitor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from earwitness.core.errors import UsageError
from earwitness.core.geometry import DEFAULT_FOV_DEG
from earwitness.core.isolation import FileLimits
from earwitness.core.isolation.process_limits import MEMORY_MB
from earwitness.media.input_files import MEDIA_SUFFIXES

_NAME_BYTES: Final = 150
"""Longest stem of an upload; result names add to it, and file systems allow 255 bytes."""
_UNSAFE: Final = re.compile(r"[^\w .,+()\[\]&'-]")


@dataclass(frozen=True, slots=True)
class ServeLimits:
    """Limits of the server.

    Attributes:
        megabytes: largest upload, and so the largest request.
        minutes: longest recording.
        seconds: longest processing of an upload, by the clock and in CPU time.
        queue: number of uploads that may wait.
        keep_minutes: time after which results are removed.
        memory_mb: largest memory for processing an upload, MB.
    """

    megabytes: float = 500.0
    minutes: float = 30.0
    seconds: float = 1800.0
    queue: int = 10
    keep_minutes: float = 30.0
    memory_mb: float = MEMORY_MB

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            if not 0 < getattr(self, name) < 1e9:
                raise UsageError(f"a server's limits must be above 0; {name} is {getattr(self, name)}")

    @property
    def upload_bytes(self) -> int:
        """Largest upload, bytes."""
        return round(self.megabytes * 1e6)

    @property
    def of_a_file(self) -> FileLimits:
        """Limits of the process that handles an upload."""
        return FileLimits(memory_mb=self.memory_mb, most_seconds=self.seconds)


class VisitorOptions(BaseModel):
    """Options of a visitor, from the query of a request; the names are those of the command line.

    Attributes:
        name: name of the file, from which result names are made.
        video: whether to write an annotated video.
        captions: style of the captions.
        fov: horizontal field of view of the camera, degrees.
        mono: whether to accept mono sound.
        classes, exclude: names of the classes to keep and to leave out, separated by commas; empty: all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=1000)
    video: bool = True
    captions: Literal["terse", "full"] = "terse"
    fov: float = Field(DEFAULT_FOV_DEG, ge=20, le=160)
    mono: bool = False
    classes: str = Field("", max_length=1000)
    exclude: str = Field("", max_length=1000)

    @property
    def file_name(self) -> str:
        """A safe name for the upload on disk: without folders, not hidden, with a known media suffix, not too long."""
        last = PurePosixPath(self.name.replace("\\", "/")).name
        stem, dot, suffix = _UNSAFE.sub("_", last).strip(" .").rpartition(".")
        if not dot or f".{suffix.lower()}" not in MEDIA_SUFFIXES:
            stem, suffix = f"{stem}{dot}{suffix}", "media"  # the content determines the type
        stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .-")
        return f"{stem or 'upload'}.{suffix}"
