"""Addresses and cases by both clients, against a real server on a town of its own: nothing is answered twice, nothing is made twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from gisgrid import AsyncClient, Client
from gisgrid.client import Case, CaseUnit, GeocodeAnswer, NotLocated, sending
from gisgrid.errors import CrsError, NotFoundError, ParameterError, UsageError
from tests.client.conftest import MOST_POINTS, Ask, serving
from tests.conftest import new_database
from tests.serving import Server

INSIDE = (120.3725, 36.0820)
REFUSE: dict[str, Any] = {"category": "暴露垃圾", "description": "楼下堆放大量生活垃圾"}


@pytest.fixture(scope="module")
def server(database_url: str, town_template: str) -> Iterator[Server]:
    """A server on a town in which cases may be made."""
    with new_database(database_url, town_template) as database, serving(database) as running:
        yield running


def fetched(server: Server, path: str, **parameters: object) -> dict[str, object]:
    """Return what the server answers without the client."""
    answer: dict[str, object] = httpx.get(f"{server.url}{path}", params={name: str(value) for name, value in parameters.items()}).json()
    return answer


def content(document: Mapping[str, object]) -> dict[str, object]:
    """Return an answer apart from how current it is: a server that has just started goes on to newer versions."""
    return {name: value for name, value in document.items() if name not in ("data_version", "stale", "age_s", "database")}


def test_an_address_becomes_a_place_with_its_areas(ask: Ask, server: Server) -> None:
    found = ask("geocode", "市北区延安路1号门前", limit=3, explain=True)
    asked = {"q": "市北区延安路1号门前", "limit": 3, "explain": "true"}
    assert content(found.document) == content(fetched(server, "/geocode", **asked))
    assert (found.best.level, found.best.match_type, found.best.address) == ("door_plate", "exact", "延安路1号")
    assert found.best.grid == ask("locate", found.best.lon, found.best.lat).location.grid
    assert (found.query, found.hint) == ("市北区延安路1号门前", "门前")
    assert found.steps
    assert found.currency is not None
    plain = ask("geocode", "延安路1号")
    assert (plain.steps, plain.best.code) == ((), found.best.code)


def test_what_is_no_address_is_an_answer_without_a_place(ask: Ask) -> None:
    assert ask("geocode", "你好").best is None
    with pytest.raises(ParameterError, match="is empty") as refused:
        ask("geocode", " ")
    assert refused.value.name == "q"


def test_many_addresses_are_answered_in_their_order_whatever_one_request_may_hold(ask: Ask) -> None:
    texts = ["延安路1号", "", "延安路与辽宁路路口", "你好"] * MOST_POINTS
    found = ask("geocode_many", texts)
    assert len(found) == len(texts)
    plate, empty, crossing, nothing = found[:4]
    assert [type(one) for one in found[:4]] == [GeocodeAnswer, NotLocated, GeocodeAnswer, GeocodeAnswer]
    assert (plate.best.level, crossing.best.level, nothing.best, empty.parameter) == ("door_plate", "crossing", None, "address")
    assert (plate.best, plate.currency) == (ask("geocode", "延安路1号").best, None)
    assert found[4:] == found[:4] * (MOST_POINTS - 1)
    assert ask("geocode_many", []) == []


def test_a_place_has_an_address(ask: Ask, server: Server) -> None:
    found = ask("reverse", 120.37283, 36.0802)
    assert content(found.document) == content(fetched(server, "/reverse", lon=120.37283, lat=36.0802, crs="wgs84"))
    assert found.address.address.startswith("延安路")
    assert 0 <= found.address.distance_m < 100
    assert found.road.name == "延安路"
    assert (found.lon, found.lat) == (120.37283, 36.0802)
    far = ask("reverse", 120.30, 36.05)
    assert (far.address, far.alternatives) == (None, ())
    assert ask("reverse", 120.37283, 36.0802, crs="gcj02").lon != found.lon


def test_what_is_typed_is_gone_on_with(ask: Ask) -> None:
    found = ask("suggest", "延安路", limit=4)
    assert 1 <= len(found) <= 4
    assert all("延安路" in one.text and one.kind for one in found)


def test_a_report_becomes_a_case_and_is_read_again(ask: Ask) -> None:
    at = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
    made = ask("report_case", "12345热线", **REFUSE, place=INSIDE, accuracy_m=15, reported_at=at, reporter={"name": "王先生"})
    assert {type(made), type(made.unit)} == {Case, CaseUnit}
    assert (made.state, made.kind, made.category, made.version) == ("assigned", "event", "暴露垃圾", 1)
    assert (made.grid.code, made.unit.code, made.reported_at) == ("370203001001001", "U1", at)
    assert made.due_at is not None
    assert made.due_at > at
    assert (made.lon, made.lat, made.closed_at, made.review) == (*INSIDE, None, None)
    assert "王先生" not in json.dumps(made.document, ensure_ascii=False)
    assert ask("case", made.number)._replace(document={}) == made._replace(document={})


def test_a_case_for_a_person_has_its_question(ask: Ask) -> None:
    outside = ask("report_case", "巡查", **REFUSE, place=(120.40, 36.082), crs="wgs84")
    assert (outside.state, outside.unit) == ("needs_review", None)
    assert outside.review["question"]["en"]


def test_a_report_by_its_address_needs_no_system(server: Server) -> None:
    with Client(server.url) as client:
        assert client.report_case("12345热线", **REFUSE, address="延安路1号").grid is not None
        with pytest.raises(CrsError):
            client.report_case("12345热线", **REFUSE, place=INSIDE)


def test_a_report_that_cannot_be_taken_is_refused_in_the_servers_words(ask: Ask) -> None:
    with pytest.raises(ParameterError, match="nothing says where"):
        ask("report_case", "12345热线", **REFUSE)
    with pytest.raises(NotFoundError):
        ask("case", "20200101-000001")


def test_cases_come_page_by_page_as_the_server_lists_them(ask: Ask, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.client.calls.CASES_PAGE", 2)
    numbers = {ask("report_case", "分页", **REFUSE, place=INSIDE).number for _ in range(5)}
    found = ask("cases", source="分页", overdue=False, state=["assigned", "closed"])
    listed = fetched(server, "/cases", source="分页", limit=1000)["cases"]
    assert [case.document for case in found] == listed
    assert numbers <= {case.number for case in found}
    assert ask("cases", source="没有") == []
    with pytest.raises(ParameterError):
        ask("cases", colour="red")


def test_a_key_of_ones_own_holds_over_calls(ask: Ask, request: pytest.FixtureRequest) -> None:
    key = f"own-{request.node.callspec.id}"
    first, again = (ask("report_case", "12345热线", **REFUSE, place=INSIDE, key=key) for _ in range(2))
    assert first.number == again.number
    with pytest.raises(UsageError):
        ask("report_case", "12345热线", category="道路破损", place=INSIDE, key=key)


class Losing(httpx.HTTPTransport):
    """Sends every request, and loses the first answer on its way back."""

    lost = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        answer = super().handle_request(request)
        if not self.lost:
            self.lost += 1
            answer.read()
            raise httpx.ReadError("lost on the way", request=request)
        return answer


class LosingAsync(httpx.AsyncHTTPTransport):
    """``Losing`` for asyncio."""

    lost = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        answer = await super().handle_async_request(request)
        if not self.lost:
            self.lost += 1
            await answer.aread()
            raise httpx.ReadError("lost on the way", request=request)
        return answer


def report_async(url: str, source: str, transport: LosingAsync) -> Case:
    async def run() -> Case:
        async with AsyncClient(url, crs="wgs84", transport=transport) as client:
            return await client.report_case(source, **REFUSE, place=INSIDE)

    return asyncio.run(run())


@pytest.mark.parametrize("how", ["sync", "async"])
def test_an_answer_that_is_lost_makes_no_second_case(server: Server, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "_FIRST_PAUSE_S", 0.001)
    transport = Losing() if how == "sync" else LosingAsync()
    source = f"丢失{how}"
    with Client(server.url, crs="wgs84", transport=transport if isinstance(transport, Losing) else None) as client:
        if isinstance(transport, LosingAsync):
            made = report_async(server.url, source, transport)
        else:
            made = client.report_case(source, **REFUSE, place=INSIDE)
        assert transport.lost == 1
        assert [case.number for case in client.cases(source=source)] == [made.number]


def test_two_reports_of_the_same_are_two_cases(ask: Ask) -> None:
    first, second = (ask("report_case", "12345热线", **REFUSE, place=INSIDE) for _ in range(2))
    assert first.number != second.number
