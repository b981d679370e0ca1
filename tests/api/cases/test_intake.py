"""Cases over HTTP: what comes in is decided, kept once, and read again."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from api.cases.schemas import NewCase
from gisgrid.cases.decision import Decision
from gisgrid.cases.drafts import CaseDraft
from gisgrid.db import Database
from tests.api.conftest import Server

PLACE = {"lon": 120.3725, "lat": 36.0820, "crs": "wgs84"}
CASE = {"source": "12345热线", "category": "暴露垃圾", "description": "楼下堆放大量生活垃圾", **PLACE}


def post(server: Server, body: object, **options: Any) -> httpx.Response:
    """Send a case."""
    return server.request("POST", "/cases", json=body, **options)


def count(database: Database) -> int:
    """Return how many cases there are."""
    with database.connect() as connection:
        row = connection.execute("SELECT count(*) FROM gisgrid.cases_all").fetchone()
    assert row is not None
    return int(row[0])


def test_a_case_with_a_position_is_decided_kept_and_read_again(case_server: Server) -> None:
    answer = post(case_server, CASE)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert made["grid"]["code"] == "370203001001001"
    assert made["unit"]["code"] == "U1"
    assert answer.headers["location"] == f"/cases/{made['number']}"
    read = case_server.get(answer.headers["location"]).json()
    assert {**read, "history": []} == {**made, "history": []}
    assert [one["action"] for one in read["history"]] == ["receive"]


def test_a_dry_run_decides_the_same_and_keeps_nothing(case_server: Server, case_town: Database) -> None:
    before = count(case_town)
    preview = case_server.request("POST", "/cases?dry_run=true", json=CASE)
    assert preview.status_code == 200
    assert count(case_town) == before
    made, seen = post(case_server, CASE).json(), preview.json()
    assert made["grid"] == seen["grid"]
    assert made["unit"] == seen["unit"]
    assert made["reasons"] == seen["reasons"]


def test_a_case_is_decided_at_once_from_memory_and_in_a_thread_when_something_has_to_be_made_first(
    own_server: Server, own_town: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake = own_server.app._rest.state.backend.cases.intake  # type: ignore[attr-defined]
    threads: list[str] = []
    decide: Callable[[CaseDraft, datetime], Decision] = intake.decide

    def watched(draft: CaseDraft, now: datetime) -> Decision:
        threads.append(threading.current_thread().name.partition("_")[0])
        return decide(draft, now)

    monkeypatch.setattr(intake, "decide", watched)
    made = [post(own_server, CASE).json() for _ in range(3)]
    in_loop = threads[-1]
    assert threads == ["deciding cases", in_loop, in_loop] != ["deciding cases"] * 3
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.components SET name = name || '!' WHERE scheme = 'CJ/T 214'")
    own_server.wait(lambda: not intake.is_prepared)
    made += [post(own_server, CASE).json() for _ in range(2)]
    assert threads[3:] == ["deciding cases", in_loop]
    assert len({one["grid"]["code"] for one in made}) == 1


@pytest.mark.parametrize("source", ["热线", " a ", "\0a", "", " ", "\x0b", "\0", "\x01 \x7f"])
def test_a_source_is_refused_exactly_when_the_definition_does_not_allow_it(case_server: Server, source: str) -> None:
    declared = NewCase.model_json_schema()["properties"]["source"]
    is_declared = len(source) >= declared["minLength"] and re.search(declared["pattern"], source) is not None
    assert post(case_server, {**CASE, "source": source}).status_code == (201 if is_declared else 400)


def test_the_same_key_never_makes_two_cases(case_server: Server, case_town: Database) -> None:
    before = count(case_town)
    first, again = (post(case_server, CASE, headers={"Idempotency-Key": "once"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["number"] == again.json()["number"]
    assert count(case_town) == before + 1
    other = post(case_server, {**CASE, "description": "别的"}, headers={"Idempotency-Key": "once"})
    assert other.status_code == 422
    assert other.json()["parameter"] == "Idempotency-Key"


def test_the_same_key_from_many_at_a_time_makes_one_case(case_server: Server, case_town: Database) -> None:
    before = count(case_town)

    async def ask() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=case_server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://town.test") as client:
            keys = [{"Idempotency-Key": f"many-{number % 5}"} for number in range(60)]
            return await asyncio.gather(*(client.post("/cases", json=CASE, headers=key) for key in keys))

    answers = case_server.runner.run(ask())
    assert sorted({answer.status_code for answer in answers}) == [200, 201]
    assert sum(answer.status_code == 201 for answer in answers) == 5
    assert len({answer.json()["number"] for answer in answers}) == 5
    assert count(case_town) == before + 5


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"crs": None}, "crs"),
        ({"crs": "venus"}, "crs"),
        ({"lon": 36.08, "lat": 120.37}, "lat"),
        ({"lon": "120"}, "lon"),
        ({"lat": None}, "lat"),
        ({"lon": 10.0, "lat": 20.0}, "lon"),
        ({"category": "", "description": ""}, "category"),
        ({"source": None}, "source"),
        ({"accuracy_m": -1}, "accuracy_m"),
        ({"reported_at": "yesterday"}, "reported_at"),
        ({"reported_at": "2126-11-22T09:00:00Z"}, "reported_at"),
        ({"reporter": {"e-mail": "x"}}, "reporter.e-mail"),
        ({"colour": "red"}, "colour"),
        ({"description": "长" * 4001}, "description"),
    ],
)
def test_what_cannot_be_is_told_by_its_name(case_server: Server, change: dict[str, Any], parameter: str) -> None:
    answer = post(case_server, CASE | change)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == parameter


def test_a_case_that_is_nowhere_is_refused(case_server: Server) -> None:
    answer = post(case_server, {"source": "x", "category": "y"})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "address"


def test_telephones_are_kept_with_the_reporter_alone(case_server: Server, case_town: Database) -> None:
    body = CASE | {
        "description": "请联系13812345678",
        "address": "延安路41号 0532-83812345",
        "reporter": {"name": "王", "phone": "13912345678"},
    }
    made = post(case_server, body).json()
    assert "13812345678" not in str(made)
    assert "13912345678" not in str(made)
    with case_town.connect() as connection:
        row = connection.execute("SELECT row_to_json(c)::text FROM gisgrid.cases_all c WHERE number = %s", [made["number"]]).fetchone()
        kept = connection.execute("SELECT name, phone FROM gisgrid.case_reporters ORDER BY case_id DESC LIMIT 1").fetchone()
    assert row is not None
    assert not any(number in row[0] for number in ("13812345678", "83812345", "13912345678"))
    assert kept == ("王", "13912345678")


def test_only_an_editor_sees_the_reporter(case_server: Server, token: str) -> None:
    made = post(case_server, CASE | {"reporter": {"name": "王先生"}}).json()
    path = f"/cases/{made['number']}"
    assert "reporter" not in case_server.get(path).json()
    assert case_server.get(path, headers={"Authorization": f"Bearer {token}"}).json()["reporter"] == {"name": "王先生", "phone": None}
    assert case_server.get(path, headers={"Authorization": "Bearer gge_x"}).status_code == 401


def test_a_component_is_found_by_its_code(case_server: Server) -> None:
    made = post(case_server, {"source": "x", "category": "污水井盖破损", "component_code": "3702030102000003"}).json()
    assert made["component"]["status"] == "named"
    assert made["kind"] == "component"
    assert made["position"]["from"] == "component"
    unknown = post(case_server, CASE | {"component_code": "9999"}).json()
    assert unknown["component"]["status"] == "unknown"


def test_a_place_outside_is_for_a_person(case_server: Server) -> None:
    made = post(case_server, CASE | {"lon": 120.40}).json()
    assert (made["state"], made["review"]["kind"], made["grid"]) == ("needs_review", "outside", None)


def test_a_circle_over_several_grids_is_for_a_person_unless_one_has_half(case_server: Server) -> None:
    corner = post(case_server, CASE | {"lon": 120.375, "lat": 36.084, "accuracy_m": 50}).json()
    assert (corner["state"], corner["review"]["kind"]) == ("needs_review", "grid")
    assert len(corner["grid_candidates"]) == 4
    inside = post(case_server, CASE | {"lon": 120.3745, "accuracy_m": 50}).json()
    assert inside["state"] == "assigned"
