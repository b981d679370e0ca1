"""``/geocode`` over HTTP: places with their areas, alternatives, steps; what is refused, and with which words."""

from __future__ import annotations

import re

import httpx
import pytest

from api.params import TEXT_PATTERN
from tests.api.conftest import Server


def geocode(server: Server, **parameters: str) -> httpx.Response:
    """Ask for an address."""
    return server.get("/geocode", params=parameters)


def test_a_door_plate_is_found_with_the_areas_that_it_lies_in(server: Server) -> None:
    found = geocode(server, q="市北区延安路１号门前").json()
    best = found["best"]
    assert (best["level"], best["match_type"], best["address"]) == ("door_plate", "exact", "延安路1号")
    assert best["layer"] in ("addresses", "buildings")
    located = server.get("/locate", params={"lon": best["lon"], "lat": best["lat"], "crs": "wgs84"}).json()
    assert best["grid"] == located["grid"]
    assert best["street"] == located["street"]
    assert found["query"] == "市北区延安路１号门前"
    assert found["hint"] == "门前"
    assert found["data_version"] == located["data_version"]
    assert found["database"] == "up"
    assert "steps" not in found


def test_a_crossing_and_an_old_name_are_found(server: Server) -> None:
    crossing = geocode(server, q="延安路与辽宁路交叉口").json()["best"]
    assert crossing["level"] == "crossing"
    assert (crossing["lon"], crossing["lat"]) == pytest.approx((120.3775, 36.0803), abs=2e-4)
    assert geocode(server, q="若鹤町").json()["best"]["match_type"] == "old_name"
    assert geocode(server, q="水塔公园").json()["best"]["match_type"] == "alias"


def test_what_is_no_address_has_no_place_or_a_doubtful_one(server: Server) -> None:
    for text in ("你好", "今天天气不错", "asdf", "13800138000"):
        best = geocode(server, q=text).json()["best"]
        assert best is None or best["confidence"] < 0.5, text


def test_each_step_is_told_when_asked_for(server: Server) -> None:
    assert geocode(server, q="延安路1号", explain="true").json()["steps"]


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({}, "q"),
        ({"q": "  "}, "q"),
        ({"q": "路" * 501}, "q"),
        ({"q": "延安路1号", "limit": "0"}, "limit"),
        ({"q": "延安路1号", "limit": "21"}, "limit"),
        ({"q": "延安路1号", "explain": "yes"}, "explain"),
        ({"q": "延安路1号", "crs": "wgs84"}, "crs"),
    ],
)
def test_what_cannot_be_asked_is_named(server: Server, parameters: dict[str, str], name: str) -> None:
    refused = geocode(server, **parameters)
    assert refused.status_code == 400
    assert refused.json()["parameter"] == name


def test_a_position_has_an_address(server: Server) -> None:
    found = server.get("/reverse", params={"lon": "120.37283", "lat": "36.0802", "crs": "wgs84"}).json()
    assert found["address"]["text"].startswith("延安路")
    assert found["address"]["distance_m"] < 100
    assert found["road"]["name"] == "延安路"
    assert found["input"]["crs"] == "wgs84"
    far = server.get("/reverse", params={"lon": "120.30", "lat": "36.05", "crs": "wgs84"}).json()
    assert far["address"] is None
    assert far["alternatives"] == []


def test_what_is_typed_is_gone_on_with(server: Server) -> None:
    found = server.get("/suggest", params={"q": "延安路", "limit": "4"}).json()["suggestions"]
    assert 1 <= len(found) <= 4
    assert all("延安路" in one["text"] for one in found)
    assert server.get("/suggest", params={"q": ""}).status_code == 400


def test_many_addresses_are_answered_each_in_its_place(server: Server) -> None:
    asked = ["延安路1号", {"id": 7, "address": "延安路与辽宁路路口"}, "", {"id": 8}, 5, {"address": "延安路1号", "city": "x"}]
    answer = server.request("POST", "/geocode/batch", json={"addresses": asked * 40}).json()
    assert len(answer["results"]) == 240
    first, second, *wrong = answer["results"][:6]
    alone = geocode(server, q="延安路1号", limit="1").json()
    assert first == {name: alone[name] for name in first}
    assert second["id"] == 7
    assert second["best"]["level"] == "crossing"
    assert [one["error"]["parameter"] for one in wrong] == ["address", "address", "addresses", "city"]
    assert wrong[1]["id"] == 8
    assert answer["results"][234:] == answer["results"][:6]
    assert answer["data_version"] == alone["data_version"]


@pytest.mark.parametrize(
    ("body", "name"), [({}, "addresses"), ({"addresses": "x"}, "addresses"), ({"addresses": [], "limit": 0}, "limit"), ({"q": 1}, "q")]
)
def test_a_batch_that_is_none_is_refused(server: Server, body: dict[str, object], name: str) -> None:
    refused = server.request("POST", "/geocode/batch", json=body)
    assert refused.status_code == 400
    assert refused.json()["parameter"] == name


@pytest.mark.parametrize("path", ["/geocode", "/suggest"])
@pytest.mark.parametrize("text", ["延安路", " a ", "a\nb", "", " ", "\x0b", "\0", "\0a", "a\0"])
def test_a_text_is_refused_exactly_when_the_definition_does_not_allow_it(server: Server, path: str, text: str) -> None:
    is_declared = text != "" and re.search(TEXT_PATTERN, text) is not None
    assert server.get(path, params={"q": text}).status_code == (200 if is_declared else 400)
