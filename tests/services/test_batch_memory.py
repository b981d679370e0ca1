"""The memory of a batch's arrays is kept for the next ones."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

_FAULTS = """
import resource, sys
import numpy as np
from gisgrid.services.batch.memory import keep_freed_memory
if sys.argv[1] == "kept":
    keep_freed_memory()
def used(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        # As a piece does: some of its arrays live at the same time, and all are gone when the next one comes.
        del (arrays := [np.ones(1 << 18) for _ in range(16)])[:]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
used(2)
print(used(20))
"""


def _faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", _FAULTS, how], check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc")
def test_pages_are_not_asked_for_again_with_every_piece() -> None:
    assert _faults("kept") < _faults("plain") / 10
