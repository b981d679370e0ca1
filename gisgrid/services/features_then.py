"""Features and responsible units of the past, in memory: an index for each time without a change that was asked for."""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

import psycopg

from gisgrid.db import Database
from gisgrid.db.past import (
    Extent,
    NameThen,
    RoleThen,
    Span,
    Touch,
    read_extent,
    read_footprints_then,
    read_points_then,
    read_roles_then,
    read_span,
)
from gisgrid.db.reading import snapshot
from gisgrid.errors import ParameterError
from gisgrid.locator import FootprintIndex, PointIndex, Roles
from gisgrid.services.kept import Kept
from gisgrid.types import Level, ResponsibleUnit

Index = PointIndex | FootprintIndex
"""The features of a layer."""

_KEPT_SPANS = 4
"""Indices of the past kept for each layer. They share what has not changed since with that of today."""

_KEPT_ROLES = 16


def in_utc(instant: datetime) -> str:
    """Return an instant as answers give it: RFC 3339 in UTC."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


class LayerThen:
    """The past of one layer as one state of the database tells it; when the layer changes, ``renewed`` takes its place.

    Two instants with no change between them have the same index. Any thread may ask.
    """

    def __init__(self, database: Database, layer_id: str, extent: Extent | None, spans: Iterable[tuple[Span, Index]] = ()) -> None:
        self.layer_id, self.extent = layer_id, extent
        self._database = database
        self._reading = threading.Lock()
        self._spans: Kept[Span, Index] = Kept(_KEPT_SPANS)
        for span, index in spans:
            self._spans.put(span, index)

    @classmethod
    def read(cls, connection: psycopg.Connection, database: Database, layer_id: str) -> LayerThen:
        """Return the past of a layer as ``connection`` sees it, with nothing of it read yet but when it begins and ends."""
        return cls(database, layer_id, read_extent(connection, layer_id))

    def renewed(self, connection: psycopg.Connection, touch: Touch) -> LayerThen:
        """Return the past after the changes that ``touch`` tells of, with the indices of the times before them.

        A change counts from the beginning of its transaction, so that it can reach back into times that were settled.
        """
        if touch.first is None or touch.last is None or self.extent is None:
            return LayerThen.read(connection, self._database, self.layer_id)
        first = touch.first
        extent = Extent(min(self.extent.first, first), max(self.extent.last, touch.last))
        settled = [(span, index) for span, index in self._spans.items() if span.until is not None and span.until <= first]
        return LayerThen(self._database, self.layer_id, extent, settled)

    def kept(self, instant: datetime, now: Index) -> Index | None:
        """Return the index of an instant if it is there; ``now`` is that of the features served now.

        Raises ParameterError when the instant lies before all that is known of the layer.
        """
        if self.extent is None or self.extent.last <= instant:
            return now
        if instant < self.extent.first:
            first = in_utc(self.extent.first)
            raise ParameterError(
                "as_of",
                f"nothing is known of the layer {self.layer_id} at {in_utc(instant)}; what was in it is known from {first} on.",
                f"{first} or later",
            )
        for span in self._spans.listed():
            if span.since <= instant and (span.until is None or instant < span.until):
                return self._spans.get(span)
        return None

    def index(self, instant: datetime, now: Index) -> Index:
        """Return the index of an instant; reads and builds it when it is not there, once however many ask.

        Raises ParameterError as ``kept`` does, DatabaseError when it has to be read and cannot.
        """
        found = self.kept(instant, now)
        if found is not None:
            return found
        with self._reading:
            found = self.kept(instant, now)
            return self._read(instant, now) if found is None else found

    def _read(self, instant: datetime, now: Index) -> Index:
        index: Index
        with snapshot(self._database) as connection:
            span = read_span(connection, self.layer_id, instant)
            if isinstance(now, PointIndex):
                index = PointIndex(read_points_then(connection, self.layer_id, instant, now.table))
            else:
                index = FootprintIndex(read_footprints_then(connection, self.layer_id, instant, now.table))
        self._spans.put(span, index)
        return index


class RolesThen:
    """Who answered for each area at any instant; two instants with no change between them have the same roles."""

    def __init__(self, roles: list[RoleThen], names: list[NameThen]) -> None:
        self._roles, self._names = roles, names
        periods: list[RoleThen | NameThen] = [*roles, *names]
        self._changes = sorted({time for row in periods for time in (row.valid_from, row.valid_to) if time is not None})
        self._kept: Kept[int, Roles] = Kept(_KEPT_ROLES)
        self._named: Kept[int, Mapping[str, str]] = Kept(_KEPT_ROLES)

    @classmethod
    def read(cls, connection: psycopg.Connection) -> RolesThen:
        """Return the responsible units of all times."""
        return cls(*read_roles_then(connection))

    def at(self, instant: datetime) -> Roles:
        """Return the responsible unit of each area for which one was named at an instant, under its name of then."""
        return self._kept.made(bisect_right(self._changes, instant), lambda: self._at(instant))

    def organizations(self, instant: datetime) -> Mapping[str, str]:
        """Return the codes of the organisations by their names of an instant, without names that several had."""
        return self._named.made(bisect_right(self._changes, instant), lambda: self._organizations(instant))

    def names(self, instant: datetime) -> dict[str, str]:
        """Return the names of the organisations by their codes at an instant."""
        return {row.code: row.name for row in self._names if _is_valid(row, instant)}

    def change_after(self, instant: datetime) -> datetime | None:
        """Return when units or names change next after an instant; None when nothing is known to change."""
        place = bisect_right(self._changes, instant)
        return self._changes[place] if place < len(self._changes) else None

    def _organizations(self, instant: datetime) -> Mapping[str, str]:
        valid = [row for row in self._names if _is_valid(row, instant)]
        count = Counter(row.name for row in valid)
        return {row.name: row.code for row in valid if row.name and count[row.name] == 1}

    def _at(self, instant: datetime) -> Roles:
        names = self.names(instant)
        # Of several at a time the one named last, as today.
        named: dict[tuple[Level, str], ResponsibleUnit] = {
            (row.level, row.area_code): ResponsibleUnit(row.code, names.get(row.code, ""), row.level)
            for row in self._roles
            if _is_valid(row, instant)
        }
        return named


def _is_valid(row: RoleThen | NameThen, instant: datetime) -> bool:
    return row.valid_from <= instant and (row.valid_to is None or instant < row.valid_to)
