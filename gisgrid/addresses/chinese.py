"""Reads Chinese addresses: the ten levels of GB/T 37149-2018 in the ways that people write them."""

from __future__ import annotations

from collections.abc import Iterable

from gisgrid.addresses.cutting import pieces
from gisgrid.addresses.draft import Draft
from gisgrid.addresses.noise import normalised
from gisgrid.addresses.parsed import ParsedAddress, Vocabulary
from gisgrid.addresses.prefixes import PrefixReader

LONGEST = 256
"""More characters than an address has (GB/T 47678 gives 事发位置 256); what comes after them is not read."""
MOST_READINGS = 4


class ChineseParser:
    """Reads Chinese addresses of one city, whose province, city and districts may be left out or said twice."""

    def __init__(self, provinces: Iterable[str] = (), cities: Iterable[str] = (), districts: Iterable[str] = ()) -> None:
        self._prefixes = PrefixReader(tuple(provinces), tuple(cities), tuple(districts))

    def parse(self, text: str, names: Vocabulary) -> tuple[ParsedAddress, ...]:
        """Return the readings of an address, the best first, four at most; one that is empty when there is nothing in it."""
        plain, dropped = normalised(text[: 4 * LONGEST])
        rest = plain[LONGEST:] + ("…" if len(text) > 4 * LONGEST else "")
        plain = plain[:LONGEST]
        prefix = self._prefixes.read(plain, names)
        draft = Draft(pieces(plain, prefix.end, names))
        parts, others = draft.readings()
        if rest:
            parts["not_understood"] += (rest,)
        first = ParsedAddress(
            (plain[prefix.start :] if prefix.start else plain) + rest,
            prefix.province,
            prefix.city,
            prefix.district or draft.district,
            dropped=dropped,
            **parts,
        )
        if not others:
            return (first,)
        return tuple(dict.fromkeys((first, *(first._replace(**change) for change in others))))[:MOST_READINGS]
