"""Tilesets, their tiles and limits, and the styles that draw them."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from shapely.geometry import shape

from api.ogc.asked import visible_layers
from gisgrid.layers import layer as layer_of
from tests.api.conftest import Server
from tests.api.ogc.documents import links, said

_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_LAYERS = [layer.id for layer in visible_layers()]


def _tile(server: Server, path: str, address: tuple[int, int, int], query: str = "") -> Any:
    z, row, col = address
    return server.get(f"/ogc{path}/{z}/{row}/{col}{query}")


def _address(lon: float, lat: float, z: int) -> tuple[int, int]:
    """Return row and column by the formula of the web map, written anew."""
    n = 2**z
    y = (1 - math.log(math.tan(math.radians(lat)) + 1 / math.cos(math.radians(lat))) / math.pi) / 2
    return int(y * n), int((lon + 180) / 360 * n)


def test_tiles_are_those_of_the_tile_routes_with_the_row_before_the_column(server: Server) -> None:
    row, col = _address(120.3775, 36.084, 15)
    ours = _tile(server, "/collections/grids/tiles/WebMercatorQuad", (15, row, col))
    assert ours.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert ours.content == server.get(f"/tiles/grids/15/{col}/{row}.mvt").content
    all_of_it = mapbox_vector_tile.decode(_tile(server, "/tiles/WebMercatorQuad", (15, row, col)).content)
    assert {"grids", "manhole_covers", "buildings"} <= set(all_of_it)
    chosen = _tile(server, "/tiles/WebMercatorQuad", (15, row, col), "?collections=grids,http://town.test/ogc/collections/cameras")
    assert set(mapbox_vector_tile.decode(chosen.content)) == {"grids", "cameras"}
    degrees = server.get(f"/tiles/grids/15/{int((120.3775 + 180) / 360 * 2**15)}/{int((90 - 36.084) / 360 * 2**15)}.mvt?tms=CGCS2000Quad")
    same = _tile(
        server, "/collections/grids/tiles/CGCS2000Quad", (15, int((90 - 36.084) / 360 * 2**15), int((120.3775 + 180) / 360 * 2**15))
    )
    assert same.content == degrees.content
    assert same.content


def test_a_tile_that_the_client_has_is_not_sent_again_and_filters_hold(server: Server) -> None:
    row, col = _address(120.3775, 36.084, 15)
    path = "/collections/manhole_covers/tiles/WebMercatorQuad"
    first = _tile(server, path, (15, row, col))
    again = server.get(f"/ogc{path}/15/{row}/{col}", headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    broken = _tile(server, path, (15, row, col), "?filter=state='broken'")
    assert len(broken.content) < len(first.content)
    assert _tile(server, path, (15, row, col), "?filter=nothing=1").status_code == 400
    assert _tile(server, path, (15, row, col), "?collections=grids").status_code == 400
    assert _tile(server, "/tiles/WebMercatorQuad", (15, row, col), "?collections=none").json()["parameter"] == "collections"
    assert _tile(server, "/tiles/WebMercatorQuad", (15, row, col), "?collections=grids,grids").status_code == 400


@pytest.mark.parametrize("id", _LAYERS)
@pytest.mark.parametrize("matrix_set", ["WebMercatorQuad", "CGCS2000Quad"])
def test_limits_hold_every_tile_that_has_something(server: Server, id: str, matrix_set: str) -> None:
    path = f"/collections/{id}/tiles/{matrix_set}"
    tileset = said(server, f"/ogc{path}")
    places = [
        shape(feature["geometry"]) for feature in said(server, f"/ogc/collections/{id}/items?limit=1000")["features"] if feature["geometry"]
    ]
    west, south, east, north = shapely.total_bounds(places)
    assert tileset["boundingBox"]["lowerLeft"] == pytest.approx([west, south])
    assert tileset["boundingBox"]["upperRight"] == pytest.approx([east, north])
    limits = {int(one["tileMatrix"]): one for one in tileset["tileMatrixSetLimits"]}
    assert (min(limits), max(limits)) == (max(layer_of(id).min_zoom, 1 if matrix_set == "CGCS2000Quad" else 0), 18)
    z = max(14, min(limits))
    one = limits[z]
    # Around the limits nothing is, whatever the buffer of a tile reaches.
    for row, col in (
        (one["minTileRow"] - 1, one["minTileCol"]),
        (one["maxTileRow"] + 1, one["maxTileCol"]),
        (one["minTileRow"], one["maxTileCol"] + 1),
    ):
        assert _tile(server, path, (z, row, col)).status_code == 404
    inside = {
        _tile(server, path, (z, row, col)).status_code
        for row in range(one["minTileRow"], one["maxTileRow"] + 1)
        for col in range(one["minTileCol"], one["maxTileCol"] + 1)
    }
    assert inside <= {200, 204}
    assert 200 in inside
    assert _tile(server, path, (min(limits) - 1, 0, 0)).status_code == 404
    assert _tile(server, path, (19, 0, 0)).status_code == 404


@pytest.mark.parametrize("address", ["15/0/99999", "15/x/0", "99/0/0", "15/-1/0", "1.0/0/0", "١/0/0"])
def test_a_tile_that_the_matrix_set_does_not_have_is_not_there(server: Server, address: str) -> None:
    assert server.get(f"/ogc/tiles/WebMercatorQuad/{address}").status_code == 404
    assert server.get(f"/ogc/tiles/None/{address}").status_code == 404


def test_a_tileset_describes_what_its_tiles_hold(server: Server) -> None:
    tileset = said(server, "/ogc/tiles/WebMercatorQuad?collections=grids,cameras&filter=code IS NOT NULL")
    assert [one["id"] for one in tileset["layers"]] == ["grids", "cameras"]
    (template,) = [link["href"] for link in links(tileset, "item")]
    row, col = _address(120.3775, 36.084, 16)
    href = template.format(tileMatrix=16, tileRow=row, tileCol=col).removeprefix("http://town.test")
    assert "collections=grids%2Ccameras" in href
    tile = mapbox_vector_tile.decode(server.get(href).content)
    assert set(tile) <= {"grids", "cameras"}
    for one in tileset["layers"]:
        for feature in tile.get(one["id"], {"features": []})["features"]:
            assert set(feature["properties"]) <= set(one["propertiesSchema"]["properties"])
    assert tileset["tileMatrixSetURI"].endswith("/WebMercatorQuad")
    (scheme,) = [link["href"] for link in links(tileset, f"{_REL}tiling-scheme")]
    assert said(server, scheme.removeprefix("http://town.test"))["id"] == "WebMercatorQuad"


def test_styles_are_those_of_the_style_routes(server: Server) -> None:
    listed = said(server, "/ogc/styles")
    ids = [one["id"] for one in listed["styles"]]
    assert listed["default"] in ids
    assert set(ids) == {one["id"] for one in server.get("/styles").json()["styles"]}
    for id in ids:
        for query in ("", "?lang=en", "?datum=gcj02"):
            answer = server.get(f"/ogc/styles/{id}{query}")
            assert answer.headers["content-type"] == "application/vnd.mapbox.style+json"
            assert answer.json() == server.get(f"/styles/{id}.json{query}").json()
        described = said(server, f"/ogc/styles/{id}/metadata")
        assert described["stylesheets"][0]["link"]["href"] == f"http://town.test/ogc/styles/{id}?f=mapbox"
        assert {one["id"] for one in described["layers"]} <= set(_LAYERS)
    assert server.get("/ogc/styles/none").status_code == 404
    assert server.get("/ogc/styles/none/metadata").status_code == 404
