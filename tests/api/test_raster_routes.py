"""``/rasters``: documents, pictures, values and files over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import httpx
import numpy as np
import pytest
import rasterio
from rasterio.io import MemoryFile

from gisgrid.crs import GCJ02, from_wgs84, parse_crs, to_wgs84
from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.rasters import raster_folder
from gisgrid.settings import RasterSettings, Settings
from ingest.pipeline import run
from tests.api.conftest import Server, serving
from tests.conftest import build_town
from tests.rasters import centre, colours, heights, write
from tiles import tile_at

DESCRIPTION = """
[[rasters]]
id = "dem"
path = "dem.tif"
title = "地形"
[[rasters]]
id = "ortho"
path = "ortho.tif"
attribution = "Survey office"
"""


class Rastered(NamedTuple):
    """A server with rasters, and where their files lie."""

    server: Server
    home: Path
    database: Database


@pytest.fixture(scope="module")
def rastered(tmp_path_factory: pytest.TempPathFactory, database_copies: Callable[[], Database]) -> Iterator[Rastered]:
    folder, database = tmp_path_factory.mktemp("rasters"), build_town(database_copies())
    write(folder / "dem.tif", heights(), nodata=-9999.0)
    write(folder / "ortho.tif", colours(), photometric="RGB")
    (folder / "rasters.toml").write_text(DESCRIPTION, encoding="utf-8")
    run(database, load_deployment("shibei"), folder / "rasters.toml", home=folder / "home").raise_failure()
    with serving(Settings(database_url=database.url, home=folder / "home")) as running:
        yield Rastered(running, folder / "home", database)


def get(rastered: Rastered, path: str, **options: object) -> httpx.Response:
    return rastered.server.get(path, **options)


def lon_lat(row: int, column: int) -> tuple[float, float]:
    return to_wgs84(parse_crs("EPSG:4549"), *centre(row, column))


def address(row: int, column: int, z: int, ending: str = "png") -> str:
    tile = tile_at(*lon_lat(row, column), z)
    return f"{z}/{tile.x}/{tile.y}.{ending}"


def pixels(answer: httpx.Response) -> np.ndarray:
    assert answer.status_code == 200, answer.text
    with MemoryFile(answer.content) as memory, memory.open() as file:
        return np.asarray(file.read())


@pytest.fixture(autouse=True)
def _pictures_have_no_place(recwarn: pytest.WarningsRecorder) -> Iterator[None]:
    import warnings  # noqa: PLC0415

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
        yield


def test_the_list_tells_what_there_is(rastered: Rastered) -> None:
    found = {raster["id"]: raster for raster in get(rastered, "/rasters").json()["rasters"]}
    assert list(found) == ["dem", "ortho"]
    assert (found["dem"]["kind"], found["dem"]["title"], found["dem"]["unit"], found["dem"]["crs"]) == (
        "elevation",
        "地形",
        "m",
        "EPSG:4549",
    )
    assert found["dem"]["styles"] == ["relief", "hillshade", "heights", "terrarium"]
    assert get(rastered, found["ortho"]["links"]["tilejson"].removeprefix("http://town.test")).status_code == 200


def test_the_tilejson_leads_to_tiles(rastered: Rastered) -> None:
    found = get(rastered, "/rasters/dem.json?style=terrarium&datum=gcj02").json()
    assert (found["tilejson"], found["encoding"], found["tileSize"]) == ("3.0.0", "terrarium", 256)
    assert found["tiles"] == ["http://town.test/rasters/dem/{z}/{x}/{y}.png?style=terrarium&datum=gcj02"]
    lon, lat = from_wgs84(GCJ02, *lon_lat(150, 150))
    west, south, east, north = found["bounds"]
    assert west < lon < east
    assert south < lat < north
    tile = tile_at(lon, lat, found["maxzoom"])
    path = found["tiles"][0].removeprefix("http://town.test").format(z=tile.z, x=tile.x, y=tile.y)
    assert get(rastered, path).status_code == 200


@pytest.mark.parametrize(("row", "column"), [(30, 30), (150, 10), (299, 299), (0, 150)])
def test_a_value_is_that_of_the_cell(rastered: Rastered, row: int, column: int) -> None:
    x, y = centre(row, column)
    answer = get(rastered, f"/rasters/dem/point?x={x}&y={y}&crs=EPSG:4549").json()
    assert (answer["value"], answer["unit"]) == (20.0 + 0.5 * column, "m")
    lon, lat = from_wgs84(GCJ02, *lon_lat(row, column))
    assert get(rastered, f"/rasters/dem/point?lon={lon}&lat={lat}&crs=gcj02").json()["value"] == 20.0 + 0.5 * column
    bands = get(rastered, f"/rasters/ortho/point?x={x}&y={y}&crs=EPSG:4549").json()["bands"]
    assert [band["value"] for band in bands] == [column % 256, row % 256, 77]


def test_a_place_without_a_value_is_told_from_one_outside(rastered: Rastered) -> None:
    lon, lat = lon_lat(5, 5)
    assert get(rastered, f"/rasters/dem/point?lon={lon}&lat={lat}&crs=wgs84").json()["value"] is None
    outside = get(rastered, "/rasters/dem/point?lon=120.3&lat=36.0&crs=wgs84")
    assert (outside.status_code, outside.json()["type"]) == (404, "/problems/not-found")
    assert get(rastered, "/rasters/dem/point?lon=120.3&lat=36.0").json()["parameter"] == "crs"
    assert get(rastered, "/rasters/dem/point?lon=nan&lat=36.0&crs=wgs84").status_code == 400


@pytest.mark.parametrize("size", [256, 512])
def test_a_tile_shows_the_cells_where_they_are(rastered: Rastered, size: int) -> None:
    """Each pixel of a deep tile is the cell that its middle lies in, but for those beside an edge of two cells."""
    tile = tile_at(*lon_lat(100, 200), 19)
    drawn = pixels(get(rastered, f"/rasters/ortho/19/{tile.x}/{tile.y}.png?size={size}"))
    assert drawn.shape == (4, size, size)
    assert (drawn[3] == 255).all()
    box = tile.bounds_m
    at = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(box.west + at * (box.east - box.west), box.north - at * (box.north - box.south))
    easting, northing = rasterio.warp.transform("EPSG:3857", "EPSG:4549", x.ravel(), y.ravel())
    column = (np.array(easting).reshape(size, size) - 533000.0) / 2.0 - 0.5
    row = (3996000.0 - np.array(northing).reshape(size, size)) / 2.0 - 0.5
    assert np.abs(drawn[0] - column).max() <= 1.5
    assert np.abs(drawn[1] - row).max() <= 1.5
    assert (drawn[2] == 77).all()


def test_a_tile_on_gcj02_shows_each_cell_where_such_maps_have_it(rastered: Rastered) -> None:
    tile = tile_at(*from_wgs84(GCJ02, *lon_lat(150, 150)), 18)
    drawn = pixels(get(rastered, f"/rasters/ortho/18/{tile.x}/{tile.y}.png?datum=gcj02")).astype(float)
    box = tile.bounds_m
    at = (np.arange(256) + 0.5) / 256
    x, y = np.meshgrid(box.west + at * (box.east - box.west), box.north - at * (box.north - box.south))
    lon, lat = (np.array(axis) for axis in rasterio.warp.transform("EPSG:3857", "EPSG:4326", x.ravel(), y.ravel()))
    true_lon, true_lat = to_wgs84(GCJ02, lon, lat)
    easting, northing = rasterio.warp.transform("EPSG:4326", "EPSG:4549", true_lon, true_lat)
    column = (np.array(easting).reshape(256, 256) - 533000.0) / 2.0 - 0.5
    row = (3996000.0 - np.array(northing).reshape(256, 256)) / 2.0 - 0.5
    there = (drawn[3] == 255) & (column > 1) & (column < 254) & (row > 1) & (row < 254)
    assert there.mean() > 0.5
    assert np.abs(drawn[0] - column)[there].max() <= 1.5
    assert np.abs(drawn[1] - row)[there].max() <= 1.5


def test_heights_are_encoded_as_map_libraries_decode_them(rastered: Rastered) -> None:
    red, green, blue, opacity = pixels(get(rastered, f"/rasters/dem/{address(150, 150, 19)}?style=terrarium")).astype(float)
    metres = red * 256.0 + green + blue / 256.0 - 32768.0
    assert (opacity == 255).all()
    assert 90.0 < metres.min() < metres.max() < 125.0
    # It rises by a quarter of a metre a metre eastward, wherever it is taken.
    run_m = 40075016.686 / 2**19 * np.cos(np.radians(36.09))
    assert np.allclose(metres[:, -1] - metres[:, 0], 0.25 * run_m * 255 / 256, atol=0.6)


def test_a_slope_that_faces_the_sun_is_light(rastered: Rastered) -> None:
    """The sun is in the north-west, so that a slope down to the west is lit more than level ground."""
    drawn = pixels(get(rastered, f"/rasters/dem/{address(150, 150, 18)}?style=hillshade"))
    level = np.sin(np.radians(45.0)) * 255
    assert (drawn[0][100:150, 100:150] > level + 15).all()
    assert (drawn[0] == drawn[2]).all()
    assert not np.array_equal(drawn, pixels(get(rastered, f"/rasters/dem/{address(150, 150, 18)}")))


def test_a_tile_is_a_picture_of_the_type_that_is_asked_for(rastered: Rastered) -> None:
    for ending, magic in (("png", b"\x89PNG"), ("webp", b"RIFF")):
        answer = get(rastered, f"/rasters/ortho/{address(100, 100, 17, ending)}")
        assert (answer.headers["content-type"], answer.content[:4]) == (f"image/{ending}", magic)
        assert answer.headers["cache-control"] == "no-cache"
    assert get(rastered, f"/rasters/ortho/{address(100, 100, 17, 'jpg')}").status_code == 404


def test_where_a_raster_has_no_cells_a_tile_is_clear_or_absent(rastered: Rastered) -> None:
    drawn = pixels(get(rastered, f"/rasters/dem/{address(150, 150, 14)}"))
    assert {0, 255} <= set(np.unique(drawn[3]))
    tile = tile_at(120.30, 36.00, 16)
    assert get(rastered, f"/rasters/dem/16/{tile.x}/{tile.y}.png").status_code == 404
    assert get(rastered, "/rasters/dem/16/99999999/1.png").status_code == 404
    assert get(rastered, "/rasters/atlas/16/1/1.png").status_code == 404


@pytest.mark.parametrize(
    ("query", "parameter"),
    [("style=plain", "style"), ("datum=bd09", "datum"), ("size=1024", "size"), ("band=1", "band"), ("size=", "size")],
)
def test_what_cannot_be_asked_for_is_refused_by_name(rastered: Rastered, query: str, parameter: str) -> None:
    for path in (f"/rasters/dem/{address(150, 150, 16)}", "/rasters/dem.json"):
        answer = get(rastered, f"{path}?{query}")
        assert (answer.status_code, answer.json()["parameter"]) == (400, parameter)


def test_a_client_that_has_the_tile_gets_no_body(rastered: Rastered) -> None:
    path = f"/rasters/dem/{address(150, 150, 17)}"
    first = get(rastered, path)
    again = get(rastered, path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    etags = {get(rastered, f"{path}{query}").headers["etag"] for query in ("", "?style=heights", "?datum=gcj02", "?size=512")}
    assert len(etags) == 4


def test_the_file_can_be_had_whole_and_in_pieces(rastered: Rastered) -> None:
    (path,) = raster_folder(rastered.home).glob("dem-*.tif")
    whole = get(rastered, "/rasters/dem.tif")
    assert whole.content == path.read_bytes()
    assert whole.headers["content-type"].startswith("image/tiff")
    piece = get(rastered, "/rasters/dem.tif", headers={"range": "bytes=100-199"})
    assert (piece.status_code, piece.content) == (206, whole.content[100:200])
    head = rastered.server.request("HEAD", "/rasters/dem.tif")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(whole.content)))
    assert head.headers["accept-ranges"] == "bytes"
    assert get(rastered, "/rasters/dem.tif", headers={"if-none-match": whole.headers["etag"]}).status_code == 304


def test_a_raster_that_is_replaced_is_shown_anew_within_a_second(rastered: Rastered, tmp_path: Path) -> None:
    path = write(tmp_path / "new.tif", heights() + 5.0, nodata=-9994.0)
    deployment, x_y = load_deployment("shibei"), "x={}&y={}&crs=EPSG:4549".format(*centre(100, 100))
    assert get(rastered, f"/rasters/new/point?{x_y}").status_code == 404
    run(rastered.database, deployment, path, home=rastered.home)
    rastered.server.wait(lambda: get(rastered, f"/rasters/new/point?{x_y}").status_code == 200, 10.0)
    tile = f"/rasters/new/{address(100, 100, 17)}"
    before = get(rastered, tile).headers["etag"]
    write(path, heights() + 50.0, nodata=-9949.0)
    run(rastered.database, deployment, path, home=rastered.home)
    rastered.server.wait(lambda: get(rastered, f"/rasters/new/point?{x_y}").json()["value"] == 120.0, 10.0)
    assert get(rastered, tile).headers["etag"] != before


def test_rasters_are_served_on_while_the_database_is_away(tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture) -> None:
    build_town(database)
    path = write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    run(database, load_deployment("shibei"), path, home=tmp_path).raise_failure()
    with serving(Settings(database_url=database.url, home=tmp_path)) as running:
        tile = f"/rasters/dem/{address(150, 150, 17)}"
        first = running.get(tile)
        assert first.status_code == 200
        with database.connect() as connection:
            connection.execute("ALTER TABLE gisgrid.rasters RENAME TO elsewhere")
        running.wait(lambda: running.get("/rasters").status_code == 200 and "cannot be looked up" in caplog.text, 10.0)
        assert running.get(tile).content == first.content


def test_more_than_can_be_waited_for_are_told_to_come_back(tmp_path: Path, database: Database) -> None:
    build_town(database)
    run(database, load_deployment("shibei"), write(tmp_path / "o.tif", colours()), home=tmp_path).raise_failure()
    settings = Settings(database_url=database.url, home=tmp_path, rasters=RasterSettings(threads=1, max_waiting=0))
    with serving(settings) as running:
        (raster,) = running.get("/rasters").json()["rasters"]
        assert raster["id"] == "o"
        backend = running.app._rest.state.backend  # type: ignore[attr-defined]
        backend.rasters._at_work = 1
        busy = running.get(f"/rasters/o/{address(100, 100, 17)}")
        assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
        backend.rasters._at_work = 0
        assert running.get(f"/rasters/o/{address(100, 100, 17)}").status_code == 200
