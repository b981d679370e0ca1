"""Lookups of the past: what was served at an instant, areas, responsible units and features, each index built once."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Protocol, cast

import psycopg

from gisgrid.db import Database
from gisgrid.db.changes import Position
from gisgrid.db.generations import read_generation
from gisgrid.db.past import Touch, read_touched
from gisgrid.db.periods import Period, read_periods
from gisgrid.db.reading import snapshot
from gisgrid.errors import ParameterError
from gisgrid.locator import FootprintIndex, Locator, PointIndex, Roles
from gisgrid.services.features_then import Index, LayerThen, RolesThen, in_utc
from gisgrid.services.kept import Kept
from gisgrid.services.late import Late
from gisgrid.sight import SightIndex

FEATURES_THEN = ("cameras", "manhole_covers", "buildings")
"""The layers of features whose past can be asked for."""

_KEPT_AREAS = 4
_KEPT_UNITS = 6
_KEPT_SIGHTS = 2
_ROLE_LAYERS = {"organizations", "area_roles"}
_EXPECTED = "a date, or a time with its offset such as 2026-11-22T09:00:00Z or 2026-11-22T17:00:00+08:00"
# A + in a query string stands for a blank; in an offset it cannot have meant one.
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:([Zz])|([+\- ])(\d\d:\d\d)))?", re.ASCII)


class Served(Protocol):
    """What is served now, of which the past takes all that has not changed since."""

    @property
    def roles(self) -> Roles:
        """The responsible units of today."""

    @property
    def locator(self) -> Locator:
        """The areas of today."""

    @property
    def points(self) -> Mapping[str, PointIndex]:
        """The point features of today by layer."""

    @property
    def footprints(self) -> FootprintIndex:
        """The buildings of today."""

    @property
    def sights(self) -> Late[SightIndex]:
        """What the cameras of today see among the buildings of today."""


class AreasThen:
    """What was served at an instant: the index of areas with the responsible units of then, and the features of then.

    ``organizations`` are the codes of organisations by their names of then. ``period`` says in which period of which generation
    the instant lies. ``points``, ``footprints`` and ``sight`` are read and built when they are first asked for, unless
    ``History.at`` was told to have them ready; then they raise what it raises.
    """

    def __init__(
        self, instant: datetime, period: Period, locator: Locator, organizations: Mapping[str, str], features: FeaturesThen
    ) -> None:
        self.instant, self.period, self.locator, self.organizations = instant, period, locator, organizations
        self._features = features

    @property
    def points(self) -> Mapping[str, PointIndex]:
        """The point features of then by layer."""
        return self._features

    @property
    def footprints(self) -> FootprintIndex:
        """The buildings of then."""
        return self._features.footprints()

    @property
    def sight(self) -> SightIndex:
        """The cameras of then among the buildings of then."""
        return self._features.sight()

    def as_document(self) -> dict[str, object]:
        """Return what answers about the past say of it: the instant in UTC, and the generation with its period."""
        since, until = self.period.valid_from, self.period.valid_to
        period = {"valid_from": in_utc(since), "valid_to": None if until is None else in_utc(until)}
        return {"as_of": in_utc(self.instant), "generation": {"id": self.period.generation, **period}}


def parse_instant(text: str) -> datetime:
    """Return the instant that ``as_of`` names: RFC 3339 with an offset, or a date, which is its first instant in UTC.

    Raises ParameterError for anything else.

    >>> parse_instant("2026-11-22T09:00:00+08:00").isoformat(), parse_instant("2026-11-22").isoformat()
    ('2026-11-22T01:00:00+00:00', '2026-11-22T00:00:00+00:00')
    """
    found = _INSTANT.fullmatch(text)
    if found is None:
        raise ParameterError("as_of", f"{text[:60]!r} is no date and no time with an offset.", _EXPECTED)
    day, time, zulu, sign, offset = found.groups()
    zone = "+00:00" if zulu or time is None else f"{'-' if sign == '-' else '+'}{offset}"
    try:
        return datetime.fromisoformat(f"{day}T{time or '00:00:00'}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ParameterError("as_of", f"{text[:60]!r} does not exist.", _EXPECTED) from None


class FeaturesThen(Mapping[str, PointIndex]):
    """The point features of an instant by layer, and the buildings beside them, each read when it is first asked for."""

    def __init__(self, history: History, instant: datetime, now: Served) -> None:
        self._history, self._instant, self._now = history, instant, now

    def __getitem__(self, layer_id: str) -> PointIndex:
        return cast(PointIndex, self._layer(layer_id).index(self._instant, self._now.points[layer_id]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._now.points)

    def __len__(self) -> int:
        return len(self._now.points)

    def footprints(self) -> FootprintIndex:
        """Return the buildings of then."""
        return cast(FootprintIndex, self._layer("buildings").index(self._instant, self._now.footprints))

    def sight(self) -> SightIndex:
        """Return what the cameras of then see among the buildings of then."""
        return self._history.sight(self["cameras"], self.footprints(), self._now)

    def get_ready(self, names: Collection[str]) -> None:
        """Read and build what is named (layers, or ``sight``) and not there yet."""
        for name in names:
            if name == "sight":
                self.sight()
            elif name == "buildings":
                self.footprints()
            else:
                self[name]

    def are_ready(self, names: Collection[str]) -> bool:
        """Say whether all that is named (layers, or ``sight``) is there, so that asking for it takes no time."""
        found = {name: self._kept(name) for name in ("cameras", "buildings") if name in names or "sight" in names}
        found |= {name: self._kept(name) for name in names if name not in found and name != "sight"}
        if any(index is None for index in found.values()):
            return False
        if "sight" not in names:
            return True
        cameras, buildings = cast(PointIndex, found["cameras"]), cast(FootprintIndex, found["buildings"])
        return self._history.kept_sight(cameras, buildings, self._now) is not None

    def _kept(self, layer_id: str) -> Index | None:
        now: Index = self._now.footprints if layer_id == "buildings" else self._now.points[layer_id]
        return self._layer(layer_id).kept(self._instant, now)

    def _layer(self, layer_id: str) -> LayerThen:
        return self._history.layers[layer_id]


class History:
    """All that was served before, as one state of the database tells it, with indices of the few times asked for last.

    Any thread may ask. When the database has changed, ``renewed`` takes its place, with the indices that still hold.
    """

    def __init__(
        self, database: Database, doubt_m: float, periods: tuple[Period, ...], roles: RolesThen, layers: Mapping[str, LayerThen]
    ) -> None:
        self.periods, self.layers = periods, layers
        self._database, self._doubt_m, self._roles = database, doubt_m, roles
        self._areas: Kept[int, Locator] = Kept(_KEPT_AREAS)
        self._units: Kept[tuple[int, int], tuple[Locator, Roles, Locator]] = Kept(_KEPT_UNITS)
        self._sights: Kept[tuple[int, int], tuple[SightIndex, PointIndex, FootprintIndex]] = Kept(_KEPT_SIGHTS)

    @classmethod
    def read(cls, connection: psycopg.Connection, database: Database, doubt_m: float) -> History:
        """Return the history that ``connection`` sees; indices are read from ``database`` when they are asked for."""
        layers = {layer_id: LayerThen.read(connection, database, layer_id) for layer_id in FEATURES_THEN}
        return cls(database, doubt_m, read_periods(connection), RolesThen.read(connection), layers)

    def renewed(self, connection: psycopg.Connection, since: Position, touched: Collection[str]) -> History:
        """Return the history that ``connection`` sees, where the layers ``touched`` have changed since the position ``since``."""
        names = set(touched)
        if not names & {*FEATURES_THEN, *_ROLE_LAYERS, "generations"}:
            return self
        touches = read_touched(connection, since)
        unknown = Touch(None, None)
        layers = {
            layer_id: then.renewed(connection, touches.get(layer_id, unknown)) if layer_id in names else then
            for layer_id, then in self.layers.items()
        }
        roles = RolesThen.read(connection) if names & _ROLE_LAYERS else self._roles
        periods = read_periods(connection) if "generations" in names else self.periods
        after = History(self._database, self._doubt_m, periods, roles, layers)
        if "generations" not in names:
            # What is in the making meanwhile is kept too: areas of the past do not change while the generations do not.
            after._areas, after._units = self._areas, self._units
        after._sights = self._sights
        return after

    def period_at(self, instant: datetime) -> Period:
        """Return the period in which an instant lies; raises ParameterError when nothing was served then."""
        for period in reversed(self.periods):
            if period.valid_from <= instant and (period.valid_to is None or instant < period.valid_to):
                return period
        if not self.periods:
            raise ParameterError("as_of", "no areas have been served yet.", "no as_of")
        first = in_utc(self.periods[0].valid_from)
        raise ParameterError(
            "as_of", f"no areas were served at {in_utc(instant)}; the first were served from {first} on.", f"{first} or later"
        )

    @property
    def served(self) -> int | None:
        """The generation that is served now; None when there is none."""
        return self.periods[-1].generation if self.periods and self.periods[-1].valid_to is None else None

    def at(self, instant: datetime, now: Served, features: Collection[str] = ()) -> AreasThen:
        """Return what was served at an instant (an aware datetime); ``now`` is what is served beside this history.

        Areas, and the ``features`` named (layers of FEATURES_THEN, or ``sight``), are ready when it returns. Raises
        ParameterError when nothing was served then or a layer is not known so far back, DatabaseError when something has to be
        read and cannot.
        """
        period = self.period_at(instant)
        generation = period.generation
        areas = now.locator if generation == self.served else self._areas.made(generation, lambda: self._read(generation))
        then = FeaturesThen(self, instant, now)
        then.get_ready(features)
        return AreasThen(instant, period, self._with_units(areas, instant, now), self.organizations_at(instant), then)

    def at_hand(self, instant: datetime, now: Served, features: Collection[str] = ()) -> AreasThen | None:
        """Return what ``at`` does if that takes no reading and no building, else None; raises ParameterError as ``at`` does."""
        period = self.period_at(instant)
        areas = now.locator if period.generation == self.served else self._areas.get(period.generation)
        then = FeaturesThen(self, instant, now)
        if areas is None or not then.are_ready(features):
            return None
        return AreasThen(instant, period, self._with_units(areas, instant, now), self.organizations_at(instant), then)

    def roles_at(self, instant: datetime) -> Roles:
        """Return the responsible units of an instant, which may lie ahead: periods that are to begin or end are known."""
        return self._roles.at(instant)

    def organizations_at(self, instant: datetime) -> Mapping[str, str]:
        """Return the codes of the organisations by their names of an instant."""
        return self._roles.organizations(instant)

    def organization_names_at(self, instant: datetime) -> Mapping[str, str]:
        """Return the names of the organisations by their codes at an instant, also names that several have."""
        return self._roles.names(instant)

    def roles_change_after(self, instant: datetime) -> datetime | None:
        """Return when responsible units or names of organisations change next after an instant, as far as is known."""
        return self._roles.change_after(instant)

    def sight(self, cameras: PointIndex, buildings: FootprintIndex, now: Served) -> SightIndex:
        """Return what these cameras see among these buildings; built once however many ask."""
        if _are_of(now, cameras, buildings):
            return now.sights.get()

        def make() -> tuple[SightIndex, PointIndex, FootprintIndex]:
            return SightIndex(cameras.table, buildings.table), cameras, buildings

        return self._sights.made((id(cameras), id(buildings)), make)[0]

    def kept_sight(self, cameras: PointIndex, buildings: FootprintIndex, now: Served) -> SightIndex | None:
        """Return what ``sight`` does if it is there, else None."""
        if _are_of(now, cameras, buildings):
            return now.sights.get() if now.sights.is_ready else None
        kept = self._sights.get((id(cameras), id(buildings)))
        return kept[0] if kept else None

    def _with_units(self, areas: Locator, instant: datetime, now: Served) -> Locator:
        """Return the index of areas with the responsible units of an instant."""
        roles = self._roles.at(instant)

        def make() -> tuple[Locator, Roles, Locator]:
            # Both are kept beside the result: so long as it is, no other object can have their numbers.
            return (areas if areas is now.locator and roles == now.roles else areas.with_roles(roles)), roles, areas

        return self._units.made((id(areas), id(roles)), make)[0]

    def _read(self, generation: int) -> Locator:
        with snapshot(self._database) as connection:
            tables = read_generation(connection, generation)
        return Locator.from_areas(tables, {}, self._doubt_m)


def _are_of(now: Served, cameras: PointIndex, buildings: FootprintIndex) -> bool:
    return cameras is now.points["cameras"] and buildings is now.footprints
