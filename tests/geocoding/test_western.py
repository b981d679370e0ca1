"""Street and number, as in Helsinki: the same gazetteer with another parser."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from gisgrid.addresses.parsers import parser_of
from gisgrid.deployment import load_deployment
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.geocoding.tables import GazetteerTables, LineTable, OtherName
from gisgrid.locator import FootprintTable, PointTable
from tests.geocoding.drawn import PLANE, degrees


def _town() -> Gazetteer:
    numbers = [("Mannerheimintie", str(number)) for number in range(1, 30, 2)]
    numbers += [("Mannerheimintie", "12 B"), ("Mannerheimintie", "12"), ("Töölönkatu", "5"), ("Töölönkatu", "7")]
    lon, lat = PLANE.degrees([(50.0 * k, 0.0 if road[0] == "M" else 200.0) for k, (road, _) in enumerate(numbers)]).T
    codes = [f"A{k}" for k in range(len(numbers))]
    rows: list[tuple[object, ...]] = [(code, *one) for code, one in zip(codes, numbers, strict=True)]
    addresses = PointTable(list(range(len(rows))), codes, lon, lat, ("code", "road", "house_number"), rows)
    lines = np.empty(2, dtype=object)
    lines[:] = [degrees(shapely.LineString(ends)) for ends in ([(0, 10), (1500, 10)], [(700, -100), (700, 300)])]
    roads = LineTable([1, 2], ["R1", "R2"], lines, ("code", "name"), [("R1", "Mannerheimintie"), ("R2", "Töölönkatu")])
    places = PointTable([1], ["P1"], lon[:1], lat[:1], ("code", "name"), [("P1", "Töölön kirjasto")])
    buildings = FootprintTable([], [], np.empty(0, dtype=object), ("code", "name"), [])
    names = (OtherName("Mannerheimvägen", "roads", "R1", "alias"),)
    return Gazetteer(GazetteerTables({}, roads, buildings, addresses, places, names), parser_of(load_deployment("helsinki")))


TOWN = _town()


@pytest.mark.parametrize(
    ("text", "how", "address"),
    [
        ("Mannerheimintie 12 B 34, 00100 Helsinki", "door_plate exact", "Mannerheimintie 12 B"),
        ("Mannerheimintie 12 C", "door_plate exact", "Mannerheimintie 12"),
        ("mannerheimintie 5", "door_plate exact", "Mannerheimintie 5"),
        ("Mannerheimvägen 7", "door_plate alias", "Mannerheimintie 7"),
        ("Manerheimintie 5", "door_plate fuzzy", "Mannerheimintie 5"),
        ("Toolonkatu 5", "door_plate exact", "Töölönkatu 5"),
        ("Mannerheimintien ja Töölönkadun risteys", "crossing exact", "Mannerheimintie / Töölönkatu"),
        ("near Töölönkatu 7", "vicinity exact", "Töölönkatu 7"),
        ("Töölön kirjasto", "place exact", "Töölön kirjasto"),
    ],
)
def test_an_address_is_found(text: str, how: str, address: str) -> None:
    found = TOWN.geocode(text).best
    assert found is not None
    assert (f"{found.level} {found.match_type}", found.address) == (how, address)


def test_suggestions_are_written_as_names_are() -> None:
    assert {one.text for one in TOWN.suggest("manner")} == {"Mannerheimintie", "Mannerheimvägen"}
    assert [one.text for one in TOWN.suggest("toolon")] == ["Töölönkatu", "Töölön kirjasto"]
    assert [one.text for one in TOWN.suggest("Mannerheimintie 12")] == ["Mannerheimintie 12", "Mannerheimintie 12 B"]


def test_what_is_no_address_is_not_found() -> None:
    assert TOWN.geocode("hello world").best is None
