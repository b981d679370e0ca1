"""Borders and what stands on them: a border should pass neither through a building nor through a manhole cover."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.deployment import TopologyRules
from ingest.topology.checks import CUTS_BUILDING, CUTS_COMPONENT
from ingest.topology.levels import Finding, LevelAreas, words_m2
from ingest.topology.plane import Floats, Ints, Shapes, gathered


class Features(NamedTuple):
    """Some features by code, with their geometries in WGS 84 degrees; as many at a time as the reader likes."""

    codes: list[str]
    shapes: Shapes


class Borders:
    """The edges of the areas of a level, each once although two areas share it."""

    def __init__(self, areas: LevelAreas) -> None:
        self.areas = areas

    @cached_property
    def tree(self) -> shapely.STRtree:
        """The tree of the edges, lines in the plane."""
        return shapely.STRtree(shapely.linestrings(self._edges()))

    def _edges(self) -> Floats:
        """Return the ends of each edge, shape (edges, 2, 2)."""
        rings = shapely.get_rings(shapely.get_parts(self.areas.shapes))
        at, ring = shapely.get_coordinates(rings, return_index=True)
        follows = np.flatnonzero(ring[1:] == ring[:-1])
        ends = np.stack([at[follows], at[follows + 1]], axis=1)
        turned = (ends[:, 0, 0] > ends[:, 1, 0]) | ((ends[:, 0, 0] == ends[:, 1, 0]) & (ends[:, 0, 1] > ends[:, 1, 1]))
        ends[turned] = ends[turned][:, ::-1]
        order = np.lexsort(ends.reshape(-1, 4).T)
        ends = ends[order]
        again = np.concatenate([[False], (ends[1:] == ends[:-1]).all(axis=(1, 2))]) if len(ends) else np.empty(0, dtype=bool)
        return np.asarray(ends[~again], dtype=np.float64)


def find_cut_buildings(borders: Borders, buildings: Iterable[Features], limits: TopologyRules) -> Iterator[Finding]:
    """Yield the buildings that lie in two areas, with more than a little in the lesser part."""
    for features in buildings:
        shapes = borders.areas.plane.from_wgs84(features.shapes)
        touched = np.unique(borders.tree.query(shapes, predicate="intersects")[0])
        yield from _cut(borders.areas, [features.codes[k] for k in touched.tolist()], shapes[touched], limits)


def _cut(areas: LevelAreas, codes: list[str], shapes: Shapes, limits: TopologyRules) -> Iterator[Finding]:
    row, number = areas.tree.query(shapes, predicate="intersects")
    parts = shapely.intersection(shapes[row], areas.shapes[number])
    sizes = areas.plane.area_m2(parts)
    whole = areas.plane.area_m2(shapes)
    order = np.lexsort((number, -sizes, row))
    first = np.searchsorted(row[order], np.arange(len(shapes) + 1))
    for k in range(len(shapes)):
        mine = order[first[k] : first[k + 1]]
        if len(mine) < 2:
            continue
        most, second = mine[0], mine[1]
        # Where areas overlap a building may lie wholly in two of them: what is cut off is what the first one does not have.
        lesser = min(sizes[second], whole[k] - sizes[most])
        if lesser > max(limits.cut_m2, limits.cut_share * whole[k]):
            a, b = int(number[most]), int(number[second])
            words = (
                f"Building {codes[k]} ({words_m2(whole[k])}) lies in {areas.called(a)} and, with {words_m2(lesser)}, in {areas.called(b)}."
            )
            yield Finding(CUTS_BUILDING, areas.level, areas.codes[min(a, b)], words, shapes[k])


def find_cut_components(borders: Borders, components: Iterable[Features], limits: TopologyRules) -> Iterator[Finding]:
    """Yield the components (points) that an edge passes nearer to than their radius."""
    for features in components:
        shapes = borders.areas.plane.from_wgs84(features.shapes)
        point, edge = borders.tree.query(shapes, predicate="dwithin", distance=limits.cover_radius_m)
        near = shapely.distance(shapes[point], borders.tree.geometries[edge])
        hit = np.unique(point)
        yield from _passed(borders.areas, features, shapes, hit, _smallest(point, near, hit))


def _smallest(owner: Ints, value: Floats, wanted: Ints) -> Floats:
    """Return the smallest value of each wanted owner."""
    least = np.full(len(wanted), np.inf)
    np.minimum.at(least, np.searchsorted(wanted, owner), value)
    return least


def _passed(areas: LevelAreas, features: Features, shapes: Shapes, hit: Ints, near: Floats) -> Iterator[Finding]:
    row, number = areas.tree.query(shapes[hit], predicate="dwithin", distance=1e-6 + near)
    beside: list[list[int]] = [[] for _ in range(len(hit))]
    for k, found in sorted(zip(row.tolist(), number.tolist(), strict=True)):
        beside[k].append(found)
    for k, numbers in enumerate(beside):
        names = " and ".join(areas.called(found) for found in numbers)
        words = f"A border of {names} passes {near[k]:.2f} m from the middle of component {features.codes[hit[k]]}."
        yield Finding(CUTS_COMPONENT, areas.level, areas.codes[numbers[0]], words, gathered(shapes[hit[k : k + 1]]))
