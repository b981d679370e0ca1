"""The answers for many points as columns, the same as ``locate`` gives one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from gisgrid.locator.doubt import Circles
from gisgrid.locator.edges import Flags, Floats, Ints, Longs
from gisgrid.locator.others import Others
from gisgrid.types import AreaRef, Bounds, Location

AREA_COLUMNS = ("grid", "grid_name", "community", "community_name", "street", "street_name", "district", "district_name")
"""Codes and names of the areas of an answer, from the smallest up."""

TEXT_COLUMNS = ("status", *AREA_COLUMNS, "candidates", "nearest", "responsible_unit")
"""What of an answer is text."""

ANSWER_COLUMNS = (
    *("status", *AREA_COLUMNS, "distance_to_edge_m", "on_edge"),
    *("candidates", "nearest", "nearest_distance_m", "responsible_unit"),
)
"""All columns of an answer, in order."""

SHARE_COLUMNS = ("candidate_shares", "outside_share")
"""What comes with an accuracy: of how much of the circle lies in each candidate, as text with ``;``, and in no grid."""

ADDED_COLUMNS = (*ANSWER_COLUMNS, "wgs84_lon", "wgs84_lat", "reason")
"""What is added to the rows of a table, in order: the answer, the position in WGS 84 degrees, and why there is no answer."""


SAME_M = 1e-4
"""Positions of arrays and single ones are converted alike to some micrometres; so near to an edge it matters which way they came."""


class _Many(Protocol):
    """What ``Locator.locate_many`` answers."""

    @property
    def number(self) -> Ints: ...
    @property
    def on_edge(self) -> Flags: ...
    @property
    def in_doubt(self) -> Flags: ...
    @property
    def distance_to_edge_m(self) -> Floats | None: ...


class _Answering(Protocol):
    """What of a ``Locator`` is needed to answer in columns."""

    @property
    def bounds(self) -> Bounds | None: ...
    def grid_codes(self) -> list[str]: ...
    def locate_many(self, lon: Floats, lat: Floats, *, distances: bool, accuracy_m: Floats | None = None) -> _Many: ...
    def others_many(self, number: Ints, lon: Floats, lat: Floats) -> Others: ...
    def circles_many(self, number: Ints, lon: Floats, lat: Floats, accuracy_m: Floats) -> Circles: ...
    def nearest_outside_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Floats, Flags]: ...
    def locate(self, lon: float, lat: float, accuracy_m: float | None = None) -> Location: ...
    def inside(self, number: int) -> Location | None: ...


OneByOne = Callable[[Longs], tuple[Floats, Floats]]
"""Gives longitude and latitude of rows by their numbers."""


class Columns:
    """Answers points by the million: what all points well inside a grid share is made once for each grid."""

    def __init__(self, locator: _Answering) -> None:
        self._locator, self.bounds = locator, locator.bounds
        self._codes = locator.grid_codes()
        inside = [locator.inside(number) for number in range(len(self._codes))]
        self._known = np.array([location is not None for location in inside], dtype=bool)
        self._values = [_values(location) if location else {} for location in inside]
        self._texts = _texts(self._values)

    def answer(
        self,
        lon: Floats,
        lat: Floats,
        accuracy_m: Floats | None = None,
        wanted: Collection[str] = ANSWER_COLUMNS,
        one_by_one: OneByOne | None = None,
    ) -> dict[str, Any]:
        """Return those of ``ANSWER_COLUMNS`` that are wanted for one-dimensional arrays of positions (degrees, WGS 84).

        Null for a position that is NaN. Text is Arrow strings, null where there is none; distances are metres, NaN where there is none,
        and NumPy arrays as ``on_edge`` is. With ``accuracy_m``, metres, NaN where none is given, ``SHARE_COLUMNS`` come too.
        ``one_by_one`` gives the positions of some rows as a single lookup has them; where it decides, they are written into ``lon``
        and ``lat``.
        """
        # Distances cost more than all the rest.
        located = self._locator.locate_many(lon, lat, distances="distance_to_edge_m" in wanted, accuracy_m=accuracy_m)
        number = located.number
        known = number >= 0
        known[known] = self._known[number[known]]
        plain = known & ~located.in_doubt
        sheet = _Sheet(lon, lat, len(self._known))
        sheet.row[plain] = number[plain]
        if located.distance_to_edge_m is not None:
            sheet.distance_m = located.distance_to_edge_m.copy()
        left = ~plain & ~(np.isnan(lon) | np.isnan(lat))
        has_circle = np.zeros(lon.shape, bool) if accuracy_m is None else accuracy_m > 0.0
        beside = left & known & ~located.on_edge
        if one_by_one is not None:
            beside[self._on_the_line(lon, lat, np.flatnonzero(beside), located.distance_to_edge_m)] = False
        doubtful = np.flatnonzero(beside & ~has_circle)
        self._doubtful(sheet, doubtful, number)
        left[doubtful] = False
        if accuracy_m is not None:
            sheet.outside_share[plain & has_circle] = 0.0
            wide = np.flatnonzero(beside & has_circle)
            left[self._with_circles(sheet, wide, number[wide], accuracy_m[wide])] = False
        left[self._outside(sheet, np.flatnonzero(left & (number < 0)), accuracy_m)] = False
        rest = np.flatnonzero(left)
        if one_by_one is not None:
            lon[rest], lat[rest] = one_by_one(rest)
        reach = [None] * len(rest) if accuracy_m is None else [None if math.isnan(far) else far for far in accuracy_m[rest].tolist()]
        asked = zip(lon[rest].tolist(), lat[rest].tolist(), reach, strict=True)
        locations = [self._locator.locate(x, y, far) for x, y, far in asked]
        sheet.take(rest, locations)
        columns = sheet.columns(self._texts, wanted)
        if accuracy_m is not None:
            columns |= sheet.shares(plain & has_circle, rest, locations)
        return columns

    def _on_the_line(self, lon: Floats, lat: Floats, rows: Longs, distance_m: Floats | None) -> Longs:
        """Return those of some rows that are so near to an edge that how they were converted says on which side they are."""
        if distance_m is None:
            found = self._locator.locate_many(lon[rows], lat[rows], distances=True).distance_to_edge_m
        else:
            found = distance_m[rows]
        return rows if found is None else rows[~(found > SAME_M)]

    def _doubtful(self, sheet: _Sheet, rows: Longs, number: Ints) -> None:
        """Answer points that are in one grid and near others: as all points inside it, but with more candidates."""
        grid = number[rows]
        others = self._locator.others_many(grid, sheet.lon[rows], sheet.lat[rows])
        first = np.searchsorted(others.row, np.arange(len(rows) + 1)).tolist()
        named = others.number.tolist()
        made: dict[tuple[int, ...], int] = {}
        for row, own, start, end in zip(rows.tolist(), grid.tolist(), first, first[1:], strict=False):
            candidates = (own, *named[start:end])
            place = made.get(candidates)
            if place is None:
                text = ";".join(self._codes[candidate] for candidate in candidates)
                place = made[candidates] = sheet.add({**self._values[own], "candidates": text})
            sheet.row[row] = place

    def _with_circles(self, sheet: _Sheet, rows: Longs, number: Ints, accuracy_m: Floats) -> Longs:
        """Answer points in one grid whose circles leave it; return which were."""
        found = self._locator.circles_many(number, sheet.lon[rows], sheet.lat[rows], accuracy_m)
        first = np.searchsorted(found.row, np.arange(len(rows) + 1)).tolist()
        codes, share = [self._codes[area] for area in found.number.tolist()], [f"{part:.4f}" for part in found.share.tolist()]
        for k in np.flatnonzero(found.is_sure).tolist():
            row, part = int(rows[k]), slice(first[k], first[k + 1])
            sheet.row[row] = sheet.add({**self._values[number[k]], "candidates": ";".join(codes[part])})
            sheet.share[row] = ";".join(share[part])
        done = rows[found.is_sure]
        sheet.outside_share[done] = found.outside_share[found.is_sure]
        return done

    def _outside(self, sheet: _Sheet, rows: Longs, accuracy_m: Floats | None) -> Longs:
        """Answer points in no area and far enough from any grid; return which were."""
        number, distance, sure = self._locator.nearest_outside_many(sheet.lon[rows], sheet.lat[rows])
        if accuracy_m is not None:
            # Said so that no accuracy (NaN) is none in the way.
            sure &= ~(distance <= accuracy_m[rows])
            sheet.outside_share[rows[sure & (accuracy_m[rows] > 0.0)]] = 1.0
        made: dict[int, int] = {}
        kept, far = rows[sure], distance[sure]
        for row, near in zip(kept.tolist(), number[sure].tolist(), strict=True):
            place = made.get(near)
            if place is None:
                place = made[near] = sheet.add({"status": "outside", "candidates": "", "nearest": self._codes[near]})
            sheet.row[row] = place
        sheet.distance_m[kept], sheet.away_m[kept] = far, far
        return kept


class _Sheet:
    """The answers to some points while they are being found: ``row`` says which row of text each has, -1 for none.

    Rows of text are those of the grids, then those that are added.
    """

    def __init__(self, lon: Floats, lat: Floats, grids: int) -> None:
        self.lon, self.lat, self._grids = lon, lat, grids
        self.row = np.full(lon.shape, -1, np.int32)
        self.distance_m, self.away_m = np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
        self.on_edge = np.zeros(lon.shape, bool)
        self.share, self.outside_share = np.full(lon.shape, None, dtype=object), np.full(lon.shape, np.nan)
        self._added: list[Mapping[str, str | None]] = []

    def add(self, values: Mapping[str, str | None]) -> int:
        """Return the number of a new row of text."""
        self._added.append(values)
        return self._grids + len(self._added) - 1

    def take(self, rows: Longs, locations: Sequence[Location]) -> None:
        """Take over answers that were given one by one."""
        self.row[rows] = np.array([self.add(_values(location)) for location in locations], dtype=np.int32)
        self.distance_m[rows] = np.array([location.distance_to_edge_m for location in locations], dtype=np.float64)
        nearest = [location.nearest.distance_m if location.nearest else None for location in locations]
        self.away_m[rows] = np.array(nearest, dtype=np.float64)
        self.on_edge[rows] = [location.on_edge for location in locations]

    def columns(self, texts: Mapping[str, pa.Array], wanted: Collection[str]) -> dict[str, Any]:
        """Return columns of answers, of those of text only what is wanted; ``texts`` are the rows of text of the grids."""
        members = pa.array(self.row, mask=self.row < 0)
        added = _texts(self._added)
        found: dict[str, Any] = {}
        for name in (name for name in TEXT_COLUMNS if name in wanted):
            column = pa.concat_arrays([texts[name], added[name]])
            nothing = column.null_count == len(column)
            found[name] = pa.nulls(len(members), pa.string()) if nothing else column.take(members)
        return found | {"distance_to_edge_m": self.distance_m, "nearest_distance_m": self.away_m, "on_edge": self.on_edge}

    def shares(self, whole: Flags, rest: Longs, locations: Sequence[Location]) -> dict[str, Any]:
        """Return ``SHARE_COLUMNS``; ``whole`` flags circles that lie in one grid, ``locations`` are answers given one by one."""
        self.share[whole] = _share_text([1.0])
        self.share[rest] = [_share_text([candidate.share for candidate in location.candidates]) for location in locations]
        self.outside_share[rest] = np.array([location.outside_share for location in locations], dtype=np.float64)
        return {"candidate_shares": pa.array(self.share, pa.string()), "outside_share": self.outside_share}


def _share_text(shares: Sequence[float | None]) -> str | None:
    return ";".join(f"{share:.4f}" for share in shares if share is not None) or None


def _texts(rows: Sequence[Mapping[str, str | None]]) -> dict[str, pa.Array]:
    """Return ``TEXT_COLUMNS`` of rows of text; null where a row does not have one."""
    return {name: pa.array([row.get(name) for row in rows], pa.string()) for name in TEXT_COLUMNS}


def _values(location: Location) -> dict[str, str | None]:
    """Return the text of an answer by column."""
    values: dict[str, str | None] = {"status": location.status}
    for level in ("grid", "community", "street", "district"):
        ref: AreaRef | None = getattr(location, level)
        if ref is not None:
            values[level], values[f"{level}_name"] = ref
    values["candidates"] = ";".join(candidate.code for candidate in location.candidates)
    values["nearest"] = location.nearest.code if location.nearest else None
    values["responsible_unit"] = location.responsible_unit.code if location.responsible_unit else None
    return values
