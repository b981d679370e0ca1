"""Boxes that meet a box, against looking at each of them."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from gisgrid.locator.boxes import BoxCells
from gisgrid.types import Bounds


def _by_hand(sides: NDArray[np.float64], bounds: Bounds, start: int, most: int) -> list[int]:
    meets = [
        row
        for row, (west, south, east, north) in enumerate(sides.T.tolist())
        if row >= start and west <= bounds.east and east >= bounds.west and south <= bounds.north and north >= bounds.south
    ]
    return meets[:most]


def _boxes(chance: np.random.Generator, count: int, size: float) -> NDArray[np.float64]:
    # On a raster, so that borders touch often.
    lower = np.round(chance.uniform((120.0, 36.0), (120.4, 36.2), (count, 2)), 3)
    upper = lower + np.round(chance.uniform(0.0, size, (count, 2)), 3)
    return np.ascontiguousarray(np.hstack([lower, upper]).T)


@pytest.mark.parametrize(("count", "size"), [(1, 0.0), (7, 0.0), (900, 0.0), (900, 0.004), (30_000, 0.0), (500, 0.3)])
def test_the_rows_that_meet_a_box_are_found_in_their_order(count: int, size: float) -> None:
    chance = np.random.default_rng(count)
    sides = _boxes(chance, count, size)
    if count > 100:
        # One at the other end of the world, one as wide as the city.
        sides[:, 5], sides[:, 17] = (-60.0, -30.0, -60.0, -30.0), (120.0, 36.05, 120.4, 36.06)
    cells = BoxCells(sides)
    boxes = [Bounds(-180.0, -90.0, 180.0, 90.0), Bounds(10.0, 10.0, 11.0, 11.0), Bounds(-61.0, -31.0, -59.0, -29.0)]
    for _ in range(40):
        west, south = np.round(chance.uniform((119.95, 35.95), (120.4, 36.2)), 3).tolist()
        width, height = np.round(chance.choice([0.0, 0.002, 0.02, 0.2], 2), 3).tolist()
        boxes.append(Bounds(west, south, west + width, south + height))
    for bounds in boxes:
        start, most = int(chance.choice([0, 0, count // 2, count])), int(chance.choice([1, 11, 1001, 100_000]))
        assert cells.meeting(bounds, start, most).tolist() == _by_hand(sides, bounds, start, most)


def test_of_no_boxes_none_meets() -> None:
    assert BoxCells(np.empty((4, 0))).meeting(Bounds(-180.0, -90.0, 180.0, 90.0), 0, 10).tolist() == []
