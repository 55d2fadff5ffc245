"""Two hundred damaged files in the real harness; `make fuzz` tries two thousand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "fuzz.py"


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory through Linux's /proc")
def test_two_hundred_damaged_files_end_in_a_result_or_a_named_error() -> None:
    pytest.importorskip("torch", reason="damages checkpoints too (extra 'train')")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--cases", "200", "--seed", "5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("200 cases, ")
