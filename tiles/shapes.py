"""Shapes: areas simplified for tiles of small scales, so that neighbours go on sharing their borders exactly.

All areas of a level are simplified together, as a coverage: what two of them share is simplified once, for both. There is a shape
for each zoom up to ``DEEPEST``, of vertices that lie on the units of that zoom's tiles. The table of shapes holds only what is true:
a trigger takes the shapes of an area away in the transaction that changes it, and a tile whose areas do not all have theirs draws
every one of them in full. So simplifying may come later, or never, and nothing shown is stale.

Where areas are no coverage (they overlap, or one has a vertex on a border that its neighbour lacks), borders that do not match are
simplified each for itself: they may part by about half a pixel. An area of which nothing valid is left keeps its full shape.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import shapely
from numpy.typing import NDArray

from gisgrid.db.database import transaction
from gisgrid.layers import AREA_LAYERS, Layer
from gisgrid.types import Level
from tiles.tile import MERCATOR_EDGE_M

__all__ = ["DEEPEST", "Refreshed", "refresh", "simplified"]

_logger = logging.getLogger(__name__)

Geometries = NDArray[np.object_]

DEEPEST = 13
"""The deepest zoom that has shapes; at deeper ones areas are drawn in full."""

_EXTENT = 4096
# Half a pixel of a tile that is drawn 256 pixels wide.
_TOLERANCE_UNITS = 8
_AT_ONCE = 500
# What is a fraction of this many metres apart in a source is meant to be one border.
_SAME_M = 0.01

_LOCK_KEY = 0x7469_6C65
_TRY_LOCK: LiteralString = "SELECT pg_try_advisory_lock(%s)"
_LOCK: LiteralString = "SELECT pg_advisory_lock(%s)"
_UNLOCK: LiteralString = "SELECT pg_advisory_unlock(%s)"
# Shorter than PostgreSQL waits before it looks for a deadlock and ends one side of it: that must not be somebody's edit.
_BE_POLITE: LiteralString = "SET LOCAL lock_timeout = '300ms'"

_DROP_OUTDATED: LiteralString = """
DELETE FROM gisgrid.area_shapes s WHERE NOT EXISTS (
    SELECT FROM gisgrid.areas a
    JOIN unnest(%(levels)s::text[], %(first)s::integer[], %(last)s::integer[]) AS l (level, first, last) ON l.level = a.level
    WHERE a.id = s.area_id AND a.generation_id = gisgrid.active_generation() AND s.zoom BETWEEN l.first AND l.last
)
"""
_LACKING: LiteralString = """
SELECT a.level, array_agg(a.id) FROM gisgrid.areas a
JOIN unnest(%(levels)s::text[], %(first)s::integer[], %(last)s::integer[]) AS l (level, first, last) ON l.level = a.level
LEFT JOIN (SELECT area_id, count(*) AS shapes FROM gisgrid.area_shapes GROUP BY area_id) s ON s.area_id = a.id
WHERE a.generation_id = gisgrid.active_generation() AND coalesce(s.shapes, 0) <= l.last - l.first
GROUP BY a.level
"""
_AREAS: LiteralString = """
SELECT id, xmin::text, ST_AsBinary(geom_3857) FROM gisgrid.areas
WHERE generation_id = gisgrid.active_generation() AND level = %s ORDER BY code
"""
_STORED: LiteralString = """
SELECT s.area_id, s.zoom, ST_AsBinary(s.geom) FROM gisgrid.area_shapes s JOIN gisgrid.areas a ON a.id = s.area_id
WHERE a.generation_id = gisgrid.active_generation() AND a.level = %s
"""
_LOCK_AREAS: LiteralString = """
SELECT id, xmin::text FROM gisgrid.areas
WHERE id = ANY(%s) AND generation_id = gisgrid.active_generation() ORDER BY id FOR SHARE
"""
# The change covers the areas in full: what was drawn of them until now is what goes out of date.
_REMOVE: LiteralString = """
WITH gone AS (DELETE FROM gisgrid.area_shapes WHERE area_id = ANY(%(ids)s) RETURNING area_id)
SELECT gisgrid.note_change(%(layer)s, count(*), NULL, ST_Extent(geom))
FROM gisgrid.areas WHERE id IN (SELECT area_id FROM gone) HAVING count(*) > 0
"""
_WRITE: LiteralString = """
WITH made AS (
    INSERT INTO gisgrid.area_shapes (area_id, zoom, geom)
    SELECT area_id, zoom, ST_GeomFromWKB(wkb, 4326)
    FROM unnest(%(ids)s::bigint[], %(zooms)s::smallint[], %(shapes)s::bytea[]) AS made (area_id, zoom, wkb)
    ON CONFLICT (area_id, zoom) DO UPDATE SET geom = excluded.geom
    RETURNING area_id
)
SELECT gisgrid.note_change(%(layer)s, count(*), NULL, ST_Extent(geom))
FROM gisgrid.areas WHERE id IN (SELECT area_id FROM made) HAVING count(*) > 0
"""


class Refreshed(NamedTuple):
    """What a refresh has done: rows written and removed; ``is_complete`` says that no area lacks a shape now.

    It is not when an area was changed meanwhile, or when another process is at it.
    """

    written: int
    removed: int
    is_complete: bool


class _Area(NamedTuple):
    """An area as it was read: ``version`` is another one after any change of its row; ``shape`` in EPSG:3857."""

    id: int
    version: str
    shape: Any


class _Made(NamedTuple):
    """The shapes of an area by zoom, as WKB in degrees."""

    area: _Area
    shapes: dict[int, bytes]


def zooms_of(layer: Layer) -> range:
    """Return the zooms at which a layer of areas has shapes."""
    return range(layer.min_zoom, DEEPEST + 1)


def refresh(connection: psycopg.Connection, *, wait: bool = False) -> Refreshed:
    """Make the shapes that areas of the served generation lack, and remove those that nobody needs any more.

    Each batch of rows is committed by itself together with a change of the layer, so that what was drawn in full is drawn anew.
    Doing it again does nothing. One process does it at a time; when another is at it this one returns at once, or waits for it if
    ``wait``. ``connection`` must have no transaction open. Raises DatabaseError when the database fails, also when an area that is
    to get its shape is being changed for longer than a moment: then call again.
    """
    with _alone(connection, wait) as is_mine:
        if not is_mine:
            return Refreshed(0, 0, False)
        layers = [layer for layer in AREA_LAYERS.values() if zooms_of(layer)]
        bands: dict[str, Any] = {
            "levels": [layer.level for layer in layers],
            "first": [zooms_of(layer)[0] for layer in layers],
            "last": [zooms_of(layer)[-1] for layer in layers],
        }
        with transaction(connection):
            removed = connection.execute(_DROP_OUTDATED, bands).rowcount
            lacking: dict[Level, list[int]] = dict(connection.execute(_LACKING, bands).fetchall())
        done = [_refresh_level(connection, layer) for layer in layers if layer.level in lacking]
        return Refreshed(sum(one.written for one in done), removed + sum(one.removed for one in done), all(one.is_complete for one in done))


@contextmanager
def _alone(connection: psycopg.Connection, wait: bool) -> Iterator[bool]:
    """Keep other processes from refreshing meanwhile; gives False when one of them is at it."""
    with transaction(connection):
        row = connection.execute(_LOCK if wait else _TRY_LOCK, [_LOCK_KEY]).fetchone()
    if not wait and not (row and row[0]):
        yield False
        return
    try:
        yield True
    finally:
        if not connection.closed and not connection.broken:
            with transaction(connection):
                connection.execute(_UNLOCK, [_LOCK_KEY])


def _refresh_level(connection: psycopg.Connection, layer: Layer) -> Refreshed:
    """Bring the shapes of a level in line with its areas; only those that are not as they should be are written."""
    with transaction(connection), connection.cursor(binary=True) as cursor:
        areas = [_Area(id, version, shapely.from_wkb(wkb)) for id, version, wkb in cursor.execute(_AREAS, [layer.level]).fetchall()]
        stored: dict[int, dict[int, bytes]] = {area.id: {} for area in areas}
        for id, zoom, wkb in cursor.execute(_STORED, [layer.level]).fetchall():
            stored.setdefault(id, {})[zoom] = wkb
    made = _made(areas, zooms_of(layer))
    wrong = [one for one in made if stored[one.area.id] != one.shapes]
    # Shapes made of other neighbours do not fit the new ones: they go before the first of those comes.
    outdated = [one.area.id for one in wrong if stored[one.area.id]]
    removed = sum(len(stored[id]) for id in outdated)
    if outdated:
        with _polite(connection):
            connection.execute(_REMOVE, {"ids": outdated, "layer": layer.id})
    written = sum(_write(connection, layer, wrong[start : start + _AT_ONCE]) for start in range(0, len(wrong), _AT_ONCE))
    return Refreshed(written, removed, written == sum(len(one.shapes) for one in wrong))


def _made(areas: Sequence[_Area], zooms: range) -> list[_Made]:
    """Return the shapes of all areas of a level."""
    shapes = np.empty(len(areas), dtype=object)
    shapes[:] = [area.shape for area in areas]
    matched = _matched(shapes)
    by_zoom = {zoom: shapely.to_wkb(_in_degrees(simplified(matched, zoom))) for zoom in zooms}
    return [_Made(area, {zoom: wkbs[n] for zoom, wkbs in by_zoom.items()}) for n, area in enumerate(areas)]


def _write(connection: psycopg.Connection, layer: Layer, made: Sequence[_Made]) -> int:
    """Write the shapes of those areas that are still as they were read; return how many rows that made."""
    with _polite(connection):
        # From here to the commit nobody changes one of these areas, and who does so after it finds the shapes and removes them.
        now: dict[int, str] = dict(connection.execute(_LOCK_AREAS, [[one.area.id for one in made]]).fetchall())
        rows = [(one.area.id, zoom, wkb) for one in made if now.get(one.area.id) == one.area.version for zoom, wkb in one.shapes.items()]
        if rows:
            ids, zooms, shapes = (list(column) for column in zip(*rows, strict=True))
            connection.execute(_WRITE, {"ids": ids, "zooms": zooms, "shapes": shapes, "layer": layer.id})
    return len(rows)


@contextmanager
def _polite(connection: psycopg.Connection) -> Iterator[None]:
    """Open a transaction that gives way when it would have to wait for an edit."""
    with transaction(connection):
        connection.execute(_BE_POLITE)
        yield


def _matched(shapes: Geometries) -> Geometries:
    """Return areas whose borders match vertex by vertex, as far as they do so by adding vertices and moving them a hair.

    Areas that really overlap stay as they are: which of them is right is not for a map to say.
    """
    if shapely.coverage_is_valid(shapes):
        return shapes
    cleaned = shapely.coverage_clean(shapes, snapping_distance=_SAME_M, gap_maximum_width=0.0)
    is_same = np.abs(shapely.area(cleaned) - shapely.area(shapes)) <= _SAME_M * shapely.length(shapes)
    return np.where(is_same & ~shapely.is_empty(cleaned), cleaned, shapes)


def simplified(shapes: Geometries, zoom: int) -> Geometries:
    """Return areas (EPSG:3857, any coverage) as multipolygons for tiles of ``zoom``: vertices on the units of its tiles, none lost.

    Triangles smaller than half a pixel squared go from the borders, the same ones for both neighbours (Visvalingam-Whyatt).
    Rings begin and follow one another in an order that depends on the shape alone.
    """
    unit = 2 * MERCATOR_EDGE_M / (1 << zoom) / _EXTENT
    coarse = shapely.coverage_simplify(shapes, _TOLERANCE_UNITS * unit)
    on_units = shapely.transform(coarse, lambda at: np.floor(at / unit + 0.5) * unit)
    on_units = shapely.remove_repeated_points(on_units)
    # What is too narrow for whole units would close up or cross itself.
    drawn = np.where(_is_sound(on_units), on_units, np.where(_is_sound(coarse), coarse, shapes))
    return np.array([_multi(shape) for shape in shapely.normalize(drawn)], dtype=object)


def _is_sound(shapes: Geometries) -> NDArray[np.bool_]:
    return np.asarray(shapely.is_valid(shapes) & ~shapely.is_empty(shapes))


def _multi(shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.multipolygons([shape])


def _in_degrees(shapes: Geometries) -> Geometries:
    """Return shapes of EPSG:3857 in WGS 84 degrees."""
    turn = np.pi / MERCATOR_EDGE_M
    found: Geometries = shapely.transform(
        shapes, lambda at: np.degrees(np.column_stack([at[:, 0] * turn, np.arctan(np.sinh(at[:, 1] * turn))]))
    )
    return found
