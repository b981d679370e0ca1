"""Both ways of answering long arrays: by NumPy, and by the compiled loops."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from gisgrid.locator import compiled


@contextmanager
def by_numpy() -> Iterator[None]:
    """For a block NumPy answers, whatever has been loaded and however much is asked."""
    with patch.object(compiled._State, "loops", None), patch.object(compiled, "expect"):
        yield


@contextmanager
def by_loops() -> Iterator[None]:
    """For a block the compiled loops answer."""
    assert compiled.load()
    yield
