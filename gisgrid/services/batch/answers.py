"""All that can be answered with text, once for every grid, so that a million rows are a look-up in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisgrid.locator import Locator
from gisgrid.services.batch.columns import TEXT
from gisgrid.types import Candidate, Location

Texts = tuple[str | None, ...]
"""The values of the columns ``TEXT`` of one row, in their order."""

_NONE = -1


class _Column:
    """The words of one column, each once, and which word (-1: none) every standing answer has."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self.number: dict[str, int] = {}
        self.words: list[str] = []
        self.index = np.array([self.add(value) for value in values], np.int32)
        self._array = pa.array(self.words, pa.string())
        self.standing = self._standing(self.index)

    def add(self, value: str | None) -> int:
        if value is None:
            return _NONE
        found = self.number.get(value)
        if found is None:
            found = self.number[value] = len(self.words)
            self.words.append(value)
        return found

    def with_more(self, values: Sequence[str | None]) -> pa.DictionaryArray:
        """Return the standing answers and more behind them, without keeping those."""
        more: dict[str, int] = {}
        index = np.empty(len(values), np.int32)
        for place, value in enumerate(values):
            found = _NONE if value is None else self.number.get(value, _NONE)
            if value is not None and found == _NONE:
                found = more.setdefault(value, len(self.words) + len(more))
            index[place] = found
        array = pa.concat_arrays([self._array, pa.array(list(more), pa.string())]) if more else self._array
        return self._standing(np.concatenate([self.index, index]), array)

    def _standing(self, index: NDArray[np.int32], words: pa.Array | None = None) -> pa.DictionaryArray:
        indices = pa.array(index, pa.int32(), mask=index == _NONE)
        return pa.DictionaryArray.from_arrays(indices, self._array if words is None else words, safe=False)


class Keys(NamedTuple):
    """Which standing answer is which: ``inside[g]`` well inside grid g (-1: depends on the point), ``outside[g]`` next to it, ``blank``."""

    inside: NDArray[np.int32]
    outside: NDArray[np.int32]
    blank: int
    count: int


class Answers:
    """The texts of every answer that a locator gives to points out of doubt: a row for each, by number (its key)."""

    def __init__(self, locator: Locator, *, with_shares: bool) -> None:
        codes = locator.grid_codes()
        self.number_of = {code: number for number, code in enumerate(codes)}
        rows: list[Texts] = [texts_of(None, "", with_shares=False)]
        inside = np.full(len(codes), _NONE, np.int32)
        for number in range(len(codes)):
            location = locator.inside(number)
            if location is not None:
                inside[number] = len(rows)
                # All of the circle of a point out of doubt lies in its grid.
                rows.append(texts_of(location, "", with_shares=with_shares))
        outside = np.arange(len(rows), len(rows) + len(codes), dtype=np.int32)
        rows += [_text_row({"status": "outside", "candidates": "", "nearest": code}) for code in codes]
        self.keys = Keys(inside, outside, 0, len(rows))
        self._columns = {name: _Column([row[place] for row in rows]) for place, name in enumerate(TEXT)}

    def take(self, name: str, key: pa.Array, more: Sequence[Texts]) -> pa.DictionaryArray:
        """Return a column of text for rows by their keys; those from ``keys.count`` on mean the rows of ``more``."""
        column = self._columns[name]
        place = TEXT.index(name)
        standing = column.with_more([row[place] for row in more]) if more else column.standing
        return standing.take(key)


def texts_of(location: Location | None, reason: str, *, with_shares: bool) -> Texts:
    """Return the texts of an answer; of None, for a row without one, all None but the reason if there is any.

    With ``with_shares`` a single candidate without a share has all of the circle.
    """
    if location is None:
        return _text_row({"reason": reason or None})
    values: dict[str, str | None] = {"status": location.status, "candidates": ";".join(found.code for found in location.candidates)}
    for level in ("grid", "community", "street", "district"):
        ref = getattr(location, level)
        if ref is not None:
            values[level], values[f"{level}_name"] = ref
    if location.nearest is not None:
        values["nearest"] = location.nearest.code
    if location.responsible_unit is not None:
        values["responsible_unit"] = location.responsible_unit.code
    if with_shares:
        values["candidate_shares"] = ";".join(_share(found, alone=len(location.candidates) == 1) for found in location.candidates)
    return _text_row(values)


def refused(status: str, reason: str) -> Texts:
    """Return the texts of a row that has no answer."""
    return _text_row({"status": status, "reason": reason})


def _text_row(values: dict[str, str | None]) -> Texts:
    return tuple(values.get(name) for name in TEXT)


def _share(candidate: Candidate, *, alone: bool) -> str:
    share = (1.0 if alone else None) if candidate.share is None else candidate.share
    return "" if share is None else f"{share:.4f}"
