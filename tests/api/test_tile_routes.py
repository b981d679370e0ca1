"""``/tiles``: addresses, encodings, caching."""

from __future__ import annotations

import json
from urllib.parse import quote

import mapbox_vector_tile
import pytest

from api.negotiation import accepts_gzip, codings, matches
from api.tilereply import choose
from gisgrid.crs import GCJ02, from_wgs84
from gisgrid.layers import LAYERS
from tests.api.conftest import Server
from tiles import EncodedTile, tile_at
from tiles.matrix import MATRIX_SETS

TILE = tile_at(120.3744, 36.0835, 14)
CGCS = "CGCS2000Quad"
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
    assert int(packed.headers["content-length"]) < len(plain.content)
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


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        (f"{PATH}?lamp=x", "lamp"),
        ("/tiles/grids.json?a=1", "a"),
        ("/tiles/grids,grids/3/1/1.mvt", "layers"),
        (f"{PATH}?tms=WorldCRS84Quad", "tms"),
        (f"{PATH}?tms=", "tms"),
        (f"{PATH}?datum=bd09", "datum"),
        (f"{PATH}?datum=gcj02&datum=gcj02", "datum"),
        (f"/tiles/grids/10/854/153.mvt?datum=gcj02&tms={CGCS}", "datum"),
        (f"{PATH}?filter=state", "filter"),
        (f"{PATH}?filter=state%20=%20'broken'", "filter"),  # grids have no state
        ("/tiles/grids.json?filter=lamp=1", "filter"),
        ("/tiles/cameras/0/0/0.mvt?filter=lamp=1", "filter"),  # not drawn there, and wrong all the same
        (f"{PATH}?filter=code%20=%20'1'&filter-lang=sql", "filter-lang"),
        (f"{PATH}?filter-lang=cql2-json", "filter-lang"),
        (f"{PATH}?as_of=yesterday", "as_of"),
        (f"{PATH}?as_of=2026-11-22", "as_of"),  # covers are not areas
    ],
)
def test_what_cannot_be_asked_for_is_refused_with_its_name(server: Server, path: str, parameter: str) -> None:
    answer = server.get(path)
    assert (answer.status_code, answer.json().get("parameter")) == (400, parameter)


def test_a_filter_chooses_what_a_tile_shows(server: Server) -> None:
    def codes(query: str = "") -> set[str]:
        answer = server.get(f"/tiles/grids/{TILE.z}/{TILE.x}/{TILE.y}.mvt{query}", headers={"accept-encoding": "identity"})
        features = mapbox_vector_tile.decode(answer.content)["grids"]["features"] if answer.content else []
        return {feature["properties"]["code"] for feature in features}

    every = codes()
    one = sorted(every)[0]
    assert len(every) > 1
    assert codes(f"?filter=code%20%3D%20'{one}'") == {one}
    written = quote(json.dumps({"op": "<>", "args": [{"property": "code"}, one]}))
    assert codes(f"?filter-lang=cql2-json&filter={written}") == every - {one}
    assert codes("?filter=code%20is%20null") == set()


def test_a_datum_moves_what_a_tile_shows(server: Server) -> None:
    plain, shifted = (server.get(f"{PATH}{query}").content for query in ("", "?datum=gcj02"))
    assert plain != shifted
    assert server.get(f"{PATH}?datum=wgs84").content == plain


def test_tiles_of_another_matrix_set_have_its_addresses(server: Server) -> None:
    tile = MATRIX_SETS[CGCS].tile_at(120.3744, 36.0835, 14)
    answer = server.get(f"/tiles/grids/{tile.z}/{tile.x}/{tile.y}.mvt?tms={CGCS}")
    assert list(mapbox_vector_tile.decode(answer.content)) == ["grids"]
    for address in ("0/0/0", "19/0/0", "1/2/0", "1/0/1"):
        assert server.get(f"/tiles/grids/{address}.mvt?tms={CGCS}").status_code == 404


def test_tile_matrix_sets_are_listed_and_described(server: Server) -> None:
    listed = server.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert [one["id"] for one in listed] == list(MATRIX_SETS)
    for one in listed:
        document = server.get(one["links"][0]["href"].removeprefix("http://town.test")).json()
        assert document["id"] == one["id"]
        assert document["tileMatrices"][0]["tileWidth"] == 256
    assert server.get("/tileMatrixSets/Other").status_code == 404
    assert server.get("/tileMatrixSetsOther").status_code == 404


def test_tilejson_repeats_its_parameters_in_the_addresses_of_tiles(server: Server) -> None:
    query = "datum=gcj02&filter=code%20%3D%20'{z}%26'"
    template = server.get(f"/tiles/grids.json?{query}").json()["tiles"][0]
    assert template == "http://town.test/tiles/grids/{z}/{x}/{y}.mvt?datum=gcj02&filter=code%20%3D%20%27%7Bz%7D%26%27"
    assert server.get(template.removeprefix("http://town.test").format(z=TILE.z, x=TILE.x, y=TILE.y)).status_code == 204


def test_tilejson_bounds_hold_what_the_datum_shows(server: Server) -> None:
    plain, shifted = (server.get(f"/tiles/grids.json{query}").json()["bounds"] for query in ("", "?datum=gcj02"))
    lon, lat = from_wgs84(GCJ02, *plain[:2])
    assert shifted[0] <= lon <= shifted[0] + 0.001
    assert shifted[1] <= lat <= shifted[1] + 0.001


def test_tilejson_of_another_matrix_set_has_its_zooms(server: Server) -> None:
    document = server.get(f"/tiles/districts.json?tms={CGCS}").json()
    assert (document["minzoom"], document["maxzoom"], document["tile_matrix_set"]) == (max(1, LAYERS[0].min_zoom), 18, CGCS)


def test_an_instant_to_come_is_now(server: Server) -> None:
    path = f"/tiles/grids/{TILE.z}/{TILE.x}/{TILE.y}.mvt"
    assert server.get(f"{path}?as_of=2999-01-01").content == server.get(path).content


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
    assert all(accepts_gzip(value) for value in ("gzip", "GZIP", "br;q=1.0, gzip;q=0.1", "*", "deflate, *;q=0.5", "x-gzip"))
    assert not any(accepts_gzip(value) for value in ("", "br", "gzip;q=0", "gzip; q=0.0", "*;q=0", "gzip;q=0, *"))


@pytest.mark.parametrize(
    ("accept_encoding", "first"),
    [
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1.0, zstd;q=0.9", "gzip"),
        ("zstd;q=0.001, *;q=0", "zstd"),
        ("identity, gzip;q=0.5", "identity"),
        ("identity;q=0", "identity"),
        ("deflate", "identity"),
        ("", "identity"),
    ],
)
def test_the_coding_that_is_wanted_most_is_taken(accept_encoding: str, first: str) -> None:
    tile = EncodedTile("tag", {"zstd": b"z", "gzip": b"gz"})
    assert choose(tile, codings(accept_encoding)) == first


def test_what_a_tile_is_not_kept_in_is_not_offered() -> None:
    assert choose(EncodedTile("tag", {"gzip": b"gz"}), codings("zstd, gzip;q=0.1")) == "gzip"
    assert choose(EncodedTile("tag", {"identity": b"short"}), codings("zstd, gzip")) == "identity"


def test_if_none_match_is_read_as_a_list() -> None:
    assert matches('"a"', '"a"')
    assert matches('W/"a" , "b"', '"a"')
    assert matches("*", '"a"')
    assert not matches('"ab"', '"a"')
    assert not matches("", '"a"')
