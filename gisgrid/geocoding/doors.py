"""What of buildings, address points and named places has a door plate or a name, found by either."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from typing import Any

from gisgrid.addresses import HouseNumber
from gisgrid.addresses.characters import normal_name
from gisgrid.addresses.numbers import parse_house_number
from gisgrid.geocoding.features import Door, Features
from gisgrid.locator import FootprintTable, PointTable

_BUILDING = re.compile(r"\s*([0-9]+|[A-Za-z][0-9]*|[甲乙丙丁戊])\s*(号楼|号|栋|幢|座|楼|#楼|#)?")
_UNIT = re.compile(r"([0-9A-Za-z]+)\s*(单元|门)")
_NO_NUMBER = HouseNumber(0)
# So many texts are kept for the next time.
_MOST_KNOWN = 1_000_000


class Doors:
    """The features with addresses, by road and by name (in normal form); what was read in the doors ``before`` is taken over."""

    def __init__(self, features: Features, before: Doors | None = None) -> None:
        self._features = features
        self._known: dict[tuple[str, ...], Any] = {} if before is None or len(before._known) > _MOST_KNOWN else before._known
        self.by_road: dict[str, list[Door]] = {}
        self.by_name: dict[str, list[Door]] = {}
        self.road_names: dict[str, str] = {}
        self.place_names: dict[str, str] = {}
        if before is not None and features.is_like(before._features):
            self.by_road, self.by_name = before.by_road, before.by_name
            self.road_names, self.place_names = before.road_names, before.place_names
            return
        start = 0
        for table in features.tables.values():
            self._read(start, table)
            start += len(table.ids)

    def _read(self, start: int, table: FootprintTable | PointTable) -> None:
        columns = _columns(table, ("road", "house_number", "building_number", "name"))
        roads, numbers, buildings = (
            {text: self._once((what, text), make) for text in set(column)} for (what, make), column in zip(_READ, columns, strict=False)
        )
        for row, (road, house, building_text, name) in enumerate(zip(*columns, strict=True), start):
            number = numbers[house]
            if not (name or (road and number)):
                continue
            found = Door(row, number or _NO_NUMBER, *buildings[building_text])
            if road and number is not None:
                self.by_road.setdefault(roads[road], []).append(found)
            if name:
                text = name.removesuffix(building_text) or name
                stem = self._once((text,), normal_name)
                self.place_names.setdefault(stem, text)
                self.by_name.setdefault(stem, []).append(found)
        self.road_names |= {key: text for text, key in roads.items()}

    def _once(self, key: tuple[str, ...], make: Callable[[str], Any]) -> Any:
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = make(key[-1])
        return found

    def stems_of_codes(self, codes: Collection[str]) -> dict[tuple[str, str], str]:
        """Return the names of the features with some codes, by layer and code."""
        if not codes:
            return {}
        layers, every = self._features.layers, self._features.codes
        rows = ((stem, door.row) for stem, doors in self.by_name.items() for door in doors)
        return {(layers[row], every[row]): stem for stem, row in rows if every[row] in codes}


def _columns(table: FootprintTable | PointTable, names: Sequence[str]) -> list[list[str]]:
    """Return columns of a table as text, empty where there is nothing, and all empty where there is no such column."""
    place = {name: number for number, name in enumerate(table.fields)}
    return [[str(row[place[name]] or "").strip() for row in table.rows] if name in place else [""] * len(table.ids) for name in names]


def _building(text: str) -> tuple[str, str]:
    """Return building and unit of a building's number as it is written: 3号楼, 3号楼2单元, 3."""
    text = normal_name(text)
    if not text:
        return "", ""
    found = _BUILDING.match(text)
    if found is None:
        return text, ""
    unit = _UNIT.search(text[found.end() :])
    return found.group(1), unit.group(1) if unit else ""


def _house(text: str) -> HouseNumber | None:
    return parse_house_number(normal_name(text)) if text else None


_READ: tuple[tuple[str, Callable[[str], Any]], ...] = (("road", normal_name), ("number", _house), ("building", _building))
"""How roads, house numbers and numbers of buildings are read."""
