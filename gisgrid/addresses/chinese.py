"""Reads Chinese addresses: the ten levels of GB/T 37149-2018 in the ways that people write them."""

from __future__ import annotations

from collections.abc import Iterable

from gisgrid.addresses.cutting import pieces
from gisgrid.addresses.draft import Draft
from gisgrid.addresses.noise import normalised
from gisgrid.addresses.parsed import ParsedAddress, Vocabulary
from gisgrid.addresses.prefixes import PrefixReader
from gisgrid.addresses.readings import LONGEST

LONGEST_ADDRESS = 256
"""Characters of an address without noise; what comes after them is not read."""


class ChineseParser:
    """Reads Chinese addresses of one city, whose province, city and districts may be left out or said twice."""

    def __init__(self, provinces: Iterable[str] = (), cities: Iterable[str] = (), districts: Iterable[str] = ()) -> None:
        self._prefixes = PrefixReader(tuple(provinces), tuple(cities), tuple(districts))

    def parse(self, text: str, names: Vocabulary) -> tuple[ParsedAddress, ...]:
        """Return the readings of an address, the best first, four at most; one that is empty when there is nothing in it."""
        plain, dropped = normalised(text[:LONGEST])
        rest = plain[LONGEST_ADDRESS:] + ("…" if len(text) > LONGEST else "")
        plain = plain[:LONGEST_ADDRESS]
        prefix = self._prefixes.read(plain, names)
        before = pieces(plain[: prefix.begin], 0, names) if prefix.begin else []
        draft = Draft([*before, *pieces(plain, prefix.end, names)])
        return draft.readings(plain[: prefix.begin] + plain[prefix.start :] + rest, prefix, dropped, rest)
