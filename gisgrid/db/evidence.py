"""What the database knows about places, for judging a delivery's positions before they are loaded.

Every query takes the whole sample as arrays and goes through an index once a position, also in tables that were filled a
moment ago; all of them see what the transaction at hand has loaded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray
from psycopg import sql

from gisgrid.layers import layer
from gisgrid.types import LEVELS, Level

Degrees = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR_DEG = 0.0005
"""Some fifty metres: where a layer has nothing so near, it says nothing about a place."""

_LEVELS = """
SELECT level, bool_or(generation_id = %(draft)s) FROM gisgrid.areas
WHERE generation_id = %(draft)s OR generation_id = gisgrid.active_generation() GROUP BY level
"""
_LEVEL = """
SELECT ST_AsBinary(geom) FROM gisgrid.areas
WHERE level = %(level)s AND generation_id = coalesce(%(generation)s, gisgrid.active_generation()) ORDER BY code
"""
_CODES = """
SELECT code FROM gisgrid.areas WHERE level = %(level)s AND generation_id = coalesce(%(generation)s, gisgrid.active_generation())
"""
_FEATURES = "SELECT code, name FROM gisgrid.{view}"
# A building is found by the name of its estate too, which is its own without its number.
_ESTATES = """
UNION ALL SELECT code, left(name, length(name) - length(building_number)) FROM gisgrid.buildings
WHERE building_number <> '' AND right(name, length(building_number)) = building_number
"""
_AREAS = """
SELECT code, name FROM gisgrid.areas WHERE level = %(level)s AND generation_id = coalesce(%(generation)s, gisgrid.active_generation())
"""
_NAMED = """
SELECT a.code, ST_AsBinary(a.geom) FROM gisgrid.areas a
JOIN unnest(%(levels)s::text[], %(generations)s::bigint[]) AS g(level, generation_id)
  ON a.level = g.level AND a.generation_id = coalesce(g.generation_id, gisgrid.active_generation())
WHERE a.code = ANY (%(codes)s)
"""
_POINTS = """
SELECT n, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS place
FROM unnest(%(lon)s::float8[], %(lat)s::float8[]) WITH ORDINALITY AS u(lon, lat, n)
"""
# The distance to the nearest one in degrees, 0 inside, null where none is near: one look into the index for each place.
_TO_BUILDING = f"""
SELECT (
    SELECT b.geom <-> p.place FROM gisgrid.buildings b WHERE b.geom && ST_Expand(p.place, %(near)s) ORDER BY b.geom <-> p.place LIMIT 1
) FROM ({_POINTS}) p ORDER BY n
"""
_TO_COVER = """
SELECT (
    SELECT c.geom <-> p.shape FROM gisgrid.manhole_covers c WHERE c.geom && ST_Expand(p.shape, %(near)s) ORDER BY c.geom <-> p.shape LIMIT 1
) FROM (SELECT n, ST_GeomFromWKB(wkb, 4326) AS shape FROM unnest(%(shapes)s::bytea[]) WITH ORDINALITY AS u(wkb, n)) p ORDER BY n
"""
# A table that was filled a moment ago has no statistics, and a planner without them reads all of it for every place. Without
# sorting only the index on the place can give its rows in the order of their distance.
_NEVER_SORT = "SET LOCAL enable_sort = off"
_LOADED = "SELECT code, ST_X(ST_Centroid(geom)), ST_Y(ST_Centroid(geom)) FROM gisgrid.{view} WHERE code = ANY (%(codes)s)"
# The key of components begins with scheme and edition: one look into its index for each pair there is.
_LOADED_COMPONENTS = """
SELECT c.code, ST_X(c.geom), ST_Y(c.geom)
FROM (SELECT DISTINCT scheme, edition FROM gisgrid.component_classes WHERE is_cover) k
CROSS JOIN LATERAL (
    SELECT v.code, v.geom FROM gisgrid.manhole_covers v WHERE v.scheme = k.scheme AND v.edition = k.edition AND v.code = ANY (%(codes)s)
) c
"""


class Coverage(NamedTuple):
    """Whether each place asked for hits something of a layer, and whether the layer has anything near it at all."""

    hit: Flags
    near: Flags


class Known:
    """The areas, buildings and covers that a connection sees; areas of ``draft`` where it has that level, else those served.

    All positions are WGS 84 degrees, longitude first. Raises psycopg's errors, as all that uses a bare connection.
    """

    def __init__(self, connection: psycopg.Connection, draft: int | None) -> None:
        self._connection = connection
        self._draft = draft

    def levels(self) -> dict[Level, int | None]:
        """Return the levels of areas there are, from the top, each with the draft's number or None for the generation served."""
        found = dict(self._rows(_LEVELS, {"draft": self._draft}))
        return {level: self._draft if found[level] else None for level in LEVELS if level in found}

    def territory(self) -> tuple[Level, list[shapely.Geometry]] | None:
        """Return the largest level there is with its areas, which together are the district; None when there are no areas."""
        for level, generation in self.levels().items():
            rows = self._rows(_LEVEL, {"level": level, "generation": generation})
            return level, _shapes([row[0] for row in rows])
        return None

    def codes(self, level: Level) -> frozenset[str] | None:
        """Return the codes of the areas of one level; None when there are none of that level."""
        levels = self.levels()
        if level not in levels:
            return None
        return frozenset(row[0] for row in self._rows(_CODES, {"level": level, "generation": levels[level]}))

    def areas(self, codes: Sequence[str]) -> dict[str, shapely.Geometry]:
        """Return the areas of any level that have one of ``codes``, by code."""
        levels = self.levels()
        if not levels or not codes:
            return {}
        parameters = {"levels": list(levels), "generations": list(levels.values()), "codes": list(codes)}
        rows = self._rows(_NAMED, parameters)
        return dict(zip((row[0] for row in rows), _shapes([row[1] for row in rows]), strict=True))

    def in_buildings(self, lon: Degrees, lat: Degrees) -> Coverage:
        """Return whether each point lies in a building."""
        return self._coverage(_TO_BUILDING, {"lon": lon.tolist(), "lat": lat.tolist(), "near": NEAR_DEG})

    def hold_covers(self, shapes: NDArray[Any]) -> Coverage:
        """Return whether a manhole cover lies in each of the shapely polygons ``shapes``."""
        return self._coverage(_TO_COVER, {"shapes": shapely.to_wkb(shapes).tolist(), "near": NEAR_DEG})

    def named(self, layer_id: str) -> list[tuple[str, str | None]]:
        """Return the codes and names of a layer's features; of areas those in the draft where it has that level.

        A building comes once more with the name of its estate, where its own ends with the number of the building.
        """
        found = layer(layer_id)
        if found.level is None:
            query = sql.SQL(_FEATURES + (_ESTATES if layer_id == "buildings" else "")).format(view=sql.Identifier(found.id))
            return [(row[0], row[1]) for row in self._rows(query, {})]
        return [(row[0], row[1]) for row in self._rows(_AREAS, {"level": found.level, "generation": self.levels().get(found.level)})]

    def loaded(self, layer_id: str, codes: Sequence[str]) -> dict[str, tuple[float, float]]:
        """Return where the rows of a layer with ``codes`` are now (their centre), by code; of areas those being served."""
        view = sql.Identifier(layer(layer_id).id)
        query = sql.SQL(_LOADED_COMPONENTS) if layer_id == "manhole_covers" else sql.SQL(_LOADED).format(view=view)
        return {code: (lon, lat) for code, lon, lat in self._rows(query, {"codes": list(codes)})}

    def _coverage(self, query: str, parameters: dict[str, Any]) -> Coverage:
        with self._connection.transaction(force_rollback=True):  # so that the setting ends here
            self._connection.execute(_NEVER_SORT)
            rows = self._rows(query, parameters)
        distances = np.array([row[0] for row in rows], dtype=np.float64)  # NaN for null
        return Coverage(distances == 0.0, np.isfinite(distances))

    def _rows(self, query: str | sql.SQL | sql.Composed, parameters: dict[str, Any]) -> list[tuple[Any, ...]]:
        with self._connection.cursor(binary=True) as cursor:
            return cursor.execute(query, parameters).fetchall()


def _shapes(wkb: list[bytes]) -> list[shapely.Geometry]:
    return list(shapely.from_wkb(wkb)) if wkb else []
