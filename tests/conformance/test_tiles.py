"""OGC API - Tiles Part 1: core, tilesets of the dataset and of collections, Mapbox Vector Tiles, OpenAPI."""

from __future__ import annotations

import re

import mapbox_vector_tile
import mercantile
import pytest

from tests.conformance.client import HOST, Client, Json, link, links
from tests.conformance.requirements import proves

_CLASSES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_MVT = "application/vnd.mapbox-vector-tile"
_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/"


def _tilesets(api: Client) -> list[tuple[str, Json]]:
    """Return each list of tilesets with the address that it is at: that of the dataset, and those of the collections."""
    places = [link(api.landing, f"{_REL}tilesets-vector")["href"]]
    places += [link(one, f"{_REL}tilesets-vector")["href"] for one in api.collections if links(one, f"{_REL}tilesets-vector")]
    return [(place, api.json(place)) for place in places]


def _whole(api: Client) -> list[Json]:
    """Return the whole document of each tileset."""
    return [api.json(link(one, "self")["href"]) for _, listed in _tilesets(api) for one in listed["tilesets"]]


def _tile_at(api: Client, tileset: Json, matrix: str, row: int, col: int) -> str:
    template = str(link(tileset, "item", _MVT)["href"])
    return template.replace("{tileMatrix}", matrix).replace("{tileRow}", str(row)).replace("{tileCol}", str(col))


def _web_mercator(api: Client) -> list[Json]:
    return [one for one in _whole(api) if one.get("tileMatrixSetURI") == f"{_URI}WebMercatorQuad"]


@proves("tiles-1/core/conformance-success")
def test_the_classes_of_tiles_are_declared(api: Client) -> None:
    names = ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "collections-selection", "mvt", "oas30")
    assert {f"{_CLASSES}{name}" for name in names} <= api.classes


@proves("tiles-1/dataset-tilesets/landingpage", "tiles-1/dataset-tilesets/operation")
def test_the_landing_page_leads_to_the_tilesets_of_the_dataset(api: Client) -> None:
    at = link(api.landing, f"{_REL}tilesets-vector")["href"]
    assert at.partition("?")[0] == f"{HOST}/ogc/tiles"
    assert api.json(at)["tilesets"]


@proves("tiles-1/geodata-tilesets/desc-links", "tiles-1/geodata-tilesets/operation")
def test_each_collection_leads_to_its_tilesets(api: Client) -> None:
    for collection in api.collections:
        at = link(collection, f"{_REL}tilesets-vector")["href"]
        assert at.partition("?")[0] == f"{HOST}/ogc/collections/{collection['id']}/tiles"
        assert api.json(at)["tilesets"]


@proves("tiles-1/tilesets-list/tileset-links", "tiles-1/tilesets-list/tileset-path")
def test_lists_of_tilesets_say_what_each_is_and_where(api: Client) -> None:
    for place, listed in _tilesets(api):
        for one in listed["tilesets"]:
            assert one["dataType"] == "vector"
            assert one["crs"].startswith("http://www.opengis.net/def/crs/")
            scheme = link(one, f"{_REL}tiling-scheme")["href"]
            matrix_set = api.json(scheme)
            assert scheme.partition("?")[0].rsplit("/", 1)[1] == matrix_set["id"]
            if matrix_set["id"] == "WebMercatorQuad":
                assert one["tileMatrixSetURI"] == f"{_URI}WebMercatorQuad"
            assert link(one, "self")["href"].partition("?")[0] == f"{place.partition('?')[0]}/{matrix_set['id']}"


@proves("tiles-1/tileset/description")
def test_a_tileset_is_described_with_a_template_of_its_tiles(api: Client) -> None:
    for tileset in _whole(api):
        assert tileset["dataType"] == "vector"
        assert tileset["crs"]
        assert link(tileset, f"{_REL}tiling-scheme")
        template = link(tileset, "item", _MVT)
        assert template["templated"] is True
        assert {"{tileMatrix}", "{tileRow}", "{tileCol}"} <= set(re.findall(r"\{\w+\}", template["href"]))
        assert "/tiles/" in template["href"]
        assert {one["id"] for one in tileset["layers"]} <= {one["id"] for one in api.collections}
        for limits in tileset.get("tileMatrixSetLimits", []):
            assert limits["minTileRow"] <= limits["maxTileRow"]
            assert limits["minTileCol"] <= limits["maxTileCol"]


@proves(
    "tiles-1/core/tc-op",
    "tiles-1/core/tc-success",
    "tiles-1/core/tc-tilematrix-definition",
    "tiles-1/core/tc-tilerow-definition",
    "tiles-1/core/tc-tilecol-definition",
    "tiles-1/mvt/content",
)
def test_a_tile_holds_the_features_of_its_place(api: Client) -> None:
    for tileset in _web_mercator(api):
        only = [one["id"] for one in tileset["layers"]]
        zoom = max(14, min((int(limits["tileMatrix"]) for limits in tileset.get("tileMatrixSetLimits", [])), default=14))
        for collection in (one for one in api.spatial() if one["id"] in only):
            west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
            tile = mercantile.tile((west + east) / 2, (south + north) / 2, zoom)
            answer = api.get(_tile_at(api, tileset, str(zoom), tile.y, tile.x), _MVT)
            assert answer.status_code in (200, 204)
            if answer.status_code == 204:
                continue
            assert answer.headers["content-type"] == _MVT
            found = {
                feature["id"] for feature in mapbox_vector_tile.decode(answer.content).get(collection["id"], {"features": []})["features"]
            }
            box = mercantile.bounds(tile)
            around = f"{box.west - 0.01},{box.south - 0.01},{box.east + 0.01},{box.north + 0.01}"
            near = api.json(api.items(collection), bbox=around, limit=10_000)
            assert found <= {feature["id"] for feature in near["features"]}


@proves("tiles-1/core/tc-error")
@pytest.mark.parametrize(
    ("matrix", "row", "col"), [("99", 0, 0), ("2", 4, 0), ("2", 0, 4), ("2", -1, 0), ("x", 0, 0), ("14", 99_999, 99_999), ("2", 10**20, 0)]
)
def test_a_tile_out_of_range_is_not_there(api: Client, matrix: str, row: int, col: int) -> None:
    for tileset in _web_mercator(api):
        assert api.get(_tile_at(api, tileset, matrix, row, col), _MVT).status_code in (400, 404)


@proves("tiles-1/core/tc-error")
def test_a_tile_without_data_is_empty(api: Client) -> None:
    for tileset in _web_mercator(api):
        answer = api.get(_tile_at(api, tileset, "14", 100, 100), _MVT)
        assert answer.status_code in (204, 404) or not answer.content


@proves("tiles-1/collections-selection/collections-parameter", "tiles-1/collections-selection/collections-response")
def test_collections_may_be_chosen_for_the_tiles_of_the_dataset(api: Client) -> None:
    at = link(api.landing, f"{_REL}tilesets-vector")["href"].partition("?")[0]
    whole = api.json(f"{at}/WebMercatorQuad")
    box = next(one for one in api.spatial() if one["id"] == "grids")["extent"]["spatial"]["bbox"][0]
    tile = mercantile.tile((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, 14)
    address = _tile_at(api, whole, "14", tile.y, tile.x).partition("?")[0]
    for chosen in (["grids"], ["grids", "streets"], [f"{HOST}/ogc/collections/grids"]):
        names = {one.rsplit("/", 1)[1] if "/" in one else one for one in chosen}
        assert {one["id"] for one in api.json(f"{at}/WebMercatorQuad", collections=",".join(chosen))["layers"]} == names
        layers = set(mapbox_vector_tile.decode(api.get(address, _MVT, collections=",".join(chosen)).content))
        assert layers
        assert layers <= names
    assert api.get(address, _MVT, collections="there_is_none").status_code in (400, 404)


@proves("tiles-1/oas30/completeness", "tiles-1/oas30/operation-id")
def test_the_definition_holds_the_tiles_under_the_names_of_the_standard(api: Client) -> None:
    names = ("getTileSetsList", "getTileSet", "getTile")
    suffixes = [f".{origin}.vector.{name}" for origin in ("dataset", "collection") for name in names]
    ids = [one["operationId"] for methods in api.api["paths"].values() for one in methods.values() if "operationId" in one]
    assert len(ids) == len(set(ids))
    for suffix in suffixes:
        assert any(one.endswith(suffix) for one in ids), suffix
    for address in ("/tiles", "/tiles/WebMercatorQuad", "/collections/grids/tiles", "/collections/grids/tiles/WebMercatorQuad"):
        assert api.operation(address)["responses"]["200"]
    variables = [one["name"] for one in api.operation("/tiles/WebMercatorQuad/14/1/1")["parameters"] if one["in"] == "path"]
    assert {"tileMatrix", "tileRow", "tileCol"} <= set(variables)
