"""Within one level: no place in two areas, and none between them in no area."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import shapely

from gisgrid.deployment import TopologyRules
from ingest.topology.checks import GAP, OVERLAP, SLIVER
from ingest.topology.levels import Finding, LevelAreas, places, words_m2
from ingest.topology.plane import Ints, Pieces, Shapes, gathered, pieces


def find_overlaps(areas: LevelAreas, limits: TopologyRules) -> Iterator[Finding]:
    """Yield for each two areas what both of them cover: an overlap, a sliver, or both."""
    first, second = _suspect_pairs(areas)
    found = pieces(areas.plane, shapely.intersection(areas.shapes[first], areas.shapes[second]), limits.rounding_m)
    for check, chosen in ((OVERLAP, found.width_m >= limits.sliver_m), (SLIVER, found.width_m < limits.sliver_m)):
        part = found.where(chosen)
        for pair in np.unique(part.owner):
            mine = part.where(part.owner == pair)
            a, b = int(first[pair]), int(second[pair])
            how = "" if check is OVERLAP else f", at most {mine.width_m.max():.2f} m wide"
            words = f"{areas.called(a)} and {areas.called(b)} overlap by {words_m2(mine.area_m2.sum())}{places(len(mine.shapes))}{how}."
            yield Finding(check, areas.level, areas.codes[a], words, gathered(mine.shapes))


def _suspect_pairs(areas: LevelAreas) -> tuple[Ints, Ints]:
    """Return pairs of areas that touch and may overlap, each once, the smaller number first."""
    suspects = np.flatnonzero(areas.is_suspect)
    mine, other = areas.tree.query(areas.shapes[suspects], predicate="intersects")
    mine = suspects[mine]
    pairs = np.unique(np.sort(np.stack([mine, other]), axis=0)[:, mine != other], axis=1)
    return pairs[0], pairs[1]


def find_holes(areas: LevelAreas, limits: TopologyRules) -> Iterator[Finding]:
    """Yield the places that areas of a level surround and none of them covers; for a level that no other contains."""
    if len(areas) < 2:
        return
    whole = areas.union(np.arange(len(areas)))
    rings = [ring for part in shapely.get_parts(whole) for ring in part.interiors]
    # Without what stands in a hole and does not touch its edge.
    holes = shapely.difference(shapely.polygons(rings), whole) if rings else np.empty(0, dtype=object)
    yield from gaps(areas, pieces(areas.plane, holes, limits.rounding_m), limits, None)


def gaps(areas: LevelAreas, found: Pieces, limits: TopologyRules, within: list[str] | None) -> Iterator[Finding]:
    """Yield a finding for each gap, with the areas beside it; ``within`` names for each owner what the areas should fill.

    Slivers between the same areas are one finding.
    """
    beside = _neighbours(areas, found.shapes, limits)
    slivers: dict[tuple[int, ...], list[int]] = {}
    for row, (width, area) in enumerate(zip(found.width_m.tolist(), found.area_m2.tolist(), strict=True)):
        if width < limits.sliver_m:
            slivers.setdefault((int(found.owner[row]) if within else -1, *beside[row][:2]), []).append(row)
            continue
        where = f" of {within[int(found.owner[row])]}" if within else ""
        words = f"{words_m2(area)}{where} are in no {areas.word}{_beside(areas, beside[row])}."
        yield Finding(GAP, areas.level, _code(areas, beside[row]), words, found.shapes[row])
    for (owner, *_), rows in slivers.items():
        part = found.where(np.isin(np.arange(len(found.shapes)), rows))
        where = f" of {within[owner]}" if within else ""
        words = (
            f"{words_m2(part.area_m2.sum())}{where}, at most {part.width_m.max():.2f} m wide, are in no {areas.word}"
            f"{places(len(rows))}{_beside(areas, beside[rows[0]])}."
        )
        yield Finding(SLIVER, areas.level, _code(areas, beside[rows[0]]), words, gathered(part.shapes))


def _neighbours(areas: LevelAreas, shapes: Shapes, limits: TopologyRules) -> list[list[int]]:
    """Return for each shape the areas that touch it, in the order of their codes."""
    row, number = areas.tree.query(shapes, predicate="dwithin", distance=limits.rounding_m)
    beside: list[list[int]] = [[] for _ in range(len(shapes))]
    for k, found in sorted(zip(row.tolist(), number.tolist(), strict=True)):
        beside[k].append(found)
    return beside


_NAMED = 3


def _beside(areas: LevelAreas, numbers: list[int]) -> str:
    if not numbers:
        return ""
    more = f" and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else ""
    return f"; beside {', '.join(areas.called(number) for number in numbers[:_NAMED])}{more}"


def _code(areas: LevelAreas, numbers: list[int]) -> str | None:
    return areas.codes[numbers[0]] if numbers else None
