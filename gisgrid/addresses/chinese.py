"""Reads Chinese addresses: the ten levels of GB/T 37149-2018 in the ways that people write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gisgrid.addresses.noise import normalised
from gisgrid.addresses.parsed import HouseNumber, NameKind, ParsedAddress, Relation, Vocabulary
from gisgrid.addresses.prefixes import PrefixReader
from gisgrid.addresses.relations import stronger
from gisgrid.addresses.tokens import Token, tokens

LONGEST = 256
"""More characters than an address has (GB/T 47678 gives 事发位置 256); what comes after them is not read."""
MOST_READINGS = 4

_AFTER_A_ROAD = frozenset(("number", "dashes", "bare", "cross", "joint", "near_to", "relation", "building"))
_AFTER_A_PLACE = frozenset(("building", "unit", "relation", "bare", "dashes"))
_UNTIL = frozenset(("至", "到", "~", "-"))
_Change = dict[str, Any]


class ChineseParser:
    """Reads Chinese addresses of one city, whose province, city and districts may be left out or said twice."""

    def __init__(self, provinces: Iterable[str] = (), cities: Iterable[str] = (), districts: Iterable[str] = ()) -> None:
        self._prefixes = PrefixReader(tuple(provinces), tuple(cities), tuple(districts))

    def parse(self, text: str, names: Vocabulary) -> tuple[ParsedAddress, ...]:
        """Return the readings of an address, the best first, four at most; one that is empty when there is nothing in it."""
        plain, dropped = normalised(text[: 4 * LONGEST])
        rest = plain[LONGEST:]
        plain = plain[:LONGEST]
        prefix = self._prefixes.read(plain, names)
        draft = _Draft(tokens(plain, prefix.end, names))
        draft.read()
        first = ParsedAddress(
            (plain[prefix.start :] if prefix.start else plain) + rest,
            prefix.province,
            prefix.city,
            prefix.district or draft.district,
            dropped=dropped,
            **draft.parts(),
        )
        if rest:
            first = first._replace(not_understood=(*first.not_understood, rest))
        if not draft.others:
            return (first,)
        readings = dict.fromkeys((first, *(first._replace(**change) for change in draft.others)))
        return tuple(readings)[:MOST_READINGS]


class _Draft:
    """What the pieces of one address have made known so far; ``others`` are changes that make other readings of it."""

    def __init__(self, pieces: list[Token]) -> None:
        self.pieces = pieces
        self.after: Token | None = None
        self.others: list[_Change] = []
        self.district = self.street = self.community = self.name = ""
        self.roads: list[str] = []
        self.numbered = -1
        self.number: HouseNumber | None = None
        self.building = self.unit = self.floor = self.room = ""
        self.relation: Relation | None = None
        self.lost: list[str] = []
        self.link = ""
        self.links: set[str] = set()
        self.crossed = self.between = self.close = False
        self.known_name = False
        self.last = ""
        """What the last piece was: road, place, number, building, unit."""

    def read(self) -> None:
        """Take in all pieces, one after the other."""
        for piece, after in zip(self.pieces, (*self.pieces[1:], None), strict=True):
            self.after = after
            _HANDLERS[piece.kind](self, piece)

    def parts(self) -> _Change:
        """Return the fields of a parsed address."""
        roads, crossing = self._roads()
        return {
            "street": self.street,
            "community": self.community,
            "roads": roads,
            "is_crossing": crossing,
            "house_number": self.number,
            "building": self.building,
            "unit": self.unit,
            "floor": self.floor,
            "room": self.room,
            "name": self.name,
            "relation": self.relation,
            "not_understood": tuple(self.lost),
        }

    def _roads(self) -> tuple[tuple[str, ...], bool]:
        roads = list(dict.fromkeys(self.roads))
        if self.number is not None:
            if 0 < self.numbered < len(self.roads):
                on = self.roads[self.numbered]
                roads = [on, *(road for road in roads if road != on)]
            return tuple(roads), False
        if len(roads) < 2:
            if roads and self.crossed and self.relation is None:
                self.relation = Relation("路口", "near")
            return tuple(roads), False
        kind = None if self.relation is None else self.relation.kind
        if self.between or (len(roads) > 2 and self.links & _UNTIL):
            if kind in (None, "at", "near"):
                self.relation = Relation("之间", "between")
            return tuple(roads), False
        if self.close and kind in (None, "at"):
            self.relation = Relation("靠近", "near")
        return tuple(roads), not self.name

    # One method for each kind of piece.

    def on_name(self, piece: Token) -> None:
        kinds = piece.kinds
        if len(kinds) > 1:
            kind, rest = _kind(kinds, self.after, self)
            for other in rest:
                self.others.append(
                    {_FIELD[kind]: () if kind == "road" else "", _FIELD[other]: (piece.text,) if other == "road" else piece.text}
                )
        else:
            (kind,) = kinds
        self.take(kind, piece.text, known=True)

    def take(self, kind: NameKind, text: str, *, known: bool) -> None:
        """Note a name of one kind."""
        if kind == "road":
            self.roads.append(text)
            if self.link:
                self.links.add(self.link)
            self.last = "road"
        elif kind == "place":
            self._place(text, known=known)
        elif kind == "street":
            self.street = text
        elif kind == "community":
            self.community = text
        elif kind == "district":
            self.district = text
        self.link = ""

    def _place(self, text: str, *, known: bool) -> None:
        self.last = "place"
        if self.name and self.known_name and not known:
            self.lost.append(text)
            return
        if self.name and self.name != text:
            if self.known_name:
                self.others.append({"name": self.name})
            else:
                self.lost.append(self.name)
        self.name, self.known_name = text, known

    def on_unknown(self, piece: Token) -> None:
        if len(piece.kinds) == 1:
            (kind,) = piece.kinds
            if kind == "road" and self.after is None and not self.roads and not self.link and len(piece.text) > 6:
                self.lost.append(piece.text)
                self.others.append({"roads": (piece.text,)})
                return
            self.take(kind, piece.text, known=False)
            if kind == "place" and isinstance(piece.value, str):  # 合肥路小学: a place that nobody knows, at a road that is known
                self.others.append(
                    {"name": "", "roads": (*self.roads, piece.value), "not_understood": (piece.text.removeprefix(piece.value),)}
                )
            return
        follows_a_name = self.after is not None and self.after.kind in _AFTER_A_PLACE
        if not self.name and (follows_a_name or self.last == "number") and 2 <= len(piece.text) <= 20:
            self._place(piece.text, known=False)
        else:
            self.lost.append(piece.text)
            if not self.name and 2 <= len(piece.text) <= 20:
                self.others.append({"name": piece.text, "not_understood": tuple(lost for lost in self.lost if lost != piece.text)})
        self.link = ""

    def on_number(self, piece: Token) -> None:
        value: HouseNumber = piece.value
        if self.number is not None and self.link in ("至", "到", "~", "-") and self.last == "number" and value.number > self.number.number:
            self.number = self.number._replace(until=value.number)
        elif self.last == "place" and not self.building:
            self.building = _plain(value)
            if self.number is None:
                self.others.append({"house_number": value, "building": ""})
            self.last = "building"
        elif self.number is None:
            self.number, self.numbered = value, len(self.roads) - 1
            self.last = "number"
            self._other_number(value)
        elif not self.building:
            self.building, self.last = _plain(value), "building"
        elif not self.room:
            self.room = _plain(value)
        else:
            self.lost.append(piece.text)
        self.link = ""

    def _other_number(self, value: HouseNumber) -> None:
        """1-3号 may be two plates or the third one of number 1."""
        if value.until is not None and value.until - value.number < 10:
            self.others.append({"house_number": HouseNumber(value.number, f"-{value.until}")})
        elif value.suffix[:1] == "-" and value.suffix[1:].isdecimal() and int(value.suffix[1:]) > value.number:
            self.others.append({"house_number": HouseNumber(value.number, "", int(value.suffix[1:]))})

    def on_building(self, piece: Token) -> None:
        value: str = piece.value
        if self.building and not self.unit:
            self.lost.append(piece.text)
            return
        self.building = value
        if self.last == "road" and self.number is None and value.isdecimal():
            # 佛山路85号楼: building 85 of the road, or number 8 and building 5 without the word between them.
            for cut in range(1, len(value)):
                if value[cut] != "0":
                    self.others.append({"house_number": HouseNumber(int(value[:cut])), "building": value[cut:]})
            self.others.append({"house_number": HouseNumber(int(value)), "building": ""})
        self.last = "building"

    def on_unit(self, piece: Token) -> None:
        self.unit, self.last = piece.value, "unit"

    def on_floor(self, piece: Token) -> None:
        self.floor = piece.value

    def on_room(self, piece: Token) -> None:
        self.room = piece.value

    def on_dashes(self, piece: Token) -> None:
        values, tail = piece.value
        if self.last == "road" and self.number is None:
            self._dashes_after_road(values)
        elif len(values) > 3 or (self.building and self.unit):
            self.room = "-".join(values)
        elif self.building and len(values) == 2:
            self.unit, self.room = values
        elif len(values) == 3:
            self.building, self.unit, self.room = values
        elif len(values[1]) >= 3 or tail in ("室", "户", "房"):
            self.building, self.room = values
            self.others.append({"building": "", "unit": values[0]})
        else:
            self.building, self.unit = values
        self.last = "building"

    def _dashes_after_road(self, values: list[str]) -> None:
        """延安路7-2-802: house 7, unit 2, room 802, or building 7 of a yard whose number was left out."""
        number = "".join(c for c in values[0] if c.isdecimal())
        if not number:
            self.building = "-".join(values)
            return
        house = HouseNumber(int(number), values[0].removeprefix(number))
        self.number, self.numbered = house, len(self.roads) - 1
        if len(values) == 2 and len(values[1]) < 3:
            second = values[1]
            self.number = house._replace(suffix=f"-{second}")
            self.others.append({"house_number": house, "building": second})
        elif len(values) == 2:
            self.room = values[1]
        else:
            self.unit, self.room = values[1], "-".join(values[2:])
            self.others.append({"building": values[1], "unit": ""})
            self.others.append({"house_number": None, "building": values[0]})

    def on_bare(self, piece: Token) -> None:
        value = piece.text
        digits = value.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        if self.last == "road" and self.number is None and len(digits) < 6:
            self.number, self.numbered = HouseNumber(int(digits), value.removeprefix(digits)), len(self.roads) - 1
            self.last = "number"
        elif self.last == "place" and not self.building and len(digits) < 4:
            self.building, self.last = value, "building"
        elif not self.room and self._may_be_a_room(len(digits)):
            self.room = value
        else:
            self.lost.append(value)

    def _may_be_a_room(self, digits: int) -> bool:
        return (
            self.last == "unit"
            or (2 < digits < 6 and (self.last == "building" or bool(self.floor)))
            or (self.last == "number" and digits in (3, 4))
        )

    def on_word(self, piece: Token) -> None:
        """Take in a word that joins names or says that roads cross; punctuation says nothing."""
        if piece.kind == "joint":
            self.link = piece.text
        elif piece.kind == "cross":
            self.crossed = True
        elif piece.kind == "near_to":
            self.close, self.link = True, ""
        elif piece.kind == "between":
            self.between = len(self.roads) > 1

    def on_relation(self, piece: Token) -> None:
        self.relation = stronger(self.relation, piece.value)


_FIELD: dict[NameKind, str] = {"road": "roads", "street": "street", "community": "community", "place": "name", "district": "district"}
_ORDER: tuple[NameKind, ...] = ("road", "place", "street", "community", "district")
_HANDLERS: dict[str, Callable[[_Draft, Token], None]] = {
    "name": _Draft.on_name,
    "unknown": _Draft.on_unknown,
    "number": _Draft.on_number,
    "building": _Draft.on_building,
    "unit": _Draft.on_unit,
    "floor": _Draft.on_floor,
    "room": _Draft.on_room,
    "dashes": _Draft.on_dashes,
    "bare": _Draft.on_bare,
    "cross": _Draft.on_word,
    "between": _Draft.on_word,
    "near_to": _Draft.on_word,
    "joint": _Draft.on_word,
    "relation": _Draft.on_relation,
    "stop": _Draft.on_word,
}


def _kind(kinds: frozenset[NameKind], after: Token | None, draft: _Draft) -> tuple[NameKind, list[NameKind]]:
    """Return what a name of several kinds stands for here, and what else it may stand for when nothing tells."""
    possible = [kind for kind in _ORDER if kind in kinds]
    if after is not None:
        if "road" in kinds and after.kind in _AFTER_A_ROAD:
            return "road", []
        if "place" in kinds and after.kind in ("building", "unit", "relation", "bare"):
            return "place", []
        if after.kind in ("name", "unknown") and not draft.roads:
            areas: list[NameKind] = [kind for kind in ("street", "community") if kind in kinds]
            if areas and after.kinds & {"road", "place", "community"}:
                return areas[0], []
    if draft.link and "road" in kinds:
        return "road", []
    return possible[0], possible[1:]


def _plain(value: HouseNumber) -> str:
    return f"{value.number}{value.suffix}"
