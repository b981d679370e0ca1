"""What the checks found in one batch: which rows are rejected and why, repaired, or worth a warning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ingest.checks import VALUE_DROPPED, Check

Mask = np.ndarray[Any, np.dtype[np.bool_]]
"""One boolean a row of the batch."""

Say = Callable[[int], str]
"""What there is to say about the row at a position."""

Value = Callable[[int], str | None]
"""A value of the row at a position, as text."""

_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_MOST_CHARS = 1_000  # of a message: a value, or the list of values that were expected, may be a book


class Reason(NamedTuple):
    """Why a row is rejected or worth a warning: the check's code, the field (or "") and a message that names the value."""

    code: str
    field: str
    message: str


class Mend(NamedTuple):
    """What a repair changed: the check's code, the field or column ("" for the geometry), and the value before and after."""

    code: str
    field: str
    before: str | None
    after: str | None


class _Repair(NamedTuple):
    code: str
    mask: Mask
    field: str
    before: Value
    after: Value


class _Warning(NamedTuple):
    code: str
    mask: Mask
    field: str
    say: Say


class Findings:
    """Collects findings over ``size`` rows; only rows that something is wrong with cost Python work."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reasons: dict[int, list[Reason]] = {}
        self._repairs: list[_Repair] = []
        self._warnings: list[_Warning] = []

    @property
    def rejected(self) -> Mask:
        """Which rows are rejected so far."""
        mask = np.zeros(self.size, dtype=bool)
        mask[list(self.reasons)] = True
        return mask

    @property
    def repaired(self) -> Mask:
        """Which rows that are not rejected have a repair."""
        return self._passed(repair.mask for repair in self._repairs)

    @property
    def warned(self) -> Mask:
        """Which rows that are not rejected have a warning."""
        return self._passed(warning.mask for warning in self._warnings)

    def reject(self, check: Check, mask: Mask, field: str, say: Say) -> None:
        """Reject the rows in ``mask``; ``say`` gives the message for the row at a position."""
        for position in np.flatnonzero(mask).tolist():
            self.reasons.setdefault(position, []).append(Reason(check.code, field, _sentence(say(position))))

    def repair(self, check: Check, mask: Mask, field: str, before: Value, after: Value) -> None:
        """Record a repair of the rows in ``mask``; the values are asked for when the repairs of loaded rows are listed."""
        if mask.any():
            self._repairs.append(_Repair(check.code, mask, field, before, after))

    def warn(self, check: Check, mask: Mask, field: str, say: Say) -> None:
        """Record a warning on the rows in ``mask``; ``say`` is asked when the warnings of loaded rows are listed."""
        if mask.any():
            self._warnings.append(_Warning(check.code, mask, field, say))

    def reject_or_drop(self, check: Check, mask: Mask, field: str, say: Say, *, drop: bool) -> None:
        """Reject the rows in ``mask``, or with ``drop`` only warn that the value is left out."""
        if drop:
            self.warn(VALUE_DROPPED, mask, field, lambda position: f"{say(position)} The value is left out.")
        else:
            self.reject(check, mask, field, say)

    def repairs(self) -> Iterator[tuple[int, Mend]]:
        """Yield position and repair of rows that are not rejected, in the order of the rows."""
        for position, number in self._rows_of([repair.mask for repair in self._repairs]):
            code, _, field, before, after = self._repairs[number]
            yield position, Mend(code, field, _text(before(position)), _text(after(position)))

    def warnings(self) -> Iterator[tuple[int, Reason]]:
        """Yield position and warning of rows that are not rejected, in the order of the rows."""
        for position, number in self._rows_of([warning.mask for warning in self._warnings]):
            code, _, field, say = self._warnings[number]
            yield position, Reason(code, field, _sentence(say(position)))

    def counts(self) -> Counter[str]:
        """Return rows per check: a rejected row once under its first reason, other findings over the rows that pass."""
        counts = Counter(reasons[0].code for reasons in self.reasons.values())
        masks: dict[str, list[Mask]] = {}
        for code, mask in [(r.code, r.mask) for r in self._repairs] + [(w.code, w.mask) for w in self._warnings]:
            masks.setdefault(code, []).append(mask)
        counts.update({code: found for code, several in masks.items() if (found := int(self._passed(several).sum()))})
        return counts

    def _passed(self, masks: Iterable[Mask]) -> Mask:
        """Return the rows in any of ``masks`` that are not rejected."""
        merged = np.zeros(self.size, dtype=bool)
        for mask in masks:
            merged |= mask
        return merged & ~self.rejected

    def _rows_of(self, masks: list[Mask]) -> list[tuple[int, int]]:
        """Return the position of each row in a mask that is not rejected, with the number of the mask."""
        found = [(position, number) for number, mask in enumerate(masks) for position in np.flatnonzero(mask).tolist()]
        return sorted(pair for pair in found if pair[0] not in self.reasons)


def storable(text: str) -> str:
    """Return text as the database can hold it: NUL as its symbol, halves of surrogate pairs as replacement characters.

    >>> storable("a\\0b")
    'a␀b'
    """
    return _UNSTORABLE.sub(lambda found: "␀" if found[0] == "\0" else "\ufffd", text)


def _sentence(text: str) -> str:
    return storable(text if len(text) <= _MOST_CHARS else f"{text[: _MOST_CHARS - 1]}…")


def _text(value: str | None) -> str | None:
    return None if value is None else storable(value)
