"""Which tiles a change touches, against tile boxes of morecantile and positions shifted one by one."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import NamedTuple

import morecantile
import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.db.changes import Change
from gisgrid.layers import LAYERS, layer
from gisgrid.types import Bounds
from tiles import TileId, TileRequest, Variant
from tiles.invalidation import PlaceIndex, depends, reach_of, shifted
from tiles.matrix import MATRIX_SETS

NOW = datetime.now(UTC)
MERCATOR = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
SQUARE = morecantile.tms.get("WebMercatorQuad")
SETS = [("WebMercatorQuad", "wgs84"), ("WebMercatorQuad", "gcj02"), ("CGCS2000Quad", "wgs84")]

sizes = st.sampled_from([0.0, 1e-5, 1e-3, 0.02, 0.1])
boxes = st.builds(
    lambda lon, lat, width, height: Bounds(lon, lat, lon + width, lat + height), st.floats(120.3, 120.45), st.floats(36, 36.2), sizes, sizes
)
layer_ids = st.sampled_from([one.id for one in LAYERS])


class Item(NamedTuple):
    """A tile in the index."""

    request: TileRequest


def _item(set_id: str, datum: str, ids: tuple[str, ...], tile: TileId) -> Item:
    return Item(TileRequest(Variant(ids, set_id, datum), tile))  # type: ignore[arg-type]


def _change(layer_id: str, *boxes: Bounds) -> Change:
    return Change(1, layer_id, boxes[0] if boxes else None, NOW, 1, boxes)


def _around(lon: float, lat: float, zoom: int, set_id: str, steps: int = 2) -> list[TileId]:
    """Return the tiles about a place, as many steps out."""
    middle = MATRIX_SETS[set_id].tile_at(lon, lat, zoom)
    return [
        TileId(zoom, middle.x + x, middle.y + y)
        for x, y in itertools.product(range(-steps, steps + 1), repeat=2)
        if 0 <= middle.x + x < MATRIX_SETS[set_id].columns(zoom) and 0 <= middle.y + y < MATRIX_SETS[set_id].rows(zoom)
    ]


def _tile_box(item: Item, units: float) -> Bounds:
    """Return the box of a tile with ``units`` of 4096 around it, in units of its matrix set."""
    variant, tile = item.request
    if variant.matrix_set == "WebMercatorQuad":
        box = Bounds(*SQUARE.xy_bounds(morecantile.Tile(tile.x, tile.y, tile.z)))
    else:
        # Tianditu's rows begin at 90 N, its level n has 2^n columns.
        side = 360 / 2**tile.z
        box = Bounds(-180 + tile.x * side, 90 - (tile.y + 1) * side, -180 + (tile.x + 1) * side, 90 - tile.y * side)
    around = (box.east - box.west) * units / 4096
    return Bounds(box.west - around, box.south - around, box.east + around, box.north + around)


def _shown(item: Item, box: Bounds) -> Bounds:
    """Return the box of many positions in ``box`` as the tile's matrix set and datum have them."""
    lon, lat = (part.ravel() for part in np.meshgrid(np.linspace(box.west, box.east, 40), np.linspace(box.south, box.north, 40)))
    if item.request.variant.datum == "gcj02":
        lon, lat = from_wgs84(GCJ02, lon, lat)
    if item.request.variant.matrix_set == "WebMercatorQuad":
        lon, lat = MERCATOR.transform(lon, lat)
    return Bounds(lon.min(), lat.min(), lon.max(), lat.max())


def _meet(first: Bounds, second: Bounds) -> bool:
    return first.west <= second.east and second.west <= first.east and first.south <= second.north and second.south <= first.north


@given(boxes, st.integers(8, 18), st.sampled_from(SETS), layer_ids)
def test_exactly_the_tiles_are_touched_that_the_box_comes_near_to(box: Bounds, zoom: int, kind: tuple[str, str], layer_id: str) -> None:
    index: PlaceIndex[Item] = PlaceIndex()
    items = [_item(*kind, ("grids", layer_id), tile) for tile in _around(box.east, box.south, zoom, kind[0])]
    for item in items:
        index.add(item)
    touched = index.touched(_change(layer_id, box))
    reach = reach_of(layer_id, zoom)
    for item in items:
        if layer(layer_id).min_zoom > zoom:
            assert item not in touched
        elif _meet(_tile_box(item, reach - 1), _shown(item, box)):
            assert item in touched
        elif kind[1] == "wgs84" and not _meet(_tile_box(item, reach + 1), _shown(item, box)):
            assert item not in touched


def test_the_reach_is_the_buffer_and_whole_cells_where_a_layer_is_thinned() -> None:
    assert 64 < reach_of("manhole_covers", 16) < 70
    assert reach_of("manhole_covers", 12) >= 128
    assert reach_of("grids", 12) > 64


def test_an_edit_in_the_buffer_touches_both_neighbours_and_no_third() -> None:
    tile = MATRIX_SETS["WebMercatorQuad"].tile_at(120.3775, 36.0841, 16)
    index: PlaceIndex[Item] = PlaceIndex()
    near = {x: _item("WebMercatorQuad", "wgs84", ("cameras",), TileId(16, tile.x + x, tile.y)) for x in (-1, 0, 1)}
    for item in near.values():
        index.add(item)
    west = SQUARE.bounds(morecantile.Tile(tile.x, tile.y, 16))
    lon = west.left + (west.right - west.left) * 48 / 4096  # 3 pixels of 256 inside the western edge
    place = Bounds(lon, (west.top + west.bottom) / 2, lon, (west.top + west.bottom) / 2)
    assert index.touched(_change("cameras", place)) == {near[-1], near[0]}


def test_two_far_places_of_one_edit_leave_alone_what_lies_between() -> None:
    index: PlaceIndex[Item] = PlaceIndex()
    items = [
        _item("WebMercatorQuad", "wgs84", ("cameras",), MATRIX_SETS["WebMercatorQuad"].tile_at(lon, 36.1, 16))
        for lon in (120.3, 120.35, 120.4)
    ]
    for item in items:
        index.add(item)
    places = (Bounds(120.3, 36.1, 120.3, 36.1), Bounds(120.4, 36.1, 120.4, 36.1))
    assert index.touched(_change("cameras", *places)) == {items[0], items[2]}
    whole = Change(1, "cameras", Bounds(120.3, 36.1, 120.4, 36.1), NOW, 1000)
    assert index.touched(whole) == set(items)


def test_a_change_that_may_be_anywhere_touches_all_of_its_layer() -> None:
    index: PlaceIndex[Item] = PlaceIndex()
    grids, both, covers = (
        _item("WebMercatorQuad", "wgs84", ids, TileId(12, 5, 5)) for ids in (("grids",), ("grids", "manhole_covers"), ("manhole_covers",))
    )
    for item in (grids, both, covers):
        index.add(item)
    assert index.touched(_change("manhole_covers")) == {both, covers}
    assert index.touched(_change("generations")) == {grids, both}
    assert index.touched(_change("organizations")) == set()
    index.remove(both)
    assert index.touched(_change("grids")) == {grids}
    assert set(index.all()) == {grids, covers}


def test_a_filter_or_a_time_changes_nothing_in_what_a_tile_depends_on() -> None:
    assert depends(Variant(("grids",), as_of=NOW), "generations")
    assert not depends(Variant(("cameras",)), "generations")
    assert depends(Variant(("cameras",)), "cameras")


@given(st.floats(71.5, 138), st.floats(0.5, 56), st.sampled_from([0.0, 1e-4, 0.01, 0.3, 1.9, 2.5]), st.integers(0, 2**32 - 1))
def test_a_shifted_box_holds_every_position_in_it_shifted(lon: float, lat: float, size: float, seed: int) -> None:
    box = Bounds(lon, lat, lon + size, lat + size)
    (found,) = shifted([box])
    random = np.random.default_rng(seed)
    x, y = from_wgs84(GCJ02, random.uniform(lon, lon + size, 300), random.uniform(lat, lat + size, 300))
    assert found.west <= x.min()
    assert x.max() <= found.east
    assert found.south <= y.min()
    assert y.max() <= found.north


def test_the_box_of_a_point_stays_small_when_it_is_shifted() -> None:
    (found,) = shifted([Bounds(120.38, 36.08, 120.38, 36.08)])
    assert found.east - found.west < 3e-6
    assert found.west - 120.38 == pytest.approx(0.005, abs=0.001)
