"""Rows of a delivery that come twice, found over all its batches."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc

from ingest import checks
from ingest.mapping import Mapped


class Duplicates:
    """Finds rows whose key an earlier accepted row of the same delivery has, over all its batches."""

    def __init__(self, key: tuple[str, ...]) -> None:
        self._key = key
        self._seen: dict[str, int] = {}

    def check(self, mapped: Mapped) -> None:
        """Reject later rows with a key that was seen; rows that are rejected anyway take no key."""
        parts = [pc.fill_null(mapped.fields[name], "") for name in self._key]
        keys = (pc.binary_join_element_wise(*parts, "\x1f") if len(parts) > 1 else parts[0]).to_pylist()
        candidates = np.flatnonzero(~mapped.findings.rejected)
        numbers = mapped.raw.numbers
        first: dict[int, int] = {}
        for position in candidates.tolist():
            row = self._seen.setdefault(keys[position], int(numbers[position]))
            if row != numbers[position]:
                first[position] = row
        bad = np.zeros(mapped.raw.size, dtype=bool)
        bad[list(first)] = True
        shown = self._key[-1] if len(self._key) == 3 else self._key[0]
        mapped.findings.reject(
            checks.DUPLICATE_CODE, bad, shown, lambda i: f"{keys[i].replace(chr(31), ' ')!r} was delivered by row {first[i]} already."
        )
