"""Values that travel between the rooms: what an answer is made of, with its units."""

from __future__ import annotations

from typing import Literal, NamedTuple

Level = Literal["district", "street", "community", "grid"]
"""One level of areas."""

LEVELS: tuple[Level, ...] = ("district", "street", "community", "grid")
"""The levels of areas, from the largest to the smallest."""

Status = Literal["inside", "edge", "outside"]
"""Where a point lies: inside one grid, on an edge that is the border of at least one, or in no grid."""


class Bounds(NamedTuple):
    """A box in degrees, WGS 84 (or metres where a docstring says so)."""

    west: float
    south: float
    east: float
    north: float


class AreaRef(NamedTuple):
    """An area by its code and name."""

    code: str
    name: str


class Candidate(NamedTuple):
    """A grid that a point may belong to; ``distance_m`` is the distance on the ground to it, 0 inside.

    ``share`` is how much of the circle of uncertainty lies in the grid, 0 to 1; None where no uncertainty was given.
    """

    code: str
    name: str
    distance_m: float
    share: float | None = None


class ResponsibleUnit(NamedTuple):
    """Who answers for a place: an organisation, and the level of area that it was named for."""

    code: str
    name: str
    level: Level


class Location(NamedTuple):
    """The answer to "which grid is this?" for one point.

    ``lon`` and ``lat`` are WGS 84 degrees. ``distance_to_edge_m`` is the distance on the ground to the edge of the
    grid, or to the nearest grid when ``status`` is ``outside``; None when there is no grid at all. ``candidates`` lists
    every grid within the doubt of the position (the chosen one first), so two or more entries mean doubt.
    ``outside_share`` is how much of the circle of uncertainty lies in no grid; None where no uncertainty was given.
    """

    lon: float
    lat: float
    status: Status
    district: AreaRef | None
    street: AreaRef | None
    community: AreaRef | None
    grid: AreaRef | None
    distance_to_edge_m: float | None
    on_edge: bool
    candidates: tuple[Candidate, ...]
    nearest: Candidate | None
    responsible_unit: ResponsibleUnit | None
    outside_share: float | None = None


class Neighbour(NamedTuple):
    """A point feature near a place; ``bearing_deg`` is clockwise from true north, seen from the place asked for."""

    id: int
    lon: float
    lat: float
    distance_m: float
    bearing_deg: float
    properties: dict[str, object]
