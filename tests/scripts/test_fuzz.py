"""Three hundred cases in the real harness; `make fuzz` tries three thousand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
SCRIPT = SCRIPTS / "fuzz.py"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="measures memory through Linux's /proc"
)


@pytest.fixture(autouse=True)
def _needed() -> None:
    for name in ("torch", "onnx", "h5py", "uvicorn", "starlette"):
        pytest.importorskip(name, reason="makes input for every extra")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The parts of the script as modules."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "fuzzing"]:
        sys.modules.pop(name)


def test_three_hundred_cases_end_in_a_result_or_a_named_error() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--cases", "300", "--seed", "5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("300 cases of ")


@pytest.mark.usefixtures("harness")
def test_what_goes_wrong_is_noticed(tmp_path: Path) -> None:
    """A harness that finds nothing looks like a program without faults: each kind of failure is played once."""
    from fuzzing.watch import Watched  # type: ignore[import-not-found]

    script = tmp_path / "faulty.py"
    script.write_text(
        f"import sys, time; sys.path.insert(0, {str(SCRIPTS)!r})\n"
        "from pathlib import Path\n"
        "from fuzzing import watch\n"
        "from fuzzing.kinds import KINDS, Kind\n"
        "import numpy as np\n"
        "def fail(path): raise KeyError('x')\n"
        "def warn(path): exec(compile('np.float32(1e30) * np.float32(1e30)', 'x', 'exec'),\n"
        "                     {'np': np, '__name__': 'earwitness.x'})\n"
        "def grow(path): bytearray(1_700_000_000)\n"
        "def two_lines(path):\n"
        "    from earwitness.core.errors import EarwitnessError\n"
        "    class Two(EarwitnessError):\n"
        "        def __str__(self): return 'a\\nb'\n"
        "    raise Two\n"
        "def die(path): import os; os._exit(3)\n"
        "reads = {'fail': fail, 'warn': warn, 'grow': grow, 'two': two_lines, 'die': die, 'well': str, 'open': str,\n"
        "         'sleep': lambda path: time.sleep(60), 'labels': str}\n"
        "def make(chance, valid, folder):\n"
        "    (folder / 'x').write_text('x')\n"
        "    return folder / 'x'\n"
        "KINDS.update({name: Kind(make, name, refused=name == 'open') for name in reads})\n"
        "KINDS['damaged labels.csv'] = KINDS['well']\n"
        "watch.readers = lambda valid, folder: reads\n"
        f"watch.work(Path({str(tmp_path)!r}), 0)\n"
    )
    observation = Watched(script, tmp_path, 0, clock_limit=8.0)
    expected = {
        "well": "read", "fail": "defect", "warn": "defect", "two": "not one line", "open": "not refused",
        "grow": "memory", "die": "crash", "sleep": "hang",
    }  # fmt: skip
    try:
        assert {name: observation.ask(1, name).outcome for name in expected} == expected
    finally:
        observation.close()
