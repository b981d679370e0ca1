"""``POST /locate/batch``."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.settings import ApiSettings, Settings
from tests.api.conftest import Server, serving


def _results(server: Server, body: object) -> list[dict[str, Any]]:
    answer = server.batch(body)
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def test_each_result_is_like_an_answer_of_locate_and_has_its_id(server: Server) -> None:
    rng = random.Random(4)
    points = [{"id": n, "lon": rng.uniform(120.365, 120.39), "lat": rng.uniform(36.075, 36.093)} for n in range(300)]
    points += [{"id": 300, "lon": 120.3775, "lat": 36.084}, {"id": 301, "lon": 120.38, "lat": 36.084}]
    results = _results(server, {"crs": "wgs84", "points": points})
    assert [result["id"] for result in results] == list(range(302))
    for point, result in zip(points, results, strict=True):
        alone = server.locate(point["lon"], point["lat"])
        for name in ("data_version", "database", "stale"):
            alone.pop(name)
        result.pop("id")
        assert result == alone


def test_the_answer_says_the_version_and_that_the_database_is_up(server: Server) -> None:
    answer = server.batch({"crs": "wgs84", "points": []}).json()
    assert answer["results"] == []
    assert isinstance(answer["data_version"], int)
    assert answer["database"] == "up"


def test_points_may_be_in_any_system(server: Server) -> None:
    for crs in ("gcj02", "bd09", "EPSG:4549", "cgcs2000"):
        first, second = from_wgs84(parse_crs(crs), 120.3722, 36.0819)
        result = _results(server, {"crs": crs, "points": [{"id": "a", "lon": first, "lat": second}]})[0]
        assert result["grid"]["code"] == "370203001001001"
        assert result["input"] == {"lon": first, "lat": second, "crs": parse_crs(crs).name}
    x, y = from_wgs84(parse_crs("EPSG:4549"), 120.3722, 36.0819)
    assert _results(server, {"crs": "EPSG:4549", "points": [{"x": x, "y": y}]})[0]["grid"]["code"] == "370203001001001"


def test_points_may_say_their_own_system_and_accuracy(server: Server) -> None:
    place = {"lon": 120.3722, "lat": 36.0819}
    points: list[dict[str, Any]] = [
        place,
        place | {"crs": "gcj02"},
        place | {"accuracy_m": 40},
        place | {"crs": "wgs84", "accuracy_m": 0},
        {"x": 533500.0, "y": 3994600.0, "crs": "EPSG:4549"},
    ]
    own = [{"crs": "bd09", "accuracy_m": 15} | point for point in points]
    results = _results(server, {"crs": "bd09", "accuracy_m": 15, "points": points})
    assert len(results) == len(points)
    for point, result in zip(own, results, strict=True):
        alone = server.get("/locate", params={name: str(value) for name, value in point.items()}).json()
        assert alone.items() >= {name: value for name, value in result.items() if name != "id"}.items()
        assert ("outside_share" in result) == (point["accuracy_m"] != 0)
    assert [_bare(result) for result in _results(server, {"points": own})] == [_bare(result) for result in results]


def _bare(result: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name != "id"}


def test_a_bad_point_is_answered_in_its_place_and_moves_no_other(server: Server) -> None:
    good = {"id": "good", "lon": 120.3722, "lat": 36.0819}
    bad: list[tuple[Any, str | None]] = [
        ({"id": "b1", "lon": None, "lat": 36.08}, "lon"),
        ({"id": "b2", "lat": 36.08}, "lon"),
        ({"id": "b3", "lon": "120.37", "lat": 36.08}, "lon"),
        ({"id": "b4", "lon": True, "lat": 36.08}, "lon"),
        ({"id": "b5", "lon": 36.08, "lat": 120.37}, "lat"),
        ({"id": "b6", "lon": 181, "lat": 36.08}, "lon"),
        ({"id": "b7", "lon": 120.37, "lat": 36.08, "crs": "gcj99"}, "crs"),
        ({"id": "b7a", "lon": 120.37, "lat": 36.08, "crs": 4326}, "crs"),
        ({"id": "b7b", "lon": 120.37, "lat": 36.08, "accuracy_m": -1}, "accuracy_m"),
        ({"id": "b7c", "lon": 120.37, "lat": 36.08, "accuracy_m": "15"}, "accuracy_m"),
        ({"id": "b7d", "lon": 120.37, "lat": 36.08, "accuracy": 15}, "accuracy"),
        ({"id": "b8", "x": 1, "y": 2}, "x"),
        ([120.37, 36.08], None),
        ("point", None),
        (None, None),
        ({"id": "b9", "lon": 1e308, "lat": 36.08}, "lon"),
        ({"id": "b10", "lon": [1], "lat": 36.08}, "lon"),
    ]
    points = [item for point, _ in bad for item in (good, point)] + [good]
    results = _results(server, {"crs": "wgs84", "points": points})
    assert len(results) == len(points)
    for index, (point, parameter) in enumerate(bad):
        assert results[2 * index]["grid"]["code"] == "370203001001001"
        result = results[2 * index + 1]
        assert set(result) == {"id", "error"}
        assert result["id"] == (point.get("id") if isinstance(point, dict) else None)
        assert result["error"]["status"] == 400
        assert result["error"].get("parameter") == parameter
    assert results[-1]["grid"]["code"] == "370203001001001"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "line 1, column 1"),
        (b"{", "line 1, column 2"),
        (b'{"crs": "wgs84",\n "points": [{"lon": 120.37,, "lat": 1}]}', "line 2"),
        (b'{"crs": "wgs84", "points": [{"lon": NaN, "lat": 1}]}', "JSON has no NaN"),
        (b'{"crs": "wgs84", "points": [{"lon": -Infinity, "lat": 1}]}', "JSON has no NaN"),
        (b'{"crs": "wgs84", "points": []}\xff', "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"crs": "wgs84"}', "points: is missing"),
        (b'{"crs": "wgs84", "points": {}}', "points: is not a list"),
        (b'{"points": []}', "crs"),
        (b'{"points": [{"lon": 1, "lat": 2, "crs": "wgs84"}, {"lon": 1, "lat": 2}]}', "crs"),
        (b'{"crs": "wgs84", "accuracy_m": -1, "points": []}', "accuracy_m"),
        (b'{"crs": 4326, "points": []}', "crs"),
        (b'{"crs": "mars2000", "points": []}', "crs"),
        (b'{"crs": "wgs84", "points": [], "point": []}', "point: there is no such member"),
    ],
)
def test_a_body_that_is_not_what_was_asked_for_is_refused_with_the_place(server: Server, body: bytes, words: str) -> None:
    answer = server.batch(body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert words in answer.json()["detail"]


def test_a_body_too_large_is_refused_announced_or_not(town: Database) -> None:
    settings = Settings(database_url=town.url, api=ApiSettings(max_body_bytes=2048))
    with serving(settings) as small:
        body = b'{"crs": "wgs84", "points": [' + b" " * 3000 + b"]}"
        assert small.batch(body).status_code == 413

        async def pieces() -> Any:
            for start in range(0, len(body), 100):
                yield body[start : start + 100]

        answer = small.request("POST", "/locate/batch", content=pieces())
        assert answer.status_code == 413
        assert "2048" in answer.json()["detail"]
        assert small.batch({"crs": "wgs84", "points": []}).status_code == 200


def test_too_many_points_are_refused(town: Database) -> None:
    with serving(Settings(database_url=town.url, api=ApiSettings(max_batch_points=10))) as small:
        point = {"lon": 120.3722, "lat": 36.0819}
        assert small.batch({"crs": "wgs84", "points": [point] * 10}).status_code == 200
        answer = small.batch({"crs": "wgs84", "points": [point] * 11})
        assert answer.status_code == 413
        assert answer.json()["detail"].startswith("There are 11 points, and 10 are allowed.")


def test_a_large_batch_keeps_its_order_across_its_pieces(server: Server) -> None:
    points = [{"id": n, "lon": 120.3705 + 1e-6 * n, "lat": 36.0819} for n in range(9_001)]
    results = _results(server, {"crs": "wgs84", "points": points})
    assert [result["id"] for result in results] == list(range(9_001))
    assert [result["input"]["lon"] for result in results] == [point["lon"] for point in points]


def test_other_methods_are_refused(server: Server) -> None:
    for method in ("GET", "PUT", "HEAD"):
        answer = server.request(method, "/locate/batch")
        assert answer.status_code == 405
        assert "POST" in answer.headers["allow"]


def test_a_page_elsewhere_may_send_json(server: Server) -> None:
    asked = {"origin": "https://a.example", "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = server.request("OPTIONS", "/locate/batch", headers=asked)
    assert answer.status_code == 204
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "content-type" in answer.headers["access-control-allow-headers"]
    assert server.batch({"crs": "wgs84", "points": []}).headers.get_list("access-control-allow-origin") == ["*"]
