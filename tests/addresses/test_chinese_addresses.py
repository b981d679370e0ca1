"""Chinese addresses in the ways that people write them; the forms of docs/geocoding.md, each with what it has to mean."""

from __future__ import annotations

from typing import Any

import pytest

from gisgrid.addresses import HouseNumber, Names, ParsedAddress, Parser

N = HouseNumber


def said(address: ParsedAddress) -> dict[str, Any]:
    """Return the fields of an address that say something, without the text and the relation."""
    parts = address._asdict()
    del parts["normal"], parts["relation"]
    return {field: value for field, value in parts.items() if value not in ("", (), None, False)}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("延安路41号", {"number": N(41)}),
        ("延安路４１號－１", {"number": N(41, "-1")}),
        ("延安路四十一号", {"number": N(41)}),
        ("延安路41号-1", {"number": N(41, "-1")}),
        ("延安路41-1号", {"number": N(41, "-1")}),
        ("延安路41号之1", {"number": N(41, "-1")}),
        ("延安路41号甲", {"number": N(41, "甲")}),
        ("延安路甲41号", {"number": N(41, "甲")}),
        ("延安路41甲号", {"number": N(41, "甲")}),
        ("延安路41号附1", {"number": N(41, "附1")}),
        ("延安路41-45号", {"number": N(41, "", 45)}),
        ("延安路41号至45号", {"number": N(41, "", 45)}),
        ("延安路3#", {"number": N(3)}),
        ("延安路6", {"number": N(6)}),
        ("延安路6楼下", {"number": N(6)}),
        ("延安路41号院3号楼2单元502户", {"number": N(41), "building": "3", "unit": "2", "room": "502"}),
        ("延安路41号3#楼", {"number": N(41), "building": "3"}),
        ("延安路14#8号楼楼下", {"number": N(14), "building": "8"}),
        ("延安路41号3栋", {"number": N(41), "building": "3"}),
        ("延安路 5号 10号楼", {"number": N(5), "building": "10"}),
        ("延安路5号3单园402室", {"number": N(5), "unit": "3", "room": "402"}),
        ("延安路40院6号楼", {"number": N(40), "building": "6"}),
        ("延安路5号3号楼一单元三层301", {"number": N(5), "building": "3", "unit": "1", "floor": "3", "room": "301"}),
        ("延安路7-2-802", {"number": N(7), "unit": "2", "room": "802"}),
    ],
)
def test_a_number_on_a_road_is_understood_however_it_is_written(parser: Parser, names: Names, text: str, parts: dict[str, Any]) -> None:
    expected = {"roads": ("延安路",), "house_number": parts.pop("number"), **parts}
    assert said(parser.parse(text, names)[0]) == expected
