from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from earwitness.core.files.owner import Owner


def test_a_record_is_read_back() -> None:
    owner = Owner.here("token", "earwitness train")
    assert Owner.parse(owner.record()) == owner
    assert "earwitness train" in str(owner)
    assert str(os.getpid()) in str(owner)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b"\xff\xfe", b'{"token": 1}', b"[" * 5000])
def test_other_contents_are_no_record(record: bytes) -> None:
    assert Owner.parse(record) is None


def test_a_running_process_is_not_gone_and_an_ended_one_is() -> None:
    here = Owner.here("token")
    assert not here.is_gone(unlocked=False)
    with subprocess.Popen([sys.executable, "-c", "pass"]) as process:
        process.wait()
    if here.boot:
        assert replace(here, process=process.pid, started="1").is_gone(unlocked=False)


def test_a_reused_pid_is_another_process() -> None:
    here = Owner.here("token")
    if not (here.boot and here.started):
        pytest.skip("this system has no boot id or start times")
    assert replace(here, started="1").is_gone(unlocked=False)


def test_nothing_is_certain_about_another_machine() -> None:
    other = replace(Owner.here("token"), machine="other/1", boot="other", namespace="other")
    assert not other.is_gone(unlocked=True)
    assert not other.is_gone(unlocked=False)
