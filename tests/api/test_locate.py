"""``GET /locate``: what an answer holds, and what is refused."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving

INSIDE = (120.3722, 36.0819)


def test_a_point_inside_a_grid_is_answered_with_all_that_the_contract_names(server: Server) -> None:
    answer = server.locate(*INSIDE)
    assert answer["input"] == {"lon": 120.3722, "lat": 36.0819, "crs": "wgs84"}
    assert answer["point"] == {"lon": 120.3722, "lat": 36.0819, "crs": "wgs84", "conversion_accuracy_m": 0.0}
    assert answer["status"] == "inside"
    assert answer["grid"] == {"code": "370203001001001", "name": "网格 11"}
    assert answer["community"]["code"] == "370203001001"
    assert answer["street"]["code"] == "370203001"
    assert answer["district"] == {"code": "370203", "name": "市北区"}
    # 0.0019 degrees of latitude to the southern edge, 0.0022 of longitude to the western one.
    assert answer["distance_to_edge_m"] == pytest.approx(198.2, abs=0.5)
    assert answer["on_edge"] is False
    assert [candidate["code"] for candidate in answer["candidates"]] == ["370203001001001"]
    assert answer["nearest"] is None
    assert answer["responsible_unit"] == {"code": "U2", "name": "社区服务站", "level": "grid"}
    assert isinstance(answer["data_version"], int)
    assert (answer["database"], answer["stale"]) == ("up", False)
    assert not {"cameras", "manhole_covers", "building", "cover", "age_s", "outside_share"} & set(answer)


def test_on_a_shared_edge_the_smallest_code_wins_and_the_others_are_named(server: Server) -> None:
    answer = server.locate(120.3775, 36.084)
    assert answer["status"] == "edge"
    assert answer["on_edge"] is True
    assert answer["grid"]["code"] == "370203001002001"
    assert {candidate["code"] for candidate in answer["candidates"]} == {"370203001002001", "370203001002002"}
    assert answer["distance_to_edge_m"] == pytest.approx(0, abs=0.01)


def test_outside_the_nearest_grid_is_named_with_its_distance(server: Server) -> None:
    answer = server.locate(120.3725, 36.0790)
    assert answer["status"] == "outside"
    assert answer["grid"] is None
    assert answer["nearest"]["code"] == "370203001001001"
    assert answer["nearest"]["distance_m"] == pytest.approx(110.97, abs=0.5)


def test_the_unit_of_the_street_answers_where_the_grid_has_none(server: Server) -> None:
    assert server.locate(120.3722, 36.0859)["responsible_unit"] == {"code": "U1", "name": "街道办一", "level": "street"}
    assert server.locate(120.3822, 36.0859)["responsible_unit"] is None


def test_with_an_accuracy_every_grid_within_it_is_a_candidate(server: Server) -> None:
    answer = server.locate(*INSIDE, accuracy_m=260)
    assert [c["code"] for c in answer["candidates"]] == ["370203001001001", "370203001001002", "370203001002001"]
    shares = [candidate["share"] for candidate in answer["candidates"]]
    assert sum(shares) + answer["outside_share"] == pytest.approx(1, abs=1e-3)
    assert shares[0] > 0.5


@pytest.mark.parametrize("crs", ["gcj02", "bd09", "cgcs2000", "GCJ-02", "EPSG:4326"])
def test_the_same_place_in_any_system_is_the_same_grid(server: Server, crs: str) -> None:
    lon, lat = from_wgs84(parse_crs(crs), *INSIDE)
    answer = server.get("/locate", params={"lon": f"{lon:.9f}", "lat": f"{lat:.9f}", "crs": crs}).json()
    assert answer["grid"]["code"] == "370203001001001"
    assert answer["input"]["crs"] == parse_crs(crs).name
    assert (answer["point"]["lon"], answer["point"]["lat"]) == pytest.approx(INSIDE, abs=1e-7)


@pytest.mark.parametrize("names", [("x", "y"), ("lon", "lat")])
def test_a_projected_point_may_be_named_either_way(server: Server, names: tuple[str, str]) -> None:
    x, y = from_wgs84(parse_crs("EPSG:4549"), *INSIDE)
    answer = server.get("/locate", params={names[0]: f"{x:.4f}", names[1]: f"{y:.4f}", "crs": "epsg:4549"}).json()
    assert answer["grid"]["code"] == "370203001001001"
    assert answer["input"] == {names[0]: round(x, 4), names[1]: round(y, 4), "crs": "EPSG:4549"}


def test_neighbours_and_the_building_come_when_they_are_asked_for(server: Server) -> None:
    answer = server.locate(120.3712, 36.0808, include="cameras,manhole_covers,building")
    assert [len(answer[name]) for name in ("cameras", "manhole_covers")] == [5, 5]
    camera = answer["cameras"][0]
    assert camera["code"] == "C0"
    assert camera["distance_m"] == pytest.approx(44.4, abs=0.3)
    assert camera["bearing_deg"] == pytest.approx(0, abs=0.5)
    assert camera["properties"]["name"] == "路口 0"
    assert answer["building"]["code"] == "B0"
    distances = [cover["distance_m"] for cover in answer["manhole_covers"]]
    assert distances == sorted(distances)
    assert server.locate(120.3845, 36.0879, include="building")["building"] is None


def test_persons_are_in_no_answer(server: Server) -> None:
    text = server.get("/locate?lon=120.3722&lat=36.0819&crs=wgs84&include=cameras,manhole_covers,building").text
    assert "张三" not in text
    assert "13800000000" not in text
    assert "0532-2" not in text


REFUSED: list[tuple[str, str]] = [
    ("", "crs"),
    ("lon=120.37&lat=36.08", "crs"),
    ("lon=120.37&lat=36.08&crs=", "crs"),
    ("lon=120.37&lat=36.08&crs=wgs72x", "crs"),
    ("lon=120.37&lat=36.08&crs=EPSG:999999", "crs"),
    ("lat=36.08&crs=wgs84", "lon"),
    ("lon=120.37&crs=wgs84", "lat"),
    ("lon=&lat=36.08&crs=wgs84", "lon"),
    ("lon=NaN&lat=36.08&crs=wgs84", "lon"),
    ("lon=120.37&lat=nan&crs=wgs84", "lat"),
    ("lon=inf&lat=36.08&crs=wgs84", "lon"),
    ("lon=-Infinity&lat=36.08&crs=wgs84", "lon"),
    ("lon=1e999&lat=36.08&crs=wgs84", "lon"),
    ("lon=1_2&lat=36.08&crs=wgs84", "lon"),
    ("lon=%D9%A1&lat=36.08&crs=wgs84", "lon"),
    ("lon=120,37&lat=36.08&crs=wgs84", "lon"),
    ("lon=181&lat=36.08&crs=wgs84", "lon"),
    ("lon=120.37&lat=-90.01&crs=wgs84", "lat"),
    ("lon=36.08&lat=120.37&crs=wgs84", "lat"),
    ("lon=120.37&lat=36.08&crs=wgs84&lon=120.38", "lon"),
    ("lon=120.37&lat=36.08&crs=wgs84&crs=wgs84", "crs"),
    ("lon=120.37&lat=36.08&crs=wgs84&radius=5", "radius"),
    ("lon=120.37&lat=36.08&crs=wgs84&LON=5", "LON"),
    ("lon=120.37&lat=36.08&crs=wgs84&k=5", "k"),
    ("x=1&y=2&crs=wgs84", "x"),
    ("x=540000&lat=36.08&crs=EPSG:4549", "x"),
    ("x=540000&crs=EPSG:4549", "y"),
    ("x=120.37&y=36.08&crs=EPSG:4549", "crs"),
    ("lon=120.37&lat=36.08&crs=wgs84&accuracy_m=-1", "accuracy_m"),
    ("lon=120.37&lat=36.08&crs=wgs84&accuracy_m=1e6", "accuracy_m"),
    ("lon=120.37&lat=36.08&crs=wgs84&accuracy_m=", "accuracy_m"),
    ("lon=120.37&lat=36.08&crs=wgs84&include=", "include"),
    ("lon=120.37&lat=36.08&crs=wgs84&include=cameras,people", "include"),
    ("lon=120.37&lat=36.08&crs=wgs84&include=buildings", "include"),
]


@pytest.mark.parametrize(("query", "parameter"), REFUSED, ids=[quote(query) or "nothing" for query, _ in REFUSED])
def test_a_bad_parameter_is_refused_by_name_with_what_was_expected(server: Server, query: str, parameter: str) -> None:
    answer = server.get(f"/locate?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["parameter"] == parameter
    assert problem["expected"]
    assert problem["status"] == 400
    assert problem["type"].startswith("/problems/")
    assert parameter in problem["detail"]


def test_exchanged_coordinates_are_told_so(server: Server) -> None:
    problem = server.get("/locate?lon=36.08&lat=120.37&crs=gcj02").json()
    assert "exchanged" in problem["detail"]


def test_empty_pairs_and_escapes_in_a_query_are_harmless(server: Server) -> None:
    answer = server.get("/locate?&lon=%31%32%30.3722&&lat=36.0819&crs=EPSG%3A4326&")
    assert answer.json()["grid"]["code"] == "370203001001001"


def test_a_deployment_may_set_the_coordinate_system(town: Database) -> None:
    with serving(Settings(database_url=town.url, default_crs="gcj02")) as own:
        answer = own.get("/locate?lon=120.3775&lat=36.0825").json()
        assert answer["input"]["crs"] == "gcj02"
        assert answer["point"]["lon"] == pytest.approx(120.3724, abs=2e-4)


def test_head_and_other_methods(server: Server) -> None:
    query = "/locate?lon=120.3722&lat=36.0819&crs=wgs84"
    head, get = server.request("HEAD", query), server.get(query)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"] == str(len(get.content))
    for method in ("POST", "PUT", "DELETE"):
        refused = server.request(method, query)
        assert refused.status_code == 405
        assert refused.headers["allow"] == "GET, HEAD, OPTIONS"
        assert refused.headers["content-type"] == "application/problem+json"


def test_any_page_may_ask_and_no_cache_keeps_the_answer(server: Server) -> None:
    answer = server.get("/locate?lon=120.3722&lat=36.0819&crs=wgs84", headers={"origin": "https://elsewhere.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.headers["cache-control"] == "no-store"
    assert server.get("/locate").headers["access-control-allow-origin"] == "*"
