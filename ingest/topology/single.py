"""What can be said of areas without looking at their neighbours' borders: parts, size, names, numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import shapely

from ingest.topology.checks import AREA_OUT_OF_RANGE, DUPLICATE_NAME, MULTI_PART, SEQUENCE_ORDER
from ingest.topology.levels import Finding, LevelAreas, words_m2
from ingest.topology.plane import gathered


def find_multi_part(areas: LevelAreas) -> Iterator[Finding]:
    """Yield the areas of several parts, at the place of all but the largest."""
    for number in np.flatnonzero(shapely.get_num_geometries(areas.shapes) > 1).tolist():
        parts = shapely.get_parts(areas.shapes[number])
        order = np.argsort(-shapely.area(parts), kind="stable")
        parts = parts[order]
        largest, rest = areas.plane.area_m2(parts[:1])[0], areas.plane.area_m2(parts[1:]).sum()
        words = f"{areas.called(number)} has {len(parts)} parts: the largest has {words_m2(largest)}, the others {words_m2(rest)} together."
        yield Finding(MULTI_PART, areas.level, areas.codes[number], words, gathered(parts[1:]))


def find_out_of_range(areas: LevelAreas, smallest_m2: float | None, largest_m2: float | None) -> Iterator[Finding]:
    """Yield the areas that are smaller or larger than a deployment allows."""
    if smallest_m2 is None and largest_m2 is None:
        return
    sizes = areas.plane.area_m2(areas.shapes)
    for number, size in enumerate(sizes.tolist()):
        if smallest_m2 is not None and size < smallest_m2:
            words = f"less than the {words_m2(smallest_m2)} that a {areas.word} should have."
        elif largest_m2 is not None and size > largest_m2:
            words = f"more than the {words_m2(largest_m2)} that a {areas.word} should have."
        else:
            continue
        yield Finding(
            AREA_OUT_OF_RANGE,
            areas.level,
            areas.codes[number],
            f"{areas.called(number)} has {words_m2(size)}, {words}",
            areas.shapes[number],
        )


def find_duplicate_names(areas: LevelAreas) -> Iterator[Finding]:
    """Yield the areas that have the name of one with a smaller code in the same parent."""
    first: dict[tuple[str | None, str], int] = {}
    for number, (parent, name) in enumerate(zip(areas.parent_codes, areas.names, strict=True)):
        if not name:
            continue
        earlier = first.setdefault((parent, name), number)
        if earlier != number:
            words = f"{areas.called(number)} has the same name as {areas.codes[earlier]} in {parent or 'the same level'}."
            yield Finding(DUPLICATE_NAME, areas.level, areas.codes[number], words, areas.shapes[number])


def find_out_of_sequence(areas: LevelAreas, digits: int) -> Iterator[Finding]:
    """Yield the areas that lie wholly north and west of one of the same parent with a smaller number.

    The last ``digits`` characters of a code are the number; a code that ends otherwise has none. Numbers run from west to east and
    then from north to south (Beijing's DB11 text), in rows that nobody can draw sharply; what is asked here is wrong however
    the rows are drawn.
    """
    members: dict[str | None, list[tuple[int, int]]] = defaultdict(list)
    for number, (code, parent) in enumerate(zip(areas.codes, areas.parent_codes, strict=True)):
        if code[-digits:].isdecimal():
            members[parent].append((int(code[-digits:]), number))
    boxes = shapely.bounds(areas.shapes)
    for family in members.values():
        numbers = np.array([number for _, number in sorted(family)], dtype=np.int64)
        west, south, east, north = boxes[numbers].T
        for place in range(1, len(numbers)):
            passed = np.flatnonzero((north[:place] <= south[place]) & (west[:place] >= east[place]))
            if passed.size:
                mine, other = int(numbers[place]), int(numbers[passed[0]])
                words = f"{areas.called(mine)} lies north and west of {areas.called(other)}, but has the larger number."
                yield Finding(SEQUENCE_ORDER, areas.level, areas.codes[mine], words, areas.shapes[mine])
