"""A small crowded town made at random, with all that can be missing, assumed or out of order in the tables."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import rotate

from gisgrid.locator import FootprintTable, PointTable
from tests.sight.scenes import House, Spot, buildings, cameras, degrees

SIDE = 300.0
_SOURCES = ["measured", "vendor", "default", None]


def random_town(seed: int, houses: int = 60, spots: int = 80) -> tuple[PointTable, FootprintTable]:
    """Return the cameras and the buildings of a town ``SIDE`` metres square."""
    rng = np.random.default_rng(seed)
    blocks = [_house(rng) for _ in range(houses)]
    # Rows of houses that share a wall.
    row = np.arange(0.0, 60.0, 12.0).tolist()
    blocks += [House(shapely.box(west, 100.0, west + 12.0, 112.0), float(rng.uniform(3.0, 9.0))) for west in row]
    return cameras([_spot(rng, blocks) for _ in range(spots)]), buildings(blocks, rng.permutation(len(blocks)).tolist())


def random_places(seed: int, count: int) -> NDArray[np.float64]:
    """Return places in and around the town, (count, 2) in degrees."""
    rng = np.random.default_rng(seed)
    return np.array([degrees(*place) for place in rng.uniform(-20.0, SIDE + 20.0, (count, 2)).tolist()])


def _house(rng: np.random.Generator) -> House:
    x, y = rng.uniform(0.0, SIDE, 2).tolist()
    wide, deep = rng.uniform(6.0, 30.0, 2).tolist()
    shape = shapely.box(x, y, x + wide, y + deep)
    which = rng.random()
    if which < 0.2:
        shape = shape.difference(shapely.box(x + wide / 4, y + deep / 4, x + wide * 3 / 4, y + deep * 3 / 4))
    elif which < 0.4:
        shape = shape.difference(shapely.box(x + wide / 3, y + deep / 3, x + wide * 2 / 3, y + deep))
    elif which < 0.5:
        shape = shapely.MultiPolygon([shape, shapely.box(x + wide + 3.0, y, x + wide + 9.0, y + 5.0)])
    return House(rotate(shape, rng.uniform(0.0, 90.0)), _maybe(rng, rng.uniform(2.0, 15.0), 0.7), int(rng.integers(0, 5)) or None)


def _spot(rng: np.random.Generator, houses: list[House]) -> Spot:
    x, y = rng.uniform(0.0, SIDE, 2).tolist()
    if rng.random() < 0.6:
        outline = houses[rng.integers(len(houses))].shape.boundary
        wall = outline.interpolate(rng.uniform(0.0, outline.length))
        x, y = wall.x + rng.normal(0.0, 1.0), wall.y + rng.normal(0.0, 1.0)
    sources = {f"{name}_source": _SOURCES[rng.integers(4)] for name in ("azimuth", "field_of_view", "range", "mount_height")}
    return Spot(
        x,
        y,
        {
            "kind": ["fixed", "fixed", "dome", "ptz"][rng.integers(4)],
            "status": "online" if rng.random() < 0.85 else ["offline", "fault"][rng.integers(2)],
            "azimuth_deg": _maybe(rng, rng.uniform(0.0, 360.0), 0.8),
            "azimuth_uncertainty_deg": _maybe(rng, [0.0, 2.0, 5.0, 22.5, 180.0][rng.integers(5)], 0.9),
            "field_of_view_deg": _maybe(rng, [40.0, 90.0, 200.0, 300.0, 360.0][rng.integers(5)], 0.9),
            "range_m": _maybe(rng, rng.uniform(20.0, 200.0), 0.95),
            "mount_height_m": _maybe(rng, rng.uniform(2.0, 25.0), 0.9),
            **sources,
        },
    )


def _maybe(rng: np.random.Generator, value: float, share: float) -> float | None:
    return float(value) if rng.random() < share else None
