"""What the checks found in one batch: which rows are rejected and why, repaired, or worth a warning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ingest.checks import VALUE_DROPPED, Check

Mask = np.ndarray[Any, np.dtype[np.bool_]]
"""One boolean a row of the batch."""


class Reason(NamedTuple):
    """Why a row is rejected: the check's code, the field (or "") and a message that names the value."""

    code: str
    field: str
    message: str


class Findings:
    """Collects findings over ``size`` rows; only rows that something is wrong with cost Python work."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reasons: dict[int, list[Reason]] = {}
        self._passed: list[tuple[str, Mask]] = []

    @property
    def rejected(self) -> Mask:
        """Which rows are rejected so far."""
        mask = np.zeros(self.size, dtype=bool)
        mask[list(self.reasons)] = True
        return mask

    def reject(self, check: Check, mask: Mask, field: str, say: Callable[[int], str]) -> None:
        """Reject the rows in ``mask``; ``say`` gives the message for the row at a position."""
        for position in np.flatnonzero(mask).tolist():
            self.reasons.setdefault(position, []).append(Reason(check.code, field, say(position)))

    def note(self, check: Check, mask: Mask) -> None:
        """Record a repair or a warning on the rows in ``mask``."""
        if mask.any():
            self._passed.append((check.code, mask))

    def reject_or_drop(self, check: Check, mask: Mask, field: str, say: Callable[[int], str], *, drop: bool) -> None:
        """Reject the rows in ``mask``, or with ``drop`` only warn that the value is left out."""
        if drop:
            self.note(VALUE_DROPPED, mask)
        else:
            self.reject(check, mask, field, say)

    def rows_with(self, codes: frozenset[str]) -> int:
        """Count the rows that are not rejected and have at least one repair or warning with a code in ``codes``."""
        mask = np.zeros(self.size, dtype=bool)
        for code, rows in self._passed:
            if code in codes:
                mask |= rows
        return int((mask & ~self.rejected).sum())

    def counts(self) -> Counter[str]:
        """Return rows per check: a rejected row once under its first reason, other findings over the rows that pass."""
        counts = Counter(reasons[0].code for reasons in self.reasons.values())
        passed = ~self.rejected
        merged: dict[str, Mask] = {}
        for code, rows in self._passed:
            merged[code] = merged[code] | rows if code in merged else rows
        counts.update({code: found for code, rows in merged.items() if (found := int((rows & passed).sum()))})
        return counts
