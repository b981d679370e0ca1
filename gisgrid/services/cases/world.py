"""What is known at one moment, as the decision of a case asks for it: a snapshot of the read model, and the rules in force."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.cases.assignment import Assignment, assign
from gisgrid.cases.calendar import WorkingCalendar, calendar_of
from gisgrid.cases.categories import Categories, Category
from gisgrid.cases.decision import Boundaries, FoundComponent, SeenBy
from gisgrid.cases.facts import ComponentFacts, Facts
from gisgrid.cases.organizations import Organizations, Unit
from gisgrid.cases.positions import Fix
from gisgrid.cases.rules import RuleSet
from gisgrid.crs import WGS84
from gisgrid.deployment import Deployment
from gisgrid.geocoding import Geocoding
from gisgrid.locator import PointIndex
from gisgrid.matching import CoverMatch
from gisgrid.services.answers import CoverHints, Place, cover_match
from gisgrid.services.snapshot import Snapshot
from gisgrid.sight import Sighting
from gisgrid.types import LEVELS, AreaRef, Bounds, Level, Location

CAMERAS = 5
"""How many cameras that can look at a case are named."""

_COVERS = "manhole_covers"
# What a world makes for itself: the rows of covers by their codes, the grids of covers, the names of organisations.
_OWN = frozenset({"_rows", "_grid_numbers", "_organizations"})


class Standing(NamedTuple):
    """What does not hang on the data: the box of the city, its classes, its working calendar."""

    bounds: Bounds
    categories: Categories
    calendar: WorkingCalendar

    @classmethod
    def of(cls, deployment: Deployment) -> Standing:
        """Return what a deployment says."""
        return cls(deployment.box, Categories(deployment), calendar_of(deployment))


class SnapshotWorld:
    """All that is known at one moment; see ``gisgrid.cases.decision.World``. ``geocode`` is the geocoder of that moment.

    What is the same as in the world ``before`` is not made again.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        standing: Standing,
        rules: RuleSet,
        geocode: Callable[[str], Geocoding],
        before: SnapshotWorld | None = None,
    ) -> None:
        self._snapshot, self._standing, self.rules = snapshot, standing, rules
        self._geocode = geocode
        if before is not None and before._covers is self._covers:
            self._rows = before._rows
            if before._snapshot.locator is snapshot.locator:
                self._grid_numbers = before._grid_numbers
        if before is not None and before._snapshot.organizations is snapshot.organizations:
            self._organizations = before._organizations

    @property
    def is_prepared(self) -> bool:
        """Whether nothing has to be made any more before a case can be decided."""
        late = self._snapshot.sights.is_ready and self._snapshot.gazetteer.at_hand is not None
        return late and self.__dict__.keys() >= _OWN

    def prepare(self) -> None:
        """Make what takes a moment: for a large city some tenths of a second."""
        self._snapshot.sights.get()
        self._snapshot.gazetteer.get()
        for name in _OWN:
            getattr(self, name)

    @property
    def bounds(self) -> Bounds:
        """The box of the city, degrees, WGS 84."""
        return self._standing.bounds

    @property
    def boundaries(self) -> Boundaries:
        """Which areas these are."""
        return Boundaries(self._snapshot.history.served, self._snapshot.version)

    def geocode(self, address: str) -> Geocoding:
        """Return the places that an address may mean."""
        return self._geocode(address)

    def component(self, code: str) -> FoundComponent | None:
        """Return the cover with a code; None when it is not known."""
        row = self._rows.get(code)
        if row is None:
            return None
        table = self._covers.table
        fields = dict(zip(table.fields, table.rows[row], strict=True))
        facts = ComponentFacts(code, *(_text(fields, name) for name in ("owner_code", "maintainer_code", "department_code")))
        named = _text(fields, "name") or _text(fields, "class_name") or code
        scheme, edition, class_code = (str(fields[name]) for name in ("scheme", "edition", "class_code"))
        return FoundComponent(code, float(table.lon[row]), float(table.lat[row]), scheme, edition, class_code, named, facts)

    def category(self, category: str, description: str) -> Category:
        """Return what a case is about, from what people wrote."""
        return self._standing.categories.find(category, description)

    def category_of(self, component: FoundComponent) -> Category | None:
        """Return the category of a component."""
        return self._standing.categories.of_component(component.scheme, component.edition, component.class_code)

    def locate(self, lon: float, lat: float, accuracy_m: float | None) -> Location:
        """Return the areas of a place; ``accuracy_m`` is the radius of its uncertainty, metres."""
        return self._snapshot.locator.locate(lon, lat, accuracy_m)

    def match_cover(self, fix: Fix, category: Category, text: str) -> CoverMatch:
        """Return which manhole cover a report is about."""
        place = Place(fix.lon, fix.lat, WGS84, fix.uncertainty_m)
        return cover_match(self._snapshot, place, CoverHints(text, category.component_kind or None))

    def cameras(self, lon: float, lat: float) -> tuple[SeenBy, ...]:
        """Return the cameras that can look at a place, the nearest first."""
        return tuple(self._seen(row, found) for row, found in self._snapshot.sight.seeing(lon, lat, CAMERAS))

    def assign(self, facts: Facts) -> Assignment:
        """Return who has to act, and until when."""
        return assign(facts, self.rules, self._snapshot.roles, self._organizations, self._standing.calendar)

    def unit(self, code: str) -> Unit | None:
        """Return the organisation with a code; None when there is none."""
        found = self._organizations.unit(code)
        return found if found is not None and found.code == code else None

    def areas_of(self, grid_code: str) -> dict[Level, AreaRef] | None:
        """Return a grid and the areas that it belongs to; None when there is no such grid."""
        found: dict[Level, AreaRef] = {}
        code: str | None = grid_code
        for level in reversed(LEVELS):
            index = self._snapshot.areas.get(level)
            number = None if index is None or code is None else index.number_of.get(code)
            if index is None or number is None:
                break
            found[level] = index.refs[number]
            code = index.parent_codes[number]
        return found or None

    def grid_of_cover(self, code: str) -> str | None:
        """Return the code of the grid that a cover lies in; None when it lies in none, or is not known."""
        row = self._rows.get(code)
        number = -1 if row is None else int(self._grid_numbers[row])
        return self._snapshot.areas["grid"].refs[number].code if number >= 0 else None

    def _seen(self, row: int, found: Sighting) -> SeenBy:
        table = self._snapshot.points["cameras"].table
        fields: dict[str, Any] = dict(zip(table.fields, table.rows[row], strict=True))
        optics = (fields["azimuth_deg"], fields["field_of_view_deg"], fields["range_m"])
        place = float(table.lon[row]), float(table.lat[row])
        name = str(fields["name"] or "")
        return SeenBy(table.codes[row], name, *place, found.state, found.distance_m, found.bearing_deg, *optics, found.reason)

    @property
    def _covers(self) -> PointIndex:
        return self._snapshot.points[_COVERS]

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {code: row for row, code in enumerate(self._covers.table.codes)}

    @cached_property
    def _grid_numbers(self) -> NDArray[np.int32]:
        """The number of the grid of each cover, below 0 where it lies in none."""
        table = self._covers.table
        return self._snapshot.locator.grid_indices(table.lon, table.lat)

    @cached_property
    def _organizations(self) -> Organizations:
        names = self._snapshot.history.organization_names_at(datetime.now(UTC))
        return Organizations(self._snapshot.organizations, names)


def _text(fields: dict[str, object], name: str) -> str | None:
    value = fields.get(name)
    return str(value) if value else None
