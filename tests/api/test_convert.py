"""``/convert``: positions in other coordinate systems, with their accuracy."""

from __future__ import annotations

from typing import Any

import pyproj
import pytest

from gisgrid.crs import from_wgs84, parse_crs
from tests.api.conftest import Server

HERE = {"lon": "120.38", "lat": "36.0873", "crs": "gcj02"}


def convert(server: Server, **values: str) -> dict[str, Any]:
    answer = server.get("/convert", params=values)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_one_target_is_answered_with_its_accuracy_in_metres_and_words(server: Server) -> None:
    answer = convert(server, **HERE, to="wgs84")
    assert answer["input"] == {"lon": 120.38, "lat": 36.0873, "crs": "gcj02"}
    assert set(answer) == {"input", "output", "accuracy_m", "accuracy"}
    assert answer["output"]["crs"] == "wgs84"
    back = from_wgs84(parse_crs("gcj02"), answer["output"]["lon"], answer["output"]["lat"])
    assert back == pytest.approx((120.38, 36.0873), abs=2e-9)
    assert answer["accuracy_m"] == 3.0
    assert "public formula" in answer["accuracy"]


def test_several_targets_are_answered_in_their_order_each_with_its_accuracy(server: Server) -> None:
    answer = convert(server, x="533747.219", y="3995272.267", crs="epsg:4549", to="wgs84,EPSG:4528,bd09,wgs84,epsg:3857")
    assert answer["input"] == {"x": 533747.219, "y": 3995272.267, "crs": "EPSG:4549"}
    assert set(answer) == {"input", "outputs"}
    assert [found["output"]["crs"] for found in answer["outputs"]] == ["wgs84", "EPSG:4528", "bd09", "EPSG:3857"]
    assert [found["accuracy_m"] for found in answer["outputs"]] == [1.5, 0.0, 4.5, 1.5]
    assert answer["outputs"][0]["output"] == pytest.approx({"lon": 120.3747, "lat": 36.0871, "crs": "wgs84"}, abs=1e-8)
    assert answer["outputs"][1]["output"] == {"x": 40533747.219, "y": 3995272.267, "crs": "EPSG:4528"}
    expected = pyproj.Transformer.from_crs(4549, 3857, always_xy=True).transform(533747.219, 3995272.267)
    mercator = answer["outputs"][3]["output"]
    assert (mercator["x"], mercator["y"]) == pytest.approx(expected, abs=1e-4)


def test_other_units_are_named(server: Server) -> None:
    feet = convert(server, lon="-73.9857", lat="40.7484", crs="wgs84", to="EPSG:2263")
    assert feet["output"]["unit"] == "US survey foot"
    expected = pyproj.Transformer.from_crs(4326, 2263, always_xy=True).transform(-73.9857, 40.7484)
    assert (feet["output"]["x"], feet["output"]["y"]) == pytest.approx(expected, abs=1e-4)
    assert 980_000 < feet["output"]["x"] < 1_000_000
    assert feet["accuracy_m"] > 0
    grads = convert(server, lon="2.3372291667", lat="48.8362", crs="wgs84", to="EPSG:4807")
    assert grads["output"]["unit"] == "grad"
    assert grads["output"]["lat"] == pytest.approx(54.2622, abs=1e-3)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"lon": "533747.219", "lat": "3995272.267", "crs": "EPSG:2385", "to": "wgs84"}, "change of datum"),
        ({"x": "260000", "y": "3995272", "crs": "EPSG:4549", "to": "wgs84"}, "outside the area"),
    ],
)
def test_what_nobody_knows_is_not_given_a_figure(server: Server, values: dict[str, str], says: str) -> None:
    answer = convert(server, **values)
    assert answer["accuracy_m"] is None
    assert says in answer["accuracy"]
    assert "lon" in answer["output"]


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({**HERE}, "to"),
        ({**HERE, "to": ""}, "to"),
        ({**HERE, "to": ","}, "to"),
        ({**HERE, "to": "utm"}, "to"),
        ({**HERE, "to": "wgs84,EPSG:4479"}, "to"),
        ({**HERE, "to": ",".join(f"EPSG:{number}" for number in range(4490, 4510))}, "to"),
        ({"lon": "-150", "lat": "0", "crs": "wgs84", "to": "EPSG:4549"}, "to"),
        ({"lon": "120.38", "lat": "36.08", "to": "wgs84"}, "crs"),
        ({"lon": "120.38", "lat": "36.08", "crs": "EPSG:4479", "to": "wgs84"}, "crs"),
        ({"lon": "120.38", "lat": "36.08", "crs": "EPSG:4549", "to": "wgs84"}, "crs"),
        ({"lon": "36.08", "lat": "120.38", "crs": "gcj02", "to": "wgs84"}, "lat"),
        ({"lon": "nan", "lat": "36.08", "crs": "gcj02", "to": "wgs84"}, "lon"),
        ({"x": "533747", "y": "1e999", "crs": "EPSG:4549", "to": "wgs84"}, "y"),
        ({"x": "533747", "y": "3995272", "crs": "gcj02", "to": "wgs84"}, "x"),
        ({"lat": "36.08", "crs": "gcj02", "to": "wgs84"}, "lon"),
        ({**HERE, "to": "wgs84", "k": "5"}, "k"),
    ],
)
def test_what_cannot_be_meant_is_a_400_that_names_the_parameter(server: Server, values: dict[str, str], name: str) -> None:
    answer = server.get("/convert", params=values)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == name
    assert answer.json()["expected"]


def test_it_is_read_only_and_described(server: Server) -> None:
    assert server.request("POST", "/convert").status_code == 405
    head = server.request("HEAD", "/convert", params={**HERE, "to": "wgs84"})
    assert (head.status_code, head.content) == (200, b"")
    document = server.get("/openapi.json").json()
    operation = document["paths"]["/convert"]["get"]
    assert [parameter["name"] for parameter in operation["parameters"] if parameter["required"]] == ["to"]
    assert "ConvertAnswer" in document["components"]["schemas"]
    assert 'action="convert"' in server.get("/docs").text
