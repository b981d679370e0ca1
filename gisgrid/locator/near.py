"""What is kept for the distances to edges: by blocks of ground, the edges of each area that can be nearest there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.chunks import side_by_side
from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs, expand, first_least, same_shapes, some
from gisgrid.locator.ground import metres_per_degree_many
from gisgrid.locator.outskirts import Tree, build_tree, edges_outside, no_tree
from gisgrid.locator.overlaps import Coverage, pairs_with
from gisgrid.locator.raster import Frame, frame_for

_CHUNK = 1 << 13
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
    counts, chosen = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for start in range(0, len(area), _CHUNK):
        part = slice(start, start + _CHUNK)
        count, edge = _nearest_of(edges, along, frame, (area[part], middle_lon[part], middle_lat[part]))
        counts.append(count)
        chosen.append(edge)
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    base = np.cumsum(blocks) - blocks
    return Near(
        column, row, np.where(blocks > 0, columns, 0), np.where(blocks > 0, rows, 0), base, first, np.concatenate(chosen).astype(np.int32)
    )


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
    owner, edge = expand(edges.first[area], np.diff(edges.first)[area])
    per_lon, per_lat = metres_per_degree_many(lat)
    half = per_lon / frame.per_x / 2.0, per_lat / frame.per_y / 2.0
    # How far the scale can be out within a block, and some more.
    wrong = np.radians(1.0 / frame.per_y) * np.tan(np.radians(np.minimum(np.abs(lat) + 1.0 / frame.per_y, 89.9))) + 1e-6
    flat = _flat(edges, along, (owner, edge), (lon, lat, per_lon, per_lat))
    distance, _, _ = _from(flat, owner, np.zeros(len(area)), np.zeros(len(area)))
    least = np.minimum.reduceat(distance, np.flatnonzero(np.diff(owner, prepend=-1)))
    # Roughly first, so that less is left to be compared from the corners.
    kept = np.flatnonzero(distance <= ((least + 2.0 * np.hypot(*half)) * (1.0 + 3.0 * wrong)).take(owner))
    owner, edge = owner[kept], edge[kept]
    flat = _Flat(*(part[kept] for part in flat))
    kept = np.flatnonzero(_not_farther(flat, owner, half, 1.0 - 3.0 * wrong))
    return np.bincount(owner[kept], minlength=len(area)), edge[kept]


class _Flat(NamedTuple):
    """Edges as seen from the middles of blocks: start and way in metres."""

    x: Floats
    y: Floats
    along_x: Floats
    along_y: Floats


def _flat(edges: Edges, along: tuple[Floats, Floats], pairs: tuple[Longs, Longs], middles: tuple[Floats, Floats, Floats, Floats]) -> _Flat:
    owner, edge = pairs
    lon, lat, per_lon, per_lat = (part.take(owner) for part in middles)
    x, y = (edges.x1.take(edge) - lon) * per_lon, (edges.y1.take(edge) - lat) * per_lat
    return _Flat(x, y, along[0].take(edge) * per_lon, along[1].take(edge) * per_lat)


def _from(flat: _Flat, owner: Longs, east: Floats, north: Floats) -> tuple[Floats, Floats, Floats]:
    """Return how far each edge is from a place so far east and north of its block's middle, and where its nearest place is."""
    place_x, place_y = east.take(owner), north.take(owner)
    share = share_along(flat.x - place_x, flat.y - place_y, flat.along_x, flat.along_y)
    x, y = flat.x + share * flat.along_x, flat.y + share * flat.along_y
    return np.hypot(x - place_x, y - place_y), x, y


def _not_farther(flat: _Flat, owner: Longs, half: tuple[Floats, Floats], fair: Floats) -> Flags:
    """Return which edges can be the nearest somewhere in their blocks, by the rule of ``outskirts``, on the plane.

    An edge cannot where, seen from all four corners, it is farther by the factor ``1 / fair`` than one place on some edge.
    """
    heads = np.flatnonzero(np.diff(owner, prepend=-1))
    count = np.diff(np.append(heads, len(owner)))
    corners = [(east * half[0], north * half[1]) for east, north in ((-1, -1), (1, -1), (-1, 1), (1, 1))]
    distances, feet = [], []
    for corner in corners:
        distance, x, y = _from(flat, owner, *corner)
        best = first_least(distance, heads, count)
        distances.append(distance * fair.take(owner))
        feet.append((x[best], y[best]))
    keep = np.ones(len(owner), bool)
    which = owner[heads]
    for x, y in feet:
        near = np.zeros(len(owner), bool)
        for distance, (east, north) in zip(distances, corners, strict=True):
            near |= distance <= np.repeat(np.hypot(x - east[which], y - north[which]), count)
        keep &= near
    return keep
