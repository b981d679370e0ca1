"""The gazetteer of a snapshot: what it is made of, read with the rest, and when it is made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import psycopg

from gisgrid.addresses.parsers import Parser
from gisgrid.db import reading
from gisgrid.db.gazetteer import read_other_names, read_roads
from gisgrid.geocoding.areas import NAMED_LEVELS
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.geocoding.reversing import Indices
from gisgrid.geocoding.tables import GazetteerTables, LineTable, OtherName
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import AreaTable, FootprintIndex, Locator, PointIndex
from gisgrid.services.late import Late
from gisgrid.types import Bounds, Level

_AREAS = frozenset({"generations", *(AREA_LAYERS[level].id for level in NAMED_LEVELS)})
_LAYERS = frozenset({*_AREAS, AREA_LAYERS["grid"].id, "buildings", "roads", "addresses", "places", "place_names"})


class Sources(NamedTuple):
    """What a gazetteer is made of beside the buildings and the locator of a snapshot."""

    parser: Parser
    areas: Mapping[Level, AreaTable]
    roads: LineTable
    addresses: PointIndex
    places: PointIndex
    names: tuple[OtherName, ...]


class CurrentGazetteer:
    """The gazetteer of one snapshot, made when it is asked for first; until then the one before it answers, where there is one.

    So a change is in the answers a moment after it is in those of the locator, and no request waits for it. Any thread may ask.
    ``version`` is that of the data that this one is of.
    """

    def __init__(
        self, version: int, sources: Sources, footprints: FootprintIndex, locator: Locator, before: CurrentGazetteer | None = None
    ) -> None:
        tables = GazetteerTables(
            sources.areas, sources.roads, footprints.table, sources.addresses.table, sources.places.table, sources.names
        )
        indices = Indices(footprints, sources.addresses)
        self._version = version
        # Asked before the gazetteer itself, which may be newer for it, never older.
        self._earlier_version = version if before is None else before.answered_version(before._version)
        earlier = None if before is None else before.at_hand
        self._earlier = earlier
        self._late = Late(lambda: Gazetteer(tables, sources.parser, locator, indices, earlier))

    def answered_version(self, now: int) -> int:
        """Return the version of the data that answers are of at least; ``now`` is that of the snapshot, in which this one still holds."""
        return now if self._late.is_ready or self._earlier is None else self._earlier_version

    @property
    def at_hand(self) -> Gazetteer | None:
        """The gazetteer that ``get`` would give without making any."""
        return self._late.get() if self._late.is_ready else self._earlier

    def get(self) -> Gazetteer:
        """Return the gazetteer, or the one before it while it is not made."""
        return self.at_hand or self._late.get()

    def prepare(self) -> Gazetteer:
        """Make the gazetteer of this very snapshot with all that requests would else have to wait for, and return it."""
        made = self._late.get()
        made.prepare()
        self._earlier = None
        return made


def read_sources(connection: psycopg.Connection, parser: Parser) -> Sources:
    """Return what ``connection``, in a REPEATABLE READ transaction, sees; addresses are read by ``parser``."""
    points = {layer_id: PointIndex(reading.read_points(connection, layer_id)) for layer_id in ("addresses", "places")}
    return Sources(parser, _areas(connection), read_roads(connection), points["addresses"], points["places"], read_other_names(connection))


def catch_up_sources(connection: psycopg.Connection, before: Sources, touched: Mapping[str, Collection[Bounds] | None]) -> Sources:
    """Return what ``connection`` sees, reading only the layers that are ``touched`` since ``before``, within these boxes if any."""
    found = before
    if _AREAS & touched.keys():
        found = found._replace(areas=_areas(connection))
    if "roads" in touched:
        found = found._replace(roads=read_roads(connection))
    if "addresses" in touched:
        found = found._replace(addresses=_points(connection, "addresses", before.addresses, touched["addresses"]))
    if "places" in touched:
        found = found._replace(places=_points(connection, "places", before.places, touched["places"]))
    return found._replace(names=read_other_names(connection)) if "place_names" in touched else found


def is_touched(touched: Collection[str]) -> bool:
    """Return whether a change of some layers changes the gazetteer."""
    return not _LAYERS.isdisjoint(touched)


def _areas(connection: psycopg.Connection) -> dict[Level, AreaTable]:
    return {level: reading.read_areas(connection, level) for level in NAMED_LEVELS}


def _points(connection: psycopg.Connection, layer_id: str, before: PointIndex, boxes: Collection[Bounds] | None) -> PointIndex:
    each = None if boxes is None else tuple(boxes)
    table = reading.read_points(connection, layer_id, each)
    return PointIndex(table) if each is None else before.replaced(each, table)
