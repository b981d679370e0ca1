"""``/locate`` for places well inside a grid: most cases lie there, and but for a few numbers all their answers are those of the grid.

So the answer is written once for each grid, by the code that writes it anywhere, with gaps for these numbers.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from api.asgi import Reply, written_reply
from api.points import AskedPoint
from gisgrid.crs import is_shifted
from gisgrid.locator.patterns import gap, pattern
from gisgrid.services import BUILDING_WITHIN_M, NEIGHBOURS, Beside, Currency, Place, ReadModel, Snapshot, as_document
from gisgrid.types import Location

Document = dict[str, Any]

_WRITTEN = frozenset(("cameras", "manhole_covers", "building"))
# Enough for every grid of a large city in some systems; what is let go is written again in microseconds.
_MOST = 20_000
_AS_GIVEN = gap("%r")


class PlainAnswers:
    """The patterns of the answers of the snapshot of now; only for the thread of the event loop."""

    def __init__(self, model: ReadModel) -> None:
        self._model = model
        self._now: Snapshot | None = None
        self._patterns: dict[tuple[object, ...], bytes] = {}

    def reply(self, point: AskedPoint, beside: Beside) -> Reply | None:
        """Return the answer for a point of now; None where it has to be put together: near edges, outside, when stale.

        Raises ParameterError for a position that cannot be meant.
        """
        model, names = self._model, beside.names
        currency = model.currency()
        now = model.snapshot
        if currency.is_stale or beside.sight or not _WRITTEN.issuperset(names):
            return None
        first, second, crs, axes = point
        lon, lat = model.to_wgs84(first, second, crs)
        found = now.locator.well_inside(lon, lat)
        if found is None:
            return None
        if now is not self._now:
            self._now, self._patterns = now, {}
        number, distance_m = found
        key = (number, crs.name, axes, names, is_shifted(lon, lat))
        written = self._patterns.get(key)
        if written is None:
            location = now.locator.inside(number)
            if location is None:
                return None
            if len(self._patterns) >= _MOST:
                self._patterns.clear()
            found_there = _with_gaps(location, Place(lon, lat, crs), names)
            written = pattern(whole_document(point.as_document() | dict.fromkeys(axes, _AS_GIVEN), found_there, now, currency))
            self._patterns[key] = written
        if not names:
            return written_reply(written % (first, second, lon, lat, distance_m))
        return written_reply(written % (first, second, lon, lat, distance_m, *[_feature(now, name, lon, lat) for name in names]))


def _with_gaps(location: Location, place: Place, names: Collection[str]) -> Document:
    """Return what is said of a place well inside a grid, with gaps for its position, its distance to the edge, and what is beside it."""
    point = place.as_document() | {"lon": gap("%.9f"), "lat": gap("%.9f")}
    return as_document(location, point) | {"distance_to_edge_m": gap("%.3f")} | dict.fromkeys(names, gap("%b"))


def whole_document(given: Document, found: Document, now: Snapshot, currency: Currency) -> Document:
    """Return a whole answer of a lookup: the point as it was given, what was found, and of when that is."""
    return {"input": given, **found, "data_version": now.version, **currency.as_document()}


def _feature(now: Snapshot, name: str, lon: float, lat: float) -> bytes:
    """Return what is beside a place as JSON."""
    if name == "building":
        building = now.footprints.at_row(lon, lat, BUILDING_WITHIN_M)
        return b"null" if building is None else now.footprints.written(*building)
    index = now.points[name]
    return index.written(index.nearest_rows(lon, lat, NEIGHBOURS))
