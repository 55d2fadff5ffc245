"""Measures the time and peak memory of an `earwitness` command; used by the benchmarks, not a benchmark itself."""

from __future__ import annotations

import subprocess
import sys
import time

_CHILD = """
import sys
from earwitness.cli.main import main
sys.argv = ["earwitness", *sys.argv[1:]]
try:
    main()
finally:
    # Not getrusage: its peak includes the parent's memory from before exec.
    status = open("/proc/self/status").read()
    print(status.split("VmHWM:")[1].split()[0], file=sys.stderr)
"""


def run_measured(*arguments: str) -> tuple[float, float]:
    """Run `earwitness` with these arguments in a fresh process; return seconds and peak megabytes."""
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _CHILD, *arguments], capture_output=True, text=True, check=True)
    return time.perf_counter() - begun, int(done.stderr.split()[-1]) / 1024
