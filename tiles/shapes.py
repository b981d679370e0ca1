"""Shapes: areas simplified for tiles of small scales, so that neighbours go on sharing their borders exactly.

All areas of a level are simplified together, as a coverage: what two of them share is simplified once, for both. There is a shape
for each zoom up to ``DEEPEST``, of vertices that lie on the units of that zoom's tiles. The table of shapes holds only what is true:
a trigger takes the shapes of an area away in the transaction that changes it, and a tile whose areas do not all have theirs draws
every one of them in full. So simplifying may come later, or never, and nothing shown is stale.

Where areas are no coverage (they overlap, or one has a vertex on a border that its neighbour lacks), borders that do not match are
simplified each for itself: they may part by about half a pixel. An area of which nothing valid is left keeps its full shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, LiteralString, NamedTuple

import numpy as np
import psycopg
import shapely

from gisgrid.db.database import transaction
from gisgrid.layers import AREA_LAYERS, Layer
from gisgrid.types import Level
from tiles.simplifying import Geometries, fit_together, in_degrees, matched, simplified

__all__ = ["DEEPEST", "Refreshed", "refresh", "zooms_of"]

DEEPEST = 13
"""The deepest zoom that has shapes; at deeper ones areas are drawn in full."""

_AT_ONCE = 500
# So many areas that lack their shapes are looked at with those around them; for more the whole level is.
_FEW = 64

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
# The areas that lack their shapes and those next to them (near), whose borders may have become other ones; and around them those
# that make the borders of these what they are in the whole level.
_AREAS_AROUND: LiteralString = """
WITH served AS NOT MATERIALIZED (
    SELECT * FROM gisgrid.areas WHERE generation_id = gisgrid.active_generation() AND level = %(level)s
), near AS MATERIALIZED (
    SELECT DISTINCT ON (b.id) b.id, b.geom_3857 FROM served a JOIN served b ON b.geom_3857 && a.geom_3857 WHERE a.id = ANY(%(lacking)s)
)
SELECT id, xmin::text, ST_AsBinary(geom_3857), id IN (SELECT id FROM near) FROM gisgrid.areas
WHERE id IN (SELECT c.id FROM near n JOIN served c ON c.geom_3857 && n.geom_3857) ORDER BY code
"""
_STORED: LiteralString = "SELECT area_id, zoom, ST_AsBinary(geom) FROM gisgrid.area_shapes WHERE area_id = ANY(%s)"
_LOCK_AREAS: LiteralString = """
SELECT id, xmin::text FROM gisgrid.areas
WHERE id = ANY(%s) AND generation_id = gisgrid.active_generation() ORDER BY id FOR SHARE
"""
# The change covers the areas in full: what was drawn of them until now is what goes out of date. No row of the layer is another one.
_REMOVE: LiteralString = """
WITH gone AS (DELETE FROM gisgrid.area_shapes WHERE area_id = ANY(%(ids)s) RETURNING area_id)
SELECT gisgrid.note_change(%(layer)s, 0, NULL, ST_Extent(geom))
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
SELECT gisgrid.note_change(%(layer)s, 0, NULL, ST_Extent(geom))
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


def refresh(connection: psycopg.Connection, *, wait: bool = False, is_wanted: Callable[[], bool] = lambda: True) -> Refreshed:
    """Make the shapes that areas of the served generation lack, and remove those that nobody needs any more.

    Each batch of rows is committed by itself together with a change of the layer, so that what was drawn in full is drawn anew.
    Doing it again does nothing. One process does it at a time; when another is at it this one returns at once, or waits for it if
    ``wait``; it ends early when ``is_wanted`` says no. ``connection`` must have no transaction open. Raises DatabaseError when the
    database fails, also when an area that is to get its shape is being changed for longer than a moment: then call again.
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
        with _polite(connection):
            removed = connection.execute(_DROP_OUTDATED, bands).rowcount
            lacking: dict[Level, list[int]] = dict(connection.execute(_LACKING, bands).fetchall())
        done = [Refreshed(0, removed, True)]
        done += [_refresh_level(connection, layer, lacking[layer.level], is_wanted) for layer in layers if layer.level in lacking]
        return Refreshed(sum(one.written for one in done), sum(one.removed for one in done), all(one.is_complete for one in done))


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


def _refresh_level(connection: psycopg.Connection, layer: Layer, lacking: list[int], is_wanted: Callable[[], bool]) -> Refreshed:
    """Bring the shapes of a level in line with its areas; only those that are not as they should be are written."""
    wrong = _wrong_around(connection, layer, lacking) if len(lacking) <= _FEW else None
    if wrong is None:
        wrong = _wrong_of_all(connection, layer)
    if not is_wanted():
        return Refreshed(0, 0, False)
    # Shapes made of other neighbours do not fit the new ones: they go before the first of those comes.
    outdated = {id: shapes for id, shapes in _stored(connection, [one.area.id for one in wrong]).items() if shapes}
    if outdated:
        with _polite(connection):
            connection.execute(_REMOVE, {"ids": list(outdated), "layer": layer.id})
    written = 0
    for start in range(0, len(wrong), _AT_ONCE):
        if is_wanted():
            written += _write(connection, layer, wrong[start : start + _AT_ONCE])
    removed = sum(len(shapes) for shapes in outdated.values())
    return Refreshed(written, removed, written == sum(len(one.shapes) for one in wrong))


def _wrong_of_all(connection: psycopg.Connection, layer: Layer) -> list[_Made]:
    """Return what those areas of a level should have that have no shapes or others."""
    with transaction(connection), connection.cursor(binary=True) as cursor:
        areas = [_Area(id, version, shapely.from_wkb(wkb)) for id, version, wkb in cursor.execute(_AREAS, [layer.level]).fetchall()]
    stored = _stored(connection, [area.id for area in areas])
    return [one for one in _made(areas, zooms_of(layer)) if stored[one.area.id] != one.shapes]


def _wrong_around(connection: psycopg.Connection, layer: Layer, lacking: list[int]) -> list[_Made] | None:
    """Return the same of a few areas and those next to them; None when that cannot be told without all others."""
    values = {"level": layer.level, "lacking": lacking}
    with transaction(connection), connection.cursor(binary=True) as cursor:
        rows = cursor.execute(_AREAS_AROUND, values).fetchall()
    areas = [_Area(id, version, shapely.from_wkb(wkb)) for id, version, wkb, _ in rows]
    is_near = [row[3] for row in rows]
    stored = _stored(connection, [area.id for area in areas])
    made = _made(areas, zooms_of(layer))
    # Those around lack neighbours here, and may come out otherwise than they are: the new shapes have to fit what is there of them.
    if not all(stored[one.area.id] for one, near in zip(made, is_near, strict=True) if not near):
        return None
    full = _shapes(areas)
    for zoom in zooms_of(layer):
        wkbs = [one.shapes[zoom] if near else stored[one.area.id].get(zoom) for one, near in zip(made, is_near, strict=True)]
        if not fit_together(shapely.from_wkb(wkbs), full):
            return None
    return [one for one, near in zip(made, is_near, strict=True) if near and stored[one.area.id] != one.shapes]


def _stored(connection: psycopg.Connection, ids: list[int]) -> dict[int, dict[int, bytes]]:
    """Return the shapes that areas have, by zoom."""
    stored: dict[int, dict[int, bytes]] = {id: {} for id in ids}
    with transaction(connection), connection.cursor(binary=True) as cursor:
        for id, zoom, wkb in cursor.execute(_STORED, [ids]).fetchall():
            stored[id][zoom] = wkb
    return stored


def _made(areas: Sequence[_Area], zooms: range) -> list[_Made]:
    """Return the shapes of areas of a level."""
    shapes = matched(_shapes(areas))
    by_zoom = {zoom: shapely.to_wkb(in_degrees(simplified(shapes, zoom))) for zoom in zooms}
    return [_Made(area, {zoom: wkbs[n] for zoom, wkbs in by_zoom.items()}) for n, area in enumerate(areas)]


def _shapes(areas: Sequence[_Area]) -> Geometries:
    shapes = np.empty(len(areas), dtype=object)
    shapes[:] = [area.shape for area in areas]
    return shapes


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
