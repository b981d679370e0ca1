"""When the compiled loops are used: they answer five times as fast as NumPy and take a second to load, so not before that pays.

Loading begins, in a thread of its own, when as much has been asked as would have been done sooner with them. Until they are
there NumPy answers, and nobody waits; the answers are the same, to the last bit.
"""

from __future__ import annotations

import threading
from types import ModuleType

_WORTH = 1_500_000
"""So many distances take as much longer without the compiled loops as loading them takes."""

COVER = 20
"""So many points to areas are worth one distance."""


class _State:
    """What has been asked so far, and the loops when they are there."""

    loops: ModuleType | None = None
    asked = 0
    thread: threading.Thread | None = None


_LOCK = threading.Lock()


def loops(count: int) -> ModuleType | None:
    """Return the module ``kernels`` if it is loaded; ``count`` distances are about to be computed, or as much work as that is."""
    if _State.loops is None:
        expect(count)
    return _State.loops


def expect(count: int) -> None:
    """Say that so many distances are going to be asked for: when they and those before are worth it, loading begins."""
    with _LOCK:
        _State.asked += count
        if _State.asked >= _WORTH and _State.thread is None:
            _State.thread = threading.Thread(target=load, name="gisgrid-compiled")
            _State.thread.start()


def load() -> bool:
    """Load the compiled loops and wait for it; return whether they are there. The first time on a machine takes some ten seconds."""
    try:
        from gisgrid.locator import kernels  # noqa: PLC0415
    except (ImportError, RuntimeError):
        # No Numba for this machine, or no folder that it could keep its code in: compiling each time takes longer than it saves.
        return False
    _State.loops = kernels
    return True
