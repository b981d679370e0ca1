"""What differs between two generations of areas, and what changes hands between their areas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
import shapely

from gisgrid.locator import AreaIndex, AreaTable
from gisgrid.types import LEVELS, AreaRef, Level
from ingest.topology.levels import LevelAreas, straighten
from ingest.topology.plane import Floats, Ints, Pieces, Plane, Shapes, gathered, pieces

ChangeKind = Literal["added", "removed", "renamed", "recoded", "reparented", "reshaped"]
"""What can become of an area; one may be renamed and reshaped at once."""

SAME_PLACE = 0.9
"""An added and a removed area that overlap by more than this share of both are one area with another code."""


class Change(NamedTuple):
    """One thing that became of one area: how it was and how it is (None where it is not), and the land that it lost and gained."""

    kind: ChangeKind
    before: AreaRef | None
    after: AreaRef | None
    parent_before: str | None = None
    parent_after: str | None = None
    lost_m2: float = 0.0
    gained_m2: float = 0.0


class Handover(NamedTuple):
    """What passes from one area to another: land and the features on it; None stands for no area.

    ``place`` is the land in WGS 84 (None where only points at a border pass), ``counts`` how many features of each kind.
    """

    before: AreaRef | None
    after: AreaRef | None
    area_m2: float
    counts: Mapping[str, int]
    place: Any


class LevelDiff(NamedTuple):
    """One level: how many areas it had and has, how many are as they were, what became of the others, what changes hands."""

    level: Level
    old_count: int
    new_count: int
    unchanged: int
    changes: tuple[Change, ...]
    handovers: tuple[Handover, ...]

    def of_kind(self, kind: ChangeKind) -> tuple[Change, ...]:
        """Return the changes of one kind."""
        return tuple(change for change in self.changes if change.kind == kind)

    def moved(self, kind: str) -> int:
        """Return how many features of one kind get another area."""
        return sum(handover.counts.get(kind, 0) for handover in self.handovers)

    @property
    def moved_m2(self) -> float:
        """The land that gets another area, square metres."""
        return sum(handover.area_m2 for handover in self.handovers)


class Points(NamedTuple):
    """Features to be followed from one generation to the next: longitudes and latitudes, WGS 84 degrees."""

    lon: Floats
    lat: Floats


def compare_tables(
    old: Mapping[Level, AreaTable],
    new: Mapping[Level, AreaTable],
    followed: Mapping[str, Points] | None = None,
    rounding_m: float = 0.01,
) -> tuple[LevelDiff, ...]:
    """Return level by level what differs between two generations, from the largest to the smallest; levels that neither has are left out.

    ``followed`` are features by kind, such as cases: each is looked up in both generations, by the rule that lookups have.
    Land in strips narrower than ``rounding_m`` metres is passed over.
    """
    levels = [level for level in LEVELS if len(_table(old, level).codes) or len(_table(new, level).codes)]
    shapes = [np.asarray(_table(tables, level).geometries, dtype=object) for level in levels for tables in (old, new)]
    plane = Plane.around(np.concatenate(shapes) if shapes else np.empty(0, dtype=object))
    return tuple(_compare(level, (_table(old, level), _table(new, level)), plane, followed or {}, rounding_m) for level in levels)


def _table(tables: Mapping[Level, AreaTable], level: Level) -> AreaTable:
    return tables.get(level) or AreaTable([], [], [], np.empty(0, dtype=object))


def _compare(
    level: Level, tables: tuple[AreaTable, AreaTable], plane: Plane, followed: Mapping[str, Points], rounding_m: float
) -> LevelDiff:
    old, new = (LevelAreas(level, table, plane) for table in tables)
    straighten([old, new], plane, rounding_m)
    match = _match(old, new)
    lost, gained = _lost_and_gained(old, new, match, rounding_m)
    changes = tuple(_changes(old, new, match, lost, gained))
    touched = {change.after.code for change in changes if change.after and change.before}
    land = _land(old, new, lost, gained, rounding_m)
    counts = _moved(*tables, match, followed)
    handovers = tuple(_handovers(old, new, land, counts, plane))
    return LevelDiff(level, len(old), len(new), int((match >= 0).sum()) - len(touched), changes, handovers)


def _match(old: LevelAreas, new: LevelAreas) -> Ints:
    """Return for each old area the number of the same area in the new generation: by code, else by place; -1 for none."""
    match = np.array([new.number_of.get(code, -1) for code in old.codes], dtype=np.int64)
    removed = np.flatnonzero(match < 0)
    added = np.array([number for number, code in enumerate(new.codes) if code not in old.number_of], dtype=np.int64)
    row, column = shapely.STRtree(new.shapes[added]).query(old.shapes[removed], predicate="intersects")
    a, b = old.shapes[removed[row]], new.shapes[added[column]]
    common = shapely.area(shapely.intersection(a, b))
    same = (common > SAME_PLACE * shapely.area(a)) & (common > SAME_PLACE * shapely.area(b))
    # More than half of both in common: there is one partner at most, unless areas overlap; then the last one is as good.
    match[removed[row[same]]] = added[column[same]]
    return match


def _lost_and_gained(old: LevelAreas, new: LevelAreas, match: Ints, rounding_m: float) -> tuple[Pieces, Pieces]:
    """Return the land that each old area no longer has, and that each new area did not have; rounding is not told."""
    came_from = np.full(len(new), -1, dtype=np.int64)
    kept = np.flatnonzero(match >= 0)
    came_from[match[kept]] = kept
    is_same = np.zeros(len(old), dtype=bool)
    is_same[kept] = shapely.equals_exact(shapely.normalize(old.shapes[kept]), shapely.normalize(new.shapes[match[kept]]))
    was_same = np.append(is_same, False)[came_from]
    return _rest(old, new, match, is_same, rounding_m), _rest(new, old, came_from, was_same, rounding_m)


def _rest(mine: LevelAreas, other: LevelAreas, match: Ints, is_same: Any, rounding_m: float) -> Pieces:
    """Return what areas have beyond the areas that they match."""
    rest = mine.shapes.copy()
    changed = np.flatnonzero((match >= 0) & ~is_same)
    rest[changed] = shapely.difference(mine.shapes[changed], other.shapes[match[changed]])
    rest[(match >= 0) & is_same] = shapely.MultiPolygon()
    return pieces(mine.plane, rest, rounding_m)


def _changes(old: LevelAreas, new: LevelAreas, match: Ints, lost: Pieces, gained: Pieces) -> Iterator[Change]:
    """Yield what became of every area, the old ones first, in the order of codes."""
    lost_m2 = np.bincount(lost.owner, lost.area_m2, minlength=len(old))
    gained_m2 = np.bincount(gained.owner, gained.area_m2, minlength=len(new))
    for number, other in enumerate(match.tolist()):
        before = _ref(old, number)
        if other < 0:
            yield Change("removed", before, None, old.parent_codes[number], None, float(lost_m2[number]), 0.0)
            continue
        after = _ref(new, other)
        change = Change(
            "reshaped",
            before,
            after,
            old.parent_codes[number],
            new.parent_codes[other],
            float(lost_m2[number]),
            float(gained_m2[other]),
        )
        if before.code != after.code:
            yield change._replace(kind="recoded")
        if before.name != after.name:
            yield change._replace(kind="renamed")
        if change.parent_before != change.parent_after:
            yield change._replace(kind="reparented")
        if change.lost_m2 or change.gained_m2:
            yield change
    known = set(match.tolist())
    for number in range(len(new)):
        if number not in known:
            yield Change("added", None, _ref(new, number), None, new.parent_codes[number], 0.0, float(gained_m2[number]))


def _ref(areas: LevelAreas, number: int) -> AreaRef:
    return AreaRef(areas.codes[number], areas.names[number])


_GONE = -2  # an area that is no more: no number, and not the -1 of a point in no area

Land = dict[tuple[int, int], Shapes]
"""The polygons that pass from an old area to a new one, by their numbers; -1 is no area."""


def _land(old: LevelAreas, new: LevelAreas, lost: Pieces, gained: Pieces, rounding_m: float) -> Land:
    """Return which land passes from which old to which new area: what the one lost and the other gained."""
    row, column = shapely.STRtree(gained.shapes).query(lost.shapes, predicate="intersects")
    passed = pieces(old.plane, shapely.intersection(lost.shapes[row], gained.shapes[column]), rounding_m)
    lost_shapes, losers = _unclaimed(lost, gained, old.plane, rounding_m)
    gained_shapes, winners = _unclaimed(gained, lost, new.plane, rounding_m)
    shapes = np.concatenate([passed.shapes, lost_shapes, gained_shapes])
    before = np.concatenate([lost.owner[row[passed.owner]], losers, np.full(len(winners), -1)])
    after = np.concatenate([gained.owner[column[passed.owner]], np.full(len(losers), -1), winners])
    land: dict[tuple[int, int], list[Any]] = {}
    for shape, a, b in zip(shapes, before.tolist(), after.tolist(), strict=True):
        land.setdefault((a, b), []).append(shape)
    return {pair: np.array(found, dtype=object) for pair, found in land.items()}


def _unclaimed(mine: Pieces, others: Pieces, plane: Plane, rounding_m: float) -> tuple[Shapes, Ints]:
    """Return what is left of pieces without the others, and whose it is."""
    rest = mine.shapes.copy()
    row, column = shapely.STRtree(others.shapes).query(mine.shapes, predicate="intersects")
    for k in np.unique(row).tolist():
        rest[k] = shapely.difference(rest[k], shapely.union_all(others.shapes[column[row == k]]))
    left = pieces(plane, rest, rounding_m)
    return left.shapes, mine.owner[left.owner]


Counts = dict[tuple[int, int], dict[str, int]]
"""How many features of each kind pass from an old area to a new one, by their numbers; -1 is no area."""


def _moved(old_table: AreaTable, new_table: AreaTable, match: Ints, followed: Mapping[str, Points]) -> Counts:
    """Return which features are in another area than before; that of an area with another code is the same area."""
    counts: Counts = {}
    if not followed or _is_as_it_was(old_table, new_table):
        return counts
    old, new = AreaIndex(old_table), AreaIndex(new_table)  # numbered by code, as LevelAreas are
    for kind, points in followed.items():
        before = old.covering_many(points.lon, points.lat).number
        after = new.covering_many(points.lon, points.lat).number
        expected = np.append(np.where(match < 0, _GONE, match), -1)[before]
        moved = expected != after
        pairs, number = np.unique(np.stack([before[moved], after[moved]]), axis=1, return_counts=True)
        for a, b, count in zip(*pairs.tolist(), number.tolist(), strict=True):
            counts.setdefault((a, b), {})[kind] = count
    return counts


def _is_as_it_was(old: AreaTable, new: AreaTable) -> bool:
    """Whether two tables give every point the same answer without a lookup; each takes seconds to prepare for them."""
    return list(old.codes) == list(new.codes) and bool(np.all(shapely.equals_exact(old.geometries, new.geometries)))


def _handovers(old: LevelAreas, new: LevelAreas, land: Land, counts: Counts, plane: Plane) -> Iterator[Handover]:
    """Yield every pair of areas between which something passes, those that pass most land first."""
    sizes = {pair: float(plane.area_m2(shapes).sum()) for pair, shapes in land.items()}
    for a, b in sorted({*land, *counts}, key=lambda pair: (-sizes.get(pair, 0.0), pair)):
        shapes = land.get((a, b))
        place = None if shapes is None else plane.to_wgs84(gathered(shapes))[()]
        before, after = (_ref(areas, number) if number >= 0 else None for areas, number in ((old, a), (new, b)))
        yield Handover(before, after, sizes.get((a, b), 0.0), counts.get((a, b), {}), place)
