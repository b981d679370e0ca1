"""Which features have wanted values: a filter over the fields of a table, and an index of what passes it, kept for the next time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gisgrid.errors import ParameterError

Where = Mapping[str, Collection[str]]
"""Fields with the values that are wanted of each: any of them. The empty text stands for no value."""

Key = frozenset[tuple[str, frozenset[str]]]

_KEPT = 64
# Indices of parts together hold this many times the features of the whole at most, so that their memory has a bound.
_KEPT_TIMES = 4

Index = TypeVar("Index")


def filter_key(where: Where, fields: Sequence[str]) -> Key:
    """Return a filter in a form in which equal ones are equal; raises ParameterError for a field that there is not."""
    for name, values in where.items():
        if name not in fields:
            raise ParameterError(name, f"there is no field {name!r} to choose by.", f"any of {', '.join(fields)}")
        if isinstance(values, str):
            raise ParameterError(name, "one text is given where several values can be.", "a list or a set of texts")
    return frozenset((name, frozenset(values)) for name, values in where.items())


class FieldValues:
    """The rows of a table by the values of its fields; a field is looked through when it is asked for first."""

    def __init__(self, fields: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        self._fields, self._rows = tuple(fields), rows
        self._known: dict[str, dict[str, NDArray[np.int64]]] = {}

    def matching(self, key: Key) -> NDArray[np.int64]:
        """Return the rows that have one of the wanted values in each field, ascending."""
        passed = np.ones(len(self._rows), bool)
        for name, wanted in key:
            has = np.zeros(len(self._rows), bool)
            by_value = self._by_value(name)
            for value in wanted:
                if value in by_value:
                    has[by_value[value]] = True
            passed &= has
        return np.flatnonzero(passed)

    def _by_value(self, name: str) -> dict[str, NDArray[np.int64]]:
        if name not in self._known:
            place = self._fields.index(name)
            found: dict[str, list[int]] = {}
            for row, values in enumerate(self._rows):
                found.setdefault(as_text(values[place]), []).append(row)
            self._known[name] = {value: np.array(rows, np.int64) for value, rows in found.items()}
        return self._known[name]


def as_text(value: object) -> str:
    """Return the text by which a value is chosen: nothing for None and for blanks.

    >>> [as_text(value) for value in (None, "  ", "sewage", 3, 3.0)]
    ['', '', 'sewage', '3', '3.0']
    """
    return "" if value is None else str(value).strip()


class KeptParts(Generic[Index]):
    """Indices of the features that pass a filter, those asked for last; any thread may ask."""

    def __init__(self, values: FieldValues, size: int, make: Callable[[NDArray[np.int64]], Index]) -> None:
        self._values, self._make = values, make
        self._room = _KEPT_TIMES * max(size, 1000)
        self._kept: OrderedDict[Key, tuple[Index, int]] = OrderedDict()
        self._lock = threading.Lock()

    def part(self, key: Key) -> Index:
        """Return the index of what passes a filter, made now if it is not there."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key][0]
            rows = self._values.matching(key)
            made = self._make(rows)
            self._kept[key] = (made, len(rows))
            while len(self._kept) > _KEPT or (len(self._kept) > 1 and sum(size for _, size in self._kept.values()) > self._room):
                self._kept.popitem(last=False)
            return made
