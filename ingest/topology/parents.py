"""Between two levels: every area lies in the parent that it names, and the areas of a parent fill it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
import shapely

from gisgrid.deployment import TopologyRules
from ingest.topology.checks import MISSING_PARENT, OUTSIDE_PARENT, PARENT_DISAGREES, SLIVER
from ingest.topology.coverage import gaps
from ingest.topology.levels import Finding, LevelAreas, as_multi, places, words_m2
from ingest.topology.plane import Flags, Ints, Pieces, Shapes, gathered, pieces


class Family:
    """The areas of two levels, one above the other; ``parent_of`` is the number of each area's parent, -1 for none.

    An area that names no parent belongs to the one in which most of it lies.
    """

    def __init__(self, areas: LevelAreas, above: LevelAreas) -> None:
        self.areas, self.above = areas, above
        named = [above.number_of.get(code, -1) if code else -1 for code in areas.parent_codes]
        self.parent_of: Ints = np.array(named, dtype=np.int64)
        orphans = np.array([k for k, code in enumerate(areas.parent_codes) if not code], dtype=np.int64)
        self.parent_of[orphans] = _mostly_in(areas, above, orphans)

    @cached_property
    def unions(self) -> Shapes:
        """What the areas of each parent cover together."""
        order = np.argsort(self.parent_of, kind="stable")
        first = np.searchsorted(self.parent_of[order], np.arange(len(self.above) + 1))
        unions = np.empty(len(self.above), dtype=object)
        for parent in range(len(self.above)):
            children = order[first[parent] : first[parent + 1]]
            unions[parent] = self.areas.union(children) if len(children) else shapely.MultiPolygon()
        return as_multi(unions)

    @cached_property
    def is_inexact(self) -> Flags:
        """Which parents are not, vertex for vertex, the union of their areas; the others need no overlay to be found right."""
        return np.asarray(~shapely.equals_exact(shapely.normalize(self.unions), shapely.normalize(self.above.shapes)), dtype=bool)


def _mostly_in(areas: LevelAreas, above: LevelAreas, numbers: Ints) -> Ints:
    """Return for some areas the parent that covers most of each, -1 where none does."""
    row, parent = above.tree.query(areas.shapes[numbers], predicate="intersects")
    common = shapely.area(shapely.intersection(areas.shapes[numbers[row]], above.shapes[parent]))
    found = np.full(len(numbers), -1, dtype=np.int64)
    for k in np.argsort(common, kind="stable"):  # the largest is written last
        if common[k] > 0.0:
            found[row[k]] = parent[k]
    return found


def find_missing(family: Family) -> Iterator[Finding]:
    """Yield the areas whose parent does not exist."""
    areas, above = family.areas, family.above
    for number, code in enumerate(areas.parent_codes):
        if code and code not in above.number_of:
            words = f"{areas.called(number)} belongs to {above.word} {code}, which does not exist."
            yield Finding(MISSING_PARENT, areas.level, areas.codes[number], words, areas.shapes[number])


def find_wrong_prefix(family: Family) -> Iterator[Finding]:
    """Yield the areas whose code does not begin with the code of their parent."""
    areas = family.areas
    for number, (code, parent) in enumerate(zip(areas.codes, areas.parent_codes, strict=True)):
        if parent and not code.startswith(parent):
            words = f"{areas.called(number)} names {family.above.word} {parent}, but its code does not begin so."
            yield Finding(PARENT_DISAGREES, areas.level, code, words, areas.shapes[number])


def find_displaced(family: Family, limits: TopologyRules) -> Iterator[Finding]:
    """Yield what lies outside the parent that it belongs to, or mostly in another one."""
    areas, above = family.areas, family.above
    numbers = np.flatnonzero(family.parent_of >= 0)
    numbers = numbers[family.is_inexact[family.parent_of[numbers]]]
    outside = shapely.difference(areas.shapes[numbers], above.shapes[family.parent_of[numbers]])
    found = pieces(areas.plane, outside, limits.rounding_m)
    for row in np.unique(found.owner):
        number = int(numbers[row])
        mine = found.where(found.owner == row)
        share = mine.area_m2.sum() / max(float(areas.plane.area_m2(areas.shapes[number : number + 1])[0]), 1e-9)
        if share > 0.5:
            yield _elsewhere(family, number, mine, share)
            continue
        for check, chosen in ((OUTSIDE_PARENT, mine.width_m >= limits.sliver_m), (SLIVER, mine.width_m < limits.sliver_m)):
            if chosen.any():
                yield _outside(family, number, mine.where(chosen), check is SLIVER)
    yield from _nowhere(family)


def _elsewhere(family: Family, number: int, outside: Pieces, share: float) -> Finding:
    """Return the finding for an area of which more than half lies outside its parent."""
    areas, above = family.areas, family.above
    parent = int(family.parent_of[number])
    other = int(_mostly_in(areas, above, np.array([number]))[0])
    words = f"{areas.called(number)} belongs to {above.called(parent)}, but {share:.0%} of it ({words_m2(outside.area_m2.sum())}) lies "
    place = gathered(outside.shapes)
    if other in (-1, parent):
        return Finding(OUTSIDE_PARENT, areas.level, areas.codes[number], words + "outside.", place)
    return Finding(PARENT_DISAGREES, areas.level, areas.codes[number], f"{words}outside, most of it in {above.called(other)}.", place)


def _outside(family: Family, number: int, found: Pieces, is_sliver: bool) -> Finding:
    areas, above = family.areas, family.above
    largest = found.shapes[int(np.argmax(found.area_m2))]
    others = above.tree.query(shapely.point_on_surface(largest), predicate="within").tolist()
    there = f", in {', '.join(above.called(other) for other in sorted(others)[:3])}" if others else f", in no {above.word}"
    how = f", at most {found.width_m.max():.2f} m wide," if is_sliver else ""
    words = (
        f"{words_m2(found.area_m2.sum())} of {areas.called(number)}{how} lie outside "
        f"{above.called(int(family.parent_of[number]))}{places(len(found.shapes))}{there}."
    )
    return Finding(SLIVER if is_sliver else OUTSIDE_PARENT, areas.level, areas.codes[number], words, gathered(found.shapes))


def _nowhere(family: Family) -> Iterator[Finding]:
    """Yield the areas that name no parent and lie in none."""
    areas = family.areas
    for number in np.flatnonzero(family.parent_of < 0).tolist():
        if not areas.parent_codes[number] and not shapely.is_empty(areas.shapes[number]):
            words = f"{areas.called(number)} names no {family.above.word}, and lies in none."
            yield Finding(OUTSIDE_PARENT, areas.level, areas.codes[number], words, areas.shapes[number])


def find_unfilled(family: Family, limits: TopologyRules) -> Iterator[Finding]:
    """Yield the places in a parent that no area of the level covers."""
    areas, above = family.areas, family.above
    checked = np.flatnonzero(family.is_inexact)
    rest = np.full(len(above), shapely.MultiPolygon(), dtype=object)
    rest[checked] = shapely.difference(above.shapes[checked], family.unions[checked])
    found = pieces(areas.plane, rest, limits.rounding_m)
    open_parents = np.unique(found.owner)
    for parent in open_parents.tolist():
        # Areas of other parents may lie there: that is said of them, and the place is not empty.
        others = areas.tree.query(rest[parent], predicate="intersects")
        rest[parent] = shapely.difference(rest[parent], shapely.union_all(areas.shapes[others]))
    found = pieces(areas.plane, rest[open_parents], limits.rounding_m)
    yield from gaps(areas, found, limits, [above.called(int(parent)) for parent in open_parents])
