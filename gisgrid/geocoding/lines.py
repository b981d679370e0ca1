"""The lines of roads by name: those of one name that lie together are one road."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.addresses.characters import normal_name
from gisgrid.geocoding.ground import Plane
from gisgrid.geocoding.tables import LineTable

_APART_M = 500.0


class RoadLine(NamedTuple):
    """One road: ``line`` in metres, its name as it is written, and the feature that stands for it."""

    name: str
    line: Any
    id: int
    code: str


class RoadLines:
    """The roads that have a geometry, by their names in normal form. ``codes`` gives the name of each feature's code."""

    def __init__(self, table: LineTable, plane: Plane) -> None:
        self.codes: dict[str, str] = {}
        self.shapes: NDArray[Any] = plane.shapes(np.asarray(table.geometries, dtype=object))
        rows = _rows(table)
        self.codes = {table.codes[row]: key for key, members in rows.items() for row, _ in members}
        self.by_name: Mapping[str, tuple[RoadLine, ...]] = {key: self._parts(table, members) for key, members in rows.items()}

    def _parts(self, table: LineTable, members: list[tuple[int, str]]) -> tuple[RoadLine, ...]:
        rows = [row for row, _ in members]
        return tuple(
            RoadLine(
                members[part[0]][1], _merged(self.shapes[[rows[k] for k in part]]), table.ids[rows[part[0]]], table.codes[rows[part[0]]]
            )
            for part in _clusters(self.shapes[rows])
        )


def _rows(table: LineTable) -> dict[str, list[tuple[int, str]]]:
    """Return the rows of a table by the normal form of their names, with the names as they are written."""
    found: dict[str, list[tuple[int, str]]] = {}
    place = table.fields.index("name")
    for row, values in enumerate(table.rows):
        name = str(values[place] or "").strip()
        if name:
            found.setdefault(normal_name(name), []).append((row, name))
    return found


def _merged(lines: NDArray[Any]) -> Any:
    """Return lines as one, in one piece where they meet end to end."""
    return shapely.line_merge(lines[0] if len(lines) == 1 else shapely.union_all(lines))


def _clusters(shapes: NDArray[Any]) -> list[list[int]]:
    """Return the numbers of lines in groups that lie together."""
    if len(shapes) == 1:
        return [[0]]
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_APART_M)
    group = list(range(len(shapes)))
    for a, b in zip(one.tolist(), other.tolist(), strict=True):
        low, high = sorted((group[a], group[b]))
        if low != high:
            group = [low if mark == high else mark for mark in group]
    return [[k for k, mark in enumerate(group) if mark == first] for first in dict.fromkeys(group)]
