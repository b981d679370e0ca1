"""OGC API - Features Part 1: core, HTML, GeoJSON and OpenAPI 3.0."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator
from shapely.geometry import box as shape_of
from shapely.geometry import shape

from tests.conformance.client import CRS84, GEOJSON, HOST, OPENAPI, Client, Json, link, links, positions
from tests.conformance.requirements import proves

_MOST = 10_000
_PART = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/"


def _all_have_rel_and_type(document: Json) -> None:
    for one in document["links"]:
        assert one["rel"]
        assert one.get("type"), f"a link {one['rel']} has no type"
        assert one["href"].startswith(("http://", "https://"))


@proves("features-1/core/root-op", "features-1/core/root-success")
def test_the_landing_page_links_to_definition_conformance_and_data(api: Client) -> None:
    for address in ("", f"{HOST}/ogc", f"{HOST}/ogc/"):
        document = api.json(address)
        assert links(document, "service-desc") or links(document, "service-doc")
        assert link(document, "conformance")
        assert link(document, "data")
        assert isinstance(document["title"], str)
        _all_have_rel_and_type(document)


@proves(
    "features-1/core/api-definition-op",
    "features-1/core/api-definition-success",
    "features-1/oas30/oas-definition-1",
    "features-1/oas30/oas-definition-2",
)
def test_the_definition_is_a_valid_openapi_document_and_a_page(api: Client) -> None:
    described = link(api.landing, "service-desc")
    assert described["type"] == OPENAPI
    answer = api.get(described["href"], OPENAPI)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == OPENAPI
    assert answer.json()["openapi"].startswith("3.0.")
    OpenAPIV30SpecValidator(answer.json()).validate()
    page = api.get(link(api.landing, "service-doc")["href"], "text/html")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")


@proves("features-1/core/conformance-op", "features-1/core/conformance-success")
def test_conformance_is_declared(api: Client) -> None:
    assert {f"{_PART}{name}" for name in ("core", "geojson", "html", "oas30")} <= api.classes
    assert all(re.fullmatch(r"https?://\S+", name) for name in api.classes)


@proves("features-1/core/http")
def test_answers_are_of_http_1_1_with_a_type_and_methods_that_are_not_there_are_405(api: Client) -> None:
    answer = api.get("")
    assert answer.http_version == "HTTP/1.1"
    assert answer.headers["content-type"]
    for address in ("", "conformance", "collections"):
        refused = api.ask("TRACE", f"/ogc/{address}".rstrip("/"))
        assert refused.status_code == 405
        assert "GET" in refused.headers["allow"]


@proves("features-1/core/fc-md-op", "features-1/core/fc-md-success", "features-1/core/fc-md-links", "features-1/core/fc-md-items")
def test_the_collections_are_listed_with_links(api: Client) -> None:
    document = api.json(link(api.landing, "data")["href"])
    assert link(document, "self")
    assert link(document, "alternate", "text/html")
    _all_have_rel_and_type(document)
    ids = [one["id"] for one in document["collections"]]
    assert len(ids) == len(set(ids))
    assert {"grids", "communities", "streets", "districts", "manhole_covers", "buildings", "cameras", "quality_issues"} <= set(ids)


@proves("features-1/core/fc-md-items-links")
def test_each_collection_links_to_its_items_in_each_encoding(api: Client) -> None:
    for collection in api.collections:
        assert link(collection, "items", GEOJSON)
        assert link(collection, "items", "text/html")
        _all_have_rel_and_type(collection)


@proves("features-1/core/fc-md-extent")
def test_extents_hold_every_feature(api: Client) -> None:
    for collection in api.spatial():
        box = collection["extent"]["spatial"]["bbox"][0]
        assert collection["extent"]["spatial"].get("crs", CRS84) == CRS84
        assert len(box) == 4
        assert -180 <= box[0] <= 180
        for feature in api.json(api.items(collection), GEOJSON, limit=10_000)["features"]:
            for x, y in positions(feature["geometry"]):
                assert box[0] - 1e-9 <= x <= box[2] + 1e-9
                assert box[1] - 1e-9 <= y <= box[3] + 1e-9
        for start, end in collection["extent"].get("temporal", {}).get("interval", []):
            assert start is None or end is None or start <= end


@proves("features-1/core/sfc-md-op", "features-1/core/sfc-md-success")
def test_one_collection_says_what_the_list_says(api: Client) -> None:
    for collection in api.collections:
        alone = api.json(f"collections/{collection['id']}")
        assert alone["id"] == collection["id"]
        for name in ("title", "description", "extent", "itemType", "crs", "storageCrs"):
            assert alone.get(name) == collection.get(name)
        assert {(one["rel"], one["href"]) for one in links(collection, "items")} <= {
            (one["rel"], one["href"]) for one in links(alone, "items")
        }
        _all_have_rel_and_type(alone)
    assert api.get("collections/there-is-none").status_code == 404


@proves("features-1/core/fc-op", "features-1/core/fc-response", "features-1/geojson/definition", "features-1/geojson/content")
def test_features_are_geojson(api: Client) -> None:
    assert f"{_PART}geojson" in api.classes
    for collection in api.collections:
        answer = api.get(api.items(collection), GEOJSON, limit=100)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == GEOJSON
        document = answer.json()
        assert document["type"] == "FeatureCollection"
        for feature in document["features"]:
            assert feature["type"] == "Feature"
            assert isinstance(feature["id"], int | str)
            assert isinstance(feature["properties"], dict)
            assert feature["geometry"] is None or feature["geometry"]["type"] in {"Point", "MultiPolygon", "Polygon", "MultiPoint"} | {
                "LineString",
                "MultiLineString",
                "GeometryCollection",
            }


@proves("features-1/core/crs84")
def test_coordinates_are_longitude_and_latitude_unless_asked_otherwise(api: Client) -> None:
    for collection in api.spatial():
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        found = [one for feature in api.json(api.items(collection), GEOJSON)["features"] for one in positions(feature["geometry"])]
        assert all(west - 1e-9 <= x <= east + 1e-9 and south - 1e-9 <= y <= north + 1e-9 for x, y in found)


@proves("features-1/core/fc-limit-definition")
def test_limit_is_declared_with_its_bounds(api: Client) -> None:
    for collection in api.collections:
        declared = api.parameter(api.items(collection), "limit")
        assert declared["required"] is False
        schema = declared["schema"]
        assert schema["type"] == "integer"
        assert schema["minimum"] == 1
        assert 1 <= schema["default"] <= schema.get("maximum", _MOST)
        assert declared.get("style", "form") == "form"


@proves("features-1/core/fc-limit-response")
def test_a_page_has_no_more_than_limit_and_no_more_than_the_maximum(api: Client) -> None:
    for collection in api.collections:
        at = api.items(collection)
        declared = api.parameter(at, "limit")["schema"]
        assert len(api.json(at, GEOJSON)["features"]) <= declared["default"]
        most = declared.get("maximum", _MOST)
        for limit in (1, 2, most):
            assert len(api.json(at, GEOJSON, limit=limit)["features"]) <= limit
        # More than the maximum is no error: the maximum is given.
        for limit in (most + 1, 10**12):
            assert len(api.json(at, GEOJSON, limit=limit)["features"]) <= most


@proves("features-1/core/fc-bbox-definition")
def test_bbox_is_declared(api: Client) -> None:
    for collection in api.collections:
        declared = api.parameter(api.items(collection), "bbox")
        assert declared["required"] is False
        assert declared["style"] == "form"
        assert declared["explode"] is False
        assert declared["schema"]["type"] == "array"
        assert declared["schema"]["items"] == {"type": "number"}
        sizes = declared["schema"].get("oneOf", [declared["schema"]])
        assert {(one["minItems"], one["maxItems"]) for one in sizes} in ({(4, 4), (6, 6)}, {(4, 6)})


def _meets(box: tuple[float, float, float, float], feature: Json) -> bool:
    """Say whether a feature's geometry meets a box; one without geometry meets every box."""
    return feature["geometry"] is None or bool(shape(feature["geometry"]).intersects(shape_of(*box)))


@proves("features-1/core/fc-bbox-response")
def test_bbox_chooses_the_features_that_meet_it_and_those_without_geometry(api: Client) -> None:
    for collection in api.spatial():
        everything = api.json(api.items(collection), GEOJSON, limit=10_000)["features"]
        west, south, east, north = collection["extent"]["spatial"]["bbox"][0]
        middle = ((west + east) / 2, (south + north) / 2)
        for box in ((west, south, *middle), (*middle, east, north), (west, south, east, north), (10.0, 10.0, 11.0, 11.0)):
            expected = {feature["id"] for feature in everything if _meets(box, feature)}
            for words in (box, (*box[:2], -10.0, *box[2:], 9000.0)):
                text = ",".join(map(repr, words))
                found = api.json(api.items(collection), GEOJSON, bbox=text, limit=10_000)["features"]
                assert {feature["id"] for feature in found} == expected, (collection["id"], text)


@proves("features-1/core/fc-time-definition")
def test_datetime_is_declared(api: Client) -> None:
    for collection in api.collections:
        declared = api.parameter(api.items(collection), "datetime")
        assert declared["required"] is False
        assert declared["schema"]["type"] == "string"
        assert declared.get("style", "form") == "form"


@proves("features-1/core/fc-time-response")
@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("2015-06-01T00:00:00Z/..", lambda day: day >= "2015-06-01"),
        ("../2015-06-01", lambda day: day <= "2015-06-01"),
        ("/2015-06-01T12:00:00Z", lambda day: day <= "2015-06-01"),
        ("2010-01-01/2016-12-31", lambda day: "2010-01-01" <= day <= "2016-12-31"),
        ("2019-05-06", lambda day: day == "2019-05-06"),
    ],
)
def test_datetime_chooses_the_features_of_that_time_and_those_without_time(api: Client, asked: str, holds: Any) -> None:
    for collection in api.collections:
        everything = api.json(api.items(collection), GEOJSON, limit=10_000)["features"]
        found = {feature["id"] for feature in api.json(api.items(collection), GEOJSON, datetime=asked, limit=10_000)["features"]}
        name = {"manhole_covers": "installed_on", "quality_issues": "created_on", "cases": "reported_on"}.get(collection["id"])
        for feature in everything:
            day = feature["properties"].get(name) if name else None
            assert (feature["id"] in found) == (day is None or holds(day)), (collection["id"], feature["id"], day)


@proves("features-1/core/query-param-unknown")
def test_a_parameter_that_is_not_in_the_definition_is_400(api: Client) -> None:
    addresses = ["", "conformance", "collections"] + [f"collections/{one['id']}" for one in api.collections]
    addresses += [api.items(one) for one in api.collections]
    for address in addresses:
        answer = api.get(address, "application/json, */*;q=0.1", unknownQueryParameter="1")
        assert answer.status_code == 400, address


@proves("features-1/core/query-param-invalid")
@pytest.mark.parametrize(
    ("name", "value"),
    [("limit", "0"), ("limit", "-1"), ("limit", "x"), ("limit", "")]
    + [("bbox", one) for one in ("1,2,3", "1,2,3,4,5", "a,b,c,d", "0,0,NaN,1", "0,1,1,0", "")]
    + [("datetime", one) for one in ("yesterday", "2020-13-01", "2020-01-02/2020-01-01", "../../..", "")],
)
def test_a_value_that_cannot_be_is_400(api: Client, name: str, value: str) -> None:
    for collection in api.collections:
        answer = api.get(api.items(collection), GEOJSON, **{name: value})
        assert answer.status_code == 400, (collection["id"], answer.text[:200])


@proves("features-1/core/fc-links", "features-1/core/fc-rel-type")
def test_a_page_links_to_itself_to_other_formats_and_to_the_next_page(api: Client) -> None:
    for collection in api.spatial():
        seen: list[object] = []
        document = api.json(api.items(collection), GEOJSON, limit=3)
        while document:
            assert link(document, "self", GEOJSON)
            assert link(document, "alternate", "text/html")
            _all_have_rel_and_type(document)
            seen += [feature["id"] for feature in document["features"]]
            following = links(document, "next")
            assert not following or document["features"]
            document = api.json(following[0]["href"], GEOJSON) if following else {}
        whole = [feature["id"] for feature in api.json(api.items(collection), GEOJSON, limit=10_000)["features"]]
        assert len(seen) == len(set(seen))
        assert set(seen) == set(whole)


@proves("features-1/core/fc-timeStamp")
def test_the_time_stamp_is_that_of_the_answer(api: Client) -> None:
    for collection in api.collections:
        stamp = datetime.fromisoformat(api.json(api.items(collection), GEOJSON)["timeStamp"])
        assert stamp.tzinfo is not None
        assert abs((datetime.now(stamp.tzinfo) - stamp).total_seconds()) < 60


@proves("features-1/core/fc-numberMatched", "features-1/core/fc-numberReturned")
def test_numbers_are_right_where_they_are_given(api: Client) -> None:
    for collection in api.collections:
        whole = len(api.json(api.items(collection), GEOJSON, limit=10_000)["features"])
        for limit in (1, 10, 10_000):
            document = api.json(api.items(collection), GEOJSON, limit=limit)
            assert document["numberReturned"] == len(document["features"])
            assert document.get("numberMatched", whole) == whole


@proves("features-1/core/f-op", "features-1/core/f-success", "features-1/core/f-links")
def test_one_feature_is_that_of_the_page_and_links_to_its_collection(api: Client) -> None:
    for collection in api.spatial():
        for feature in api.json(api.items(collection), GEOJSON, limit=5)["features"]:
            at = f"{api.items(collection).partition('?')[0]}/{feature['id']}"
            answer = api.get(at, GEOJSON)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == GEOJSON
            alone = answer.json()
            for name in ("type", "id", "geometry", "properties"):
                assert alone[name] == feature[name]
            assert link(alone, "self", GEOJSON)
            assert link(alone, "alternate", "text/html")
            assert link(alone, "collection")["href"].endswith(f"collections/{collection['id']}")
            _all_have_rel_and_type(alone)
        assert api.get(f"{api.items(collection).partition('?')[0]}/987654321", GEOJSON).status_code == 404


@proves("features-1/html/definition", "features-1/html/content")
def test_every_resource_is_a_page_as_well(api: Client) -> None:
    addresses = ["", "conformance", "collections", "api"]
    for collection in api.collections:
        addresses += [f"collections/{collection['id']}", f"collections/{collection['id']}/items"]
    feature = api.json("collections/grids/items", GEOJSON)["features"][0]
    for address in [*addresses, f"collections/grids/items/{feature['id']}"]:
        answer = api.get(address, "text/html")
        assert answer.status_code == 200, address
        assert answer.headers["content-type"].startswith("text/html"), address
        assert re.search(r"<html[^>]*>", answer.text), address
        assert re.search(r'<a[^>]+href="[^"]+"', answer.text), address
    page = api.get(f"collections/grids/items/{feature['id']}", "text/html").text
    assert feature["properties"]["code"] in page


@proves("features-1/oas30/completeness", "features-1/oas30/exceptions-codes")
def test_the_definition_holds_each_operation_with_its_answers(api: Client) -> None:
    addresses = ["/", "/conformance", "/collections"]
    for collection in api.collections:
        at = f"/collections/{collection['id']}"
        addresses += [at, f"{at}/items", f"{at}/items/1"]
    for address in addresses:
        declared = api.operation(address)
        assert "200" in declared["responses"], address
        assert "400" in declared["responses"], address
        assert declared["responses"]["200"]["content"], address
        if address.startswith("/collections/"):
            known = set(declared["responses"])
            assert "404" in known or address.endswith("/items") or address.count("/") == 2, address


@proves("features-1/oas30/oas-impl")
def test_what_the_definition_says_is_what_is_given(api: Client) -> None:
    for collection in api.collections:
        at = f"/collections/{collection['id']}/items"
        for media in api.operation(at)["responses"]["200"]["content"]:
            answer = api.get(f"{at[1:]}?limit=1", media)
            assert answer.status_code == 200, (at, media)
            given = answer.headers["content-type"].partition(";")[0]
            assert given == media.partition(";")[0], (at, media)
        for name in [one["name"] for one in api.operation(at)["parameters"] if one["in"] == "query"]:
            assert "example" in api.parameter(at, name) or "schema" in api.parameter(at, name)


@proves("features-1/oas30/security")
def test_what_needs_a_password_is_declared_as_such(api: Client) -> None:
    schemes = api.api.get("components", {}).get("securitySchemes", {})
    operations = [
        (path, method, one)
        for path, methods in api.api["paths"].items()
        for method, one in methods.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    needed = {name for _, _, one in operations for need in one.get("security", []) for name in need}
    assert needed <= set(schemes)
    for path, method, one in operations:
        if method != "get" and "/items" in path:
            address = re.sub(r"\{\w+\}", "1", f"/ogc{path.removeprefix('/ogc')}")
            answer = api.ask(method.upper(), address)
            assert answer.status_code == 401, (path, method, answer.status_code)
            assert one["security"], (path, method)
