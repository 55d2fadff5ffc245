"""What the server takes on, and what a visitor chooses."""

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
"""Names of results are longer than that of the upload, and a system takes 255 bytes."""
_UNSAFE: Final = re.compile(r"[^\w .,+()\[\]&'-]")


@dataclass(frozen=True, slots=True)
class ServeLimits:
    """What the server takes on.

    Attributes:
        megabytes: of an upload, which is also the most of a whole request.
        minutes: that it may last.
        seconds: that working on it may take, by the clock and of processor time.
        queue: uploads that may wait.
        keep_minutes: after which results are removed.
        memory_mb: that working on it may take.
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
        """Largest upload."""
        return round(self.megabytes * 1e6)

    @property
    def of_a_file(self) -> FileLimits:
        """What the process that works on an upload may take."""
        return FileLimits(memory_mb=self.memory_mb, most_seconds=self.seconds)


class VisitorOptions(BaseModel):
    """What a visitor chose, as the page's request says it; the names are those of the command line.

    Attributes:
        name: of the file, for its results.
        video: whether to draw the events into a copy of the video.
        captions: style of the captions.
        fov: horizontal field of view of the camera, degrees.
        mono: take mono too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(max_length=1000)
    video: bool = True
    captions: Literal["terse", "full"] = "terse"
    fov: float = Field(DEFAULT_FOV_DEG, ge=20, le=160)
    mono: bool = False

    @property
    def file_name(self) -> str:
        """A name for the upload on disk: no folders, nothing hidden, a known suffix of media, not too long."""
        last = PurePosixPath(self.name.replace("\\", "/")).name
        stem, dot, suffix = _UNSAFE.sub("_", last).strip(" .").rpartition(".")
        if not dot or f".{suffix.lower()}" not in MEDIA_SUFFIXES:
            stem, suffix = f"{stem}{dot}{suffix}", "media"  # what it is, its content says
        stem = stem.encode()[:_NAME_BYTES].decode(errors="ignore").strip(" .-")
        return f"{stem or 'upload'}.{suffix}"
