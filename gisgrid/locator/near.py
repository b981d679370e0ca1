"""What is kept for the distances to edges: by blocks of ground, the edges of each area that can be nearest there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.chunks import gathered, side_by_side
from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs, expand, first_least, same_shapes, some
from gisgrid.locator.ground import metres_per_degree_many
from gisgrid.locator.outskirts import Tree, build_tree, edges_outside, no_tree
from gisgrid.locator.overlaps import Coverage, pairs_with
from gisgrid.locator.raster import Frame, frame_for

# Pairs of a block and an edge that are compared in one go.
_PAIRS = 1 << 16
_BLOCKS_PER_AREA = 32
_TINY = 1e-300


class Near(NamedTuple):
    """For each block of ground that an area's box touches, the edges of the area that can be nearest to a point there.

    Area a has blocks from ``column[a]``, ``row[a]``, ``columns[a]`` by ``rows[a]`` of them; block (c, r) is slot
    ``base[a] + (r - row[a]) * columns[a] + c - column[a]``, with ``edge[first[slot]:first[slot + 1]]``.
    """

    column: Longs
    row: Longs
    columns: Longs
    rows: Longs
    base: Longs
    first: Longs
    edge: Ints


class BoundaryState(NamedTuple):
    """All that a ``Boundary`` holds beside the edges, as flat arrays: what a file of it keeps.

    ``tree`` tells which edges can be nearest to a place outside all areas; ``overlaps`` has a row for each pair of areas that have
    ground in common, and ``strange`` flags areas of which that cannot be told, see ``overlaps.Coverage``.
    """

    frame: Frame
    near: Near
    tree: Tree
    overlaps: Longs
    strange: Flags


def boundary_state(index: AreaIndex) -> BoundaryState:
    """Return what is kept for an index."""
    edges, strange = index.edges, index.state.strange
    frame = frame_for(edges, len(index), _BLOCKS_PER_AREA)
    coverage = Coverage(edges, strange)
    near, (tree, pairs) = side_by_side(
        lambda: near_edges(edges, along_of(edges), frame),
        lambda: (_tree(index, edges_outside(edges, coverage.rims)), coverage.pairs),
    )
    return BoundaryState(frame, near, tree, pairs, strange)


def along_of(edges: Edges) -> tuple[Floats, Floats]:
    """Return the way from each edge's start to its end, degrees."""
    return edges.x2 - edges.x1, edges.y2 - edges.y1


def ends_of(edges: Edges, along: tuple[Floats, Floats], near: Near) -> tuple[Floats, Floats, Floats, Floats]:
    """Return start and way of the edges of ``near``, degrees: beside each other in memory, as they are asked."""
    x1, y1, along_x, along_y = (part.take(near.edge) for part in (edges.x1, edges.y1, *along))
    return x1, y1, along_x, along_y


def _tree(index: AreaIndex, outside: Longs) -> Tree:
    return build_tree(index.edges, outside, lambda lon, lat: index.covering_many(lon, lat).number >= 0)


def state_after(
    before: BoundaryState, tree: Tree | None, coverage: Coverage, was: AreaIndex, now: AreaIndex
) -> tuple[BoundaryState, Callable[[], Tree] | None]:
    """Return what is kept for ``now``, from what is kept for ``was`` and its ``coverage``, wherever shapes are the same.

    The tree takes as long as all the rest: where it has to be made anew (``tree``, that of before, is None, or there are other rims), the
    state has an empty one, and what makes it comes with it.
    """
    edges, strange = now.edges, now.state.strange
    old = _same_areas(was, now)
    fresh = np.flatnonzero(old < 0)
    if 2 * len(fresh) > len(now):
        return boundary_state(now), None
    part = some(edges, fresh)
    made = near_edges(part, along_of(part), before.frame)
    pick = old.copy()
    pick[fresh] = len(was) + np.arange(len(fresh))
    near = _joined(before.near, made, pick, edges.first[:-1] - np.concatenate([was.edges.first[:-1], part.first[:-1]])[pick])
    number = np.full(len(was), -1)
    number[old[old >= 0]] = np.flatnonzero(old >= 0)
    pairs = number[before.overlaps]
    pairs = np.concatenate([pairs[(pairs >= 0).all(axis=1)], pairs_with(edges, fresh)])
    outside = edges_outside(edges, Coverage(edges, strange).rims)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    state = BoundaryState(before.frame, near, no_tree(), pairs, strange)
    if tree is not None:
        edge_of = _moved_edges(was.edges, edges, number)
        if np.array_equal(np.sort(edge_of[edges_outside(was.edges, coverage.rims)]), outside):
            return state._replace(tree=tree._replace(edge=edge_of[tree.edge].astype(np.int32))), None
    return state, partial(_tree, now, outside)


def _same_areas(was: AreaIndex, now: AreaIndex) -> Longs:
    """Return for each area the number that it had when its shape was the same, -1 where it was not there or was another."""
    old = np.array([was.number_of.get(ref.code, -1) for ref in now.refs], dtype=np.int64)
    known = np.flatnonzero(old >= 0)
    same = same_shapes(was.edges, old[known], now.edges, known) & (was.state.strange[old[known]] == now.state.strange[known])
    old[known[~same]] = -1
    return old


def _moved_edges(was: Edges, now: Edges, number: Longs) -> Longs:
    """Return where each edge is when areas have the numbers ``number``; -1 for edges of areas that are gone."""
    shift = now.first[number] - was.first[:-1]
    return np.where(number[was.area] >= 0, np.arange(len(was.x1)) + shift[was.area], -1)


def _joined(one: Near, other: Near, pick: Longs, shift: Longs) -> Near:
    """Return the blocks of some areas of two, those of the second one numbered on; ``shift`` is how far the edges of each move."""
    column, row, columns, rows = (np.concatenate([old, new])[pick] for old, new in zip(one[:4], other[:4], strict=True))
    blocks = columns * rows
    base = np.concatenate([one.base, other.base + len(one.first) - 1])[pick]
    counts = np.concatenate([np.diff(one.first), np.diff(other.first)])
    starts = np.concatenate([one.first[:-1], other.first[:-1] + len(one.edge)])
    owner, slot = expand(base, blocks)
    count = counts[slot]
    _, member = expand(starts[slot], count)
    edge = np.concatenate([one.edge, other.edge]).take(member) + np.repeat(shift[owner], count)
    return Near(column, row, columns, rows, np.cumsum(blocks) - blocks, np.concatenate([[0], np.cumsum(count)]), edge.astype(np.int32))


def share_along(from_x: Floats, from_y: Floats, along_x: Floats, along_y: Floats) -> Floats:
    """Return how far along each edge its nearest place is, 0 to 1; metres in."""
    share = -(from_x * along_x + from_y * along_y) / (along_x * along_x + along_y * along_y + _TINY)
    np.clip(share, 0.0, 1.0, out=share)
    return share


def near_edges(edges: Edges, along: tuple[Floats, Floats], frame: Frame) -> Near:
    """Return the edges that can be nearest to a point of an area, by blocks.

    The nearest edge of any point in a block is, at the block's middle, at most twice the way to the block's corner farther
    than the edge nearest to the middle.
    """
    areas = len(edges.first) - 1
    u = (np.minimum(edges.x1, edges.x2) - frame.x0) * frame.per_x, (np.maximum(edges.x1, edges.x2) - frame.x0) * frame.per_x
    v = (np.minimum(edges.y1, edges.y2) - frame.y0) * frame.per_y, (np.maximum(edges.y1, edges.y2) - frame.y0) * frame.per_y
    column, row = (_extreme(np.minimum, part[0], edges.area, areas) for part in (u, v))
    columns, rows = (_extreme(np.maximum, part[1], edges.area, areas) - low + 1 for part, low in ((u, column), (v, row)))
    blocks = np.where(np.diff(edges.first) > 0, columns * rows, 0)
    area, place = expand(np.zeros(areas, np.int64), blocks)
    middle_lon = frame.x0 + (column[area] + place % np.maximum(columns[area], 1) + 0.5) / frame.per_x
    middle_lat = frame.y0 + (row[area] + place // np.maximum(columns[area], 1) + 0.5) / frame.per_y

    def work(part: slice) -> tuple[Longs, Longs]:
        return _nearest_of(edges, along, frame, (area[part], middle_lon[part], middle_lat[part]))

    none = np.zeros(0, np.int64)
    counts, chosen = zip((none, none), *gathered(work, _cut(np.diff(edges.first)[area])), strict=True)
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    base = np.cumsum(blocks) - blocks
    return Near(
        column, row, np.where(blocks > 0, columns, 0), np.where(blocks > 0, rows, 0), base, first, np.concatenate(chosen).astype(np.int32)
    )


def _cut(count: Longs) -> list[slice]:
    """Return pieces of blocks that have as many pairs of a block and an edge as stay in the processor's cache."""
    ends = np.cumsum(count)
    total = int(ends[-1]) if len(ends) else 0
    stops = np.unique(np.append(np.searchsorted(ends, np.arange(_PAIRS, total, _PAIRS)), len(ends))).tolist()
    return [slice(start, stop) for start, stop in pairwise([0, *stops]) if stop > start]


def _extreme(which: np.ufunc, value: Floats, area: Ints, areas: int) -> Longs:
    """Return the least or greatest block of each area."""
    found = np.zeros(areas, np.int64)
    if len(value):
        heads = np.flatnonzero(np.diff(area, prepend=-1))
        found[area[heads]] = np.floor(which.reduceat(value, heads)).astype(np.int64)
    return found


def _nearest_of(edges: Edges, along: tuple[Floats, Floats], frame: Frame, blocks: tuple[Longs, Floats, Floats]) -> tuple[Longs, Longs]:
    """Return for each block how many edges of its area are kept, and those edges."""
    area, lon, lat = blocks
    per_lon, per_lat = metres_per_degree_many(lat)
    half = per_lon / frame.per_x / 2.0, per_lat / frame.per_y / 2.0
    # How far the scale can be out within a block, and some more.
    wrong = np.radians(1.0 / frame.per_y) * np.tan(np.radians(np.minimum(np.abs(lat) + 1.0 / frame.per_y, 89.9))) + 1e-6
    count = np.diff(edges.first)[area]
    _, edge = expand(edges.first[area], count)
    seen = _seen(edges, along, (edge, count), (lon, lat, per_lon, per_lat))
    square, _, _ = seen.squares_from(np.zeros(1), np.zeros(1), np.array([len(edge)]))
    least = np.sqrt(np.minimum.reduceat(square, np.cumsum(count) - count))
    # Roughly first, so that less is left to be compared from the corners.
    enough = (least + 2.0 * np.hypot(*half)) * (1.0 + 3.0 * wrong)
    kept = np.flatnonzero(square <= np.repeat(enough * enough, count))
    count = _left(kept, count)
    edge, seen = edge.take(kept), _Seen(*(part.take(kept) for part in seen))
    kept = np.flatnonzero(_not_farther(seen, count, half, 1.0 - 3.0 * wrong))
    return _left(kept, count), edge.take(kept)


def _left(kept: Longs, count: Longs) -> Longs:
    """Return how many members of each run are kept."""
    ends = np.searchsorted(kept, np.cumsum(count))
    return np.diff(ends, prepend=0)


class _Seen(NamedTuple):
    """Edges as seen from the middles of blocks: start and way in metres, and the square of the way."""

    x: Floats
    y: Floats
    along_x: Floats
    along_y: Floats
    square: Floats

    def squares_from(self, east: Floats, north: Floats, count: Longs) -> tuple[Floats, Floats, Floats]:
        """Return the square of how far each edge is from a place so far east and north of its block's middle, and its nearest place.

        The places are given once for each of the blocks, which have ``count`` edges. No roots: they take as long as all the rest.
        """
        from_x, from_y = self.x - np.repeat(east, count), self.y - np.repeat(north, count)
        share = (from_x * self.along_x + from_y * self.along_y) / self.square
        np.clip(np.negative(share, out=share), 0.0, 1.0, out=share)
        from_x += share * self.along_x
        from_y += share * self.along_y
        return from_x * from_x + from_y * from_y, from_x, from_y


def _seen(edges: Edges, along: tuple[Floats, Floats], chosen: tuple[Longs, Longs], middles: tuple[Floats, Floats, Floats, Floats]) -> _Seen:
    edge, count = chosen
    lon, lat, per_lon, per_lat = (np.repeat(part, count) for part in middles)
    x, y = (edges.x1.take(edge) - lon) * per_lon, (edges.y1.take(edge) - lat) * per_lat
    along_x, along_y = along[0].take(edge) * per_lon, along[1].take(edge) * per_lat
    return _Seen(x, y, along_x, along_y, along_x * along_x + along_y * along_y + _TINY)


def _not_farther(seen: _Seen, count: Longs, half: tuple[Floats, Floats], fair: Floats) -> Flags:
    """Return which edges can be the nearest somewhere in their blocks, by the rule of ``outskirts``, on the plane.

    An edge cannot where, seen from all four corners, it is farther by the factor ``1 / fair`` than one place on some edge.
    """
    heads = np.cumsum(count) - count
    corners = [(east * half[0], north * half[1]) for east, north in ((-1, -1), (1, -1), (-1, 1), (1, 1))]
    squares, feet = [], []
    for east, north in corners:
        square, x, y = seen.squares_from(east, north, count)
        best = first_least(square, heads, count)
        squares.append(square)
        feet.append((x[best] + east, y[best] + north))
    keep = np.ones(len(seen.x), bool)
    for x, y in feet:
        near = np.zeros(len(seen.x), bool)
        for square, (east, north) in zip(squares, corners, strict=True):
            near |= square <= np.repeat(((x - east) ** 2 + (y - north) ** 2) / (fair * fair), count)
        keep &= near
    return keep
