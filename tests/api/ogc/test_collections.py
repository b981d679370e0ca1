"""Collections and their schemas: extents from the data, titles, what can be asked for, and features that are as they are described."""

from __future__ import annotations

import jsonschema
import pytest
import shapely

from api.ogc.asked import visible_layers
from gisgrid.db import Database
from gisgrid.layers import layer as layer_of
from tests.api.conftest import Server
from tests.api.ogc.documents import links, said

_REL = "http://www.opengis.net/def/rel/ogc/1.0/"
_LAYERS = [layer.id for layer in visible_layers()]


@pytest.mark.parametrize("id", _LAYERS)
def test_a_collection_reaches_as_far_as_its_features(server: Server, town: Database, id: str) -> None:
    extent = said(server, f"/ogc/collections/{id}")["extent"]
    layer = layer_of(id)
    with town.connect() as connection:
        places = [shapely.from_wkb(place) for (place,) in connection.execute(f"SELECT ST_AsBinary(geom) FROM gisgrid.{id}".encode())]
        box = shapely.total_bounds([place for place in places if place is not None]).tolist()
        assert extent["spatial"]["bbox"][0] == pytest.approx(box, abs=1e-12)
        if not layer.temporal:
            assert "temporal" not in extent
            return
        days = [day for (day,) in connection.execute(f'SELECT "{layer.temporal}" FROM gisgrid.{id}'.encode()) if day is not None]
    start, end = extent["temporal"]["interval"][0]
    assert (start[:10], end[:10]) == (min(days).isoformat(), max(days).isoformat())


def test_an_extent_follows_an_edit(own_town: Database, own_server: Server) -> None:
    def east() -> float:
        return float(said(own_server, "/ogc/collections/cameras")["extent"]["spatial"]["bbox"][0][2])

    assert east() < 120.39
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras_all SET geom = ST_SetSRID(ST_MakePoint(120.399, 36.085), 4326) WHERE code = 'C3'")
    own_server.wait(lambda: east() == 120.399, seconds=60)


def test_a_collection_has_titles_systems_and_itslinks(server: Server) -> None:
    for one in said(server, "/ogc/collections")["collections"]:
        assert one == {**said(server, f"/ogc/collections/{one['id']}"), "links": one["links"]}
        layer = layer_of(one["id"])
        assert one["title"] == layer.title_zh
        assert layer.title_zh in one["description"]
        assert layer.title_en in one["description"]
        assert one["crs"][0] == one["storageCrs"] == "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
        assert len(one["crs"]) == 6
        for rel in ("items", f"{_REL}queryables", f"{_REL}sortables", f"{_REL}schema", f"{_REL}tilesets-vector"):
            assert {"text/html"} < {link["type"] for link in links(one, rel)}


@pytest.mark.parametrize("id", _LAYERS)
def test_every_feature_is_as_its_schema_says(server: Server, id: str) -> None:
    schema = said(server, f"/ogc/collections/{id}/schema")
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = schema["properties"]
    checked = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    features = said(server, f"/ogc/collections/{id}/items?limit=1000")["features"]
    assert features
    for feature in features:
        flat = {"id": feature["id"], **{name: value for name, value in feature["properties"].items() if value is not None}}
        assert list(checked.iter_errors(flat)) == []
        assert set(feature["properties"]) == set(properties) - {"id", "geometry"}
    kinds = {feature["geometry"]["type"].lower() for feature in features if feature["geometry"] is not None}
    assert properties["geometry"]["format"] in {f"geometry-{kind}" for kind in kinds} | {"geometry-any"}
    assert sorted(one["x-ogc-propertySeq"] for one in properties.values()) == list(range(1, len(properties) + 1))
    assert [name for name, one in properties.items() if one.get("x-ogc-role") == "id"] == ["id"]
    assert schema["$id"] == f"http://town.test/ogc/collections/{id}/schema"
    assert server.get(f"/ogc/collections/{id}/schema", headers={"accept": "application/schema+json"}).headers["content-type"] == (
        "application/schema+json"
    )


@pytest.mark.parametrize("id", _LAYERS)
def test_what_is_queryable_can_be_asked_for_and_what_is_sortable_sorted_by(server: Server, id: str) -> None:
    queryables = said(server, f"/ogc/collections/{id}/queryables")
    assert queryables["additionalProperties"] is False
    assert {"geometry"} == {name for name, one in queryables["properties"].items() if "type" not in one}
    for name in queryables["properties"].keys() - {"geometry"}:
        said(server, f"/ogc/collections/{id}/items?limit=1&filter={name} IS NOT NULL")
    for name in said(server, f"/ogc/collections/{id}/sortables")["properties"]:
        said(server, f"/ogc/collections/{id}/items?limit=1&sortby=-{name}")
    assert server.get(f"/ogc/collections/{id}/items?filter=nothing IS NULL").status_code == 400


def test_units_are_those_of_ucum_and_choices_are_listed(server: Server) -> None:
    assert said(server, "/ogc/collections/grids/schema")["properties"]["area_m2"]["x-ogc-unit"] == "m2"
    cameras = said(server, "/ogc/collections/cameras/schema")["properties"]
    assert (cameras["azimuth_deg"]["x-ogc-unit"], cameras["range_m"]["x-ogc-unit"]) == ("deg", "m")
    assert cameras["kind"]["enum"] == ["fixed", "dome", "ptz"]
    assert said(server, "/ogc/collections/manhole_covers/schema")["properties"]["installed_on"]["x-ogc-role"] == "primary-instant"
