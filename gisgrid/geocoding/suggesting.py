"""What somebody who types an address may be about to write."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from typing import Literal

from gisgrid.addresses.characters import normal_name
from gisgrid.geocoding.answers import Suggestion
from gisgrid.geocoding.roads import Roads
from gisgrid.geocoding.wording import Wording

Kind = Literal["district", "street", "community", "road", "place"]

_RANK: dict[str, int] = {"road": 0, "street": 1, "community": 2, "place": 3, "district": 4}
_NUMBER = re.compile(r"\s*([0-9]{1,5})\D{0,3}$")
_ALL = "\U0010ffff"


class Suggester:
    """Names by their beginnings, and door plates by the beginning of their numbers; never changed, any thread may ask.

    ``names`` gives for each name in normal form how it is written and what it is.
    """

    def __init__(self, names: Mapping[str, tuple[str, Kind]], roads: Roads, words: Wording) -> None:
        self._names, self._roads, self._words = names, roads, words
        self._sorted = sorted(names)

    def suggest(self, text: str, limit: int = 10) -> tuple[Suggestion, ...]:
        """Return at most ``limit`` suggestions for the beginning of an address; what comes before it, a district or street, may stay.

        Names that begin with it come before those that hold it; of these roads first, and the shorter before the longer.
        """
        prefix = self._without_areas(normal_name(text))
        if not prefix or limit < 1:
            return ()
        found = chain(self._plates(prefix), self._beginning(prefix), self._holding(prefix))
        return tuple(islice(dict.fromkeys(found), limit))

    def _without_areas(self, text: str) -> str:
        """Return what follows the areas that a text begins with, as long as something follows."""
        for end in range(len(text) - 1, 1, -1):
            known = self._names.get(text[:end])
            if known is not None and known[1] in ("district", "street", "community"):
                return self._without_areas(text[end:].lstrip(" ,"))
        return text

    def _plates(self, prefix: str) -> Iterator[Suggestion]:
        """Yield the door plates of a road whose numbers begin as somebody has typed, by number."""
        found = _NUMBER.search(prefix)
        roads = self._roads.named(prefix[: found.start()].strip()) if found else ()
        for road in roads:
            numbers = {plate.number for plate in road.plates.all if found and str(plate.number.number).startswith(found.group(1))}
            for number in sorted(numbers, key=lambda number: (number.number, number.suffix)):
                yield Suggestion(self._words.door(road.name, number), "door_plate")

    def _beginning(self, prefix: str) -> list[Suggestion]:
        start, end = bisect_left(self._sorted, prefix), bisect_left(self._sorted, prefix + _ALL)
        return self._ranked(self._sorted[start:end])

    def _holding(self, prefix: str) -> list[Suggestion]:
        return self._ranked([name for name in self._sorted if prefix in name[1:]]) if len(prefix) > 1 else []

    def _ranked(self, names: list[str]) -> list[Suggestion]:
        names = sorted(names, key=lambda name: (_RANK[self._names[name][1]], len(name), name))
        return [Suggestion(*self._names[name]) for name in names]
