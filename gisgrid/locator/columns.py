"""The answers for many points as columns, the same as ``locate`` gives one at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from gisgrid.locator.edges import Flags, Floats, Ints, Longs
from gisgrid.types import Bounds, Location

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
    def locate_many(self, lon: Floats, lat: Floats, *, accuracy_m: Floats | None = None) -> _Many: ...
    def outside_many(self, lon: Floats, lat: Floats) -> list[Location | None]: ...
    def locate(self, lon: float, lat: float, accuracy_m: float | None = None) -> Location: ...
    def inside(self, number: int) -> Location | None: ...


class Columns:
    """Answers points by the million: what all points well inside a grid share is made once for each grid."""

    def __init__(self, locator: _Answering) -> None:
        self._locator, self.bounds = locator, locator.bounds
        inside = [locator.inside(number) for number in range(len(locator.grid_codes()))]
        self._known = np.array([location is not None for location in inside], dtype=bool)
        self._texts = _texts(inside)

    def answer(self, lon: Floats, lat: Floats, accuracy_m: Floats | None = None) -> dict[str, Any]:
        """Return ``ANSWER_COLUMNS`` for one-dimensional arrays of positions (degrees, WGS 84); null for a position that is NaN.

        Text is Arrow strings, null where there is none; distances are metres, NaN where there is none, and NumPy arrays as
        ``on_edge`` is. With ``accuracy_m``, metres, NaN where none is
        given, ``SHARE_COLUMNS`` come too.
        """
        located = self._locator.locate_many(lon, lat, accuracy_m=accuracy_m)
        number = located.number
        plain = (number >= 0) & ~located.in_doubt
        plain[plain] = self._known[number[plain]]
        rest = np.flatnonzero(~plain & ~(np.isnan(lon) | np.isnan(lat)))
        locations = self._rest(number[rest], lon[rest], lat[rest], None if accuracy_m is None else accuracy_m[rest])
        row = np.where(plain, number, -1).astype(np.int64)
        row[rest] = len(self._known) + np.arange(len(rest))
        columns = self._taken(row, locations)
        distance = np.full(lon.shape, np.nan) if located.distance_to_edge_m is None else located.distance_to_edge_m
        columns["distance_to_edge_m"] = _numbers(distance, rest, [location.distance_to_edge_m for location in locations])
        nowhere = np.full(lon.shape, np.nan)
        away = [location.nearest.distance_m if location.nearest else None for location in locations]
        columns["nearest_distance_m"] = _numbers(nowhere, rest, away)
        on_edge = np.zeros(lon.shape, bool)
        on_edge[rest] = [location.on_edge for location in locations]
        columns["on_edge"] = on_edge
        if accuracy_m is not None:
            columns |= _shares(accuracy_m, plain, rest, locations)
        return columns

    def _taken(self, row: Longs, locations: Sequence[Location]) -> dict[str, Any]:
        """Return the columns of text: of grids and then of ``locations``, by ``row``, -1 for none."""
        members = pa.array(row, mask=row < 0)
        special = _texts(locations)
        return {name: pa.concat_arrays([self._texts[name], special[name]]).take(members) for name in TEXT_COLUMNS}

    def _rest(self, number: Ints, lon: Floats, lat: Floats, accuracy_m: Floats | None) -> list[Location]:
        """Return the answers for points that need a look of their own."""
        found: list[Location | None] = [None] * len(lon)
        if accuracy_m is None:
            outside = np.flatnonzero(number < 0)
            for k, answer in zip(outside.tolist(), self._locator.outside_many(lon[outside], lat[outside]), strict=True):
                found[k] = answer
        reach = [None] * len(lon) if accuracy_m is None else [None if math.isnan(far) else far for far in accuracy_m.tolist()]
        places = zip(found, lon.tolist(), lat.tolist(), reach, strict=True)
        return [answer or self._locator.locate(x, y, far) for answer, x, y, far in places]


def _numbers(values: Floats, rows: Longs, replaced: Sequence[float | None]) -> Floats:
    """Return numbers with some rows replaced, NaN for None."""
    out = values.copy()
    out[rows] = np.array(replaced, dtype=np.float64)
    return out


def _shares(accuracy_m: Floats, plain: Flags, rest: Longs, locations: Sequence[Location]) -> dict[str, Any]:
    """Return ``SHARE_COLUMNS``: where the whole circle lies in one grid its share is 1, and nothing is outside."""
    with_circle = plain & (accuracy_m > 0.0)
    text, outside = np.full(len(plain), None, dtype=object), np.where(with_circle, 0.0, np.nan)
    text[with_circle] = _share_text([1.0])
    text[rest] = [_share_text([candidate.share for candidate in location.candidates]) for location in locations]
    outside = _numbers(outside, rest, [location.outside_share for location in locations])
    return {"candidate_shares": pa.array(text, pa.string()), "outside_share": outside}


def _share_text(shares: Sequence[float | None]) -> str | None:
    return ";".join(f"{share:.4f}" for share in shares if share is not None) or None


def _texts(locations: Sequence[Location | None]) -> dict[str, pa.Array]:
    """Return ``TEXT_COLUMNS`` of answers; null where there is none, or nothing to say."""
    rows = [_row(location) if location else (None,) * len(TEXT_COLUMNS) for location in locations]
    columns = zip(*rows, strict=True) if rows else [()] * len(TEXT_COLUMNS)
    return {name: pa.array(column, pa.string()) for name, column in zip(TEXT_COLUMNS, columns, strict=True)}


def _row(location: Location) -> tuple[str | None, ...]:
    areas = (location.grid, location.community, location.street, location.district)
    nearest, unit = location.nearest, location.responsible_unit
    return (
        location.status,
        *(text for area in areas for text in (area or (None, None))),
        ";".join(candidate.code for candidate in location.candidates),
        nearest.code if nearest else None,
        unit.code if unit else None,
    )
