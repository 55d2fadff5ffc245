"""What to say of a file that cannot be written: why, and what helps."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Final

from earwitness.core.errors import EncodingError

_ADVICE: Final = {
    errno.ENOSPC: "make space",
    errno.EDQUOT: "make space, or ask for more",
    errno.EFBIG: "files of this size are not allowed there; name another place",
    errno.ENAMETOOLONG: "give the input a shorter name",
    errno.EACCES: "name a place where you may write",
    errno.EPERM: "name a place where you may write",
    errno.EROFS: "name a place where you may write",
    errno.EEXIST: "it is not a folder; name another one",
    errno.ENOTDIR: "a part of it is not a folder; name another place",
    errno.ENOENT: "its folder is gone; start again",
}


def unwritable(path: Path, error: OSError) -> EncodingError:
    """The error that names the file, the reason and what helps."""
    advice = _ADVICE.get(error.errno or 0, "check folder and space")
    return EncodingError(f"{path}: cannot be written ({error.strerror or error}); {advice}")
