"""Archives over HTTP: the same tiles as those made now, documents, ranges of bytes, files that are replaced."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving
from tiles.archives import ExportOptions, export
from tiles.request import Variant
from tiles.tile import tile_at

TILE = tile_at(120.3775, 36.0841, 14)
AT = f"{TILE.z}/{TILE.x}/{TILE.y}"


@pytest.fixture(scope="module")
def home(town: Database, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with an archive of each format."""
    home = tmp_path_factory.mktemp("archive-home")
    folder = home / "archives"
    folder.mkdir()
    options = ExportOptions(Variant(("grids", "buildings")), 12, 14)
    for name in ("town.pmtiles", "rows.mbtiles"):
        export(town, load_deployment("shibei"), folder / name, options)
    (folder / "broken.pmtiles").write_bytes(b"PMTiles\x03 and no more")
    return home


@pytest.fixture(scope="module")
def files(town: Database, home: Path) -> Iterator[Server]:
    with serving(Settings(database_url=town.url, home=home)) as running:
        yield running


@pytest.mark.parametrize("name", ["town", "rows"])
def test_a_tile_has_the_bytes_of_one_that_is_made_now(files: Server, name: str) -> None:
    kept, made = files.get(f"/archives/{name}/{AT}.mvt"), files.get(f"/tiles/grids,buildings/{AT}.mvt")
    assert kept.status_code == 200
    assert kept.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert kept.headers["content-encoding"] == "gzip"
    assert kept.content == made.content
    again = files.get(f"/archives/{name}/{AT}.mvt", headers={"if-none-match": kept.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    plain = files.get(f"/archives/{name}/{AT}.mvt", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == made.content
    assert plain.headers["etag"] != kept.headers["etag"]


def test_a_tile_that_is_not_in_it_is_empty_and_one_that_cannot_be_is_not_found(files: Server) -> None:
    assert files.get("/archives/town/14/0/0.mvt").status_code == 204
    assert files.get("/archives/town/9/0/0.mvt").status_code == 204
    assert files.get("/archives/town/14/99999/0.mvt").status_code == 404
    assert files.get("/archives/town/14/a/0.mvt").status_code == 404


@pytest.mark.parametrize("name", ["town", "rows"])
def test_its_document_tells_layers_zooms_and_where_its_tiles_are(files: Server, name: str) -> None:
    document = files.get(f"/archives/{name}.json").json()
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == [f"http://town.test/archives/{name}/{{z}}/{{x}}/{{y}}.mvt"]
    assert [layer["id"] for layer in document["vector_layers"]] == ["grids", "buildings"]
    assert (document["minzoom"], document["maxzoom"]) == (12, 14)
    assert document["bounds"] == pytest.approx([120.37, 36.08, 120.385, 36.088], abs=1e-4)
    assert document.get("pmtiles") == ("http://town.test/archives/town.pmtiles" if name == "town" else None)


def test_all_archives_are_listed(files: Server) -> None:
    found = files.get("/archives").json()["archives"]
    assert [one["name"] for one in found] == ["broken", "rows", "town"]
    assert found[2]["tilejson"] == "http://town.test/archives/town.json"


def test_a_file_is_read_by_ranges_of_bytes(files: Server, home: Path) -> None:
    whole = (home / "archives" / "town.pmtiles").read_bytes()
    path = "/archives/town.pmtiles"
    answer = files.get(path)
    assert answer.content == whole
    assert answer.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in answer.headers
    etag = answer.headers["etag"]

    def part(value: str, **more: str) -> httpx.Response:
        return files.get(path, headers={"range": value, **more})

    head = part("bytes=0-126")
    assert (head.status_code, head.content) == (206, whole[:127])
    assert head.headers["content-range"] == f"bytes 0-126/{len(whole)}"
    assert "content-range" in head.headers["access-control-expose-headers"]
    assert part("bytes=-10").content == whole[-10:]
    assert part(f"bytes={len(whole) - 5}-").content == whole[-5:]
    beyond = part(f"bytes={len(whole)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(whole)}")
    assert part("bytes=0-9", **{"if-range": etag}).status_code == 206
    assert part("bytes=0-9", **{"if-range": '"another"'}).content == whole
    assert files.get(path, headers={"if-none-match": etag}).status_code == 304
    told = files.request("HEAD", path)
    assert (told.status_code, told.content, told.headers["content-length"]) == (200, b"", str(len(whole)))


def test_what_is_no_archive_is_not_found(files: Server) -> None:
    for path in ("none.json", "none.pmtiles", f"none/{AT}.mvt", "rows.pmtiles", "broken.json", ".town.json", "..%2Ftown.json"):
        answer = files.get(f"/archives/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert files.get("/archives/town.json?datum=gcj02").status_code == 400


def test_a_file_that_is_replaced_is_served_from_then_on(files: Server, home: Path, town: Database) -> None:
    folder = home / "archives"
    shutil.copy(folder / "town.pmtiles", folder / "next.pmtiles")
    before = files.get(f"/archives/next/{AT}.mvt")
    export(town, load_deployment("shibei"), folder / "next.pmtiles", ExportOptions(Variant(("grids",)), 14, 14))
    after = files.get(f"/archives/next/{AT}.mvt")
    assert after.content == files.get(f"/tiles/grids/{AT}.mvt").content != before.content
    (folder / "next.pmtiles").unlink()
    assert files.get(f"/archives/next/{AT}.mvt").status_code == 404
