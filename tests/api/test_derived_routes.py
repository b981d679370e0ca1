"""``/tiles/h3`` and ``/tiles/camera_views``: addresses, parameters, caching, and edits."""

from __future__ import annotations

import time
from typing import Any

import mapbox_vector_tile
import psycopg
import pytest

from gisgrid.db import Database
from tests.api.conftest import Server
from tiles import tile_at

TILE = tile_at(120.3775, 36.084, 14)
PLACE = f"{TILE.z}/{TILE.x}/{TILE.y}.mvt"
H3 = f"/tiles/h3/manhole_covers/{PLACE}"
DEEPER = tile_at(120.3742, 36.0812, 15)
VIEWS = f"/tiles/camera_views/{DEEPER.z}/{DEEPER.x}/{DEEPER.y}.mvt"


def counted(body: bytes) -> int:
    layers: dict[str, Any] = mapbox_vector_tile.decode(body)
    return sum(feature["properties"]["count"] for feature in layers["h3"]["features"])


@pytest.mark.parametrize("path", [H3, f"/tiles/h3/cameras/{PLACE}?kind=dome,ptz", f"{H3}?datum=gcj02", VIEWS, f"{VIEWS}?datum=gcj02"])
def test_derived_tiles_are_served_like_all_tiles(server: Server, path: str) -> None:
    # On a busy machine what is in memory may not be known to be current at this moment, and the answer says so.
    server.wait(lambda: "gisgrid-stale" not in server.get(path).headers, 30.0)
    answer = server.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["vary"] == "accept-encoding"
    assert server.get(path, headers={"if-none-match": answer.headers["etag"]}).status_code == 304
    head = server.request("HEAD", path)
    assert (head.content, head.headers["etag"]) == (b"", answer.headers["etag"])


def test_covers_are_counted_as_asked(server: Server) -> None:
    with_buffer = counted(server.get(H3).content)
    assert 60 < with_buffer <= 122
    later = counted(server.get(f"{H3}?from=2019-05-01&to=2019-05-31").content)
    assert 0 < later <= 31
    assert server.get(f"{H3}?from=1999-01-01&to=1999-12-31").status_code == 204


@pytest.mark.parametrize("path", ["/tiles/h3/manhole_covers.json", "/tiles/h3/cameras.json", "/tiles/camera_views.json"])
def test_derived_layers_have_tilejson_that_repeats_what_was_asked(server: Server, path: str) -> None:
    document = server.get(f"{path}?datum=gcj02").json()
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == [f"http://town.test{path.removesuffix('.json')}/{{z}}/{{x}}/{{y}}.mvt?datum=gcj02"]
    [described] = document["vector_layers"]
    assert (described["minzoom"], described["maxzoom"]) == (document["minzoom"], document["maxzoom"])
    tile = document["tiles"][0].removeprefix("http://town.test").format(z=DEEPER.z, x=DEEPER.x, y=DEEPER.y)
    [(name, layer)] = mapbox_vector_tile.decode(server.get(tile).content).items()
    assert name == described["id"]
    assert set(layer["features"][0]["properties"]) <= set(described["fields"])


@pytest.mark.parametrize(
    ("path", "status", "parameter"),
    [
        (f"{H3}?from=yesterday", 400, "from"),
        (f"{H3}?from=2020-02-30", 400, "from"),
        (f"{H3}?from=2020-02-02&to=2020-01-01", 400, "to"),
        (f"{H3}?filter=x", 400, "filter"),
        (f"/tiles/h3/cameras/{PLACE}?from=2020-01-01", 400, "from"),
        (f"/tiles/h3/cameras/{PLACE}?kind=round", 400, "kind"),
        (f"{VIEWS}?kind=ptz", 400, "kind"),
        (f"{VIEWS}?datum=bd09", 400, "datum"),
        (f"/tiles/h3/grids/{PLACE}", 404, None),
        ("/tiles/h3/grids.json", 404, None),
        ("/tiles/h3/manhole_covers", 404, None),
        ("/tiles/h3/manhole_covers/19/0/0.mvt", 404, None),
        ("/tiles/camera_views/14/0/0.mvt", 404, None),
        ("/tiles/camera_views/15/x/0.mvt", 404, None),
        ("/tiles/camera_views", 404, None),
    ],
)
def test_what_is_not_served_is_told(server: Server, path: str, status: int, parameter: str | None) -> None:
    answer = server.get(path)
    assert answer.status_code == status, answer.text
    assert answer.json().get("parameter") == parameter


def test_an_edit_shows_within_a_second_or_so(own_server: Server, own_town: Database) -> None:
    before = counted(own_server.get(H3).content)
    views = own_server.get(VIEWS).headers["etag"]
    with psycopg.connect(own_town.url) as connection:
        connection.execute("DELETE FROM gisgrid.components WHERE code = (SELECT min(code) FROM gisgrid.manhole_covers)")
        connection.execute("UPDATE gisgrid.cameras SET range_m = 40 WHERE code = 'C1'")
    end = time.monotonic() + 20
    while counted(own_server.get(H3).content) == before or own_server.get(VIEWS).headers["etag"] == views:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert counted(own_server.get(H3).content) == before - 1
