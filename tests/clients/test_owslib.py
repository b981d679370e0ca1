"""OWSLib walks the API: what it asks for is there, and what it finds is what PostGIS has."""

from __future__ import annotations

from typing import Any

import pytest
from owslib.ogcapi.features import Features  # type: ignore[import-untyped]

from gisgrid.db import Database
from gisgrid.layers import LAYERS, layer
from tests.features.reading import stored


@pytest.fixture(scope="module")
def features(ogc: str) -> Any:
    return Features(ogc)


def test_it_finds_every_collection_with_its_documents(features: Any) -> None:
    assert set(features.feature_collections()) >= {one.id for one in LAYERS if one.public}
    assert features.conformance()["conformsTo"]
    assert features.api()["openapi"].startswith("3.0")
    for one in LAYERS:
        if one.public:
            assert features.collection(one.id)["id"] == one.id
            assert {field.name for field in one.fields} <= set(features.collection_queryables(one.id)["properties"])


def test_it_reads_pages_and_single_features(features: Any, town: Database) -> None:
    expected = stored(town, layer("cameras"))
    page = features.collection_items("cameras", limit=100)
    assert [one["id"] for one in page["features"]] == list(expected)
    assert page["numberReturned"] == len(expected)
    id = next(iter(expected))
    assert features.collection_item("cameras", str(id))["properties"]["code"] == expected[id].fields["code"]


def test_it_filters(features: Any, town: Database) -> None:
    box = [120.371, 36.081, 120.379, 36.086]
    inside = stored(town, layer("cameras"), f"ST_Intersects(geom, ST_MakeEnvelope{(*box, 4326)})")
    found = features.collection_items("cameras", bbox=box, limit=100)
    assert [one["id"] for one in found["features"]] == list(inside)
    domes = stored(town, layer("cameras"), "kind = 'dome'")
    assert [one["id"] for one in features.collection_items("cameras", filter="kind = 'dome'")["features"]] == list(domes)
    assert [one["id"] for one in features.collection_items("cameras", kind="dome")["features"]] == list(domes)
