"""Named places: estates, shops, schools, parks, by their names and what else they are called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gisgrid.geocoding.answers import MatchType
from gisgrid.geocoding.doors import Doors
from gisgrid.geocoding.features import Features
from gisgrid.geocoding.plates import Plate, groups, plate_of


class OtherPlace(NamedTuple):
    """What another name stands for: the place of a name that holds a feature with a code."""

    name: str
    code: str
    match_type: MatchType


class Place(NamedTuple):
    """One place of a name; several may bear it. ``plate`` says where it is and what is behind it."""

    name: str
    plate: Plate
    match_type: MatchType


class Places:
    """Named places; what is asked for is made and kept. Never changed: any thread may ask."""

    def __init__(self, features: Features, doors: Doors, others: Mapping[str, Sequence[OtherPlace]]) -> None:
        self._features, self._doors, self.others = features, doors, others
        self._known: dict[str, tuple[tuple[Plate, frozenset[str]], ...]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._doors.by_name or name in self.others

    def named(self, name: str) -> list[Place]:
        """Return the places that bear a name or have it as another one."""
        written = self._doors.place_names
        found = [Place(written.get(name, name), plate, "exact") for plate, _ in self._of(name)]
        for other in self.others.get(name, ()):
            found += [
                Place(written.get(other.name, other.name), plate, other.match_type)
                for plate, codes in self._of(other.name)
                if other.code in codes
            ]
        return found

    def _of(self, name: str) -> tuple[tuple[Plate, frozenset[str]], ...]:
        known = self._known.get(name)
        if known is None:
            features = self._features
            each = groups(features, self._doors.by_name[name]) if name in self._doors.by_name else []
            found = tuple((plate_of(features, members), frozenset(features.codes[door.row] for door in members)) for members in each)
            known = self._known.setdefault(name, found)
        return known
