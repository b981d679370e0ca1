"""Around all areas: which edges can be the nearest to a place outside, looked up by where the place is.

The way from a place outside all areas to any edge crosses a rim (an edge that no neighbour shares, see ``overlaps``) before any
other, or meets one at its end; so rims, and the edges that end where a rim does, are the only ones that can be nearest.
The ground up to 60 km around is divided into quarters again and again. A block inherits the edges of the one it is a quarter of,
without those that cannot be nearest anywhere in it: if a place on some edge is nearer to all four corners of the block than
another edge is, then it is nearer to every place in the block, for the places nearer to one of two by a given length make up
a half of space, cut by a plane or a hyperboloid, which is convex and holds all of a block if it holds its corners.

This is conservative by construction: distances are straight ones through the Earth, which differ from those on the ground by
``straight_slack_m`` at most, and an edge is left out only if it is farther by more than that and by as much as blocks and edges
bend away from the planes and lines that they are taken for. A block that is left with too many edges, or that lies in
the areas, has no list, and its points are answered by the slow way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gisgrid.locator.edges import Edges, Flags, Floats, Ints, Longs, expand, first_least
from gisgrid.locator.ground import earth_centred, metres_per_degree

_MARGIN_M = 60_000.0
DEEPEST = 11
_FEW, _MANY = 12, 96
_MOST_NODES = 1 << 16
_CHUNK = 1 << 16
TABLE_DEPTH = 6
_RADIUS_M = 6.3e6
_TINY = 1e-300


class Tree(NamedTuple):
    """Blocks of ground: ``child[n]`` is the first of the four quarters of block n (south-west, south-east, north-west, north-east).

    It is -1 for a block that is not divided, which has ``edge[first[n]:first[n + 1]]``. ``table`` gives the block to start at
    for each of 64 by 64 parts of the whole, row by row from the south-west corner at ``west``, ``south``; ``width`` and
    ``height`` are those of the whole, degrees.
    """

    west: float
    south: float
    width: float
    height: float
    child: Ints
    first: Longs
    edge: Ints
    table: Ints


def edges_outside(edges: Edges, rims: Longs) -> Longs:
    """Return the edges that can be nearest to a place outside all areas: ``rims`` and all that end where one does."""
    starts, ends = _keys(edges.x1, edges.y1), _keys(edges.x2, edges.y2)
    wanted = np.sort(np.concatenate([starts[rims], ends[rims]]))
    mark = np.zeros(len(edges.x1), bool)
    mark[rims] = True
    if len(wanted):
        for part in (starts, ends):
            mark |= wanted.take(np.searchsorted(wanted, part), mode="clip") == part
    return np.flatnonzero(mark)


def _keys(x: Floats, y: Floats) -> NDArray[np.uint64]:
    """Return a number for each place; should two places have the same one, an edge too many is looked at."""
    return (x + 0.0).view(np.uint64) * np.uint64(0x9E3779B97F4A7C15) ^ (y + 0.0).view(np.uint64)


class _Rims(NamedTuple):
    """Edges as straight lines in space: start and way in metres from the centre of the Earth, and how far they bend from that."""

    start: Floats
    way: Floats
    square: Floats
    bend: Floats


class _Block(NamedTuple):
    """Blocks of one depth: column and row, how many edges each has, and these."""

    place: Longs
    held: Longs
    edge: Longs


def no_tree() -> Tree:
    """Return blocks without any list: every point is answered by the slow way."""
    none = np.zeros(0, np.int32)
    return Tree(0.0, 0.0, 1.0, 1.0, np.full(1, -1, np.int32), np.zeros(2, np.int64), none, np.zeros(1 << 2 * TABLE_DEPTH, np.int32))


def build_tree(edges: Edges, chosen: Longs, is_covered: Callable[[Floats, Floats], Flags]) -> Tree:
    """Return the blocks around all areas, with the edges of ``chosen`` that can be nearest in each.

    ``is_covered`` tells of places whether they lie in an area; of blocks that have no edge in them it is asked once.
    """
    if not len(chosen):
        return no_tree()
    frame, rims = _whole(edges), _straight(edges, chosen)
    child, counts, lists = [np.full(1, -1, np.int32)], [], []
    block = _Block(np.zeros((1, 2), np.int64), np.array([len(chosen)]), np.arange(len(chosen)))
    made = 1
    for depth in range(DEEPEST + 1):
        block = _without_farther(rims, frame, depth, block, is_covered)
        divided = block.held > _FEW
        if depth == DEEPEST or made + 4 * int(divided.sum()) > _MOST_NODES:
            divided[:] = False
        quarters = np.flatnonzero(divided)
        child[-1][quarters] = made + 4 * np.arange(len(quarters), dtype=np.int32)
        held = np.where(divided | (block.held > _MANY), 0, block.held)
        counts.append(held)
        lists.append(block.edge[np.repeat(held > 0, block.held)])
        if not len(quarters):
            break
        made += 4 * len(quarters)
        child.append(np.full(4 * len(quarters), -1, np.int32))
        block = _quarters(block, quarters)
    children = np.concatenate(child)
    first = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    return Tree(*frame, children, first, chosen[np.concatenate(lists)].astype(np.int32), _table(children))


def _quarters(block: _Block, chosen: Longs) -> _Block:
    """Return the quarters of some blocks, with the same edges."""
    place = (2 * block.place[chosen][:, None, :] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2)
    heads, count = np.cumsum(block.held) - block.held, np.repeat(block.held[chosen], 4)
    _, member = expand(np.repeat(heads[chosen], 4), count)
    return _Block(place, count, block.edge[member])


def _whole(edges: Edges) -> tuple[float, float, float, float]:
    """Return west, south, width and height of the ground that is divided, degrees."""
    west, east, south, north = float(edges.x1.min()), float(edges.x1.max()), float(edges.y1.min()), float(edges.y1.max())
    per_lon, per_lat = metres_per_degree((south + north) / 2.0)
    east_deg, north_deg = _MARGIN_M / max(per_lon, 1.0), _MARGIN_M / per_lat
    return west - east_deg, south - north_deg, east - west + 2.0 * east_deg, north - south + 2.0 * north_deg


def _straight(edges: Edges, chosen: Longs) -> _Rims:
    lat = np.maximum(np.abs(edges.y1[chosen]), np.abs(edges.y2[chosen]))
    start = earth_centred(edges.x1[chosen], edges.y1[chosen])
    way = earth_centred(edges.x2[chosen], edges.y2[chosen]) - start
    square = (way * way).sum(axis=1)
    # Along the ground a line bends down as the Earth does; straight in degrees it also bends aside, as parallels do.
    bend = square / (8.0 * _RADIUS_M) * (1.1 + 1.1 * np.tan(np.radians(np.minimum(lat, 89.9))))
    return _Rims(start, way, square + _TINY, bend)


def _without_farther(
    rims: _Rims, frame: tuple[float, float, float, float], depth: int, block: _Block, is_covered: Callable[[Floats, Floats], Flags]
) -> _Block:
    """Return blocks without the edges that cannot be nearest to any place in them, and those within areas without any."""
    kept, within = [np.zeros(0, bool)], [np.zeros(0, bool)]
    ends = np.cumsum(block.held)
    start = 0
    while start < len(ends):
        # As many blocks as have some ten thousand edges together.
        before = int(ends[start] - block.held[start])
        stop = max(int(np.searchsorted(ends, before + _CHUNK)), start + 1)
        part = _Block(block.place[start:stop], block.held[start:stop], block.edge[before : int(ends[stop - 1])])
        keep, has_edge = _can_be_nearest(rims, frame, depth, part)
        kept.append(keep)
        within.append(~has_edge)
        start = stop
    keep, empty = np.concatenate(kept), np.flatnonzero(np.concatenate(within))
    west, south, width, height = frame
    places = (block.place[empty] + 0.5) / (1 << depth)
    covered = empty[is_covered(west + places[:, 0] * width, south + places[:, 1] * height)]
    owner = np.repeat(np.arange(len(ends)), block.held)
    keep &= ~np.isin(owner, covered)
    return _Block(block.place, np.bincount(owner[keep], minlength=len(ends)), block.edge[keep])


def _can_be_nearest(rims: _Rims, frame: tuple[float, float, float, float], depth: int, block: _Block) -> tuple[Flags, Flags]:
    """Return which edges of each block can be nearest to a place in it, and whether there may be an edge in the block itself."""
    west, south, width, height = frame
    count, edge = block.held, block.edge
    filled = np.flatnonzero(count)
    heads = (np.cumsum(count) - count)[filled]
    owner = np.repeat(np.arange(len(filled)), count[filled])
    place = block.place[filled]
    corners = [
        earth_centred(west + (place[:, 0] + east) * width / (1 << depth), south + (place[:, 1] + north) * height / (1 << depth))
        for east, north in ((0, 0), (1, 0), (0, 1), (1, 1))
    ]
    across = np.linalg.norm(corners[3] - corners[0], axis=1)
    start, way, square, bend = rims.start.take(edge, 0), rims.way.take(edge, 0), rims.square.take(edge), rims.bend.take(edge)
    distances, feet, bent, least = [], [], [], np.full(len(filled), np.inf)
    for corner in corners:
        apart = start - corner.take(owner, 0)
        share = np.clip(-np.einsum("ij,ij->i", apart, way) / square, 0.0, 1.0)
        apart += share[:, None] * way
        distance = np.sqrt(np.einsum("ij,ij->i", apart, apart))
        best = first_least(distance, heads, count[filled])
        distances.append(distance - bend)
        feet.append(apart[best] + corner)
        bent.append(bend[best])
        least = np.minimum(least, distance[best])
    far = least + across
    # What straight distances may tell wrongly, and how far a block bulges out of the plane of its corners, twice.
    slack = 2e-3 + 3e-6 * far * (1.0 + (far / 1e5) ** 2) + across * across / (4.0 * _RADIUS_M)
    keep = np.ones(len(edge), bool)
    for foot, bend_there in zip(feet, bent, strict=True):
        near = np.zeros(len(edge), bool)
        for distance, corner in zip(distances, corners, strict=True):
            near |= distance <= (np.linalg.norm(foot - corner, axis=1) + bend_there + slack).take(owner)
        keep &= near
    has_edge = np.zeros(len(count), bool)
    has_edge[filled] = least <= 1.01 * across + slack
    return keep, has_edge


def _table(child: Ints) -> Ints:
    """Return the block in which each of 64 by 64 parts of the whole lies, as deep as blocks that hold whole parts go."""
    size = 1 << TABLE_DEPTH
    row, column = np.divmod(np.arange(size * size), size)
    node = np.zeros(size * size, np.int32)
    for depth in range(1, TABLE_DEPTH + 1):
        shift = TABLE_DEPTH - depth
        quarter = 2 * (row >> shift & 1) + (column >> shift & 1)
        node = np.where(child[node] >= 0, child[node] + quarter, node).astype(np.int32)
    return node
