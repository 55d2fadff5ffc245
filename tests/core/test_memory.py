from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from earwitness.core.memory import keep_freed_memory

LARGE_ARRAYS = """
import resource, sys
import numpy as np
from earwitness.core.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
# As in a scene: arrays of megabytes that live together, and go together.
for _ in range(3):
    arrays = [np.ones(size * 2**18, dtype=np.float32) for size in (1, 3, 5, 7)]
    del arrays
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    arrays = [np.ones(size * 2**18, dtype=np.float32) for size in (1, 3, 5, 7)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(kept: str) -> int:
    done = subprocess.run([sys.executable, "-c", LARGE_ARRAYS, kept], capture_output=True, text=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(not keep_freed_memory(), reason="the C library is not glibc: its allocator is left as it is")
def test_memory_is_handed_out_once() -> None:
    pages = 16 * 2**20 // resource.getpagesize()
    assert page_faults("kept") < pages < page_faults("returned")
