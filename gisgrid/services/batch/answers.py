"""All that can be answered with text, once for every grid, so that a million rows are a look-up in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisgrid.locator import Locator
from gisgrid.services.batch.columns import TEXT
from gisgrid.types import Location

Texts = tuple[str | None, ...]
"""The values of the columns ``TEXT`` of one row, in their order."""

_NONE = -1
_CANDIDATES = TEXT.index("candidates")


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


class Answers:
    """The texts of every answer that a locator gives to points out of doubt: a row for each, by number (its key).

    ``blank`` is the key of a row that says nothing, ``outside`` those of points outside by the nearest grid, ``count`` how many there are.
    """

    blank = 0

    def __init__(self, locator: Locator, *, with_shares: bool) -> None:
        codes = self.codes = locator.grid_codes()
        rows = self.rows = [_text_row({})]
        self._inside = np.full((2 if with_shares else 1, len(codes) + 1), _NONE, np.int32)
        for number in range(len(codes)):
            location = locator.inside(number)
            if location is None:
                continue
            self._inside[0, number] = len(rows)
            rows.append(texts_of(location))
            if with_shares:
                # All of the circle of a point out of doubt lies in its grid.
                only = tuple(candidate._replace(share=1.0) for candidate in location.candidates)
                self._inside[1, number] = len(rows)
                rows.append(texts_of(location._replace(candidates=only)))
        self.outside = np.arange(len(rows), len(rows) + len(codes), dtype=np.int32)
        rows += [_text_row({"status": "outside", "candidates": "", "nearest": code}) for code in codes]
        self.count = len(rows)
        self._columns = {name: _Column([row[place] for row in rows]) for place, name in enumerate(TEXT)}

    def inside(self, number: NDArray[np.int32], has_circle: NDArray[np.bool_] | None) -> NDArray[np.int32]:
        """Return the keys of points well inside grids, -1 where the answer depends on the point and for number -1.

        ``has_circle`` flags the points that have a circle of uncertainty, which then has to lie in the grid.
        """
        # The last entry stands for no grid.
        found: NDArray[np.int32] = self._inside[0].take(number, mode="wrap")
        return found if has_circle is None else np.where(has_circle, self._inside[1].take(number, mode="wrap"), found)

    def take(self, name: str, key: pa.Array, more: Sequence[Texts]) -> pa.DictionaryArray:
        """Return a column of text for rows by their keys; those from ``count`` on mean the rows of ``more``."""
        column = self._columns[name]
        place = TEXT.index(name)
        standing = column.with_more([row[place] for row in more]) if more else column.standing
        return standing.take(key)


def texts_of(location: Location) -> Texts:
    """Return the texts of an answer."""
    values: dict[str, str | None] = {"status": location.status, "candidates": ";".join(found.code for found in location.candidates)}
    for level in ("grid", "community", "street", "district"):
        ref = getattr(location, level)
        if ref is not None:
            values[level], values[f"{level}_name"] = ref
    if location.nearest is not None:
        values["nearest"] = location.nearest.code
    if location.responsible_unit is not None:
        values["responsible_unit"] = location.responsible_unit.code
    values["candidate_shares"] = ";".join(f"{found.share:.4f}" for found in location.candidates if found.share is not None) or None
    return _text_row(values)


def with_candidates(row: Texts, codes: Sequence[str]) -> Texts:
    """Return the texts of an answer with other candidates."""
    return (*row[:_CANDIDATES], ";".join(codes), *row[_CANDIDATES + 1 :])


def refused(status: str, reason: str) -> Texts:
    """Return the texts of a row that has no answer."""
    return _text_row({"status": status, "reason": reason})


def _text_row(values: dict[str, str | None]) -> Texts:
    return tuple(values.get(name) for name in TEXT)
