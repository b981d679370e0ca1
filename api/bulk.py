"""Many points against one snapshot of the data: arrays for those that are plain, a look of its own for the rest."""

from __future__ import annotations

import numpy as np

from api.points import AskedPoint
from api.problems import document_of
from gisgrid.crs import Crs, to_wgs84
from gisgrid.errors import GisgridError
from gisgrid.locator import Locator
from gisgrid.services import Place, ReadModel, as_document
from gisgrid.types import Location

Document = dict[str, object]


class BulkLocator:
    """Locates points that are all in one coordinate system; all its answers come from the locator it was made with."""

    def __init__(self, model: ReadModel, crs: Crs, locator: Locator) -> None:
        self._model, self._crs = model, crs
        self._locator = locator
        self._plain: dict[int, Document | None] = {}

    def locate(self, points: list[AskedPoint]) -> list[Document]:
        """Return the answer for each point as ``/locate`` gives it, without version and database; a problem for an impossible one."""
        if not points:
            return []
        lon, lat = to_wgs84(self._crs, np.array([point.first for point in points]), np.array([point.second for point in points]))
        located = self._locator.locate_many(lon, lat)
        west, south, east, north = self._model.deployment.bounds
        # Far from the city the two coordinates may be exchanged; NaN, an impossible place, is never within bounds.
        here = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        distance = located.distance_to_edge_m if located.distance_to_edge_m is not None else np.full(lon.shape, np.nan)
        answers: list[Document | None] = [None] * len(points)
        for k in np.flatnonzero(here & ~located.in_doubt).tolist():
            answers[k] = self._well_inside(points[k], int(located.number[k]), float(lon[k]), float(lat[k]), float(distance[k]))
        outside = np.flatnonzero(here & (located.number < 0))
        for k, location in zip(outside.tolist(), self._locator.outside_many(lon[outside], lat[outside]), strict=True):
            answers[k] = None if location is None else _document(points[k], location)
        # The others need a look of their own: doubt, an edge, a place far away or one that cannot be meant.
        return [answer or self.locate_one(point) for answer, point in zip(answers, points, strict=True)]

    def _well_inside(self, point: AskedPoint, number: int, lon: float, lat: float, distance_m: float) -> Document | None:
        """Return the answer for a point well inside a grid, the same for all its points but in three members."""
        if number not in self._plain:
            location = self._locator.inside(number)
            self._plain[number] = None if location is None else as_document(location)
        plain = self._plain[number]
        if plain is None:
            return None
        own = {"point": Place(lon, lat, point.crs).as_document(), "distance_to_edge_m": round(distance_m, 3)}
        return {"input": point.as_document(), **plain, **own}

    def locate_one(self, point: AskedPoint, accuracy_m: float | None = None) -> Document:
        """Return the answer for a point in any system, as ``locate`` does; ``accuracy_m`` is the radius of its uncertainty, metres."""
        try:
            lon, lat = self._model.to_wgs84(point.first, point.second, point.crs)
            return _document(point, self._locator.locate(lon, lat, accuracy_m))
        except GisgridError as error:
            return {"error": document_of(error)}


def _document(point: AskedPoint, location: Location) -> Document:
    """Return the members of an answer that depend on the point alone."""
    return {"input": point.as_document(), **as_document(location, Place(location.lon, location.lat, point.crs).as_document())}
