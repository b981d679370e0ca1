"""Building footprints: rows of rectangles, L shapes and courtyards inside the blocks, back from the roads."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.arrays import Bools, Floats, Geoms, Ints
from ingest.sample.blocks import USES, Blocks
from ingest.sample.lattice import Lattice
from ingest.sample.plan import BUILDINGS, Plan
from ingest.sample.roads import Roads

RECTANGLE, ANGLE, COURT = 0, 1, 2
"""Shapes of a footprint."""

_PAVEMENT_M = 3.5


class Style(NamedTuple):
    """How a use builds: lengths, depths and gaps in metres, share of L shapes and of courtyards, share of plots built on."""

    length: tuple[float, float]
    depth: tuple[float, float]
    gap_x: float
    gap_y: float
    angles: float
    courts: float
    filled: float


STYLES = {
    "estate": Style((15.0, 30.0), (10.0, 12.0), 4.5, 8.5, 0.03, 0.0, 0.98),
    "tower": Style((19.0, 26.0), (15.0, 20.0), 11.0, 14.0, 0.10, 0.0, 0.95),
    "court": Style((12.5, 20.0), (11.0, 16.5), 3.0, 3.5, 0.18, 0.55, 0.97),
    "mixed": Style((8.0, 15.0), (8.0, 11.0), 2.5, 4.5, 0.10, 0.0, 0.92),
    "school": Style((34.0, 56.0), (12.0, 17.0), 12.0, 24.0, 0.30, 0.05, 0.85),
    "industry": Style((22.0, 42.0), (14.0, 23.0), 7.0, 8.0, 0.12, 0.0, 0.92),
    "office": Style((24.0, 38.0), (18.0, 28.0), 10.0, 12.0, 0.25, 0.05, 0.92),
    "park": Style((6.0, 11.0), (5.0, 8.0), 30.0, 34.0, 0.0, 0.0, 0.5),
}
"""How each use of block is built up."""


class Footprints(NamedTuple):
    """Buildings as polygons in EPSG:4549 metres, with their block, shape, centre (n, 2) and turn (radians)."""

    polygons: Geoms
    block: Ints
    centre: Floats
    size: Floats
    turn: Floats


def make_footprints(plan: Plan, lattice: Lattice, blocks: Blocks, roads: Roads) -> Footprints:
    """Return about ``BUILDINGS`` x scale footprints that lie in their blocks and apart from one another."""
    rng = plan.rng("buildings")
    insets = _insets(plan, blocks, roads)
    turn = _turns(lattice, blocks)
    boxes, block = _fill(rng, insets, blocks, turn)
    polygons = _draw(boxes, turn[block], blocks.centre[block])
    shapely.prepare(insets)
    kept = np.nonzero(shapely.contains_properly(insets[block], polygons))[0]
    wanted = plan.count(BUILDINGS)
    if len(kept) > wanted:
        kept = np.sort(rng.choice(kept, wanted, replace=False))
    centre = _turned(boxes[kept, :2] + boxes[kept, 2:4] / 2.0, turn[block[kept]]) + blocks.centre[block[kept]]
    return Footprints(polygons[kept], block[kept], centre, boxes[kept, 2:4], turn[block[kept]])


def _insets(plan: Plan, blocks: Blocks, roads: Roads) -> Geoms:
    """Return the part of each block that may be built on: back from its widest road by carriageway and pavement."""
    back = np.zeros(len(blocks))
    for side in (0, 1):
        has = blocks.edge_blocks[:, side] >= 0
        np.maximum.at(back, blocks.edge_blocks[has, side], roads.half_width_m[has])
    inset = np.asarray(shapely.buffer(blocks.polygons_m, -(back + _PAVEMENT_M * plan.shrink), join_style="mitre"), dtype=np.object_)
    several = np.nonzero(shapely.get_type_id(inset) == shapely.GeometryType.MULTIPOLYGON)[0]
    for number in several:
        parts = shapely.get_parts(inset[number])
        inset[number] = parts[int(np.argmax(shapely.area(parts)))]
    return inset


def _turns(lattice: Lattice, blocks: Blocks) -> Floats:
    """Return the direction of each block's long rows in radians, that of its roads that run about east-west."""
    cells = lattice.cell_edges[blocks.first_cell]
    south, north = lattice.edge_xy[cells[:, 0]], lattice.edge_xy[cells[:, 2]]
    run = (south[:, -1] - south[:, 0]) + (north[:, -1] - north[:, 0])
    return np.asarray(np.arctan2(run[:, 1], run[:, 0]))


def _fill(rng: np.random.Generator, insets: Geoms, blocks: Blocks, turn: Floats) -> tuple[Floats, Ints]:
    """Lay rows of plots over each block; returns boxes (n, 5) x, y, length, depth, shape in the block's own frame."""
    boxes: list[tuple[float, float, float, float, float]] = []
    owner: list[int] = []
    corners, ring = shapely.get_coordinates(insets, return_index=True)
    local = _turned(corners - blocks.centre[ring], -turn[ring])
    starts = np.searchsorted(ring, np.arange(len(insets) + 1))
    for number in np.unique(ring).tolist():
        before = len(boxes)
        _rows(rng, STYLES[USES[blocks.use[number]]], local[starts[number] : starts[number + 1]], boxes)
        owner.extend([number] * (len(boxes) - before))
    return np.array(boxes).reshape(-1, 5), np.array(owner, dtype=np.int64)


def _rows(rng: np.random.Generator, style: Style, outline: Floats, boxes: list[tuple[float, float, float, float, float]]) -> None:
    """Append the plots of one block, whose ``outline`` (k, 2) is a closed ring in its own frame, row by row from the south."""
    (_, y0), (_, y1) = outline.min(axis=0).tolist(), outline.max(axis=0).tolist()
    height = (y1 - y0) * 0.97
    ring = outline.tolist()
    # A block smaller than its plots gets one plot that fits.
    depth = rng.uniform(*style.depth) if height > style.depth[1] else 0.7 * height
    lanes = max(1, int((height + style.gap_y) // (depth + style.gap_y)))
    step = (height + style.gap_y) / lanes
    for lane in range(lanes):
        y = y0 + 0.015 * (y1 - y0) + lane * step + (step - style.gap_y - depth) * 0.5
        left, right = _span(ring, y, y + depth)
        if right - left > 0.0:
            _row(rng, style, (left, right, y, depth), boxes)


def _span(outline: list[list[float]], low: float, high: float) -> tuple[float, float]:
    """Return from where to where a row between two heights fits into a nearly convex ring."""
    left, right = -math.inf, math.inf
    for height in (low, high):
        crossings = []
        ax, ay = outline[0]
        for bx, by in outline[1:]:
            if (ay <= height) != (by <= height):
                crossings.append(ax + (height - ay) / (by - ay) * (bx - ax))
            ax, ay = bx, by
        if not crossings:
            return 0.0, 0.0
        left, right = max(left, min(crossings)), min(right, max(crossings))
    return left + 0.3, right - 0.3


def _row(
    rng: np.random.Generator, style: Style, row: tuple[float, float, float, float], boxes: list[tuple[float, float, float, float, float]]
) -> None:
    left, right, y, depth = row
    width = right - left
    length = rng.uniform(*style.length) if width > style.length[1] else min(style.length[0], 0.85 * width)
    plots = max(1, int((width + style.gap_x) // (length + style.gap_x)))
    step = (width + style.gap_x) / plots
    room = step - style.gap_x
    if length < 5.0 and width < 5.0:
        return
    for plot, (built, shape, trim) in enumerate(rng.random((plots, 3)).tolist()):
        if built > style.filled:
            continue
        full = length + 0.8 * (room - length)
        kind = COURT if shape < style.courts and full > 14 and depth > 12 else ANGLE if shape > 1.0 - style.angles else RECTANGLE
        short = full * (1.0 - 0.18 * trim)
        boxes.append((left + plot * step + (room - short) * 0.5, y, short, depth, float(kind)))


def _draw(boxes: Floats, turn: Floats, origin: Floats) -> Geoms:
    """Return the polygons of boxes in their blocks' frames as EPSG:4549 metres."""
    kind = boxes[:, 4]
    result = np.full(len(boxes), None, dtype=np.object_)
    outlines = {
        RECTANGLE: ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)),
        ANGLE: ((0, 0), (1, 0), (1, 0.55), (0.42, 0.55), (0.42, 1), (0, 1), (0, 0)),
        COURT: ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)),
    }
    for shape, outline in outlines.items():
        chosen = kind == shape
        if not chosen.any():
            continue
        rings = _frame_rings(boxes[chosen], np.array(outline, dtype=np.float64), turn[chosen], origin[chosen])
        holes = None
        if shape == COURT:
            yard = np.array([(0.28, 0.28), (0.28, 0.72), (0.72, 0.72), (0.72, 0.28), (0.28, 0.28)])
            holes = shapely.linearrings(_frame_rings(boxes[chosen], yard, turn[chosen], origin[chosen]))[:, None]
        result[chosen] = shapely.polygons(shapely.linearrings(rings), holes=holes)
    return result


def _frame_rings(boxes: Floats, outline: Floats, turn: Floats, origin: Floats) -> Floats:
    local = boxes[:, None, :2] + outline[None] * boxes[:, None, 2:4]
    return _turned(local, turn[:, None]) + origin[:, None]


def _turned(xy: Floats, angle: Floats) -> Floats:
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * xy[..., 0] - sin * xy[..., 1], sin * xy[..., 0] + cos * xy[..., 1]], axis=-1)


def share_multi(rng: np.random.Generator, count: int, share: float = 0.35) -> Bools:
    """Return which of ``count`` buildings are written as MultiPolygon: real files mix both types."""
    return rng.random(count) < share
