"""What an index of areas is made from and made of: edges, the raster over them, and what cells ask."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.locator.edges import SHORTEST_EDGE_DEG, Edges, Flags, Floats, Ints, covers, edges_of, expand
from gisgrid.locator.fine import Parts, divide
from gisgrid.locator.raster import OUTSIDE, Frame, Raster, Window, build_raster, frame_for, whole


class AreaTable(NamedTuple):
    """The areas of one level, in any order: codes, names, codes of the areas above (None where unknown), shapely geometries.

    Geometries are polygons or multipolygons in longitude and latitude, WGS 84; None is an area without a shape.
    """

    codes: list[str]
    names: list[str]
    parent_codes: list[str | None]
    geometries: NDArray[Any]


AreaBoxes = tuple[Floats, Floats, Floats, Floats]
"""West, south, east and north of each area; the box of an area without a shape is empty (west > east)."""


class AreaState(NamedTuple):
    """All that an ``AreaIndex`` holds, as names and flat arrays in the order of the codes: what a file of it keeps.

    ``inner`` is longitude and latitude of a point inside each area, NaN for an area without a shape. ``strange`` flags areas
    of which PostGIS's answer cannot be told from where the edges are, so that they are asked for every point of their box.
    """

    codes: tuple[str, ...]
    names: tuple[str, ...]
    parent_codes: tuple[str | None, ...]
    edges: Edges
    raster: Raster
    parts: Parts
    boxes: AreaBoxes
    inner: tuple[Floats, Floats]
    strange: Flags


class Shapes(NamedTuple):
    """Areas in the order of their codes before anything is built over them; members as in ``AreaState``."""

    codes: tuple[str, ...]
    names: tuple[str, ...]
    parent_codes: tuple[str | None, ...]
    edges: Edges
    inner: tuple[Floats, Floats]
    strange: Flags


def shapes_of(table: AreaTable) -> Shapes:
    """Return the areas of a table in the order of their codes."""
    order = sorted(range(len(table.codes)), key=table.codes.__getitem__)
    geometries = np.asarray(table.geometries, dtype=object)[order] if order else np.empty(0, dtype=object)
    edges = edges_of(geometries)
    inner = shapely.point_on_surface(geometries)
    inner[shapely.is_empty(inner)] = None  # GEOS refuses to give the coordinates of an empty point
    return Shapes(
        tuple(table.codes[i] for i in order),
        tuple(table.names[i] for i in order),
        tuple(table.parent_codes[i] for i in order),
        edges,
        (np.asarray(shapely.get_x(inner)), np.asarray(shapely.get_y(inner))),
        _strange(geometries, edges),
    )


def state_of(shapes: Shapes) -> AreaState:
    """Return the index of areas."""
    edges = shapes.edges
    frame = frame_for(edges, len(shapes.codes))
    raster, parts = rastered(edges, shapes.strange, frame, whole(frame))
    names = shapes.codes, shapes.names, shapes.parent_codes
    return AreaState(*names, edges, raster, parts, boxes_of(edges), shapes.inner, shapes.strange)


def rastered(edges: Edges, strange: Flags, frame: Frame, window: Window) -> tuple[Raster, Parts]:
    """Return the cells of a window over areas, and the parts of those that have a list."""
    raster = build_raster(edges, strange, frame, window)
    return raster, divide(edges, raster, window, strange, lambda lon, lat, lists: ask_many(edges, raster, lon, lat, lists))


def ask_many(edges: Edges, raster: Raster, lon: Floats, lat: Floats, lists: Ints) -> tuple[Ints, Flags]:
    """Return the smallest number that covers each point, and whether it is on an edge, from its cell's list of areas."""
    first = raster.list_first.take(lists)
    point, member = expand(first, raster.list_first.take(lists + 1) - first)
    slot = raster.slot.take(member)
    first = raster.slot_first.take(slot)
    pair, position = expand(first, raster.slot_first.take(slot + 1) - first)
    covered, boundary = covers(edges, raster.ends, pair, position, x=lon.take(point), y=lat.take(point))
    number, on_edge = np.full(len(lon), OUTSIDE, np.int32), np.zeros(len(lon), bool)
    hits = np.flatnonzero(covered)
    owner = point.take(hits)
    # A point's areas are in ascending order: its first hit is the smallest number, and a second means an edge.
    again = np.flatnonzero(owner[1:] == owner[:-1]) + 1
    on_edge[owner[again]] = True
    on_edge[point[boundary]] = True
    # Written from the last to the first, so that the first one stays.
    number[owner[::-1]] = raster.listed.take(member.take(hits))[::-1]
    return number, on_edge


def boxes_of(edges: Edges) -> AreaBoxes:
    """Return the box of each area."""
    filled = np.flatnonzero(np.diff(edges.first) > 0)
    starts = edges.first[filled]
    found = []
    for part, which, none in (
        (edges.x1, np.minimum, np.inf),
        (edges.y1, np.minimum, np.inf),
        (edges.x1, np.maximum, -np.inf),
        (edges.y1, np.maximum, -np.inf),
    ):
        side = np.full(len(edges.first) - 1, none)
        if len(filled):
            side[filled] = which.reduceat(part, starts)
        found.append(side)
    west, south, east, north = found
    return west, south, east, north


def _strange(geometries: NDArray[Any], edges: Edges) -> Flags:
    """Return the areas for which PostGIS may answer strangely far from any edge: invalid shapes, or edges it leaves out."""
    asked = ~np.asarray(shapely.is_valid(geometries), dtype=bool)
    short = (edges.x2 - edges.x1) ** 2 + (edges.y2 - edges.y1) ** 2 < SHORTEST_EDGE_DEG * SHORTEST_EDGE_DEG
    asked[edges.area[short]] = True
    return asked
