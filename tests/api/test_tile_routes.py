"""``/tiles``: addresses, encodings, caching."""

from __future__ import annotations

import gzip

import mapbox_vector_tile
import pytest

from api.negotiation import accepts_gzip, matches
from gisgrid.layers import LAYERS
from tests.api.conftest import Server
from tiles import tile_at

TILE = tile_at(120.3744, 36.0835, 14)
PATH = f"/tiles/grids,manhole_covers/{TILE.z}/{TILE.x}/{TILE.y}.mvt"


def test_a_tile_is_served_with_its_type(server: Server) -> None:
    answer = server.get(PATH, headers={"accept-encoding": "identity"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["vary"] == "accept-encoding"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "content-encoding" not in answer.headers
    assert list(mapbox_vector_tile.decode(answer.content)) == ["grids", "manhole_covers"]


def test_a_tile_is_compressed_for_those_who_take_it(server: Server) -> None:
    plain = server.get(PATH, headers={"accept-encoding": "identity"})
    packed = server.get(PATH, headers={"accept-encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 6, mtime=0)) < len(plain.content)
    assert packed.headers["etag"] != plain.headers["etag"]


def test_a_client_that_has_the_tile_is_told_so_without_a_body(server: Server) -> None:
    first = server.get(PATH)
    again = server.get(PATH, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert "content-length" not in again.headers
    assert server.get(PATH, headers={"if-none-match": '"other"'}).status_code == 200


def test_head_tells_the_same_without_a_body(server: Server) -> None:
    head, get = server.request("HEAD", PATH), server.get(PATH)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert head.headers["etag"] == get.headers["etag"]


def test_a_tile_without_features_is_204(server: Server) -> None:
    for path in ("/tiles/grids/14/0/0.mvt", "/tiles/buildings/10/0/0.mvt", "/tiles/districts/22/4194303/4194303.mvt"):
        answer = server.get(path)
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/tiles/lamps/14/0/0.mvt",
        "/tiles/components/14/0/0.mvt",
        "/tiles/grids,lamps/14/0/0.mvt",
        "/tiles/area_roles/14/0/0.mvt",
        "/tiles/grids/23/0/0.mvt",
        "/tiles/grids/0/1/0.mvt",
        "/tiles/grids/3/0/8.mvt",
        "/tiles/grids/-1/0/0.mvt",
        "/tiles/grids/3/1.0/1.mvt",
        "/tiles/grids/3/a/1.mvt",
        "/tiles/grids/3/99999999999999999999/1.mvt",
        "/tiles/grids/3/1/1.pbf",
        "/tiles/grids/3/1/1",
        "/tiles/grids/3/1/1.mvt/",
        "/tiles/grids/3/1.mvt",
        "/tiles//3/1/1.mvt",
        "/tiles/",
        "/tiles/lamps.json",
        "/tiles/.json",
    ],
)
def test_what_does_not_exist_is_not_found(server: Server, path: str) -> None:
    answer = server.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/not-found"


def test_parameters_and_repeated_layers_are_refused(server: Server) -> None:
    for path in (f"{PATH}?filter=x", "/tiles/grids.json?a=1", "/tiles/grids,grids/3/1/1.mvt"):
        answer = server.get(path)
        assert answer.status_code == 400
        assert answer.json()["parameter"]


def test_other_methods_are_refused(server: Server) -> None:
    answer = server.request("DELETE", PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_tilejson_names_tiles_on_the_address_it_was_asked_at(server: Server) -> None:
    ids = ",".join(layer.id for layer in LAYERS)
    document = server.get(f"/tiles/{ids}.json").json()
    assert document["tiles"] == [f"http://town.test/tiles/{ids}/{{z}}/{{x}}/{{y}}.mvt"]
    assert [layer["id"] for layer in document["vector_layers"]] == [layer.id for layer in LAYERS]
    west, south, east, north = document["bounds"]
    assert (west, south, east, north) == pytest.approx((120.37, 36.08, 120.385, 36.088), abs=1e-3)
    tile = document["tiles"][0].format(z=TILE.z, x=TILE.x, y=TILE.y)
    assert server.get(tile.removeprefix("http://town.test")).status_code == 200


def test_behind_a_proxy_that_ends_tls_the_links_are_https(server: Server) -> None:
    def template(proto: str) -> str:
        return str(server.get("/tiles/grids.json", headers={"x-forwarded-proto": proto}).json()["tiles"][0])

    assert template("https").startswith("https://town.test/tiles/")
    assert template("javascript").startswith("http://town.test/tiles/")


@pytest.mark.parametrize("host", ["evil.example/<script>", "a b", ""])
def test_a_host_that_is_no_host_is_not_echoed(server: Server, host: str) -> None:
    answer = server.get("/tiles/grids.json", headers={"host": host})
    assert answer.json()["tiles"][0].startswith("http://town.test/tiles/")


def test_accept_encoding_is_read_with_its_weights() -> None:
    assert all(accepts_gzip(value) for value in ("gzip", "GZIP", "br;q=1.0, gzip;q=0.1", "*", "deflate, *;q=0.5"))
    assert not any(accepts_gzip(value) for value in ("", "br", "gzip;q=0", "gzip; q=0.0", "*;q=0", "gzip;q=0, *"))


def test_if_none_match_is_read_as_a_list() -> None:
    assert matches('"a"', '"a"')
    assert matches('W/"a" , "b"', '"a"')
    assert matches("*", '"a"')
    assert not matches('"ab"', '"a"')
    assert not matches("", '"a"')
