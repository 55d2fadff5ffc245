from __future__ import annotations

import os
import subprocess
import sys

import pytest

from earwitness.cli.threads import one_thread


def test_the_users_choice_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "x")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    one_thread()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"


def test_the_command_line_has_not_imported_numpy_before_it_can_choose() -> None:
    code = "import sys, earwitness.cli.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "scipy", "av"} & set(done.stdout.split())
