"""A piece of a Chinese address."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from gisgrid.addresses.parsed import NameKind

PieceKind = Literal[
    "name",
    "unknown",
    "number",
    "building",
    "unit",
    "floor",
    "room",
    "dashes",
    "bare",
    "cross",
    "between",
    "near_to",
    "joint",
    "relation",
    "stop",
]


class Piece(NamedTuple):
    """A piece of an address: ``kinds`` of a name, known or guessed by its last word; ``value`` of what is no name.

    The ``value`` of something unknown that has a known name in it is `Within`.
    """

    kind: PieceKind
    text: str
    kinds: frozenset[NameKind] = frozenset()
    value: Any = None


class Within(NamedTuple):
    """A known name in a longer one that is not known: 延安路 in 新延安路 or in 延安路小学; ``rest`` is what else there is."""

    name: str
    kind: NameKind
    rest: str
