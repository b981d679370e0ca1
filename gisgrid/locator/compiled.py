"""When compiled loops are used: they answer several times as fast as NumPy and take a second to load, so not before that pays.

Loading begins, in a thread of its own, when as much has been asked as would have been done sooner with them. Until they are
there NumPy answers, and nobody waits; the answers are the same, to the last bit. The first time on a machine they are compiled
before, which takes some twenty seconds, by a process of its own: a server would hardly answer beside that.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
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
        self._compiling: subprocess.Popen[bytes] | None = None
        self._loading: threading.Thread | None = None

    def of(self, count: int) -> ModuleType | None:
        """Return the module if it is loaded; so much work is about to be done."""
        if self._loaded is None:
            self.expect(count)
        return self._loaded

    def expect(self, count: int) -> None:
        """Say that so much work is going to be asked for: when it and what was before is worth it, loading begins."""
        with self._lock:
            self._asked += count
            if self._asked >= self._worth and self._loading is None and self._is_compiled():
                self._loading = threading.Thread(target=self.load, name=f"loading {self._module}")
                self._loading.start()

    def want(self) -> None:
        """Say that they are going to be asked for often: loading begins now, or compiling does."""
        self.expect(self._worth)

    def _is_compiled(self) -> bool:
        """Return whether loading them is all that is to be done; if not, see to it that they are compiled meanwhile."""
        if self._compiling is None:
            spec = find_spec(self._module)
            source = Path(spec.origin if spec is not None and spec.origin is not None else "")
            since = source.stat().st_mtime
            # Numba may keep them elsewhere: compiling finds them there, and ends at once.
            if any(kept.stat().st_mtime >= since for kept in source.parent.glob(f"__pycache__/{source.stem}.*.nbi")):
                return True
            # What goes wrong there goes wrong again when they are loaded, where it is met.
            null = subprocess.DEVNULL
            self._compiling = subprocess.Popen([sys.executable, "-c", f"import {self._module}"], stdin=null, stdout=null, stderr=null)
        return self._compiling.poll() is not None

    def load(self) -> bool:
        """Load the loops and wait for it; return whether they are there. The first time on a machine takes some twenty seconds."""
        try:
            self._loaded = import_module(self._module)
        except (ImportError, RuntimeError):
            # No Numba for this machine, or no folder that it could keep its code in: compiling each time takes longer than it saves.
            return False
        return True


POINTS = Loops("gisgrid.locator.kernels", 1_500_000)
"""Points to areas and distances to edges; counted in distances."""
