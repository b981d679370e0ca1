"""How loops are compiled by Numba, and the types of their arguments. Only modules of loops import this: it takes a second.

The code of a loop is kept in a file until the file of the loop changes, so what may change elsewhere comes as an argument.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit, types

Loop = Callable[..., None]


def array(kind: Any, *, readonly: bool = True) -> Any:
    """Return the type of a flat array; what comes out of a file is read-only, and what is not may be passed as if it were."""
    return types.Array(kind, 1, "C", readonly=readonly)


def compiled(*arguments: Any) -> Callable[[Loop], Loop]:
    """Return what compiles a loop for arguments of these types, once for this machine: the result is kept in a file."""
    compile_it: Callable[[Loop], Loop] = njit(types.void(*arguments), cache=True, nogil=True, error_model="numpy")
    return compile_it


helper: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(inline="always", error_model="numpy")
"""For a part of a loop that becomes part of its code."""

function: Callable[[Callable[..., Any]], Callable[..., Any]] = njit(error_model="numpy")
"""For a part of a loop that is called."""

NUMBER, WHOLE = types.float64, types.int64
FLOATS, INTS, LONGS, BYTES, FLAGS = (array(kind) for kind in (NUMBER, types.int32, WHOLE, types.uint8, types.boolean))
SHORTS, NUMBERS, WHOLES = (array(kind, readonly=False) for kind in (types.int8, types.int32, WHOLE))
FLAGGED, METRES = (array(kind, readonly=False) for kind in (types.boolean, NUMBER))
"""Arrays that are written to."""

together: Callable[[list[Any]], Any] = types.Tuple
"""The type of several arguments in one tuple."""
