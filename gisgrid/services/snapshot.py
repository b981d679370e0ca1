"""A snapshot: all that lookups need at one position of the change feed, read in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import psycopg

from gisgrid.db import Database, reading
from gisgrid.db.changes import Change, Position, changes_since
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaIndex, FootprintIndex, Locator, PointIndex, Roles
from gisgrid.services.history import History
from gisgrid.types import Bounds, Level

POINT_LAYERS = ("cameras", "manhole_covers")
"""The layers whose nearest features can be asked for."""

_ROLE_LAYERS = {"organizations", "area_roles"}

Touched = Mapping[str, Bounds | None]
"""The layers that have changed, and where; None is anywhere."""


class Snapshot(NamedTuple):
    """Everything at one position of the change feed; never changed, only replaced as a whole."""

    position: Position
    areas: Mapping[Level, AreaIndex]
    roles: Roles
    locator: Locator
    points: Mapping[str, PointIndex]
    footprints: FootprintIndex
    history: History

    @property
    def version(self) -> int:
        """The version of the data: the number of the last change that it holds."""
        return self.position.version


def read_snapshot(connection: psycopg.Connection, database: Database, doubt_m: float) -> Snapshot:
    """Return all that ``connection``, in a REPEATABLE READ transaction, sees."""
    position = reading.read_position(connection)
    roles = reading.read_roles(connection)
    areas = {level: AreaIndex(reading.read_areas(connection, level)) for level in AREA_LAYERS}
    points = {layer_id: PointIndex(reading.read_points(connection, layer_id)) for layer_id in POINT_LAYERS}
    footprints = FootprintIndex(reading.read_footprints(connection, "buildings"))
    history = History.read(connection, database, doubt_m)
    return Snapshot(position, areas, roles, Locator.from_indices(areas, roles, doubt_m), points, footprints, history)


def catch_up(connection: psycopg.Connection, database: Database, doubt_m: float, before: Snapshot, whole: Collection[str] = ()) -> Snapshot:
    """Return what ``connection``, in a REPEATABLE READ transaction, sees: what has changed since ``before`` is read, the rest taken over.

    The layers ``whole`` are read anew in any case.
    """
    found = changes_since(connection, before.position)
    if found is None:
        return read_snapshot(connection, database, doubt_m)
    position, changes = found
    if not changes and not whole:
        return before._replace(position=position)
    touched = _touched(changes) | dict.fromkeys(whole)
    roles = reading.read_roles(connection) if _ROLE_LAYERS & touched.keys() else before.roles
    areas = {level: _areas(connection, level, index, touched) for level, index in before.areas.items()}
    points = {layer_id: _points(connection, layer_id, index, touched) for layer_id, index in before.points.items()}
    return Snapshot(
        position,
        areas,
        roles,
        _locator(before, areas, roles, doubt_m),
        points,
        FootprintIndex(reading.read_footprints(connection, "buildings")) if "buildings" in touched else before.footprints,
        before.history.renewed(connection, before.position, touched),
    )


def _touched(changes: Collection[Change]) -> dict[str, Bounds | None]:
    """Return the layers of some changes with the box around all places of each."""
    touched: dict[str, Bounds | None] = {}
    for layer, bounds in ((change.layer, change.bounds) for change in changes):
        known = touched.get(layer, bounds)
        touched[layer] = None if known is None or bounds is None else _around(known, bounds)
    return touched


def _around(one: Bounds, other: Bounds) -> Bounds:
    return Bounds(min(one.west, other.west), min(one.south, other.south), max(one.east, other.east), max(one.north, other.north))


def _locator(before: Snapshot, areas: Mapping[Level, AreaIndex], roles: Roles, doubt_m: float) -> Locator:
    if any(areas[level] is not before.areas[level] for level in areas):
        return Locator.from_indices(areas, roles, doubt_m)
    return before.locator if roles is before.roles else before.locator.with_roles(roles)


def _areas(connection: psycopg.Connection, level: Level, before: AreaIndex, touched: Touched) -> AreaIndex:
    if AREA_LAYERS[level].id in touched or "generations" in touched:
        return AreaIndex(reading.read_areas(connection, level))
    return before


def _points(connection: psycopg.Connection, layer_id: str, before: PointIndex, touched: Touched) -> PointIndex:
    return PointIndex(reading.read_points(connection, layer_id)) if layer_id in touched else before
