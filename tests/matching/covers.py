"""Covers drawn in metres about a place, and the index of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gisgrid.locator import PointIndex, PointTable

LON, LAT = 120.38, 36.09
FIELDS = ("code", "kind", "class_name", "state", "owner_code", "data_source")
_EAST_M = math.cos(math.radians(LAT)) * 111_320.0 * (1.0 + 0.00673 / 2 * math.sin(math.radians(LAT)) ** 2)
_NORTH_M = 110_959.0


class Cover(NamedTuple):
    """A cover ``x`` metres east and ``y`` metres north of the place."""

    x: float
    y: float
    kind: str | None = "sewage"
    state: str | None = "intact"
    owner_code: str | None = None
    data_source: str | None = "实测"


def at(x: float, y: float) -> tuple[float, float]:
    """Return longitude and latitude so many metres east and north of the place."""
    return LON + x / _EAST_M, LAT + y / _NORTH_M


def index_of(covers: Sequence[Cover]) -> PointIndex:
    """Return an index of covers; their codes are 01, 02 and so on."""
    places = np.array([at(cover.x, cover.y) for cover in covers]).reshape(-1, 2)
    codes = [f"{number:02d}" for number in range(1, len(covers) + 1)]
    rows: list[tuple[object, ...]] = [
        (code, cover.kind, cover.kind, cover.state, cover.owner_code, cover.data_source) for code, cover in zip(codes, covers, strict=True)
    ]
    return PointIndex(PointTable(list(range(1, len(covers) + 1)), codes, places[:, 0], places[:, 1], FIELDS, rows))
