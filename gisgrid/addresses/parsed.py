"""What an address is made of: the ten levels of GB/T 37149-2018, as far as a city's addresses have them, and what goes with them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, Protocol

NameKind = Literal["province", "city", "district", "street", "community", "road", "place"]
"""What a name stands for; ``place`` is an estate, a shop, a school, a building with a name: a point of interest."""

RelationKind = Literal["at", "near", "opposite", "direction", "between"]
"""How a place lies to what is named: at it (门口), near it, across the road, in a direction from it, between two crossings."""


class HouseNumber(NamedTuple):
    """A door plate: 41号-1, 41-1号 are (41, "-1"); 41号甲, 甲41号 (41, "甲"); 41号附1 (41, "附1"); 41-45号 (41, "", 45); 12B (12, "B")."""

    number: int
    suffix: str = ""
    until: int | None = None


class Relation(NamedTuple):
    """A hint that widens the uncertainty and never moves the point: ``word`` as it was written, in simplified characters.

    ``bearing_deg`` is clockwise from north (东侧 is 90), ``distance_m`` in metres (50米), None where not said.
    """

    word: str
    kind: RelationKind
    bearing_deg: float | None = None
    distance_m: float | None = None


class ParsedAddress(NamedTuple):
    """One reading of an address; what was not said is empty.

    ``normal`` is the whole text after normalising (simplified characters, half width, no noise). ``roads`` holds the road that the
    place is on, then those that cross or bound it; ``is_crossing`` says that the place is where the first two meet.
    ``building``, ``unit``, ``floor`` and ``room`` are plain numbers or letters (3号楼2单元502户 is "3", "2", "", "502").
    ``name`` is a point of interest. ``dropped`` names the kinds of what was left out and not kept (``phone``, ``courier``,
    ``person``); ``not_understood`` is what nothing could be made of.
    """

    normal: str
    province: str = ""
    city: str = ""
    district: str = ""
    street: str = ""
    community: str = ""
    roads: tuple[str, ...] = ()
    is_crossing: bool = False
    house_number: HouseNumber | None = None
    building: str = ""
    unit: str = ""
    floor: str = ""
    room: str = ""
    name: str = ""
    relation: Relation | None = None
    dropped: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()


class Vocabulary(Protocol):
    """The names that are known in a city, in simplified characters and half width, with their aliases and old names.

    ``ends`` is room for what a parser has made of the ends of addresses with the help of these names.
    """

    ends: dict[str, Any]

    def names_at(self, text: str, start: int) -> Sequence[tuple[int, frozenset[NameKind]]]:
        """Return the known names that begin at ``start`` of a normalised text: where each ends and what it may stand for, longest first."""

    def longest_at(self, text: str, start: int) -> tuple[int, frozenset[NameKind]] | None:
        """Return the first of ``names_at``, None where no known name begins."""
