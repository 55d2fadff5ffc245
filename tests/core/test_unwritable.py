from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from earwitness.core.errors import unwritable


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "free some disk space"),
        (errno.EROFS, "choose a folder that you can write to"),
        (errno.EEXIST, "it is not a folder"),
        (errno.EIO, "check the folder and the disk space"),
    ],
)
def test_the_reason_and_what_to_do(number: int, advice: str) -> None:
    message = str(unwritable(Path("out/clip.csv"), OSError(number, os.strerror(number))))
    assert message.startswith(f"{Path('out/clip.csv')}: cannot be written ({os.strerror(number)})")
    assert advice in message
    assert "\n" not in message


def test_an_error_without_a_number() -> None:
    assert "(the pipe broke)" in str(unwritable(Path("a"), OSError("the pipe broke")))


def test_a_real_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as raised:
        (tmp_path / "file" / "below").write_text("")
    assert "is not a folder" in str(unwritable(tmp_path / "file" / "below", raised.value))
