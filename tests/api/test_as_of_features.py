"""``as_of`` over HTTP: features, responsible units and what cameras see are those of then."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import pairwise
from typing import Any, LiteralString, NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.errors import DatabaseError
from gisgrid.settings import Settings
from gisgrid.types import LEVELS
from tests.api.conftest import Server, serving

PLACE = {"lon": "120.3722", "lat": "36.0819", "crs": "wgs84"}
INCLUDE = {"include": "cameras,manhole_covers,building,cover", "sight": "true"}
# Routes that take an instant, with what they are asked beside it.
ASKED = [
    ("/locate", INCLUDE),
    ("/cameras/nearest", {"sight": "true", "k": "10"}),
    ("/cameras/nearest", {"sight": "seeing", "k": "3"}),
    ("/manhole_covers/nearest", {"k": "12", "state": "intact,broken"}),
    ("/buildings/nearest", {"k": "8"}),
    ("/manhole_covers/match", {"text": "污水井盖破损"}),
]
EDITS: tuple[LiteralString, ...] = (
    "UPDATE gisgrid.cameras SET azimuth_deg = (azimuth_deg + 90)::numeric % 360, azimuth_uncertainty_deg = 2 WHERE kind = 'fixed'",
    "UPDATE gisgrid.components SET retired_at = now() WHERE code LIKE '%1'",
    "DELETE FROM gisgrid.buildings WHERE code IN ('B1', 'B2', 'B20', 'B21')",
    """UPDATE gisgrid.area_roles SET valid_to = now() WHERE area_code = '370203001001001' AND role = 'responsible_unit';
    INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code)
    VALUES ('grid', '370203001001001', 'responsible_unit', 'W1')""",
)
# What tells of when an answer was given, and not of the past.
_OF_NOW = {"data_version", "as_of", "generation", "database", "stale", "age_s"}


class Given(NamedTuple):
    """The answers that were given at an instant, without ``as_of``."""

    instant: datetime
    answers: list[dict[str, Any]]


def ask(server: Server, path: str, **values: str) -> dict[str, Any]:
    answer = server.get(path, params={**PLACE, **values})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def plain(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name not in _OF_NOW}


def clock(town: Database) -> datetime:
    with town.connect() as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row
    found: datetime = row[0]
    return found


@pytest.fixture
def own_server(own_town: Database) -> Iterator[Server]:
    with serving(Settings(database_url=own_town.url)) as running:
        yield running


def newer_than(server: Server, version: int) -> Callable[[], bool]:
    return lambda: bool(server.get("/readyz").json().get("data_version", 0) > version)


def has_settled(server: Server, town: Database) -> Callable[[], bool]:
    """Tell whether the server has made the shapes of areas for small scales, which is a change too, and has heard of it."""
    last: LiteralString = "SELECT max(id) FROM gisgrid.changes"
    sql = f"SELECT count(DISTINCT level), ({last}) FROM gisgrid.area_shapes s JOIN gisgrid.areas a ON a.id = s.area_id"

    def now() -> bool:
        with town.connect() as connection:
            row = connection.execute(sql).fetchone()
        return row is not None and row[0] == len(LEVELS) and newer_than(server, row[1] - 1)()

    return now


def answers(server: Server, **more: str) -> list[dict[str, Any]]:
    return [plain(ask(server, path, **{**values, **more})) for path, values in ASKED]


def test_what_was_answered_at_an_instant_is_answered_as_of_it_for_ever(own_server: Server, own_town: Database) -> None:
    own_server.wait(has_settled(own_server, own_town))
    given = [Given(clock(own_town), answers(own_server))]
    for edit in EDITS:
        before = own_server.get("/readyz").json()["data_version"]
        with own_town.connect() as connection:
            connection.execute(edit)
        own_server.wait(newer_than(own_server, before))
        given.append(Given(clock(own_town), answers(own_server)))
    assert all(one.answers != two.answers for one, two in pairwise(given))
    for _ in range(2):  # read, then at hand
        for instant, expected in given:
            assert answers(own_server, as_of=instant.isoformat()) == expected


def test_an_instant_before_a_layer_is_known_is_a_400_that_says_from_when_it_is(own_town: Database) -> None:
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.generation_periods SET valid_from = now() - interval '2 days'")
        row = connection.execute("SELECT (now() - interval '1 day')::text, min(changed_at) FROM gisgrid.cameras_all").fetchone()
    assert row
    instant, first = row[0].replace(" ", "T") + ":00", row[1]
    with serving(Settings(database_url=own_town.url)) as server:
        assert ask(server, "/locate", as_of=instant)["responsible_unit"] is None
        for path, values in ASKED:
            answer = server.get(path, params={**PLACE, **values, "as_of": instant})
            assert (answer.status_code, answer.json()["parameter"]) == (400, "as_of"), answer.text
            assert f"known from {first:%Y-%m-%dT%H:%M:%S}" in answer.json()["detail"]


def test_without_the_database_the_past_that_is_at_hand_is_answered_and_the_rest_is_a_503(
    own_town: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    instant = clock(own_town).isoformat()
    for edit in EDITS[:2]:
        with own_town.connect() as connection:
            connection.execute(edit)

    def away(_: Database) -> None:
        raise DatabaseError("The database is away.")

    with serving(Settings(database_url=own_town.url)) as server:
        at_first = ask(server, "/cameras/nearest", as_of=instant)
        monkeypatch.setattr("gisgrid.services.features_then.snapshot", away)
        assert plain(ask(server, "/cameras/nearest", as_of=instant)) == plain(at_first)
        refused = server.get("/manhole_covers/nearest", params={**PLACE, "as_of": instant})
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
