"""Whole collections as files: everything in them, as it is stored; and what a download may cost."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow.parquet
import pyogrio
import pytest
import shapely

from api.asgi import Message
from api.downloads import Downloads
from api.ogc.feature_schemas import collection_schema
from gisgrid.db import Database
from gisgrid.features.formats import BY_WORD
from gisgrid.layers import LAYERS, layer
from gisgrid.settings import ApiSettings, Settings
from tests.api.conftest import Server, serving
from tests.features.reading import as_text, execute, ogrinfo_count, read, stored

_PUBLIC = [one.id for one in LAYERS if one.public]
_HOSTILE = [
    "a\"b,c;d'e",
    "line\nbreak\r\nand\ttab",
    "back\\slash \\n \\. \\",
    "=1+1|cmd",
    "\x01\x02\x1e\x7f",
    "'; DROP TABLE gisgrid.components; --",
    "%s %(limit)s %% $1",
    "井盖 😀 \u2028",
    "NULL",
    "\\N",
    " ",
]


def _items(server: Server, layer_id: str, word: str, **more: str) -> bytes:
    answer = server.get(f"/ogc/collections/{layer_id}/items", params={"f": word, **more})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].split(";")[0] == BY_WORD[word].media
    assert answer.headers["content-disposition"] == f'attachment; filename="{layer_id}{BY_WORD[word].suffix}"'
    return answer.content


@pytest.mark.parametrize("word", BY_WORD)
@pytest.mark.parametrize("layer_id", _PUBLIC)
def test_a_file_has_every_feature_with_all_that_is_stored(server: Server, town: Database, tmp_path: Path, layer_id: str, word: str) -> None:
    chosen = layer(layer_id)
    found = read(word, _items(server, layer_id, word), tmp_path, chosen)
    expected = as_text(stored(town, chosen))
    # An index puts features that are near each other together.
    assert (sorted(found) if word == "fgb" else list(found)) == list(expected)
    for id, one in expected.items():
        assert found[id].fields == one.fields
        # The very same numbers, not nearly the same.
        assert (found[id].place is None) == (one.place is None)
        assert one.place is None or shapely.equals_identical(found[id].place, one.place)


def test_a_file_of_geojson_is_the_document_that_the_definition_declares(server: Server) -> None:
    asked = {"properties": "code,kind", "limit": "3"}
    found = json.loads(_items(server, "cameras", "geojson", **asked))
    required = collection_schema(layer("cameras"))["required"]
    assert isinstance(required, list)
    assert set(required) <= set(found)
    hrefs = {one["rel"]: one["href"] for one in found["links"]}
    assert set(hrefs) == {"self", "alternate", "collection"}
    assert hrefs["self"].endswith("/ogc/collections/cameras/items?properties=code,kind&limit=3&f=geojson")
    # What a link says of the type is what is there.
    for one in found["links"]:
        if one["rel"] != "collection":
            answer = server.get(urlsplit(one["href"])._replace(scheme="", netloc="").geturl())
            assert answer.headers["content-type"].split(";")[0] == one["type"], one


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="GDAL's programs are not installed")
@pytest.mark.parametrize("word", ["geojson", "geojsonseq", "csv", "fgb", "gpkg"])
def test_the_gdal_of_the_system_reads_the_files_without_a_warning(server: Server, town: Database, tmp_path: Path, word: str) -> None:
    for layer_id in ("manhole_covers", "buildings", "quality_issues"):
        content = _items(server, layer_id, word)
        path = tmp_path / f"{layer_id}{BY_WORD[word].suffix}"
        assert ogrinfo_count(content, path) == len(stored(town, layer(layer_id)))


@pytest.mark.parametrize("word", BY_WORD)
def test_filters_order_fields_and_systems_are_those_of_a_page(server: Server, tmp_path: Path, word: str) -> None:
    asked = {
        "filter": "class_code = '0102' AND installed_on > DATE('2019-04-01')",
        "bbox": "120.371,36.081,120.379,36.086",
        "sortby": "-installed_on",
        "properties": "code,installed_on",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/4549",
    }
    page = server.get("/ogc/collections/manhole_covers/items", params={"f": "json", "limit": "1000", **asked}).json()
    assert 10 < len(page["features"]) < 120
    found = read(word, _items(server, "manhole_covers", word, **asked), tmp_path, layer("manhole_covers"))
    ids = [one["id"] for one in page["features"]]
    # A GeoPackage is a table by id: it has no other order.
    assert list(found) == (sorted(ids) if word == "gpkg" else ids)
    for one in page["features"]:
        assert found[one["id"]].fields == one["properties"]
        northing, easting = one["geometry"]["coordinates"]
        # GeoJSON has the order of axes of the register, as pages have; files have x before y.
        expected = (northing, easting) if word.startswith("geojson") else (easting, northing)
        assert found[one["id"]].place.coords[0] == pytest.approx(expected, abs=6e-5, rel=0)


def test_a_file_can_be_of_a_part_and_go_on_where_a_page_ends(server: Server, town: Database, tmp_path: Path) -> None:
    page = server.get("/ogc/collections/cameras/items?limit=4").json()
    cursor = next(one["href"] for one in page["links"] if one["rel"] == "next").split("cursor=")[1].split("&")[0]
    rest = read("csv", _items(server, "cameras", "csv", cursor=cursor), tmp_path, layer("cameras"))
    part = read("csv", _items(server, "cameras", "csv", offset="1", limit="2"), tmp_path, layer("cameras"))
    ids = list(stored(town, layer("cameras")))
    assert list(rest) == ids[4:]
    assert list(part) == ids[1:3]


def test_texts_come_through_as_they_are(own_server: Server, own_town: Database, tmp_path: Path) -> None:
    for number, text in enumerate(_HOSTILE):
        execute(own_town, "UPDATE gisgrid.cameras SET name = %s WHERE code = %s", (text, f"C{number % 10}"))
        if number % 10 == 9 or number == len(_HOSTILE) - 1:
            expected = {id: one.fields["name"] for id, one in stored(own_town, layer("cameras")).items()}
            for word in BY_WORD:
                found = read(word, _items(own_server, "cameras", word), tmp_path, layer("cameras"))
                assert {id: one.fields["name"] for id, one in found.items()} == expected, word


def test_hostile_values_of_a_filter_are_only_values(own_server: Server, own_town: Database, tmp_path: Path) -> None:
    execute(own_town, "UPDATE gisgrid.cameras SET name = %s WHERE code = 'C3'", (_HOSTILE[5],))
    for text, found in ((_HOSTILE[5], 1), (_HOSTILE[6], 0), (_HOSTILE[2], 0)):
        for asked in ({"filter": f"name = '{text.replace(chr(39), chr(39) * 2)}'"}, {"name": text}, {"q": text.replace(",", "")}):
            content = _items(own_server, "cameras", "geojsonseq", **asked)
            assert len(read("geojsonseq", content, tmp_path, layer("cameras"))) == found
    assert len(stored(own_town, layer("cameras"))) == 10


def test_a_missing_text_is_not_an_empty_one(own_server: Server, own_town: Database) -> None:
    execute(own_town, "UPDATE gisgrid.cameras SET name = CASE code WHEN 'C0' THEN '' ELSE NULL END")
    text = _items(own_server, "cameras", "csv", properties="code,name").decode().splitlines()
    assert [line.split(",")[2] for line in text[1:3]] == ['""', ""]
    table = pyarrow.parquet.read_table(pyarrow.BufferReader(_items(own_server, "cameras", "parquet")))
    assert table.column("name").to_pylist() == [""] + [None] * 9


def test_csv_is_utf_8_and_says_so_to_spreadsheets_that_ask(server: Server) -> None:
    plain, marked = _items(server, "grids", "csv"), _items(server, "grids", "csv", bom="true")
    assert marked == b"\xef\xbb\xbf" + plain
    assert plain.startswith(b"id,code,name,parent_code,area_m2,WKT\n")
    answer = server.get("/ogc/collections/grids/items?f=parquet&bom=true")
    assert (answer.status_code, answer.json()["parameter"]) == (400, "bom")
    assert server.get("/ogc/collections/grids/items?f=csv&bom=perhaps").status_code == 400


def test_geoparquet_says_what_it_has(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "covers.parquet"
    path.write_bytes(_items(server, "manhole_covers", "parquet"))
    said = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"geo"])
    column = said["columns"]["geometry"]
    assert (said["version"], said["primary_column"], column["encoding"]) == ("1.1.0", "geometry", "WKB")
    assert column["crs"]["id"] == {"authority": "OGC", "code": "CRS84"}
    assert column["geometry_types"] == ["Point"]
    assert column["covering"]["bbox"] == {side: ["bbox", side] for side in ("xmin", "ymin", "xmax", "ymax")}
    boxes = pyarrow.parquet.read_table(path, columns=["bbox"]).column("bbox").to_pylist()
    assert column["bbox"] == [min(b["xmin"] for b in boxes), min(b["ymin"] for b in boxes)] + [
        max(b[side] for b in boxes) for side in ("xmax", "ymax")
    ]
    projected = _items(server, "quality_issues", "parquet", crs="http://www.opengis.net/def/crs/EPSG/0/4549")
    path.write_bytes(projected)
    column = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"geo"])["columns"]["geometry"]
    assert column["crs"]["id"] == {"authority": "EPSG", "code": 4549}
    assert column["geometry_types"] == ["LineString", "Point", "Polygon"]
    assert pyarrow.parquet.read_table(path, columns=["bbox"]).column("bbox").to_pylist()[-1] is None


def test_geopackages_and_flatgeobufs_have_an_index_and_chinese_titles(server: Server, tmp_path: Path) -> None:
    for word in ("fgb", "gpkg"):
        path = tmp_path / f"covers.{word}"
        path.write_bytes(_items(server, "manhole_covers", word))
        info = pyogrio.read_info(path)
        assert info["capabilities"]["fast_spatial_filter"]
        assert (info["crs"], info["geometry_type"], info["layer_name"]) == ("EPSG:4326", "Point", "manhole_covers")
        title = _title_of_code(path)
        assert title == "部件标识码"


def _title_of_code(path: Path) -> str:
    """Return what QGIS calls the field `code` of a file."""
    if path.suffix == ".gpkg":
        with closing(sqlite3.connect(path)) as connection:
            return str(connection.execute("SELECT name FROM gpkg_data_columns WHERE column_name = 'code'").fetchone()[0])
    head = path.read_bytes()[:4096].decode("utf-8", "ignore")
    return "部件标识码" if "部件标识码" in head else head


class Client:
    """A client of the application that takes its time, and may go away."""

    def __init__(self, server: Server, query: str) -> None:
        self.status = 0
        self.content = b""
        self.is_complete = False
        self._server = server
        self._may_read = asyncio.Event()
        self._is_gone = asyncio.Event()
        path, _, text = query.partition("?")
        self._scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": text.encode(),
            "headers": [(b"host", b"town.test")],
            "scheme": "http",
            "root_path": "",
            "http_version": "1.1",
            "server": ("town.test", 80),
        }
        self._asking = asyncio.run_coroutine_threadsafe(self._ask(), server.runner._loop)

    async def _ask(self) -> None:
        await self._server.app(self._scope, self._receive, self._send)

    async def _receive(self) -> Message:
        await self._is_gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        self.content += message.get("body", b"")
        self.is_complete = not message.get("more_body", False)
        if not self.is_complete:
            await self._may_read.wait()

    def read(self) -> None:
        """Take all that comes, from now on."""
        self._server.runner._loop.call_soon_threadsafe(self._may_read.set)

    def leave(self) -> None:
        """Go away."""
        for event in (self._is_gone, self._may_read):
            self._server.runner._loop.call_soon_threadsafe(event.set)

    def end(self) -> None:
        """Wait until the application is done with the request."""
        self._asking.result(30)


@pytest.fixture(scope="module")
def large(database_copies: Any) -> Database:
    """A collection of 20,000 issues, some 20 MB."""
    database: Database = database_copies()
    execute(
        database,
        """INSERT INTO gisgrid.quality_issues (layer, feature_code, code, severity, message, geom)
           SELECT 'cameras', n::text, 'gap', 'info', repeat('x', 900), ST_SetSRID(ST_MakePoint(120 + n / 1e6, 36), 4326)
           FROM generate_series(1, 20000) AS n""",
    )
    return database


def _settings(database: Database, **limits: Any) -> Settings:
    return Settings(database_url=database.url, api=ApiSettings(**limits))


def _downloads(server: Server) -> Downloads:
    found: Downloads = server.app._rest.state.backend.downloads  # type: ignore[attr-defined]
    return found


_ALL = "/ogc/collections/quality_issues/items?f={}"


def test_so_many_downloads_at_a_time_and_no_more_than_is_read_in_memory(large: Database) -> None:
    with serving(_settings(large, max_downloads=2)) as server:
        downloads = _downloads(server)
        first, second = Client(server, _ALL.format("csv")), Client(server, _ALL.format("geojson"))
        server.wait(lambda: bool(first.content and second.content), 30)
        refused = server.get(_ALL.format("csv"))
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
        # One chunk has been taken, one lies ready: the other 18 MB are still in PostgreSQL.
        assert all(reader.rows < 10_000 for reader in downloads._readers)
        first.read()
        first.end()
        assert first.is_complete
        assert first.content.count(b"\n") == 20_001
        server.wait(lambda: downloads.running == 1, 30)
        # Pages go on meanwhile.
        assert server.get("/ogc/collections/quality_issues/items").status_code == 200
        second.leave()
        second.end()
        server.wait(lambda: downloads.running == 0, 30)
        server.wait(lambda: not _busy(large), 30)


def _busy(database: Database) -> list[Any]:
    with database.connect() as connection:
        sql = "SELECT query FROM pg_stat_activity WHERE application_name = 'gisgrid downloads' AND datname = current_database()"
        return connection.execute(sql).fetchall()


def test_a_client_that_goes_away_while_a_file_is_made_leaves_nothing(
    large: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serving(_settings(large)) as server:
        client = Client(server, _ALL.format("gpkg"))
        server.wait(lambda: any(tmp_path.rglob("*.gpkg")), 30)
        client.leave()
        client.end()
        assert client.status == 0
        server.wait(lambda: _downloads(server).running == 0, 30)
        assert not any(tmp_path.iterdir())
        server.wait(lambda: not _busy(large), 30)
        # And one that takes all of it leaves nothing either.
        answer = server.get(_ALL.format("gpkg"))
        assert int(answer.headers["content-length"]) == len(answer.content) > 1_000_000
        server.wait(lambda: _downloads(server).running == 0, 30)
        assert not any(tmp_path.iterdir())


def test_what_a_download_may_take_is_bounded(large: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with serving(_settings(large, download_spool_bytes=1_000_000, stream_idle_s=0.3)) as server:
        refused = server.get(_ALL.format("fgb"))
        assert (refused.status_code, refused.json()["type"]) == (413, "/problems/too-large")
        assert not any(tmp_path.iterdir())
        # A client that does not read is broken off: the answer never ends as a whole one does.
        client = Client(server, _ALL.format("geojsonseq"))
        client.end()
        assert client.status == 200
        assert not client.is_complete
        server.wait(lambda: _downloads(server).running == 0, 30)
    with serving(_settings(large, download_timeout_s=0.02)) as server:
        assert server.get(_ALL.format("gpkg")).status_code == 503


def test_one_that_asks_for_the_head_is_told_without_anything_being_made(server: Server) -> None:
    answer = server.request("HEAD", "/ogc/collections/grids/items?f=gpkg")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/geopackage+sqlite3"
    assert answer.content == b""
    assert _downloads(server).running == 0


def test_accept_chooses_a_format_too(server: Server) -> None:
    for word, one in BY_WORD.items():
        answer = server.get("/ogc/collections/grids/items", headers={"accept": one.media})
        assert answer.headers["content-type"].startswith(one.media)
        # Of the two that are GeoJSON the page is meant.
        assert ("content-disposition" in answer.headers) == (word != "geojson")
    assert server.get("/ogc/collections/grids/items?f=shp").status_code == 400


def test_without_postgis_it_is_said_before_anything_is_sent(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_downloads(server), "database", Database("postgresql://nobody@127.0.0.1:1/none"))
    for word in BY_WORD:
        answer = server.get(f"/ogc/collections/grids/items?f={word}")
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
