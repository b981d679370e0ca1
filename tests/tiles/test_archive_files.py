"""The formats of archives and the walk over tiles, without a database: many tiles, equal ones, damaged files."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import os
from pathlib import Path
from typing import Any

import mercantile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pmtiles.tile import tileid_to_zxy, zxy_to_tileid

from gisgrid.errors import SourceError
from gisgrid.types import Bounds
from tiles.archives.cover import Step, Window, first_id, steps, window
from tiles.archives.extent import to_degrees, to_metres
from tiles.archives.mbtiles_file import Draft, MbtilesFile
from tiles.archives.pmtiles_file import Extent, PmtilesFile, write_pmtiles
from tiles.tile import TileId

PMTILES: Any = importlib.import_module("pmtiles.reader")
EXTENT = Extent(7, 7, Bounds(0, 0, 1, 1), (0.5, 0.5, 7))
METADATA: dict[str, object] = {"name": "many", "vector_layers": []}


def _write(folder: Path, tiles: dict[int, bytes]) -> Path:
    """Write a PMTiles file of tiles by their numbers, as an export does."""
    draft = Draft(folder / "draft")
    for id in sorted(tiles):
        draft.put(id, TileId(*tileid_to_zxy(id)), tiles[id])
    target = folder / "many.pmtiles"
    with target.open("wb") as file:
        write_pmtiles(file, draft.contents(), EXTENT, METADATA)
    draft.close()
    return target


def test_a_file_of_many_tiles_has_leaves_and_every_tile_is_found(tmp_path: Path) -> None:
    # Every other tile, so that no two follow each other; every tenth the same.
    ids = range(first_id(7), first_id(8), 1)
    tiles = {id: gzip.compress(b"same" if id % 10 == 0 else b"%d" % id, mtime=0) for id in ids if id % 3}
    target = _write(tmp_path, tiles)
    file = PmtilesFile(target)
    assert {id: file.tile(TileId(*tileid_to_zxy(id))) for id in tiles} == tiles
    assert all(file.tile(TileId(*tileid_to_zxy(id))) is None for id in list(ids)[:300] if id % 3 == 0)
    with target.open("rb") as raw:
        reader = PMTILES.Reader(PMTILES.MmapSource(raw))
        header = reader.header()
        assert header["leaf_directory_length"] > 0
        assert header["root_offset"] + header["root_length"] <= 16384
        assert header["addressed_tiles_count"] == len(tiles)
        assert header["tile_contents_count"] == len(set(tiles.values()))
        assert {zxy_to_tileid(*place): data for place, data in PMTILES.all_tiles(PMTILES.MmapSource(raw))} == tiles
    file.close()


def test_equal_tiles_that_follow_each_other_are_one_entry(tmp_path: Path) -> None:
    tiles = {id: b"same" for id in range(first_id(7), first_id(8))}
    target = _write(tmp_path, tiles)
    with target.open("rb") as raw:
        header = PMTILES.Reader(PMTILES.MmapSource(raw)).header()
    assert (header["tile_entries_count"], header["tile_contents_count"], header["addressed_tiles_count"]) == (1, 1, 4**7)
    assert target.stat().st_size < 500
    assert PmtilesFile(target).tile(TileId(7, 127, 127)) == b"same"


@pytest.mark.parametrize("suffix", [".pmtiles", ".mbtiles"])
def test_a_damaged_file_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = _write(tmp_path, {id: os.urandom(50) for id in range(first_id(7), first_id(7) + 9000)}).read_bytes()
    path = tmp_path / f"damaged{suffix}"
    open_it = PmtilesFile if suffix == ".pmtiles" else MbtilesFile
    for content in (b"", b"PMTiles", whole[:127], whole[:3000], whole[:-1], b"\0" * 5000, b"SQLite format 3\0" + b"\1" * 5000):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="is damaged"):
            open_it(path)


@settings(max_examples=60)
@given(st.integers(0, 6), st.data())
def test_every_tile_of_a_window_comes_once_in_the_order_of_its_number(zoom: int, data: st.DataObject) -> None:
    last = (1 << zoom) - 1
    west, east = sorted(data.draw(st.tuples(st.integers(0, last), st.integers(0, last))))
    north, south = sorted(data.draw(st.tuples(st.integers(0, last), st.integers(0, last))))
    area = Window(zoom, west, north, east, south)
    inside = sorted(zxy_to_tileid(zoom, x, y) for x in range(west, east + 1) for y in range(north, south + 1))
    full = {TileId(*tileid_to_zxy(id)) for id in inside if data.draw(st.booleans())}
    after = data.draw(st.sampled_from([-1, *inside]))

    async def is_occupied(within: TileId, deeper: int) -> bool:
        assert deeper == zoom
        return any((tile.x >> zoom - within.z, tile.y >> zoom - within.z) == (within.x, within.y) for tile in full)

    async def walk() -> list[Step]:
        return [step async for step in steps(area, is_occupied, after)]

    found = asyncio.run(walk())
    assert sum(step.tiles for step in found) == area.tiles == len(inside)
    made = [step.tile_id for step in found if step.tile is not None]
    assert made == sorted(made)
    assert set(made) <= {id for id in inside if id > after}
    # Nothing in which something is was left out.
    assert {zxy_to_tileid(zoom, tile.x, tile.y) for tile in full} <= {*made, *range(after + 1)}


@given(st.floats(-179, 179), st.floats(-84, 84), st.integers(0, 20))
def test_the_window_of_a_place_is_its_tile(lon: float, lat: float, zoom: int) -> None:
    box = to_metres(Bounds(lon, lat, lon, lat))
    tile = mercantile.tile(lon, lat, zoom)
    near = window(box, zoom, buffer=0)
    bounds = mercantile.bounds(tile)
    on_edge = min(lon - bounds.west, bounds.east - lon, lat - bounds.south, bounds.north - lat) < 1e-9
    assert on_edge or near == Window(zoom, tile.x, tile.y, tile.x, tile.y)
    assert to_degrees(box)[:2] == pytest.approx((lon, lat), abs=1e-7)


def test_a_place_in_the_buffer_of_the_next_tile_is_in_both() -> None:
    edge = mercantile.bounds(mercantile.Tile(54682, 25716, 16)).west
    pixel = 360 / 2**16 / 256
    # Three pixels of 256 before the edge: within the buffer of four.
    for pixels, columns in ((3, 2), (5, 1)):
        place = to_metres(Bounds(edge - pixels * pixel, 36.0835, edge - pixels * pixel, 36.0835))
        found = window(place, 16)
        assert found.east - found.west + 1 == columns
