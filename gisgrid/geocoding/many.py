"""Addresses by the hundred thousand: the best answer to each, as columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from gisgrid.geocoding.gazetteer import Gazetteer

COLUMNS: Mapping[str, pa.DataType] = {
    "lon": pa.float64(),
    "lat": pa.float64(),
    "level": pa.string(),
    "match_type": pa.string(),
    "uncertainty_m": pa.float64(),
    "confidence": pa.float64(),
    "address": pa.string(),
    "layer": pa.string(),
    "id": pa.int64(),
    "code": pa.string(),
    "normal": pa.string(),
    "hint": pa.string(),
    "not_understood": pa.string(),
    "others": pa.int32(),
}
"""What is answered to each address: the fields of ``Geocoded``, the text as it was read, and how many other places it may mean."""

# More alternatives than these are not counted.
_LIMIT = 5
# So many are read before they are looked for.
_TOGETHER = 200


def columns_of(gazetteer: Gazetteer, texts: Iterable[str | None]) -> dict[str, pa.Array]:
    """Return the best answer to each of some addresses as Arrow columns, null where there is none; as many rows, in the same order."""
    every = [text or "" for text in texts]
    rows = [row for start in range(0, len(every), _TOGETHER) for row in gazetteer.rows(every[start : start + _TOGETHER], _LIMIT)]
    each = zip(*rows, strict=True) if rows else ([] for _ in COLUMNS)
    return {name: pa.array(column, kind) for (name, kind), column in zip(COLUMNS.items(), each, strict=True)}
