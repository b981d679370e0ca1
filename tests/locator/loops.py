"""Both ways of answering long arrays: by NumPy, and by the compiled loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from gisgrid.locator.compiled import POINTS, Loops


@contextmanager
def by_numpy(loops: Loops = POINTS) -> Iterator[None]:
    """For a block NumPy answers, whatever has been loaded and however much is asked."""
    with patch.object(loops, "of", lambda _: None):
        yield


@contextmanager
def by_loops(loops: Loops = POINTS) -> Iterator[None]:
    """For a block the compiled loops answer."""
    assert loops.load()
    yield
