"""The street pattern: a warped lattice whose cells are blocks and whose edges are roads, shared vertex for vertex.

Node (i, j) has the number ``i * (ny + 1) + j``, cell (i, j) the number ``i * ny + j``. An edge runs from node ``a`` to node
``b`` in the direction of rising i (line kind 0) or rising j (line kind 1), and carries ``EDGE_POINTS`` vertices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from ingest.sample.arrays import Bools, Floats, Geoms, Ints
from ingest.sample.outline import Outline, make_outline, to_degrees
from ingest.sample.plan import CELL_HEIGHT_M, CELL_WIDTH_M, Plan
from ingest.sample.shapes import ring_areas, rings_to_polygons

EDGE_POINTS = 4
ROUNDING_DIGITS = 8  # of a degree: one millimetre


@dataclass(frozen=True)
class Lattice:
    """Cells of the district and the edges between them; all arrays over cells hold only the cells inside.

    ``cell_ij`` (n, 2); ``cell_edges`` (n, 4) south, east, north, west; ``edge_ends`` (m, 2) nodes; ``edge_cells`` (m, 2) cell to
    the left and right, -1 outside; ``edge_line`` (m, 3) kind, line number, place along the line; ``edge_xy`` metres and
    ``edge_lonlat`` degrees (m, EDGE_POINTS, 2).
    """

    shape: tuple[int, int]
    cell_ij: Ints
    cell_edges: Ints
    edge_ends: Ints
    edge_cells: Ints
    edge_line: Ints
    edge_xy: Floats
    edge_lonlat: Floats

    def cell_rings(self, vertices: Floats) -> Floats:
        """Return closed counter-clockwise rings (n, k, 2) of the cells from the edges' ``vertices``."""
        south, east, north, west = (vertices[self.cell_edges[:, side]] for side in range(4))
        parts = [south[:, :-1], east[:, :-1], north[:, :0:-1], west[:, :0:-1]]
        ring = np.concatenate(parts, axis=1)
        return np.concatenate([ring, ring[:, :1]], axis=1)

    def cell_polygons(self, degrees: bool) -> Geoms:
        """Return the cells as polygons, in WGS 84 degrees or EPSG:4549 metres."""
        return rings_to_polygons(self.cell_rings(self.edge_lonlat if degrees else self.edge_xy))


class Warp:
    """Bends the plane: lattice coordinates (i, j) to EPSG:4549 metres."""

    def __init__(self, plan: Plan, outline: Outline, rng: np.random.Generator) -> None:
        shrink = plan.shrink
        reach = np.abs(outline.sites - outline.centre).max(axis=0) + outline.radii_m.max() + 6.0 * CELL_HEIGHT_M * shrink
        half = float(np.hypot(*reach)) * 0.86 + 700.0 * shrink
        self.columns = self._spacing(rng, CELL_WIDTH_M * shrink, half)
        self.rows = self._spacing(rng, CELL_HEIGHT_M * shrink, half)
        self.centre = outline.centre
        self.turn = np.deg2rad(rng.uniform(8.0, 16.0))
        lengths = np.array([7600.0, 5200.0, 3900.0, 2800.0, 1900.0, 1300.0, 820.0, 560.0]) * shrink
        headings = rng.uniform(0.0, 2.0 * np.pi, len(lengths))
        self.waves = np.stack([np.cos(headings), np.sin(headings)], axis=1) * (2.0 * np.pi / lengths)[:, None]
        self.phases = rng.uniform(0.0, 2.0 * np.pi, len(lengths))
        steepness = np.array([0.22, 0.20, 0.17, 0.15, 0.13, 0.12, 0.10, 0.09])
        # Mostly across the wave, so that blocks turn and shear rather than swell.
        across = headings + np.pi / 2.0 + rng.normal(0.0, 0.5, len(lengths))
        self.moves = np.stack([np.cos(across), np.sin(across)], axis=1) * (steepness * lengths / (2.0 * np.pi))[:, None]

    @staticmethod
    def _spacing(rng: np.random.Generator, mean: float, half: float) -> Floats:
        count = 2 * int(np.ceil(half / mean))
        steps = mean * np.clip(rng.normal(1.0, 0.17, count), 0.65, 1.5)
        places = np.concatenate([[0.0], np.cumsum(steps * (mean * count / steps.sum()))])
        return np.asarray(places - places[-1] / 2.0)

    def place(self, ij: Floats) -> Floats:
        """Return x, y in metres of lattice coordinates (..., 2)."""
        x = np.interp(ij[..., 0], np.arange(len(self.columns)), self.columns)
        y = np.interp(ij[..., 1], np.arange(len(self.rows)), self.rows)
        cos, sin = np.cos(self.turn), np.sin(self.turn)
        flat = np.stack([cos * x - sin * y, sin * x + cos * y], axis=-1)
        moved = flat + np.sin(flat @ self.waves.T + self.phases) @ self.moves
        return np.asarray(moved + self.centre)


def make_lattice(plan: Plan) -> Lattice:
    """Return the lattice of a plan: as many cells as fill the district's area exactly, in one piece without holes."""
    rng = plan.rng("lattice")
    outline = make_outline(plan)
    warp = Warp(plan, outline, rng)
    nx, ny = len(warp.columns) - 1, len(warp.rows) - 1
    grid = np.stack(np.meshgrid(np.arange(nx + 1), np.arange(ny + 1), indexing="ij"), axis=-1).astype(np.float64)
    nodes = warp.place(grid)
    inside = _choose_cells(nodes, outline, plan.area_m2)
    lattice = _build(inside, (nx, ny))
    moves = _soften(lattice, nodes.reshape(-1, 2), rng, plan.shrink)
    return _place(lattice, warp, moves, plan, outline)


def _choose_cells(nodes: Floats, outline: Outline, area_m2: float) -> Bools:
    """Take the deepest cells until they have the area, then make them one piece without holes, spurs or pinches."""
    corners = [nodes[:-1, :-1], nodes[1:, :-1], nodes[1:, 1:], nodes[:-1, 1:]]
    middle = sum(corners) / 4.0
    areas = ring_areas(np.stack([*corners, corners[0]], axis=2).reshape(-1, 5, 2))
    depth = outline.depth(np.asarray(middle).reshape(-1, 2))
    order = np.argsort(depth, kind="stable")
    inside = np.zeros(len(order), dtype=np.bool_)
    inside[order[: int(np.searchsorted(np.cumsum(areas[order]), area_m2)) + 1]] = True
    return _tidy(inside.reshape(nodes.shape[0] - 1, nodes.shape[1] - 1))


def _tidy(inside: Bools) -> Bools:
    kernel = np.ones((3, 3))
    for _ in range(2):
        inside = ndimage.convolve(inside.astype(np.float64), kernel, mode="constant") >= 5
    for _ in range(50):
        before = inside.copy()
        labels, _ = ndimage.label(inside)
        inside = labels == np.argmax(np.bincount(labels[labels > 0]))
        # Outside cells must hang together by their sides too, or the outline would touch itself.
        inside = ndimage.binary_fill_holes(inside, structure=np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]]))
        sw, se, nw, ne = inside[:-1, :-1], inside[1:, :-1], inside[:-1, 1:], inside[1:, 1:]
        pinch = (sw & ne & ~se & ~nw) | (~sw & ~ne & se & nw)
        i, j = np.nonzero(pinch)
        for shift_i, shift_j in ((0, 0), (1, 0), (0, 1), (1, 1)):
            inside[i + shift_i, j + shift_j] = True
        if np.array_equal(before, inside):
            return inside
    return inside


def _build(inside: Bools, shape: tuple[int, int]) -> Lattice:
    """Number the cells and the edges that touch them; coordinates are filled in later."""
    nx, ny = shape
    cells = np.full((nx + 2, ny + 2), -1, dtype=np.int64)
    cells[1:-1, 1:-1][inside] = np.arange(int(inside.sum()))
    tables = []
    numbers = []
    offset = 0
    for kind in (0, 1):
        size = (nx, ny + 1) if kind == 0 else (nx + 1, ny)
        i, j = np.meshgrid(np.arange(size[0]), np.arange(size[1]), indexing="ij")
        left = cells[i + 1, j + 1] if kind == 0 else cells[i, j + 1]
        right = cells[i + 1, j] if kind == 0 else cells[i + 1, j + 1]
        used = (left >= 0) | (right >= 0)
        number = np.full(size, -1, dtype=np.int64)
        number[used] = offset + np.arange(int(used.sum()))
        offset += int(used.sum())
        numbers.append(number)
        start = i * (ny + 1) + j
        end = (i + 1) * (ny + 1) + j if kind == 0 else i * (ny + 1) + j + 1
        line, place = (j, i) if kind == 0 else (i, j)
        columns = [start, end, left, right, np.full(size, kind), line, place]
        tables.append(np.stack([column[used] for column in columns], axis=1))
    table = np.concatenate(tables).astype(np.int64)
    ij = np.argwhere(inside)
    i, j = ij[:, 0], ij[:, 1]
    around = np.stack([numbers[0][i, j], numbers[1][i + 1, j], numbers[0][i, j + 1], numbers[1][i, j]], axis=1)
    empty = np.zeros((0, EDGE_POINTS, 2))
    return Lattice(shape, ij, around, table[:, :2], table[:, 2:4], table[:, 4:7], empty, empty)


def _soften(lattice: Lattice, nodes: Floats, rng: np.random.Generator, shrink: float) -> Floats:
    """Return how far each node moves (metres): a little at random, and the outline's steps rounded off where cells allow."""
    jitter = np.clip(rng.normal(0.0, 5.0 * shrink, nodes.shape), -9.0 * shrink, 9.0 * shrink)
    moved = nodes + jitter
    rim = lattice.edge_ends[(lattice.edge_cells < 0).any(axis=1)]
    on_rim = np.unique(rim)
    for _ in range(3):
        sums = np.zeros_like(nodes)
        np.add.at(sums, rim[:, 0], moved[rim[:, 1]])
        np.add.at(sums, rim[:, 1], moved[rim[:, 0]])
        moved[on_rim] = 0.5 * moved[on_rim] + 0.25 * sums[on_rim]
    ny = lattice.shape[1]
    i, j = lattice.cell_ij[:, 0], lattice.cell_ij[:, 1]
    corners = np.stack([i * (ny + 1) + j, (i + 1) * (ny + 1) + j, (i + 1) * (ny + 1) + j + 1, i * (ny + 1) + j + 1], axis=1)
    for _ in range(20):
        too_small = _bad_quads(moved[corners], nodes[corners])
        if not too_small.any():
            break
        back = np.unique(corners[too_small])
        moved[back] = nodes[back] + 0.5 * (moved[back] - nodes[back])
    return np.asarray(moved - nodes)


def _bad_quads(moved: Floats, original: Floats) -> Bools:
    """Say which quadrilaterals (n, 4, 2) lost half of their area or have a corner that bends inwards."""
    ahead = np.roll(moved, -1, axis=1) - moved
    behind = np.roll(moved, 1, axis=1) - moved
    cross = ahead[..., 0] * behind[..., 1] - ahead[..., 1] * behind[..., 0]
    area = ring_areas(np.concatenate([moved, moved[:, :1]], axis=1))
    full = ring_areas(np.concatenate([original, original[:, :1]], axis=1))
    return np.asarray((area < 0.5 * full) | (cross < -0.02 * full[:, None]).any(axis=1))


def _place(lattice: Lattice, warp: Warp, moves: Floats, plan: Plan, outline: Outline) -> Lattice:
    """Give every edge its vertices, with the whole scaled so that its area is that of the plan."""
    ny = lattice.shape[1]
    start, end = (np.stack([lattice.edge_ends[:, k] // (ny + 1), lattice.edge_ends[:, k] % (ny + 1)], axis=1) for k in (0, 1))
    share = np.linspace(0.0, 1.0, EDGE_POINTS)[None, :, None]
    xy = warp.place(start[:, None] * (1 - share) + end[:, None] * share)
    xy = xy + moves[lattice.edge_ends[:, 0]][:, None] * (1 - share) + moves[lattice.edge_ends[:, 1]][:, None] * share
    area = ring_areas(replace(lattice, edge_xy=xy).cell_rings(xy)).sum()
    xy = outline.centre + (xy - outline.centre) * np.sqrt(plan.area_m2 / area)
    # The end of one edge and the start of the next are computed by different roads: take one value for each node.
    nodes = np.zeros((len(moves), 2))
    nodes[lattice.edge_ends[:, 1]] = xy[:, -1]
    nodes[lattice.edge_ends[:, 0]] = xy[:, 0]
    xy[:, 0], xy[:, -1] = nodes[lattice.edge_ends[:, 0]], nodes[lattice.edge_ends[:, 1]]
    return replace(lattice, edge_xy=xy, edge_lonlat=np.round(to_degrees(xy), ROUNDING_DIGITS))
