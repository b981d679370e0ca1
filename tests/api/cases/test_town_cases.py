"""The layer of cases shows where they are and how they stand, and nothing of what was said or by whom."""

from __future__ import annotations

from typing import Any

import mapbox_vector_tile

from gisgrid.layers import layer
from tests.api.conftest import Server


def test_the_layer_has_no_words_and_no_names(server: Server) -> None:
    features = server.get("/ogc/collections/cases/items?limit=100").json()["features"]
    assert len(features) == 30
    assert all(set(feature["properties"]) == {field.name for field in layer("cases").fields} for feature in features)
    assert not {"description", "address", "reporter", "phone"} & set(features[0]["properties"])


def test_a_case_is_in_its_tile_with_its_state(server: Server) -> None:
    tile: dict[str, Any] = mapbox_vector_tile.decode(server.get("/tiles/cases/14/13670/6429.mvt").content)
    states = {feature["properties"]["state"] for feature in tile["cases"]["features"]}
    assert states <= {"assigned", "needs_review", "closed"}
    assert states


def test_a_case_that_is_read_is_whole(server: Server) -> None:
    case = server.get("/cases/20260301-000003").json()
    assert (case["state"], case["is_overdue"], case["position"]) == ("assigned", True, None)
    assert server.get("/cases?limit=5").json()["next"] is not None


def test_cases_are_not_edited_as_features(server: Server) -> None:
    assert server.request("DELETE", "/ogc/collections/cases/items/1").status_code == 405
