"""Tile addresses, compared with mercantile."""

from __future__ import annotations

import random

import mercantile
import pytest

from gisgrid.errors import NotFoundError
from tiles import TileId, parse_tile_id, tile_at


def test_bounds_agree_with_mercantile_over_all_zooms() -> None:
    rng = random.Random(7)
    for z in range(23):
        tile = TileId(z, rng.randrange(1 << z), rng.randrange(1 << z))
        theirs = mercantile.xy_bounds(tile.x, tile.y, z)
        assert tile.bounds_m == pytest.approx((theirs.left, theirs.bottom, theirs.right, theirs.top), abs=1e-6)
        degrees = mercantile.bounds(tile.x, tile.y, z)
        assert tile.bounds == pytest.approx((degrees.west, degrees.south, degrees.east, degrees.north), abs=1e-9)


def test_the_tile_of_a_place_agrees_with_mercantile() -> None:
    rng = random.Random(8)
    for _ in range(500):
        lon, lat, z = rng.uniform(-180, 180), rng.uniform(-85, 85), rng.randrange(23)
        theirs = mercantile.tile(lon, lat, z)
        assert tile_at(lon, lat, z) == TileId(z, theirs.x, theirs.y)


def test_places_beyond_the_square_are_in_its_outermost_tiles() -> None:
    assert tile_at(180.0, 89.9, 3) == TileId(3, 7, 0)
    assert tile_at(-180.0, -89.9, 3) == TileId(3, 0, 7)


@pytest.mark.parametrize(("z", "x", "y"), [(0, 1, 0), (0, 0, 1), (3, 8, 0), (3, 0, -1), (23, 0, 0), (-1, 0, 0)])
def test_there_are_no_tiles_outside_the_pyramid(z: int, x: int, y: int) -> None:
    with pytest.raises(NotFoundError):
        TileId(z, x, y)


@pytest.mark.parametrize("text", ["", "1.0", "-0", "+1", "1e1", " 1", "٣", "0x1", "99999999999"])
def test_an_address_is_plain_decimal_numbers(text: str) -> None:
    assert parse_tile_id("5", "1", "2") == TileId(5, 1, 2)
    with pytest.raises(NotFoundError):
        parse_tile_id("5", text, "2")
