"""A snapshot: all that lookups need at one position of the change feed, read in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from gisgrid.addresses.parsers import Parser
from gisgrid.db import Database, reading
from gisgrid.db.changes import Change, Position, changes_since
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaIndex, FootprintIndex, Locator, PointIndex, Roles
from gisgrid.services.answers import POINT_LAYERS
from gisgrid.services.geocoding.current import CurrentGazetteer, Sources, catch_up_sources, is_touched, read_sources
from gisgrid.services.history import History
from gisgrid.services.late import Late
from gisgrid.sight import SightIndex
from gisgrid.types import Bounds, Level

_ROLE_LAYERS = {"organizations", "area_roles"}
_MOST_BOXES = 64

NOT_HELD = frozenset({"cases", "quality_issues", "assignment_rules"})
"""What changes without anything here being different: nothing is read for it."""

Boxes = tuple[Bounds, ...] | None
"""Where a layer has changed; None is anywhere."""


class Snapshot(NamedTuple):
    """Everything at one position of the change feed; never changed, only replaced as a whole.

    ``sights`` is made of the cameras and buildings beside it, which takes a moment: what asks for ``sight`` before it is
    ready makes it, or waits until it is made. ``gazetteer`` is made of ``sources``, the buildings and the locator.
    """

    position: Position
    areas: Mapping[Level, AreaIndex]
    roles: Roles
    organizations: Mapping[str, str]
    locator: Locator
    points: Mapping[str, PointIndex]
    footprints: FootprintIndex
    sights: Late[SightIndex]
    history: History
    sources: Sources
    gazetteer: CurrentGazetteer

    @property
    def version(self) -> int:
        """The version of the data: the number of the last change that it holds."""
        return self.position.version

    @property
    def geocoded_version(self) -> int:
        """The version of the data that the gazetteer answers from at least; its own is made a moment after the rest."""
        return self.gazetteer.answered_version(self.version)

    @property
    def sight(self) -> SightIndex:
        """What the cameras see among the buildings."""
        return self.sights.get()


def read_snapshot(connection: psycopg.Connection, database: Database, doubt_m: float, parser: Parser) -> Snapshot:
    """Return all that ``connection``, in a REPEATABLE READ transaction, sees; addresses are read by ``parser``."""
    position = reading.read_position(connection)
    roles = reading.read_roles(connection)
    areas = {level: AreaIndex(reading.read_areas(connection, level)) for level in AREA_LAYERS}
    points = {layer_id: PointIndex(reading.read_points(connection, layer_id)) for layer_id in POINT_LAYERS}
    footprints = FootprintIndex(reading.read_footprints(connection, "buildings"))
    cameras = points["cameras"]
    sights = Late(lambda: SightIndex(cameras.table, footprints.table))
    locator = Locator.from_indices(areas, roles, doubt_m)
    history = History.read(connection, database, doubt_m)
    sources = read_sources(connection, parser)
    gazetteer = CurrentGazetteer(position.version, sources, footprints, locator)
    return Snapshot(
        position, areas, roles, history.organizations_at(_now()), locator, points, footprints, sights, history, sources, gazetteer
    )


def catch_up(connection: psycopg.Connection, database: Database, doubt_m: float, before: Snapshot, whole: Collection[str] = ()) -> Snapshot:
    """Return what ``connection``, in a REPEATABLE READ transaction, sees: what has changed since ``before`` is read, the rest taken over.

    The layers ``whole`` are read anew in any case.
    """
    found = changes_since(connection, before.position)
    if found is None:
        return read_snapshot(connection, database, doubt_m, before.sources.parser)
    position, changes = found
    if not changes and not whole:
        return before._replace(position=position)
    touched = touched_by(changes) | dict.fromkeys(whole)
    if touched.keys() <= NOT_HELD:
        return before._replace(position=position)
    roles = reading.read_roles(connection) if _ROLE_LAYERS & touched.keys() else before.roles
    areas = {level: _areas(connection, level, index, touched) for level, index in before.areas.items()}
    points = {layer_id: _points(connection, layer_id, index, touched) for layer_id, index in before.points.items()}
    footprints = _footprints(connection, before.footprints, touched)
    history = before.history.renewed(connection, before.position, touched)
    locator = _locator(before, areas, roles, doubt_m)
    sources = catch_up_sources(connection, before.sources, touched)
    gazetteer = before.gazetteer
    if is_touched(touched):
        gazetteer = CurrentGazetteer(position.version, sources, footprints, locator, before.gazetteer)
    return Snapshot(
        position,
        areas,
        roles,
        history.organizations_at(_now()),
        locator,
        points,
        footprints,
        _sights(before, points["cameras"], footprints),
        history,
        sources,
        gazetteer,
    )


def turned(before: Snapshot, instant: datetime) -> Snapshot:
    """Return a snapshot with the responsible units and names of organisations of another instant: periods begin and end by themselves."""
    roles, organizations = before.history.roles_at(instant), before.history.organizations_at(instant)
    if roles == before.roles:
        return before._replace(organizations=organizations)
    return before._replace(roles=roles, organizations=organizations, locator=before.locator.with_roles(roles))


def _now() -> datetime:
    return datetime.now(UTC)


def touched_by(changes: Collection[Change]) -> dict[str, Boxes]:
    """Return the layers of some changes with the places of each: as many boxes at most as are worth asking for one by one.

    Changes of how rows are drawn touch nothing that is looked up.
    """
    found: dict[str, list[Bounds] | None] = {}
    for change in changes:
        if change.is_of_drawing:
            continue
        boxes = found.setdefault(change.layer, [])
        if change.bounds is None:
            found[change.layer] = None
        elif boxes is not None:
            boxes.append(change.bounds)
    return {layer: None if boxes is None else _merged(sorted(set(boxes))) for layer, boxes in found.items()}


def _merged(boxes: Sequence[Bounds]) -> tuple[Bounds, ...]:
    """Return few boxes that hold all of many, given from west to east."""
    each = -(-len(boxes) // _MOST_BOXES)
    groups = (boxes[start : start + each] for start in range(0, len(boxes), each))
    return tuple(
        Bounds(
            min(box.west for box in group), min(box.south for box in group), max(box.east for box in group), max(box.north for box in group)
        )
        for group in groups
    )


def _locator(before: Snapshot, areas: Mapping[Level, AreaIndex], roles: Roles, doubt_m: float) -> Locator:
    if any(areas[level] is not before.areas[level] for level in areas):
        return Locator.from_indices(areas, roles, doubt_m, before=before.locator)
    return before.locator if roles is before.roles else before.locator.with_roles(roles)


def _sights(before: Snapshot, cameras: PointIndex, footprints: FootprintIndex) -> Late[SightIndex]:
    other_cameras = None if cameras is before.points["cameras"] else cameras.table
    other_footprints = None if footprints is before.footprints else footprints.table
    if other_cameras is None and other_footprints is None:
        return before.sights
    earlier = before.sights
    return Late(lambda: earlier.get().replaced(cameras=other_cameras, buildings=other_footprints))


def _areas(connection: psycopg.Connection, level: Level, before: AreaIndex, touched: Mapping[str, Boxes]) -> AreaIndex:
    layer_id = AREA_LAYERS[level].id
    if "generations" not in touched and layer_id not in touched:
        return before
    boxes = None if "generations" in touched else touched[layer_id]
    table = reading.read_areas(connection, level, boxes)
    return AreaIndex(table) if boxes is None else before.replaced(boxes, table)


def _points(connection: psycopg.Connection, layer_id: str, before: PointIndex, touched: Mapping[str, Boxes]) -> PointIndex:
    if layer_id not in touched:
        return before
    boxes = touched[layer_id]
    table = reading.read_points(connection, layer_id, boxes)
    return PointIndex(table) if boxes is None else before.replaced(boxes, table)


def _footprints(connection: psycopg.Connection, before: FootprintIndex, touched: Mapping[str, Boxes]) -> FootprintIndex:
    if "buildings" not in touched:
        return before
    boxes = touched["buildings"]
    table = reading.read_footprints(connection, "buildings", boxes)
    return FootprintIndex(table) if boxes is None else before.replaced(boxes, table)
