"""Lists, pages, counts and the stream of cases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
import pytest

from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.cases.conftest import without_cases
from tests.api.cases.test_intake import CASE, post
from tests.api.conftest import Server, serving
from tests.conftest import build_town

PLACES = ((120.3725, 36.0820), (120.3725, 36.0860), (120.3775, 36.0820), (120.3825, 36.0820), (120.40, 36.0820))


@pytest.fixture(scope="module")
def full(database_copies: Callable[[], Database]) -> Iterator[Server]:
    """A server with forty cases of the first of November 2026, one each half hour from midnight in the city."""
    with serving(Settings(database_url=without_cases(build_town(database_copies())).url)) as server:
        for number in range(40):
            lon, lat = PLACES[number % 5]
            at = f"2026-11-01T{number // 2:02d}:{30 * (number % 2):02d}:00+08:00"
            category = ("暴露垃圾", "污水井盖")[number % 2]
            body = {"source": f"S{number % 3}", "category": category, "lon": lon, "lat": lat, "crs": "wgs84", "reported_at": at}
            assert post(server, body).status_code == 201
        yield server


def listed(server: Server, **parameters: object) -> list[dict[str, Any]]:
    """Return the cases of a choice."""
    answer = server.get("/cases", params={name: str(value) for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    cases: list[dict[str, Any]] = answer.json()["cases"]
    return cases


def test_pages_have_every_case_once_the_newest_first(full: Server) -> None:
    seen: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = full.get("/cases", params={"limit": 7} | ({"cursor": cursor} if cursor else {})).json()
        seen += answer["cases"]
        cursor = answer["next"]
        if cursor is None:
            break
    assert len({case["number"] for case in seen}) == len(seen) == 40
    times = [case["reported_at"] for case in seen]
    assert times == sorted(times, reverse=True)


@pytest.mark.parametrize(
    ("chosen", "number"),
    [
        ({"state": "needs_review"}, 16),
        ({"state": "assigned,needs_review"}, 40),
        ({"grid": "370203001001001"}, 8),
        ({"grid": "370203001001001,370203001001002"}, 16),
        ({"community": "370203001001"}, 16),
        ({"street": "370203001"}, 24),
        ({"unit": "U1"}, 24),
        ({"kind": "component"}, 20),
        ({"category": "暴露垃圾"}, 20),
        ({"category": "0102"}, 20),
        ({"source": "S0"}, 14),
        ({"since": "2026-11-01", "until": "2026-11-02"}, 40),
        ({"since": "2026-11-01T10:00:00+08:00"}, 20),
        ({"until": "2026-11-01T01:00:00Z"}, 18),
        ({"bbox": "120.370,36.080,120.375,36.088"}, 16),
        ({"q": "污水"}, 20),
        ({"q": "100%"}, 0),
        ({"overdue": "true"}, 40),
        ({"overdue": "false"}, 0),
    ],
)
def test_filters_choose_what_they_say(full: Server, chosen: dict[str, object], number: int) -> None:
    assert len(listed(full, **chosen)) == number


def test_a_box_in_gcj02_is_that_of_the_same_places(full: Server) -> None:
    # 463 m to the east, as GCJ-02 has it here.
    assert len(listed(full, bbox="120.3751,36.080,120.3801,36.088", crs="gcj02")) == 16
    assert len(listed(full, bbox="120.3751,36.080,120.3799,36.088")) == 8


@pytest.mark.parametrize(
    "query", ["state=done", "limit=0", "bbox=1,2,3", "since=soon", "cursor=x", "colour=red", "overdue=maybe", "crs=gcj02"]
)
def test_what_cannot_be_asked_is_told(full: Server, query: str) -> None:
    answer = full.get(f"/cases?{query}")
    assert (answer.status_code, answer.json()["parameter"]) == (400, query.partition("=")[0])


def test_counts_agree_with_the_list(full: Server) -> None:
    answer = full.get("/cases/statistics", params={"by": "street,state", "source": "S0,S1"}).json()
    cases = listed(full, source="S0,S1")
    assert answer["total"]["count"] == len(cases) == sum(row["count"] for row in answer["rows"])
    for row in answer["rows"]:
        code = row["street"] and row["street"]["code"]
        mine = [case for case in cases if case["state"] == row["state"] and (case["street"] or {}).get("code") == code]
        assert row["count"] == len(mine)


def test_hours_are_those_of_the_city(full: Server) -> None:
    rows = full.get("/cases/statistics", params={"by": "hour"}).json()["rows"]
    assert sorted((row["hour"], row["count"]) for row in rows) == [(f"{hour:02d}", 2) for hour in range(20)]
    assert full.get("/cases/statistics", params={"by": "day"}).json()["rows"] == [
        {"day": "2026-11-01", "count": 40, "open": 40, "overdue": 40}
    ]


class Listener:
    """Reads a stream of server-sent events from an application, in its loop."""

    def __init__(self, server: Server, query: str = "", headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self._server = server
        self._gone = asyncio.Event()
        self.text = b""
        self.started: dict[str, Any] = {}
        scope = {
            **{"type": "http", "method": "GET", "path": "/cases/stream", "raw_path": b"/cases/stream", "http_version": "1.1"},
            **{"query_string": query.encode(), "headers": headers or [], "scheme": "http", "server": ("town.test", 80)},
            **{"client": ("127.0.0.1", 1), "root_path": "", "asgi": {"version": "3.0"}, "extensions": {}, "state": {}},
        }

        async def receive() -> Any:
            await self._gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.started = message
            self.text += message.get("body", b"")

        async def listen() -> None:
            await server.app(scope, receive, send)

        async def begin() -> asyncio.Task[None]:
            return asyncio.create_task(listen())

        self._task = server.runner.run(begin())
        server.wait(lambda: b": \n\n" in self.text or self._task.done())

    @property
    def events(self) -> list[tuple[int, str, dict[str, Any]]]:
        """What has come: number, event, data."""
        found = []
        for block in self.text.decode().split("\n\n")[:-1]:
            lines = dict(line.partition(": ")[::2] for line in block.splitlines())
            if "id" in lines:
                found.append((int(lines["id"]), lines["event"], orjson.loads(lines["data"])))
        return found

    def close(self) -> None:
        """Go away."""

        async def end() -> None:
            self._gone.set()
            with suppress(asyncio.CancelledError):
                await asyncio.wait_for(self._task, 5)

        self._server.runner.run(end())


def test_the_stream_tells_what_happens_and_resumes_where_it_was_left(case_server: Server, token: str) -> None:
    post(case_server, CASE)
    listener = Listener(case_server)
    made = [post(case_server, CASE).json()["number"] for _ in range(3)]
    case_server.wait(lambda: len(listener.events) >= 3)
    listener.close()
    assert [data["case"]["number"] for _, _, data in listener.events] == made
    assert {event for _, event, _ in listener.events} == {"receive"}
    path = f"/cases/{made[0]}/close"
    case_server.request("POST", path, json={}, headers={"Authorization": f"Bearer {token}"})
    after = listener.events[0][0]
    again = Listener(case_server, headers=[(b"last-event-id", str(after).encode())])
    case_server.wait(lambda: len(again.events) >= 3)
    again.close()
    assert [(event, data["case"]["number"]) for _, event, data in again.events] == [
        ("receive", made[1]),
        ("receive", made[2]),
        ("close", made[0]),
    ]
    assert again.events[-1][2]["by"] is None


def test_the_stream_refuses_what_is_no_number(case_server: Server) -> None:
    assert case_server.get("/cases/stream?after=x").status_code == 400
