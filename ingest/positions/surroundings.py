"""What a delivery's positions are compared with: what the database knows, or what was delivered before it in a dry run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gisgrid.db.evidence import NEAR_DEG, Coverage, Degrees
from gisgrid.types import LEVELS, Level
from ingest.readers.batch import Geometries
from ingest.targets import NAMED_LAYERS, Target

MOST_SHAPES = 200_000
"""Most buildings, and most covers, that are kept of a dry run."""

_BUILDINGS = "buildings"
_COVERS = "manhole_covers"


class Surroundings(Protocol):
    """The areas, buildings and covers of a city; all positions are WGS 84 degrees, longitude first."""

    def territory(self) -> tuple[Level, list[shapely.Geometry]] | None:
        """Return the largest level there is with its areas, which together are the district; None when there are no areas."""

    def codes(self, level: Level) -> frozenset[str] | None:
        """Return the codes of the areas of one level; None when there are none of that level."""

    def areas(self, codes: Sequence[str]) -> dict[str, shapely.Geometry]:
        """Return the areas of any level that have one of ``codes``, by code."""

    def in_buildings(self, lon: Degrees, lat: Degrees) -> Coverage:
        """Return whether each point lies in a building."""

    def hold_covers(self, shapes: NDArray[Any]) -> Coverage:
        """Return whether a manhole cover lies in each of the shapely polygons ``shapes``."""

    def named(self, layer_id: str) -> list[tuple[str, str | None]]:
        """Return the codes and names of a layer's features, a building's also without its number: that is its estate's."""

    def loaded(self, layer_id: str, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Return where the rows of a layer with ``codes`` are now (their centre), by code."""


class Delivered:
    """The good rows of the sources that a dry run has checked so far: surroundings without a database.

    All areas are kept, and up to ``most`` buildings and ``most`` covers, spread evenly over what was added.
    """

    def __init__(self, most: int = MOST_SHAPES) -> None:
        self._areas: dict[Level, dict[str, shapely.Geometry]] = {}
        self._shapes = {name: _Shapes(most) for name in (_BUILDINGS, _COVERS)}
        self._names: dict[str, list[pa.Table]] = {}

    def add(self, target: Target, rows: pa.Table) -> None:
        """Take the good rows of one batch, as they would be loaded: ``code``, ``name``, and ``geom`` as hexadecimal EWKB in WGS 84."""
        if target.level is not None:
            shapes = shapely.from_wkb(rows["geom"].to_pylist())
            self._areas.setdefault(target.level, {}).update(zip(rows["code"].to_pylist(), shapes, strict=True))
        elif target.id in self._shapes:
            self._shapes[target.id].add(rows["geom"])
        if target.id in NAMED_LAYERS:
            columns = ["code", "name", *(["building_number"] if target.id == _BUILDINGS else [])]
            self._names.setdefault(target.id, []).append(rows.select(columns))

    def forget(self, target: Target) -> None:
        """Drop all rows of a layer: what was delivered for it is refused, so nothing is to be compared with it."""
        self._names.pop(target.id, None)
        if target.level is not None:
            self._areas.pop(target.level, None)
        elif target.id in self._shapes:
            self._shapes[target.id].clear()

    def territory(self) -> tuple[Level, list[shapely.Geometry]] | None:
        """Return the largest level delivered with its areas; None when there are no areas."""
        return next(((level, list(self._areas[level].values())) for level in LEVELS if self._areas.get(level)), None)

    def codes(self, level: Level) -> frozenset[str] | None:
        """Return the codes of the areas delivered of one level; None when there are none of that level."""
        return frozenset(self._areas[level]) if self._areas.get(level) else None

    def areas(self, codes: Sequence[str]) -> dict[str, shapely.Geometry]:
        """Return the areas delivered, of any level, that have one of ``codes``, by code."""
        return {code: areas[code] for areas in self._areas.values() for code in codes if code in areas}

    def in_buildings(self, lon: Degrees, lat: Degrees) -> Coverage:
        """Return whether each point lies in a building that was delivered."""
        return self._shapes[_BUILDINGS].coverage(shapely.points(lon, lat))

    def hold_covers(self, shapes: NDArray[Any]) -> Coverage:
        """Return whether a manhole cover that was delivered lies in each of the shapely polygons ``shapes``."""
        return self._shapes[_COVERS].coverage(shapes)

    def named(self, layer_id: str) -> list[tuple[str, str | None]]:
        """Return the codes and names of the features that were delivered of a layer, a building's also without its number."""
        rows = self._names.get(layer_id, ())
        found = [pair for some in rows for pair in zip(some["code"].to_pylist(), some["name"].to_pylist(), strict=True)]
        if layer_id == _BUILDINGS:
            numbers = [number for some in rows for number in some["building_number"].to_pylist()]
            found += [(code, name.removesuffix(number)) for (code, name), number in zip(found, numbers, strict=True) if name and number]
        return found

    def loaded(self, layer_id: str, codes: Sequence[str]) -> dict[str, tuple[float, float]]:  # noqa: ARG002 - asked of the database
        """Return nothing: before a dry run there is no load that it knows of."""
        return {}


class _Shapes:
    """Every n-th geometry of those that are added, with n doubled whenever there are too many; indexed when first asked."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.clear()

    def clear(self) -> None:
        self._seen = 0
        self._stride = 1
        self._ewkb: list[str] = []
        self._tree: shapely.STRtree | None = None

    def add(self, ewkb: pa.ChunkedArray) -> None:
        self._ewkb += ewkb.take(np.arange(-self._seen % self._stride, len(ewkb), self._stride)).to_pylist()
        self._seen += len(ewkb)
        self._tree = None
        while len(self._ewkb) > self._most:
            self._ewkb = self._ewkb[::2]
            self._stride *= 2

    def coverage(self, places: Geometries) -> Coverage:
        """Return which places (degrees) touch one of the shapes, and which have one near."""
        distances = np.full(len(places), np.nan)
        if self._tree is None:
            self._tree = shapely.STRtree(shapely.from_wkb(self._ewkb))
        (rows, _), found = self._tree.query_nearest(places, max_distance=NEAR_DEG, return_distance=True, all_matches=False)
        distances[rows] = found
        return Coverage(distances == 0.0, np.isfinite(distances))
