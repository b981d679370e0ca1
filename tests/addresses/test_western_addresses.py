"""Addresses of street and number, as Finns, Swedes and others write them."""

from __future__ import annotations

from typing import Any

import pytest

from gisgrid.addresses import HouseNumber, NameKind, Names, Parser, Relation, parser_of
from gisgrid.deployment import load_deployment

N = HouseNumber
M, A = "MANNERHEIMINTIE", "ALEKSANTERINKATU"
KNOWN: dict[str, list[NameKind]] = {
    "Mannerheimintie": ["road"],
    "Aleksanterinkatu": ["road"],
    "Iso Roobertinkatu": ["road"],
    "Stora Robertsgatan": ["road"],
    "Töölönkatu": ["road"],
    "Hauptstraße": ["road"],
    "Rautatientori": ["place", "road"],
    "Kamppi": ["place"],
    "Kallio": ["community"],
}


@pytest.fixture(scope="module")
def helsinki() -> Parser:
    return parser_of(load_deployment("helsinki"))


@pytest.fixture(scope="module")
def known() -> Names:
    return Names(KNOWN)


def parts_of(parser: Parser, text: str, names: Names) -> dict[str, Any]:
    fields = parser.parse(text, names)[0]._asdict()
    return {field: value for field, value in fields.items() if field != "normal" and value not in ("", (), None, False)}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Mannerheimintie 12 B 34, 00100 Helsinki", {"roads": (M,), "house_number": N(12), "unit": "B", "room": "34", "city": "HELSINKI"}),
        ("mannerheimintie 12b", {"roads": (M,), "house_number": N(12, "B")}),
        ("Mannerheimintie 12-14", {"roads": (M,), "house_number": N(12, "", 14)}),
        ("Mannerheimintie 14-16 C 12", {"roads": (M,), "house_number": N(14, "", 16), "unit": "C", "room": "12"}),
        ("Mannerheimintie 12 as. 4", {"roads": (M,), "house_number": N(12), "room": "4"}),
        ("Mannerheimintie 12 A asunto 3", {"roads": (M,), "house_number": N(12), "unit": "A", "room": "3"}),
        ("Mannerheimintie 5, apt 3", {"roads": (M,), "house_number": N(5), "room": "3"}),
        ("Töölönkatu 3, 2. krs", {"roads": ("TOOLONKATU",), "house_number": N(3), "floor": "2"}),
        ("toolonkatu 3", {"roads": ("TOOLONKATU",), "house_number": N(3)}),
        ("Iso Roobertinkatu 5", {"roads": ("ISO ROOBERTINKATU",), "house_number": N(5)}),
        (
            "Stora Robertsgatan 5 lgh 4, Helsingfors",
            {"roads": ("STORA ROBERTSGATAN",), "house_number": N(5), "room": "4", "city": "HELSINGFORS"},
        ),
        ("Mannerheimint. 5", {"roads": (M,), "house_number": N(5)}),
        ("Hauptstr. 5", {"roads": ("HAUPTSTRASSE",), "house_number": N(5)}),
        ("Fredrikinkatu 33", {"roads": ("FREDRIKINKATU",), "house_number": N(33)}),  # known to nobody
        ("12 Main Street", {"roads": ("MAIN STREET",), "house_number": N(12)}),
        ("12B Main St.", {"roads": ("MAIN STREET",), "house_number": N(12, "B")}),
        ("2. linja 13", {"roads": ("2. LINJA",), "house_number": N(13)}),
        ("Mannerheimintie 15 A, 2. krs./Floor 2", {"roads": (M,), "house_number": N(15), "unit": "A", "floor": "2"}),
        ("5th Avenue 7", {"roads": ("5TH AVENUE",), "house_number": N(7)}),
        ("Coolsingel 40, 3011 AD Rotterdam", {"roads": ("COOLSINGEL",), "house_number": N(40), "city": "ROTTERDAM"}),
        ("Kallio, Mannerheimintie 5", {"community": "KALLIO", "roads": (M,), "house_number": N(5)}),
        ("Mannerheimintie 5 Helsinki", {"roads": (M,), "house_number": N(5), "city": "HELSINKI"}),
        ("c/o Virtanen, Mannerheimintie 5", {"roads": (M,), "house_number": N(5), "dropped": ("person",)}),
        ("+358 40 1234567 Mannerheimintie 5", {"roads": (M,), "house_number": N(5), "dropped": ("phone",)}),
        ("Kamppi", {"name": "KAMPPI"}),
        ("near Kamppi", {"name": "KAMPPI", "relation": Relation("near", "near")}),
        ("vastapäätä Mannerheimintie 5", {"roads": (M,), "house_number": N(5), "relation": Relation("vastapaata", "opposite")}),
        ("Rautatientori 1", {"roads": ("RAUTATIENTORI",), "house_number": N(1)}),
        ("hello world", {"not_understood": ("HELLO WORLD",)}),
        ("", {}),
    ],
)
def test_an_address_of_street_and_number_is_read(helsinki: Parser, known: Names, text: str, parts: dict[str, Any]) -> None:
    assert parts_of(helsinki, text, known) == parts


@pytest.mark.parametrize(
    "text",
    [
        "Mannerheimintie / Aleksanterinkatu",
        "Mannerheimintie & Aleksanterinkatu",
        "Mannerheimintie ja Aleksanterinkatu",
        "Mannerheimintien ja Aleksanterinkadun risteys",
        "corner of Mannerheimintie and Aleksanterinkatu",
        "Mannerheimintie och Aleksanterinkatu, Helsinki",
    ],
)
def test_a_corner_names_two_roads(helsinki: Parser, known: Names, text: str) -> None:
    found = helsinki.parse(text, known)[0]
    assert (found.roads, found.is_crossing, found.not_understood) == ((M, A), True, ())


def test_a_letter_may_be_a_stairway_or_belong_to_the_number(helsinki: Parser, known: Names) -> None:
    assert [(p.house_number, p.unit) for p in helsinki.parse("Mannerheimintie 12 B", known)] == [(N(12), "B"), (N(12, "B"), "")]
    assert [(p.house_number, p.unit) for p in helsinki.parse("Mannerheimintie 12B", known)] == [(N(12, "B"), ""), (N(12), "B")]


def test_a_name_of_a_place_and_a_road_has_a_reading_for_both(helsinki: Parser, known: Names) -> None:
    assert [(p.roads, p.name) for p in helsinki.parse("Rautatientori", known)] == [(("RAUTATIENTORI",), ""), ((), "RAUTATIENTORI")]


def test_a_name_counts_only_as_whole_words(helsinki: Parser, known: Names) -> None:
    assert helsinki.parse("Kamppila", known)[0].name == ""
    assert helsinki.parse("Uusi Kamppi", known)[0].not_understood == ("UUSI",)


def test_the_text_stays_as_it_was_written_but_for_persons_and_telephones(helsinki: Parser, known: Names) -> None:
    text = "c/o Matti Virtanen, Töölönkatu 3 A 5, 00100 Helsinki, puh. 040 123 4567, matti.virtanen@example.fi"
    assert helsinki.parse(text, known)[0].normal == "Töölönkatu 3 A 5, 00100 Helsinki"
    assert "irtanen" not in repr(helsinki.parse(text, known))
