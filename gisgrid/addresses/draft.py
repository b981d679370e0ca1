"""A Chinese address put together from its pieces."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from itertools import zip_longest
from typing import Any

from gisgrid.addresses.doors import Door
from gisgrid.addresses.parsed import NameKind, ParsedAddress, Relation
from gisgrid.addresses.pieces import Piece, Within
from gisgrid.addresses.prefixes import Prefixes
from gisgrid.addresses.readings import readings
from gisgrid.addresses.relations import stronger

Change = dict[str, Any]
_AFTER_A_ROAD = frozenset(("number", "dashes", "bare", "cross", "joint", "near_to", "relation", "building"))
_AFTER_A_PLACE = frozenset(("building", "unit", "relation", "bare", "dashes"))
_NUMERAL_ROAD = re.compile("[一二三四五六七八九十东西南北中支]路")
_NUMERAL_TAIL = re.compile("[一二三四五六七八九十东西南北中支]?[路街]$")
_UNTIL = frozenset(("至", "到", "~", "-"))


class Draft:
    """What the pieces of one address have made known."""

    # Of the class until something is known: most addresses have few of these.
    district = street = community = name = ""
    _numbered = -1
    _relation: Relation | None = None
    _link = ""
    _crossed = _between = _close = False
    _name_is_known = False
    _after: Piece | None = None

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.door = Door()
        self._others: list[Callable[[ParsedAddress], Change]] = []
        self._roads: list[str] = []
        self._lost: list[str] = []
        self._links: set[str] = set()
        for piece, after in zip_longest(pieces, pieces[1:]):
            self._after = after
            _HANDLERS[piece.kind](self, piece)

    def readings(self, normal: str, prefix: Prefixes, dropped: tuple[str, ...], rest: str) -> tuple[ParsedAddress, ...]:
        """Return the readings of the address; ``rest`` is what was too long to be read."""
        roads, crossing = self._order_of_roads()
        door = self.door
        first = ParsedAddress(
            normal,
            prefix.province,
            prefix.city,
            prefix.district or self.district,
            self.street,
            self.community,
            roads,
            crossing,
            door.number,
            door.building,
            door.unit,
            door.floor,
            door.room,
            self.name,
            self._relation,
            dropped,
            (*self._lost, rest) if rest else tuple(self._lost),
        )
        if not door.others and not self._others:
            return (first,)
        return readings(first, [*door.others, *(other(first) for other in self._others)])

    def _order_of_roads(self) -> tuple[tuple[str, ...], bool]:
        """Return the roads, that of the place first, and whether the first two cross there."""
        roads = self._roads if len(self._roads) < 2 else list(dict.fromkeys(self._roads))
        if self.door.number is not None:
            if 0 < self._numbered < len(self._roads):
                on = self._roads[self._numbered]
                roads = [on, *(road for road in roads if road != on)]
            return tuple(roads), False
        if len(roads) < 2:
            if roads and self._crossed and self._relation is None:
                self._relation = Relation("路口", "near")
            return tuple(roads), False
        kind = None if self._relation is None else self._relation.kind
        if self._between or (len(roads) > 2 and self._links & _UNTIL):
            if kind in (None, "at", "near"):
                self._relation = Relation("之间", "between")
            return tuple(roads), False
        if self._close and kind in (None, "at"):
            self._relation = Relation("靠近", "near")
        return tuple(roads), not self.name

    def _on_name(self, piece: Piece) -> None:
        kinds = piece.kinds
        if len(kinds) == 1:
            (kind,) = kinds
        else:
            kind, rest = self._kind(kinds)
            self._others.extend(partial(_instead, kind, other, piece.text) for other in rest)
        self._take(kind, piece.text, known=True)

    def _kind(self, kinds: frozenset[NameKind]) -> tuple[NameKind, list[NameKind]]:
        """Return what a name of several kinds stands for here, and what else it may stand for when nothing tells."""
        after = self._after
        if after is not None:
            if "road" in kinds and after.kind in _AFTER_A_ROAD:
                return "road", []
            if "place" in kinds and after.kind in _AFTER_A_PLACE:
                return "place", []
            areas: list[NameKind] = [kind for kind in ("street", "community") if kind in kinds]
            if areas and not self._roads and after.kinds & {"road", "place", "community"}:
                return areas[0], []
        if self._link and "road" in kinds:
            return "road", []
        possible = [kind for kind in _FIELDS if kind in kinds]
        return possible[0], possible[1:]

    def _take(self, kind: NameKind, text: str, *, known: bool) -> None:
        """Note a name of one kind."""
        if kind == "road":
            self._roads.append(text)
            if self._link:
                self._links.add(self._link)
            self.door.last = "road"
        elif kind == "place":
            self._take_place(text, known=known)
        elif kind == "street":
            self.street = text
        elif kind == "community":
            self.community = text
        elif kind == "district":
            self.district = text
        self._link = ""

    def _take_place(self, text: str, *, known: bool) -> None:
        self.door.last = "place"
        if self.name and self._name_is_known and not known:
            self._lost.append(text)
            return
        if self.name and self.name != text:
            if self._name_is_known:
                self._others.append(partial(_other_name, self.name))
            else:
                self._lost.append(self.name)
        self.name, self._name_is_known = text, known

    def _on_unknown(self, piece: Piece) -> None:
        text = piece.text
        if isinstance(piece.value, Within):
            self._others.append(partial(_known_within, piece.value, text))
        if "road" in piece.kinds:
            self._take_unknown_road(text, alone=piece.value is None and self._after is None)
        elif piece.kinds:
            (kind,) = piece.kinds
            self._take(kind, text, known=False)
        elif (
            not self.name and 2 <= len(text) <= 20 and (self.door.last == "number" or (self._after and self._after.kind in _AFTER_A_PLACE))
        ):
            self._take_place(text, known=False)
        else:
            self._lost.append(text)
            if not self.name and 2 <= len(text) <= 20:
                self._others.append(partial(_other_name, text))
        self._link = ""

    def _take_unknown_road(self, text: str, *, alone: bool) -> None:
        """Note something that ends like a road: a new one, one with a slip of the pen, 三路 after 延安二路, or a place such as 步行街."""
        if self._roads and _NUMERAL_ROAD.fullmatch(text):
            text = _NUMERAL_TAIL.sub("", self._roads[-1]) + text
        elif alone and not self._roads:
            self._others.append(partial(_instead, "road", "place", text))
        self._take("road", text, known=False)

    def _on_number(self, piece: Piece) -> None:
        numbered = self.door.number is not None
        if not self.door.take(piece, self._link):
            self._lost.append(piece.text)
        elif not numbered:
            self._numbered = len(self._roads) - 1
        self._link = ""

    def _on_word(self, piece: Piece) -> None:
        """Take in a word that joins names or says that roads cross; punctuation says nothing."""
        if piece.kind == "joint":
            self._link = piece.text
        elif piece.kind == "cross":
            self._crossed = True
        elif piece.kind == "near_to":
            self._close, self._link = True, ""
        elif piece.kind == "between":
            self._between = len(self._roads) > 1

    def _on_relation(self, piece: Piece) -> None:
        self._relation = stronger(self._relation, piece.value)
        if self.door.last == "number":
            self.door.last = ""


_FIELDS: dict[NameKind, str] = {"road": "roads", "place": "name", "street": "street", "community": "community", "district": "district"}
"""The field of each kind of name, the likeliest kind first where nothing tells which of them a name stands for."""

_HANDLERS: dict[str, Callable[[Draft, Piece], None]] = {
    "name": Draft._on_name,
    "unknown": Draft._on_unknown,
    "relation": Draft._on_relation,
    **dict.fromkeys(("number", "building", "unit", "floor", "room", "dashes", "bare"), Draft._on_number),
    **dict.fromkeys(("cross", "between", "near_to", "joint", "stop"), Draft._on_word),
}


def _instead(kind: NameKind, other: NameKind, text: str, address: ParsedAddress) -> Change:
    """Return the change that takes a name for another kind of thing."""
    roads: tuple[str, ...] = address.roads
    if kind == "road":
        return {"roads": tuple(road for road in roads if road != text), _FIELDS[other]: text, "is_crossing": False}
    return {_FIELDS[kind]: "", _FIELDS[other]: (*roads, text) if other == "road" else text}


def _other_name(text: str, address: ParsedAddress) -> Change:
    """Return the change that takes ``text`` for the name of the place."""
    return {"name": text, "not_understood": tuple(lost for lost in address.not_understood if lost != text)}


def _known_within(found: Within, text: str, address: ParsedAddress) -> Change:
    """Return the change that takes a part of something unknown for the known name that it is, and the rest for something more."""
    change: Change = {"not_understood": (*address.not_understood, found.rest)}
    if found.kind == "place":
        return {**change, "name": found.name}
    roads = tuple(found.name if road == text else road for road in address.roads)
    if text in address.roads:
        return {**change, "roads": roads}
    return {**change, "roads": (*roads, found.name), "name": "" if address.name == text else address.name}
