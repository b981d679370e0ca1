"""When compiled loops are used: they answer several times as fast as NumPy and take a second to load, so not before that pays.

Loading begins, in a thread of its own, when as much has been asked as would have been done sooner with them. Until they are
there NumPy answers, and nobody waits; the answers are the same, to the last bit.
"""

from __future__ import annotations

import threading
from importlib import import_module
from types import ModuleType

COVER = 20
"""So many points to areas are worth one distance."""


class Loops:
    """The compiled loops of one module; ``worth`` is how much work takes as much longer without them as loading them takes."""

    def __init__(self, module: str, worth: int) -> None:
        self._module, self._worth = module, worth
        self._lock = threading.Lock()
        self._loaded: ModuleType | None = None
        self._asked = 0
        self._thread: threading.Thread | None = None

    def of(self, count: int) -> ModuleType | None:
        """Return the module if it is loaded; so much work is about to be done."""
        if self._loaded is None:
            self.expect(count)
        return self._loaded

    def expect(self, count: int) -> None:
        """Say that so much work is going to be asked for: when it and what was before is worth it, loading begins."""
        with self._lock:
            self._asked += count
            if self._asked >= self._worth and self._thread is None:
                self._thread = threading.Thread(target=self.load, name=f"loading {self._module}", daemon=True)
                self._thread.start()

    def expect_much(self) -> None:
        """Say that there will be work without an end, as a server has it: loading begins."""
        self.expect(self._worth)

    def load(self) -> bool:
        """Load the loops and wait for it; return whether they are there. The first time on a machine takes some ten seconds."""
        try:
            self._loaded = import_module(self._module)
        except (ImportError, RuntimeError):
            # No Numba for this machine, or no folder that it could keep its code in: compiling each time takes longer than it saves.
            return False
        return True


POINTS = Loops("gisgrid.locator.kernels", 1_500_000)
"""Points to areas and distances to edges; counted in distances."""
