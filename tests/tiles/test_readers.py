"""Other people's programs on a server of two workers and on archives: GDAL and QGIS read what PostGIS holds; the command that warms it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.errors import UnavailableError, UsageError
from tests.serving import GISGRID, Server, served
from tiles.archives import ExportOptions, export
from tiles.request import Variant
from tiles.sql import BUFFER, EXTENT
from tiles.tile import tile_at
from tiles.warming import WarmOptions, warm

LAYERS = ("grids", "buildings", "manhole_covers")
TILE = tile_at(120.3775, 36.0841, 14)
QGIS_PYTHON = "/usr/bin/python3"
# The town with some ground around it, EPSG:3857 metres.
BOX = "13398900,4310800,13401900,4313800"
WORKERS = 2


@pytest.fixture(scope="module")
def home(town: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the town's archives."""
    home = tmp_path_factory.mktemp("readers")
    (home / "archives").mkdir()
    for name in ("town.pmtiles", "rows.mbtiles"):
        export(town, load_deployment("shibei"), home / "archives" / name, ExportOptions(Variant(LAYERS), 14, 16))
    return home


@pytest.fixture(scope="module")
def server(town: Database, home: Path) -> Iterator[Server]:
    """A real server on the town, in two processes."""
    with served(
        [GISGRID, "serve", "--workers", str(WORKERS), "--port"], {"GISGRID_DATABASE_URL": town.url, "GISGRID_HOME": str(home)}
    ) as running:
        yield running


def _rows(database: Database, layer: str, box: str = "true", **values: object) -> int:
    with database.connect() as connection:
        row = connection.execute(f"SELECT count(*) FROM gisgrid.{layer} WHERE {box}".encode(), values).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("name", ["town.pmtiles", "rows.mbtiles"])
def test_gdal_finds_every_row_in_an_archive(town: Database, home: Path, name: str) -> None:
    path = home / "archives" / name
    assert {layer for layer, _ in pyogrio.list_layers(path)} == set(LAYERS)
    for layer in LAYERS:
        # What lies in several tiles comes from each of them, cut at its edge; a point is in one alone.
        frame = pyogrio.read_dataframe(path, layer=layer, ZOOM_LEVEL="16")
        assert frame["mvt_id"].nunique() == _rows(town, layer)
        assert frame.crs.to_epsg() == 3857
        assert frame.is_valid.all()
    covers = pyogrio.read_dataframe(path, layer="manhole_covers", ZOOM_LEVEL="16")
    assert len(covers) == _rows(town, "manhole_covers") == 122
    grids = pyogrio.read_dataframe(path, layer="grids", ZOOM_LEVEL="16").dissolve("code")
    assert set(grids.index) == {"".join(("37020300", code)) for code in ("1001001", "1001002", "1002001", "1002002", "2001001", "2001002")}


@pytest.mark.parametrize("path", ["tiles/grids", "archives/town", "archives/rows"])
def test_ogrinfo_reads_tiles_over_http(server: Server, town: Database, path: str) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("ogrinfo is not installed")
    address = f"MVT:{server.url}/{path}/{TILE.z}/{TILE.x}/{TILE.y}.mvt"
    done = subprocess.run(["ogrinfo", "-ro", "-so", address, "grids"], capture_output=True, text=True, timeout=120, check=True)
    assert "using driver `MVT' successful" in done.stdout
    assert f"Feature Count: {_rows(town, 'grids')}" in done.stdout
    assert 'ID["EPSG",3857]' in done.stdout
    assert "code: String" in done.stdout


@pytest.mark.parametrize("path", ["tiles/grids,buildings,manhole_covers", "archives/town", "rows.mbtiles"])
def test_qgis_draws_what_postgis_holds(server: Server, home: Path, town: Database, path: str) -> None:
    source = f"type=xyz&url={server.url}/{path}/%7Bz%7D/%7Bx%7D/%7By%7D.mvt&zmin=14&zmax=16"
    if path.endswith(".mbtiles"):
        source = f"type=mbtiles&url={home / 'archives' / path}"
    told = _qgis(source, home)
    assert told["valid"]
    assert told["zooms"] == [14, 16]
    assert told["painted"] > 1000
    drawn = {tuple(map(int, address.split("/"))): counts for address, counts in told["counts"].items()}
    assert {z for z, _, _ in drawn} == {16}
    box = f"ST_Intersects(geom_3857, ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => {BUFFER / EXTENT}))"
    expected = {(z, x, y): {layer: count for layer in LAYERS if (count := _rows(town, layer, box, z=z, x=x, y=y))} for z, x, y in drawn}
    assert drawn == expected
    assert sum(counts.get("manhole_covers", 0) for counts in drawn.values()) >= 122


def _qgis(source: str, home: Path) -> dict[str, Any]:
    """Return what QGIS says of a source, asked in a process of its own Python."""
    look = "import importlib.util, sys; sys.exit(importlib.util.find_spec('qgis') is None)"
    if subprocess.run([QGIS_PYTHON, "-c", look], capture_output=True, timeout=120, check=False).returncode:
        pytest.skip("QGIS is not installed")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    script = Path(__file__).with_name("qgis_reads.py")
    done = subprocess.run([QGIS_PYTHON, str(script), source, BOX], capture_output=True, text=True, timeout=240, check=True, env=environment)
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_warming_fills_the_cache_of_every_worker(server: Server, town: Database) -> None:
    seen: list[tuple[int, int]] = []
    options = WarmOptions("grids", {}, (14, 15))
    done = warm(server.url, options, progress=lambda _what, done, total: seen.append((done, total)))
    assert (done.found, done.workers) == (WORKERS, WORKERS)
    assert done.tiles >= 3
    assert done.size > 500
    assert seen[-1] == (WORKERS * done.tiles, WORKERS * done.tiles)
    with town.connect() as blocker:
        # No tile of the grids can be made now: what is answered was kept.
        blocker.execute("LOCK TABLE gisgrid.areas IN ACCESS EXCLUSIVE MODE")
        asked = _ask_each_worker(server, f"/tiles/grids/{TILE.z}/{TILE.x}/{TILE.y}.mvt")
        blocker.rollback()
    assert list(asked.values()) == [200] * WORKERS


def _ask_each_worker(server: Server, path: str) -> dict[int, int]:
    """Return the status that each worker answers with, by its process."""
    statuses: dict[int, int] = {}
    connections = []
    for _ in range(500):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        connections.append(connection)
        connection.request("GET", "/healthz")
        worker = json.loads(connection.getresponse().read())["worker"]
        if worker not in statuses:
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            statuses[worker] = answer.status
        if len(statuses) == WORKERS:
            break
    for connection in connections:
        connection.close()
    return statuses


def test_a_server_that_refuses_or_is_not_there_is_told(server: Server) -> None:
    with pytest.raises(UsageError, match=r"refuses .*no layer 'lamps'"):
        warm(server.url, WarmOptions("lamps", {}))
    with pytest.raises(UsageError, match="datum"):
        warm(server.url, WarmOptions("grids", {"datum": "bd09"}))
    with pytest.raises(UnavailableError, match="does not answer"):
        warm("http://127.0.0.1:1", WarmOptions("grids", {}))
