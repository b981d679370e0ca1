"""What the C library does with memory that is given back, for a process that works through one piece after the other."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_MOST_BYTES, _KEPT_BYTES = 32 << 20, 256 << 20


def keep_freed_memory() -> None:
    """Have the C library (glibc; others have no such call) keep the memory of arrays for the next ones, for this process.

    By itself it gives those of some megabytes back to the system each time, which then has to clear the same pages again for the next
    piece: a twentieth of the work of a batch. The most memory that is in use at any time stays the same.
    """
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _MOST_BYTES)
        library.mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
