"""Answers by pattern say what answers that are put together say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.asgi import Reply
from api.plain import PlainAnswers
from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving

FIXED = settings(
    max_examples=120, database=None, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LON, LAT = st.floats(120.3695, 120.3855), st.floats(36.0795, 36.0885)
INCLUDES = st.lists(st.sampled_from(["cameras", "manhole_covers", "building", "cover"]), unique=True).map(",".join)
CRS = st.sampled_from(["wgs84", "gcj02", "bd09", "cgcs2000", "EPSG:4549"])
Answering = Callable[[PlainAnswers, Any, Any], Reply | None]


def _counted(replies: list[Reply | None]) -> Answering:
    answering = PlainAnswers.reply

    def reply(self: PlainAnswers, point: Any, beside: Any) -> Reply | None:
        replies.append(answering(self, point, beside))
        return replies[-1]

    return reply


def _both(server: Server, query: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any], bool]:
    """Return the answer, the answer without patterns, of one version of the data, and whether the first was one by pattern."""
    replies: list[Reply | None] = []
    with patch.object(PlainAnswers, "reply", _counted(replies)):
        answer = server.get("/locate", params=query)
    with patch.object(PlainAnswers, "reply", lambda *_: None):
        put_together = server.get("/locate", params=query)
    assert answer.status_code == put_together.status_code == 200, answer.text
    if answer.json()["data_version"] != put_together.json()["data_version"]:
        return _both(server, query)
    return answer.json(), put_together.json(), replies[0] is not None


@FIXED
@given(lon=LON, lat=LAT, crs=CRS, include=INCLUDES)
def test_both_ways_give_the_same_document(server: Server, lon: float, lat: float, crs: str, include: str) -> None:
    system = parse_crs(crs)
    first, second = from_wgs84(system, lon, lat)
    query = dict(zip(system.axes, (repr(first), repr(second)), strict=True)) | {"crs": crs} | ({"include": include} if include else {})
    by_pattern, put_together, _ = _both(server, query)
    assert by_pattern == put_together
    assert list(by_pattern) == list(put_together)


@pytest.mark.parametrize("include", ["", "cameras", "building,cameras,manhole_covers"])
def test_places_well_inside_are_answered_by_pattern(server: Server, include: str) -> None:
    query = {"lon": "120.3722", "lat": "36.0819", "crs": "wgs84"} | ({"include": include} if include else {})
    assert _both(server, query)[2]


def test_names_with_signs_of_patterns_are_written_as_they_are(own_town: Database) -> None:
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.grids SET name = '100 %b \"%s\" \\u0000 %' WHERE code = '370203001001001'")
        connection.execute("UPDATE gisgrid.cameras SET name = '%d %% 5%'")
    with serving(Settings(database_url=own_town.url)) as server:
        query = {"lon": "120.3722", "lat": "36.0819", "crs": "wgs84", "include": "cameras,manhole_covers,building"}
        by_pattern, put_together, is_by_pattern = _both(server, query)
    assert is_by_pattern
    assert by_pattern == put_together
    assert by_pattern["grid"]["name"] == '100 %b "%s" \\u0000 %'
    assert by_pattern["cameras"][0]["properties"]["name"] == "%d %% 5%"


def test_what_tells_of_the_cameras_or_the_cover_is_never_left_out(town: Database) -> None:
    with serving(Settings(database_url=town.url, default_crs="wgs84")) as server:
        for name, value in {"sight": "true", "text": "井盖", "target_height_m": "2"}.items():
            answer = server.get("/locate", params={"lon": "120.3722", "lat": "36.0819", name: value})
            assert (answer.status_code, answer.json()["parameter"]) == (400, name)
