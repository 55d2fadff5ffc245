"""The error for a file that cannot be written, with the reason and advice."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from earwitness.core.errors import EncodingError

_ADVICE: Final = {
    errno.ENOSPC: "free some disk space",
    errno.EDQUOT: "free some disk space, or ask for a larger quota",
    errno.EFBIG: "files of this size are not allowed there; choose another folder",
    errno.ENAMETOOLONG: "give the input a shorter name",
    errno.EACCES: "choose a folder that you can write to",
    errno.EPERM: "choose a folder that you can write to",
    errno.EROFS: "choose a folder that you can write to",
    errno.EEXIST: "it is not a folder; name another one",
    errno.ENOTDIR: "a part of it is not a folder; name another place",
    errno.ENOENT: "its folder was deleted; start again",
}


def unwritable(path: Path, error: OSError) -> EncodingError:
    """Error that names the file, the reason and what to do."""
    advice = _ADVICE.get(error.errno or 0, "check the folder and the disk space")
    return EncodingError(f"{path}: cannot be written ({error.strerror or error}); {advice}")
