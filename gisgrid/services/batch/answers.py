"""All that can be answered with text, once for every grid, so that a million rows are a look-up in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisgrid.locator import Locator
from gisgrid.locator.doubt import Circles
from gisgrid.locator.others import Others
from gisgrid.services.batch.columns import TEXT
from gisgrid.types import Location

Texts = tuple[str | None, ...]
"""The values of the columns ``TEXT`` of one row, in their order."""

_NONE = -1


class Instead(NamedTuple):
    """Words of a column that some rows have instead of what their key says: row ``row[i]`` has ``words[word[i]]``."""

    row: NDArray[np.int64]
    words: Sequence[str]
    word: NDArray[np.int64]


class Shared:
    """What columns of one batch have in common, as Arrow wants it: worked out once for all that are alike in that."""

    def __init__(self) -> None:
        self._valid: dict[bytes, tuple[int, pa.Buffer | None]] = {}
        self._taken: dict[bytes, NDArray[np.int32]] = {}

    def valid(self, nothing: NDArray[np.bool_], key: NDArray[np.int64], filled: NDArray[np.int64] | None) -> tuple[int, pa.Buffer | None]:
        """Return how many rows say nothing and the bits of those that say something, None for all of them.

        ``nothing`` flags the keys that say nothing; the rows ``filled`` say something whatever their key.
        """
        if not nothing.any():
            return 0, None
        name = nothing.tobytes()
        if filled is not None or name not in self._valid:
            empty = _of_keys(nothing, key)
            if filled is not None:
                empty[filled] = False
                return _bits(empty)
            self._valid[name] = _bits(empty)
        return self._valid[name]

    def taken(self, index: NDArray[np.int32], key: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return ``index`` of every row by its key, not to be changed: codes and names of areas are as many, in the same order."""
        name = index.tobytes()
        if name not in self._taken:
            self._taken[name] = _of_keys(index, key)
        return self._taken[name]


def _of_keys(values: NDArray[Any], key: NDArray[np.int64]) -> NDArray[Any]:
    # No key is out of range: to clip costs less than half of looking for one that is.
    return values.take(key, mode="clip")


def _bits(nothing: NDArray[np.bool_]) -> tuple[int, pa.Buffer | None]:
    count = int(np.count_nonzero(nothing))
    return count, pa.py_buffer(np.packbits(~nothing, bitorder="little")) if count else None


class _Column:
    """The words of one column, each once, and which word (-1: none) every standing answer has."""

    def __init__(self, values: Sequence[str | None]) -> None:
        self._number: dict[str, int] = {}
        self._index = np.array(
            [_NONE if value is None else self._number.setdefault(value, len(self._number)) for value in values], np.int32
        )
        self._words = pa.array(list(self._number), pa.string())

    def take(self, key: NDArray[np.int64], more: Sequence[str | None], instead: Instead | None, shared: Shared) -> pa.DictionaryArray:
        """Return the column for rows by their keys; ``more`` are the values behind the standing ones, which are not kept."""
        fresh: dict[str, int] = {}
        known = len(self._number)
        index = self._index
        if more:
            index = np.concatenate([index, np.array([self._find(value, fresh, known) for value in more], np.int32)])
        nothing = index == _NONE
        places = np.where(nothing, np.int32(0), index)
        found = shared.taken(places, key) if instead is None else _of_keys(places, key)
        if instead is not None:
            found[instead.row] = np.array([self._find(word, fresh, known) for word in instead.words], np.int32).take(instead.word)
        count, valid = shared.valid(nothing, key, None if instead is None else instead.row)
        words = pa.concat_arrays([self._words, pa.array(list(fresh), pa.string())]) if fresh else self._words
        if not len(words):
            return pa.DictionaryArray.from_arrays(pa.nulls(len(found), pa.int32()), words)
        indices = pa.Array.from_buffers(pa.int32(), len(found), [valid, pa.py_buffer(found)], count)
        return pa.DictionaryArray.from_arrays(indices, words, safe=False)

    def _find(self, value: str | None, fresh: dict[str, int], known: int) -> int:
        if value is None:
            return _NONE
        found = self._number.get(value)
        return fresh.setdefault(value, known + len(fresh)) if found is None else found


def flags_with_nulls(values: NDArray[np.bool_], nothing: NDArray[np.bool_]) -> pa.Array:
    """Return flags as an Arrow array, null where ``nothing`` says so."""
    count, valid = _bits(nothing)
    return pa.Array.from_buffers(pa.bool_(), len(values), [valid, pa.py_buffer(np.packbits(values, bitorder="little"))], count)


def with_nulls(values: NDArray[Any], nothing: NDArray[np.bool_]) -> pa.Array:
    """Return numbers as an Arrow array, null where flagged; they are not copied."""
    count, valid = _bits(nothing)
    values = np.ascontiguousarray(values)
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), [valid, pa.py_buffer(values)], count)


class Answers:
    """The texts of every answer that a locator gives to points out of doubt: a row for each, by number (its key).

    ``blank`` is the key of a row that says nothing, ``outside`` those of points outside by the nearest grid, ``nowhere`` that of
    a point outside of which no more is asked, ``count`` how many there are.
    """

    blank = 0

    def __init__(self, locator: Locator, *, with_shares: bool) -> None:
        codes = self.codes = locator.grid_codes()
        rows = self.rows = [_text_row({})]
        self._inside = np.full((2 if with_shares else 1, len(codes) + 1), _NONE, np.int64)
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
        self.outside = np.arange(len(rows), len(rows) + len(codes))
        rows += [_text_row({"status": "outside", "candidates": "", "nearest": code}) for code in codes]
        # Whatever the nearest grid is, where it is not asked for.
        self.nowhere = len(rows)
        rows.append(_text_row({"status": "outside", "candidates": ""}))
        self.count = len(rows)
        self._columns = {name: _Column([row[place] for row in rows]) for place, name in enumerate(TEXT)}

    def inside(self, number: NDArray[np.int32], has_circle: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the keys of points well inside grids, -1 where the answer depends on the point and for number -1.

        ``has_circle`` flags the points that have a circle of uncertainty, which then has to lie in the grid.
        """
        # The last entry stands for no grid.
        found: NDArray[np.int64] = self._inside[0].take(number, mode="wrap")
        return found if has_circle is None else np.where(has_circle, self._inside[1].take(number, mode="wrap"), found)

    def take(
        self, name: str, key: NDArray[np.int64], more: Sequence[Texts], instead: Instead | None = None, shared: Shared | None = None
    ) -> pa.DictionaryArray:
        """Return a column of text for rows by their keys; those from ``count`` on mean the rows of ``more``.

        ``shared`` is what the columns of the same rows have in common.
        """
        place = TEXT.index(name)
        return self._columns[name].take(key, [row[place] for row in more], instead, shared or Shared())

    def beside(self, rows: NDArray[np.int64], number: NDArray[np.int32], others: Others) -> Instead:
        """Return the candidates of rows in grids, each ``number``, with others within doubt of them (by their place in ``rows``)."""
        count = np.bincount(others.row, minlength=len(rows))
        # Nearly all have one other; there are as many texts as pairs of neighbours.
        one = np.flatnonzero(count == 1)
        first = np.cumsum(count) - count
        pairs, index = np.unique(number[one] * np.int64(len(self.codes)) + others.number[first[one]], return_inverse=True)
        words = [
            f"{self.codes[own]};{self.codes[other]}"
            for own, other in zip(*(part.tolist() for part in np.divmod(pairs, len(self.codes))), strict=True)
        ]
        several = np.flatnonzero(count > 1)
        named = others.number.tolist()
        for own, start, size in zip(number[several].tolist(), first[several].tolist(), count[several].tolist(), strict=True):
            words.append(";".join(self.codes[grid] for grid in (own, *named[start : start + size])))
        return Instead(rows[np.concatenate([one, several])], words, np.concatenate([index.ravel(), len(pairs) + np.arange(len(several))]))

    def with_circles(self, rows: NDArray[np.int64], found: Circles) -> dict[str, Instead]:
        """Return candidates and shares of rows in grids whose circles leave them (by their place in ``rows``), by column."""
        first = np.searchsorted(found.row, np.arange(len(rows) + 1)).tolist()
        codes, shares = [self.codes[area] for area in found.number.tolist()], [f"{share:.4f}" for share in found.share.tolist()]
        every = np.arange(len(rows))
        return {
            name: Instead(rows, [";".join(words[start:end]) for start, end in pairwise(first)], every)
            for name, words in (("candidates", codes), ("candidate_shares", shares))
        }


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


def refused(status: str, reason: str) -> Texts:
    """Return the texts of a row that has no answer."""
    return _text_row({"status": status, "reason": reason})


def _text_row(values: dict[str, str | None]) -> Texts:
    return tuple(values.get(name) for name in TEXT)
