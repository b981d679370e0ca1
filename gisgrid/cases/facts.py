"""What assignment goes by: of the case, of the place and of the component."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from gisgrid.cases.categories import Category
from gisgrid.types import AreaRef, Level, Location

_LIKELY = 0.1


class ComponentFacts(NamedTuple):
    """The component that a case is about, and whose it is; codes of organisations, None where not known.

    ``owner_code`` is 权属单位, ``maintainer_code`` 养护单位, ``department_code`` 主管部门.
    """

    code: str
    owner_code: str | None = None
    maintainer_code: str | None = None
    department_code: str | None = None

    def unit_code(self, word: str) -> str | None:
        """Return the code of its ``owner``, ``maintainer`` or ``department``, None where there is none on record."""
        codes = {"owner": self.owner_code, "maintainer": self.maintainer_code, "department": self.department_code}
        return codes[word] or None


def likely(scored: Iterable[tuple[str, float]]) -> tuple[str, ...]:
    """Return the codes of the components that one had better think of: as likely as a tenth of the likeliest.

    >>> likely([("a", 0.5), ("b", 0.2), ("c", 0.01)])
    ('a', 'b')
    """
    known = list(scored)
    least = _LIKELY * max((score for _, score in known), default=0.0)
    return tuple(code for code, score in known if score >= least)


class Facts(NamedTuple):
    """What assignment goes by. ``text`` is all that the report says; areas are None where the place is not known to that level.

    ``candidates`` are the components that may be concerned where it is not sure which: often all of them are of one owner.
    """

    category: Category
    text: str
    reported_at: datetime
    district: AreaRef | None = None
    street: AreaRef | None = None
    community: AreaRef | None = None
    grid: AreaRef | None = None
    component: ComponentFacts | None = None
    candidates: tuple[ComponentFacts, ...] = ()

    def area(self, level: Level) -> AreaRef | None:
        """Return the area of one level that the case lies in."""
        areas: dict[Level, AreaRef | None] = {
            "district": self.district,
            "street": self.street,
            "community": self.community,
            "grid": self.grid,
        }
        return areas[level]

    def within(self, areas: Mapping[Level, AreaRef | None]) -> Facts:
        """Return the same facts in other areas; a level that is not named is not known."""
        return self._replace(
            district=areas.get("district"), street=areas.get("street"), community=areas.get("community"), grid=areas.get("grid")
        )

    def at(self, location: Location) -> Facts:
        """Return the same facts at a place as the locator tells it."""
        return self._replace(district=location.district, street=location.street, community=location.community, grid=location.grid)
