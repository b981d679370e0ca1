"""What cameras have in view: their optics as arrays, and the share of an azimuth's uncertainty that has a bearing in view."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.points import PointTable

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

AZIMUTH_UNCERTAINTY_DEG = 22.5
"""Taken where an azimuth has none recorded: that of a direction in 8 steps, the coarsest that sources give."""

TRUST = 0.8
"""How much of a value that is only usual for the kind is relied on."""

# What speaks against a plain "sees", as bits; those of HARD leave the state unknown, the others make it probable at best.
OFFLINE, NO_AZIMUTH, NO_FIELD, NO_RANGE, NO_BEARING, SMALL_SHARE, NO_HEIGHT = (1 << k for k in range(7))
HARD = (1 << 7) - 1
TURNS, PART_SHARE, ASSUMED_RANGE, ASSUMED_FIELD, ASSUMED_MOUNT, AT_BUILDING = (1 << k for k in range(7, 13))

SAME = 1e-9
"""Shares are the same to this."""


class Camera(NamedTuple):
    """One camera in plain numbers, None where unknown; the fields are those of the arrays in ``Cameras``."""

    lon: float
    lat: float
    azimuth: float | None
    spread: float
    field: float | None
    range: float | None
    mount: float | None
    field_assumed: bool
    range_assumed: bool
    mount_assumed: bool
    any_azimuth: bool
    sure_half: float | None
    sure_range: float | None
    doubts: int
    status: str | None

    def off(self, bearing: float | None) -> float | None:
        """Return how far a bearing is from the azimuth, 0 to 180 degrees; None where one of them is unknown."""
        if bearing is None or self.azimuth is None:
            return None
        return abs((bearing - self.azimuth + 180.0) % 360.0 - 180.0)


class Cameras:
    """The cameras of a table as arrays, a row each; unknown numbers are NaN."""

    def __init__(self, table: PointTable) -> None:
        self.table = table
        self.lon, self.lat = (np.ascontiguousarray(values, dtype=np.float64) for values in (table.lon, table.lat))
        self.azimuth, self.spread, self.field, self.range, self.mount = (
            np.array(self._values(name), dtype=np.float64)
            for name in ("azimuth_deg", "azimuth_uncertainty_deg", "field_of_view_deg", "range_m", "mount_height_m")
        )
        self.spread = np.where(np.isnan(self.spread), AZIMUTH_UNCERTAINTY_DEG, np.clip(self.spread, 0.0, 180.0))
        self.field_assumed, self.range_assumed, self.mount_assumed = (
            self._are(f"{name}_source", "default") for name in ("field_of_view", "range", "mount_height")
        )
        turns = self._are("kind", "ptz")
        self.any_azimuth = turns | (self.field >= 360.0)
        """Whether the place is in view whatever the azimuth."""
        # A camera that turns is not asked whether four fifths of its field are enough.
        sure = np.where(self.field_assumed & ~turns, TRUST, 1.0) * self.field
        self.sure_half = np.where(turns | (sure >= 360.0), np.inf, sure / 2.0)
        self.sure_range = np.where(self.range_assumed, TRUST, 1.0) * self.range
        self.doubts = self._doubts(turns, self._are("status", "online"))
        self._status = self._values("status")
        self._known: dict[int, Camera] = {}

    @cached_property
    def arrays(self) -> tuple[Any, ...]:
        """What compiled loops need: all that is known of the cameras, in the order of ``Camera``, and the bits of doubt."""
        return tuple(getattr(self, name) for name in Camera._fields[:-1])

    def _values(self, name: str) -> list[Any]:
        if name not in self.table.fields:
            return [None] * len(self.table.ids)
        at = self.table.fields.index(name)
        return [row[at] for row in self.table.rows]

    def _are(self, name: str, value: str) -> NDArray[np.bool_]:
        return np.array([given == value for given in self._values(name)], dtype=bool)

    def _doubts(self, turns: NDArray[np.bool_], online: NDArray[np.bool_]) -> Longs:
        """Return the bits that hold for a camera wherever it looks."""
        doubts = np.where(online, 0, OFFLINE)
        doubts |= np.where(np.isnan(self.range), NO_RANGE, 0)
        aimed = ~self.any_azimuth
        doubts |= np.where(aimed & np.isnan(self.azimuth), NO_AZIMUTH, 0)
        doubts |= np.where(aimed & np.isnan(self.field), NO_FIELD, 0)
        all_round = (self.field >= 360.0) & ~self.field_assumed
        return np.asarray(doubts | np.where(turns & ~all_round, TURNS, 0), dtype=np.int64)

    def one(self, row: int) -> Camera:
        """Return one camera in plain numbers."""
        found = self._known.get(row)
        if found is None:
            values: list[Any] = [getattr(self, name)[row].item() for name in Camera._fields[:-1]]
            plain = [None if isinstance(value, float) and math.isnan(value) else value for value in values]
            found = self._known[row] = Camera._make([*plain, self._status[row]])
        return found

    def view(self, rows: Longs, bearing: Floats) -> tuple[Floats, Longs]:
        """Return the share of each camera in ``rows`` that has a bearing (degrees, NaN: none) in view, and the bits of doubt."""
        doubts = self.doubts[rows]
        off = np.abs((bearing - self.azimuth[rows] + 180.0) % 360.0 - 180.0)
        spread, field = self.spread[rows], self.field[rows]
        share = _share(off, field / 2.0, spread)
        # Without an azimuth every direction is as likely.
        share = np.where((doubts & NO_AZIMUTH) > 0, field / 360.0, share)
        whatever = self.any_azimuth[rows]
        nowhere = np.isnan(bearing) & ~whatever
        share[nowhere | np.isnan(field)] = np.nan
        share[whatever] = 1.0
        doubts |= np.where(nowhere, NO_BEARING, 0)
        doubts |= np.where(share < 0.5, SMALL_SHARE, 0) | np.where(share < 1.0, PART_SHARE, 0)
        # A circle that is only assumed is none with four fifths of it: ``off`` may be NaN there, and is in doubt.
        unsure = self.field_assumed[rows] & ~(off + spread <= self.sure_half[rows]) & (self.sure_half[rows] < np.inf)
        return share, doubts | np.where(unsure, ASSUMED_FIELD, 0)


def _share(off: Floats, half: Floats, spread: Floats) -> Floats:
    """Return how much of [-spread, spread] is at most ``half`` from ``off`` (0 to 180) on the circle, all in degrees."""
    direct = np.minimum(spread, off + half) - np.maximum(-spread, off - half)
    around = np.minimum(spread, off - 360.0 + half) + spread
    width = np.maximum(direct, 0.0) + np.maximum(around, 0.0)
    share = np.where(spread > 0.0, width / np.maximum(2.0 * spread, SAME), off <= half)
    share[share > 1.0 - SAME] = 1.0
    share[share < SAME] = 0.0
    return share
