"""What editors do to cases: settle, reassign, close; nothing is overwritten, no update is lost."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import psycopg
import pytest

from gisgrid.db import Database
from tests.api.cases.test_intake import CASE, post
from tests.api.conftest import Server

OUTSIDE = CASE | {"lon": 120.40}
CORNER = CASE | {"lon": 120.375, "lat": 36.084, "accuracy_m": 50}


class Desk:
    """An editor at work."""

    def __init__(self, server: Server, token: str) -> None:
        self.server, self.headers = server, {"Authorization": f"Bearer {token}"}

    def act(self, case: dict[str, Any], what: str, body: dict[str, Any], **headers: str) -> httpx.Response:
        """Do something to a case."""
        return self.server.request("POST", f"/cases/{case['number']}/{what}", json=body, headers=self.headers | headers)


@pytest.fixture
def desk(case_server: Server, token: str) -> Desk:
    """An editor at work."""
    return Desk(case_server, token)


def test_a_case_is_reassigned_with_a_reason_and_keeps_its_history(desk: Desk) -> None:
    case = post(desk.server, CASE).json()
    answer = desk.act(case, "reassign", {"unit_code": "W1", "reason": "权属单位确认"})
    assert answer.status_code == 200, answer.text
    changed = answer.json()
    assert (changed["unit"]["code"], changed["version"], answer.headers["etag"]) == ("W1", 2, '"2"')
    first, second = changed["history"]
    assert first["after"]["unit"]["code"] == "U1"
    assert (second["action"], second["by"], second["reason"]) == ("reassign", "张三", "权属单位确认")
    assert (second["before"]["unit"]["code"], second["after"]["unit"]["code"]) == ("U1", "W1")
    assert desk.server.get(f"/cases/{case['number']}").json()["history"][1]["by"] is None


def test_a_case_moved_to_another_grid_gets_its_areas_and_unit(desk: Desk) -> None:
    case = post(desk.server, CASE).json()
    moved = desk.act(case, "reassign", {"grid_code": "370203001002001", "reason": "以现场为准"}).json()
    assert (moved["grid"]["code"], moved["community"]["code"], moved["street"]["code"]) == ("370203001002001", "370203001002", "370203001")
    assert moved["unit"]["code"] == "U1"
    assert moved["position"] == case["position"]


def test_a_place_on_the_map_settles_where_a_case_is(desk: Desk) -> None:
    case = post(desk.server, OUTSIDE).json()
    assert case["state"] == "needs_review"
    settled = desk.act(case, "settle", {"lon": 120.3725, "lat": 36.0820, "crs": "wgs84", "reason": "现场核实"}).json()
    assert (settled["state"], settled["grid"]["code"], settled["position"]["from"]) == ("assigned", "370203001001001", "person")
    assert settled["review"] is None
    assert settled["reported_at"] == case["reported_at"]


def test_a_place_outside_settles_nothing(desk: Desk) -> None:
    case = post(desk.server, OUTSIDE).json()
    still = desk.act(case, "settle", {"lon": 120.41, "lat": 36.0820, "crs": "wgs84"}).json()
    assert (still["state"], still["review"]["kind"], still["version"]) == ("needs_review", "outside", 2)


def test_what_is_closed_is_reopened_and_what_is_void_is_not_shown(desk: Desk) -> None:
    case = post(desk.server, CASE | {"source": "关闭"}).json()
    closed = desk.act(case, "close", {"reason": "已处置"}).json()
    assert (closed["state"], closed["is_overdue"]) == ("closed", False)
    assert closed["closed_at"] is not None
    assert desk.act(case, "reassign", {"unit_code": "W1", "reason": "x"}).status_code == 409
    assert desk.act(case, "reopen", {}).json()["state"] == "assigned"
    assert desk.act(case, "void", {}).status_code == 400
    assert desk.act(case, "void", {"reason": "误报"}).json()["state"] == "void"
    listed = desk.server.get("/cases", params={"source": "关闭"}).json()["cases"]
    assert listed == []
    assert [one["state"] for one in desk.server.get("/cases", params={"source": "关闭", "state": "void"}).json()["cases"]] == ["void"]


@pytest.mark.parametrize(
    ("what", "body", "status", "parameter"),
    [
        ("reassign", {"unit_code": "XX", "reason": "x"}, 422, "unit_code"),
        ("reassign", {"grid_code": "XX", "reason": "x"}, 422, "grid_code"),
        ("reassign", {"unit_code": "W1"}, 400, "reason"),
        ("reassign", {"reason": "x"}, 400, "unit_code"),
        ("reassign", {"unit": "W1"}, 400, "unit"),
        ("settle", {"candidate": 0}, 409, "state"),
        ("settle", {}, 400, "candidate"),
        ("settle", {"lon": 120.37, "lat": 36.08}, 400, "crs"),
    ],
)
def test_what_cannot_be_done_is_told_by_its_name(desk: Desk, what: str, body: dict[str, Any], status: int, parameter: str) -> None:
    case = post(desk.server, CASE).json()
    answer = desk.act(case, what, body)
    assert (answer.status_code, answer.json()["parameter"]) == (status, parameter), answer.text
    assert desk.server.get(f"/cases/{case['number']}").json()["version"] == 1


def test_only_editors_change_cases(case_server: Server) -> None:
    case = post(case_server, CASE).json()
    for what in ("settle", "reassign", "close", "void", "reopen"):
        assert case_server.request("POST", f"/cases/{case['number']}/{what}", json={"reason": "x"}).status_code == 401
    assert case_server.get("/cases/20200101-000000").status_code == 404


def test_no_update_is_lost(desk: Desk) -> None:
    case = post(desk.server, CASE).json()
    body = {"unit_code": "W1", "reason": "x"}
    assert desk.act(case, "reassign", body, **{"If-Match": '"1"'}).status_code == 200
    assert desk.act(case, "reassign", body, **{"If-Match": '"1"'}).status_code == 412
    assert desk.act(case, "reassign", body | {"version": 1}).status_code == 412
    assert desk.act(case, "reassign", body | {"version": 2}).status_code == 200


@pytest.mark.parametrize("tag", [{}, {"If-Match": '"1"'}, {"If-Match": 'W/"p"'}, {"If-Match": "*"}])
def test_a_version_that_is_no_number_is_refused_whatever_the_header_says(desk: Desk, tag: dict[str, str]) -> None:
    case = post(desk.server, CASE).json()
    versions: list[object] = [{}, "1", True, 1.0]
    for version in versions:
        answer = desk.act(case, "close", {"version": version}, **tag)
        assert (answer.status_code, answer.json()["parameter"]) == (400, "version")


def test_of_many_changes_at_a_time_from_one_version_one_counts(desk: Desk) -> None:
    case = post(desk.server, CASE).json()

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(app=desk.server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://town.test") as client:
            path, body = f"/cases/{case['number']}/reassign", {"unit_code": "W1", "reason": "x", "version": 1}
            answers = await asyncio.gather(*(client.post(path, json=body, headers=desk.headers) for _ in range(8)))
            return sorted(answer.status_code for answer in answers)

    assert desk.server.runner.run(ask()) == [200] + [412] * 7


def test_the_history_cannot_be_changed_in_the_database_either(desk: Desk, case_town: Database) -> None:
    post(desk.server, CASE)
    for statement in ("UPDATE gisgrid.case_history SET reason = 'x'", "DELETE FROM gisgrid.case_history", "TRUNCATE gisgrid.case_history"):
        with pytest.raises(psycopg.errors.RestrictViolation), psycopg.connect(case_town.url) as connection:
            connection.execute(statement)
