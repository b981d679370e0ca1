"""OGC API - Features Part 2: coordinate reference systems by reference."""

from __future__ import annotations

import re

import pyproj
import pytest

from tests.conformance.client import CRS84, GEOJSON, Client, Json, positions
from tests.conformance.requirements import proves

_EPSG = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d+)")
_CRS_URI = re.compile(r"http://www\.opengis\.net/def/crs/[A-Za-z]+/[\w.]+/\w+")
_UNKNOWN = "http://www.opengis.net/def/crs/EPSG/0/28992"
_WANTED = {"4326", "4490", "3857", "4549", "4528"}
_METRES = 0.02
_DEGREES = 1e-9


def _crs_of(collections: Json, collection: Json) -> list[str]:
    return [one for name in collection["crs"] for one in (collections["crs"] if name == "#/crs" else [name])]


def _expected(position: list[float], uri: str) -> tuple[float, float]:
    lon, lat = position
    number = _EPSG.fullmatch(uri)
    if number is None:
        return lon, lat
    if number[1] in ("4326", "4490"):
        return lat, lon
    x, y = pyproj.Transformer.from_crs("OGC:CRS84" if number[1] == "3857" else 4490, int(number[1]), always_xy=True).transform(lon, lat)
    names = [axis.direction for axis in pyproj.CRS.from_epsg(int(number[1])).axis_info]
    return (y, x) if names[0] == "north" else (x, y)


def _tolerance(uri: str) -> float:
    return _DEGREES if uri == CRS84 or uri.endswith(("4326", "4490")) else _METRES


@proves(
    "features-2/crs/crs-uri",
    "features-2/crs/fc-md-crs-list",
    "features-2/crs/fc-md-crs-list-global",
    "features-2/crs/default-crs",
    "features-2/crs/fc-md-storageCrs",
    "features-2/crs/fc-md-storageCrs-valid-value",
    "features-2/crs/storageCrs",
)
def test_each_collection_lists_its_systems_by_uri(api: Client) -> None:
    assert "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs" in api.classes
    document = api.json("collections")
    for collection in document["collections"]:
        listed = _crs_of(document, collection)
        assert CRS84 in listed
        assert {name.rsplit("/", 1)[1] for name in listed} >= _WANTED
        for name in (*listed, collection["storageCrs"]):
            assert _CRS_URI.fullmatch(name), name
        assert collection["storageCrs"] in listed
        alone = api.json(f"collections/{collection['id']}")
        assert "#/crs" not in alone["crs"], "there is no global list in the document of one collection"
        assert alone["crs"] == listed


@proves("features-2/crs/fc-crs-definition", "features-2/crs/fc-bbox-crs-definition")
@pytest.mark.parametrize("name", ["crs", "bbox-crs"])
def test_the_parameters_are_declared_with_their_default(api: Client, name: str) -> None:
    for collection in api.collections:
        declared = api.parameter(api.items(collection), name)
        assert declared["required"] is False
        assert declared.get("style", "form") == "form"
        assert declared["schema"]["type"] == "string"
        assert declared["schema"]["format"] == "uri"
        assert declared["schema"]["default"] == CRS84


@proves(
    "features-2/crs/fc-crs-action",
    "features-2/crs/crs-parameter",
    "features-2/crs/crs-parameter-transform",
    "features-2/crs/geojson",
    "features-2/crs/ogc-crs-header",
    "features-2/crs/ogc-crs-header-value",
)
def test_features_come_in_the_system_asked_for_and_say_so(api: Client) -> None:
    document = api.json("collections")
    for collection in document["collections"]:
        plain = {one["id"]: one["geometry"] for one in api.json(api.items(collection), GEOJSON)["features"]}
        for uri in _crs_of(document, collection):
            answer = api.get(api.items(collection), GEOJSON, crs=uri)
            assert answer.status_code == 200, (collection["id"], uri)
            assert answer.headers["content-crs"] == f"<{uri}>"
            for feature in answer.json()["features"]:
                given, before = positions(feature["geometry"]), positions(plain[feature["id"]])
                assert len(given) == len(before)
                for position, stored in zip(given, before, strict=True):
                    assert position == pytest.approx(_expected(stored, uri), abs=_tolerance(uri)), (collection["id"], uri)


@proves("features-2/crs/fc-crs-action", "features-2/crs/ogc-crs-header")
def test_one_feature_comes_in_the_system_asked_for(api: Client) -> None:
    feature = api.json("collections/cameras/items", GEOJSON, limit=1)["features"][0]
    for uri in (CRS84, "http://www.opengis.net/def/crs/EPSG/0/4549", "http://www.opengis.net/def/crs/EPSG/0/4490"):
        answer = api.get(f"collections/cameras/items/{feature['id']}", GEOJSON, crs=uri)
        assert answer.headers["content-crs"] == f"<{uri}>"
        expected = _expected(feature["geometry"]["coordinates"], uri)
        assert answer.json()["geometry"]["coordinates"] == pytest.approx(expected, abs=_tolerance(uri))


@proves("features-2/crs/fc-crs-default-value", "features-2/crs/crs-parameter-default")
def test_without_a_system_it_is_crs84(api: Client) -> None:
    for collection in api.collections:
        answer = api.get(api.items(collection), GEOJSON)
        assert answer.headers["content-crs"] == f"<{CRS84}>"
        assert answer.json()["features"] == api.json(api.items(collection), GEOJSON, crs=CRS84)["features"]


@proves("features-2/crs/fc-crs-valid-value", "features-2/crs/crs-parameter-invalid")
@pytest.mark.parametrize("uri", [_UNKNOWN, "EPSG:4326", "http://www.opengis.net/def/crs/EPSG/0/999999", "x", ""])
def test_a_system_that_is_not_listed_is_400(api: Client, uri: str) -> None:
    for collection in api.collections:
        assert api.get(api.items(collection), GEOJSON, crs=uri).status_code == 400
        assert api.get(f"{api.items(collection).partition('?')[0]}/1", GEOJSON, crs=uri).status_code == 400


@proves("features-2/crs/fc-bbox-crs-action", "features-2/crs/bbox-crs-parameter")
def test_a_box_is_in_the_system_that_is_named(api: Client) -> None:
    document = api.json("collections")
    for collection in api.spatial():
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        # Not in the very middle, where the edges of areas are.
        corner, middle = [west - 0.001, south - 0.001], [west + 0.437 * (east - west), south + 0.563 * (north - south)]
        plain = api.json(api.items(collection), GEOJSON, bbox=",".join(map(repr, [*corner, *middle])), limit=10_000)["features"]
        for uri in _crs_of(document, collection):
            box = ",".join(map(repr, [*_expected(corner, uri), *_expected(middle, uri)]))
            found = api.json(api.items(collection), GEOJSON, bbox=box, bbox_crs=uri, limit=10_000)["features"]
            # The side of a box is straight in its own system and bent in another: a feature at the very edge may differ.
            assert len({one["id"] for one in found} ^ {one["id"] for one in plain}) <= 1, (collection["id"], uri)
            if uri.endswith(("4326", "4490")) or uri == CRS84:
                assert [one["id"] for one in found] == [one["id"] for one in plain]


@proves("features-2/crs/fc-bbox-crs-valid-defaultValue", "features-2/crs/bbox-crs-parameter-default")
def test_a_box_without_a_system_is_in_crs84(api: Client) -> None:
    for collection in api.spatial():
        box = ",".join(map(repr, collection["extent"]["spatial"]["bbox"][0]))
        named = api.json(api.items(collection), GEOJSON, bbox=box, bbox_crs=CRS84)["features"]
        assert api.json(api.items(collection), GEOJSON, bbox=box)["features"] == named


@proves("features-2/crs/fc-bbox-crs-valid-value", "features-2/crs/bbox-crs-parameter-invalid")
@pytest.mark.parametrize("uri", [_UNKNOWN, "EPSG:4326", "x", ""])
def test_a_box_in_a_system_that_is_not_listed_is_400(api: Client, uri: str) -> None:
    for collection in api.collections:
        assert api.get(api.items(collection), GEOJSON, bbox="0,0,1,1", bbox_crs=uri).status_code == 400
