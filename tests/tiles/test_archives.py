"""Archives written from PostGIS: the bytes of single tiles, whole or gone on with, of one moment."""

from __future__ import annotations

import asyncio
import gzip
import importlib
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import pytest
from pmtiles.tile import Compression, TileType

from gisgrid.cql2 import parse
from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.errors import NotFoundError, ParameterError, SourceError
from gisgrid.types import Bounds
from tiles import TileReader, TileService
from tiles.archives import ExportOptions, export
from tiles.archives.mbtiles_file import MbtilesFile
from tiles.archives.pmtiles_file import PmtilesFile
from tiles.request import TileRequest, Variant
from tiles.tile import TileId, tile_at

# The format's own authors say nothing of types.
PMTILES: Any = importlib.import_module("pmtiles.reader")

SHIBEI = load_deployment("shibei")
GRIDS = Variant(("grids", "buildings", "manhole_covers"))
ALL_TILES = ExportOptions(GRIDS, 10, 16)

CORNER = tile_at(120.37415, 36.08215, 16)

Place = tuple[int, int, int]


@pytest.fixture(scope="module")
def whole(town: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the whole town."""
    target = tmp_path_factory.mktemp("archives") / "town.pmtiles"
    export(town, SHIBEI, target, ALL_TILES)
    return target


def _read(path: Path) -> dict[Place, bytes]:
    """Return all tiles of a PMTiles file by the reader of the format's own authors."""
    with path.open("rb") as file:
        return {place: bytes(data) for place, data in PMTILES.all_tiles(PMTILES.MmapSource(file))}


def _alone(url: str, variant: Variant, places: list[Place]) -> dict[Place, bytes]:
    """Return tiles as the server makes them, gzipped, without those in which nothing is drawn."""

    async def ask() -> dict[Place, bytes]:
        service = TileService(TileReader(url, 2, 5000), SHIBEI)
        await service.open()
        found = {place: await service.tile(TileRequest(variant, TileId(*place))) for place in places}
        await service.close()
        return {place: tile.body("gzip") for place, tile in found.items() if not tile.is_empty}

    return asyncio.run(ask())


def test_an_archive_holds_the_bytes_that_single_tiles_have_and_no_tile_less(town: Database, whole: Path) -> None:
    held = _read(whole)
    places = set()
    for z in range(10, 17):
        west, east = tile_at(120.37, 36.088, z), tile_at(120.385, 36.08, z)
        # With a ring of tiles around, where there is nothing.
        places |= {(z, x, y) for x in range(west.x - 1, east.x + 2) for y in range(west.y - 1, east.y + 2)}
    assert held == _alone(town.url, GRIDS, sorted(places))
    assert {z for z, _, _ in held} == set(range(10, 17))


def test_the_header_and_metadata_tell_what_the_file_is(town: Database, tmp_path: Path) -> None:
    target = tmp_path / "town.pmtiles"
    done = export(town, SHIBEI, target, ALL_TILES._replace(name="市北"))
    with target.open("rb") as file:
        reader = PMTILES.Reader(PMTILES.MmapSource(file))
        header, metadata = reader.header(), reader.metadata()
    assert (header["tile_type"], header["tile_compression"], header["clustered"]) == (TileType.MVT, Compression.GZIP, True)
    assert (header["min_zoom"], header["max_zoom"]) == (10, 16)
    assert header["addressed_tiles_count"] == done.tiles
    assert header["tile_contents_count"] == done.distinct
    corners = [header[f"{end}_{axis}_e7"] / 1e7 for end in ("min", "max") for axis in ("lon", "lat")]
    assert corners == pytest.approx([120.37, 36.08, 120.385, 36.088], abs=1e-6)
    assert metadata["name"] == "市北"
    assert [(layer["id"], layer["minzoom"], layer["maxzoom"]) for layer in metadata["vector_layers"]] == [
        ("grids", 11, 16),
        ("buildings", 12, 16),
        ("manhole_covers", 10, 16),
    ]
    assert target.stat().st_size == header["tile_data_offset"] + header["tile_data_length"] == done.file_bytes


def test_mbtiles_hold_the_same_tiles(town: Database, whole: Path, tmp_path: Path) -> None:
    export(town, SHIBEI, tmp_path / "town.mbtiles", ALL_TILES)
    with closing(sqlite3.connect(tmp_path / "town.mbtiles")) as database:
        rows = database.execute("SELECT zoom_level, tile_column, tile_row, tile_data FROM tiles").fetchall()
        metadata = dict(database.execute("SELECT name, value FROM metadata"))
        tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    # Rows are counted from the south there.
    assert {(z, x, 2**z - 1 - row): data for z, x, row, data in rows} == _read(whole)
    assert (metadata["format"], metadata["minzoom"], metadata["maxzoom"]) == ("pbf", "10", "16")
    assert [float(part) for part in metadata["bounds"].split(",")] == pytest.approx([120.37, 36.08, 120.385, 36.088], abs=1e-6)
    assert len(json.loads(metadata["json"])["vector_layers"]) == 3
    assert "progress" not in tables


@pytest.mark.parametrize("suffix", [".pmtiles", ".mbtiles"])
def test_both_readers_of_ours_give_every_tile_and_none_beside(town: Database, whole: Path, tmp_path: Path, suffix: str) -> None:
    if suffix == ".mbtiles":
        export(town, SHIBEI, tmp_path / "town.mbtiles", ALL_TILES)
    file = PmtilesFile(whole) if suffix == ".pmtiles" else MbtilesFile(tmp_path / "town.mbtiles")
    held = _read(whole)
    assert {place: file.tile(TileId(*place)) for place in held} == held
    assert file.tile(TileId(16, 0, 0)) is None
    assert file.tile(TileId(9, 427, 200)) is None
    assert (file.extent.min_zoom, file.extent.max_zoom) == (10, 16)
    assert len(file.metadata["vector_layers"]) == 3
    file.close()


def test_only_tiles_of_the_bounds_are_written(town: Database, whole: Path, tmp_path: Path) -> None:
    part = tmp_path / "part.pmtiles"
    export(town, SHIBEI, part, ALL_TILES._replace(bounds=Bounds(120.3741, 36.0821, 120.3742, 36.0822)))
    all_of_them, held = _read(whole), _read(part)
    assert {place for place in held if place[0] == 16} == {(16, CORNER.x, CORNER.y)}
    assert held.items() < all_of_them.items()


def test_a_filter_and_the_other_datum_are_written_as_they_are_served(town: Database, tmp_path: Path) -> None:
    variant = Variant(("manhole_covers",), datum="gcj02", filter=parse("class_code = '0114'"))
    export(town, SHIBEI, tmp_path / "few.pmtiles", ExportOptions(variant, 14, 16))
    held = _read(tmp_path / "few.pmtiles")
    features = [
        feature
        for (z, _, _), data in held.items()
        if z == 16
        for feature in mapbox_vector_tile.decode(gzip.decompress(data))["manhole_covers"]["features"]
    ]
    assert {feature["properties"]["code"] for feature in features} == {"3702030114000001", "3702030114000002"}
    assert held == _alone(town.url, variant, list(held))
    with (tmp_path / "few.pmtiles").open("rb") as file:
        assert PMTILES.Reader(PMTILES.MmapSource(file)).metadata()["datum"] == "gcj02"


def test_the_same_data_and_options_give_the_same_bytes(town: Database, whole: Path, tmp_path: Path) -> None:
    export(town, SHIBEI, tmp_path / "again.pmtiles", ALL_TILES._replace(connections=1))
    assert (tmp_path / "again.pmtiles").read_bytes() == whole.read_bytes()


def test_all_tiles_show_one_moment_although_the_data_change_meanwhile(own_town: Database, tmp_path: Path) -> None:
    before = tmp_path / "before.pmtiles"
    export(own_town, SHIBEI, before, ALL_TILES)
    edited: list[int] = []

    def edit(_what: str, _done: int, _total: int) -> None:
        if not edited:
            with own_town.connect() as connection:
                edited.append(connection.execute("UPDATE gisgrid.buildings SET floors = floors + 1").rowcount)

    during = tmp_path / "during.pmtiles"
    export(own_town, SHIBEI, during, ALL_TILES._replace(connections=1), progress=edit)
    assert edited == [190]
    assert _read(during) == _read(before)
    export(own_town, SHIBEI, tmp_path / "after.pmtiles", ALL_TILES)
    assert _read(tmp_path / "after.pmtiles") != _read(before)


class _Broken(Exception):
    """A run is broken off."""


def _break_off(database: Database, target: Path, after: int) -> None:
    """Begin an export and break it off behind some tiles, all of which are made sure of."""

    def stop(_what: str, done: int, _total: int) -> None:
        if done >= after:
            raise _Broken

    with pytest.raises(_Broken):
        export(database, SHIBEI, target, ALL_TILES, progress=stop)
    assert not target.exists()


@pytest.fixture
def _commits_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiles.archives.writing._COMMIT_EVERY_S", 0.0)


@pytest.mark.usefixtures("_commits_at_once")
def test_a_run_that_was_broken_off_is_gone_on_with_to_the_same_bytes(town: Database, whole: Path, tmp_path: Path) -> None:
    target = tmp_path / "town.pmtiles"
    _break_off(town, target, 20)
    said: list[str] = []
    seen: list[int] = []
    done = export(town, SHIBEI, target, ALL_TILES, tell=said.append, progress=lambda _what, done, _total: seen.append(done))
    assert done.found >= 10
    assert said == [f"Going on behind {done.found} tiles, where an earlier run was broken off."]
    assert target.read_bytes() == whole.read_bytes()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.usefixtures("_commits_at_once")
@pytest.mark.parametrize("what", ["options", "data"])
def test_a_run_begins_anew_when_something_has_changed(own_town: Database, tmp_path: Path, what: str) -> None:
    target = tmp_path / "town.pmtiles"
    _break_off(own_town, target, 20)
    options = ALL_TILES._replace(max_zoom=15) if what == "options" else ALL_TILES
    if what == "data":
        with own_town.connect() as connection:
            connection.execute("UPDATE gisgrid.buildings SET floors = 99 WHERE code = 'B0'")
    said: list[str] = []
    done = export(own_town, SHIBEI, target, options, tell=said.append)
    assert done.found == 0
    assert said == [f"An earlier run was broken off; since then the {what} changed, so that all tiles are made anew."]


@pytest.mark.usefixtures("_commits_at_once")
def test_a_change_of_other_layers_is_none(own_town: Database, tmp_path: Path) -> None:
    target = tmp_path / "town.pmtiles"
    _break_off(own_town, target, 20)
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras SET status = 'offline'")
    assert export(own_town, SHIBEI, target, ALL_TILES).found > 0


def test_two_runs_do_not_write_the_same_file(town: Database, tmp_path: Path) -> None:
    target = tmp_path / "town.pmtiles"

    def again(_what: str, _done: int, _total: int) -> None:
        with pytest.raises(SourceError, match="being written by another run"):
            export(town, SHIBEI, target, ALL_TILES)

    export(town, SHIBEI, target, ALL_TILES._replace(max_zoom=12), progress=again)
    assert target.exists()


def test_what_cannot_be_written_is_told(town: Database, tmp_path: Path) -> None:
    target = tmp_path / "town.pmtiles"
    with pytest.raises(ParameterError, match="says no format"):
        export(town, SHIBEI, tmp_path / "town.tiles", ALL_TILES)
    with pytest.raises(ParameterError, match="no range of zooms"):
        export(town, SHIBEI, target, ALL_TILES._replace(max_zoom=23))
    with pytest.raises(ParameterError, match="nothing is drawn up to zoom 3"):
        export(town, SHIBEI, target, ExportOptions(GRIDS, 0, 3))
    with pytest.raises(ParameterError, match="WebMercatorQuad only"):
        export(town, SHIBEI, target, ALL_TILES._replace(variant=GRIDS._replace(matrix_set="CGCS2000Quad")))
    with pytest.raises(NotFoundError, match="nothing of grids"):
        export(town, SHIBEI, target, ALL_TILES._replace(bounds=Bounds(10, 10, 11, 11)))
    with pytest.raises(SourceError, match="cannot be written"):
        export(town, SHIBEI, tmp_path / "no" / "folder.pmtiles", ALL_TILES)
    assert not list(tmp_path.iterdir())
