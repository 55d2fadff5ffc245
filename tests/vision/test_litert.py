from __future__ import annotations

import os
import subprocess
import sys

import pytest

from earwitness.vision.detectors.litert import suppress_stderr


def test_only_the_greeting_is_held_back(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress_stderr("INFO: made"):
        os.write(2, b"INFO: made a delegate\nERROR: no memory\n")
        os.write(2, b"INFO: made another\nleft open")
    os.write(2, b" and on\n")
    assert capfd.readouterr().err == "ERROR: no memory\nleft open and on\n"


def test_what_was_said_comes_through_when_the_block_fails(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with suppress_stderr("INFO"):
            os.write(2, b"WARNING: damaged\n")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()
    assert capfd.readouterr().err == "WARNING: damaged\n"


@pytest.mark.skipif(os.name != "posix", reason="closes a descriptor")
def test_nothing_to_write_to() -> None:
    code = (
        "import os, sys; os.close(2); sys.stderr = None\n"
        "from earwitness.vision.detectors.litert import suppress_stderr as hold_back\n"
        "with hold_back('x'): print('done')"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "done\n"
