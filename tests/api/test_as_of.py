"""``as_of`` over HTTP: lookups in the areas that were served then."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gisgrid.db import Database
from gisgrid.services import parse_instant
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving
from tests.services.recut import MOVED, NEW, OLD, Instants, recut


@pytest.fixture
def instants(own_town: Database) -> Instants:
    return recut(own_town)


@pytest.fixture
def own_server(own_town: Database, instants: Instants) -> Iterator[Server]:
    with serving(Settings(database_url=own_town.url)) as running:
        yield running


def test_locate_answers_for_the_instant_and_says_which_generation_that_was(own_server: Server, instants: Instants) -> None:
    for instant, code, id in ((instants.old, OLD, 1), (instants.new, NEW, 2), (instants.old_again, OLD, 1), (instants.new_again, NEW, 2)):
        for _ in range(2):  # read, then at hand
            answer = own_server.locate(*MOVED, as_of=instant.isoformat(), include="cameras")
            assert (answer["grid"]["code"], answer["generation"]["id"]) == (code, id)
            assert parse_instant(answer["as_of"]) == instant
            assert parse_instant(answer["generation"]["valid_from"]) <= instant
            assert len(answer["cameras"]) == 5
    assert answer["generation"]["valid_to"] is None
    plain = own_server.locate(*MOVED)
    assert plain["grid"]["code"] == NEW
    assert not {"as_of", "generation"} & set(plain)


def test_a_plus_that_the_url_made_a_blank_is_understood(own_server: Server, instants: Instants) -> None:
    text = instants.old.isoformat()
    assert "+" in text
    answer = own_server.get(f"/locate?lon={MOVED[0]}&lat={MOVED[1]}&crs=wgs84&as_of={text}")
    assert answer.status_code == 200
    assert answer.json()["grid"]["code"] == OLD


def test_a_batch_is_of_one_instant(own_server: Server, instants: Instants) -> None:
    points = [
        {"id": 1, "lon": MOVED[0], "lat": MOVED[1]},
        {"id": 2, "lon": 120.3722, "lat": 36.0819},
        {"id": 3, "lon": 120.374, "lat": 36.082},
    ]
    then = own_server.batch({"crs": "wgs84", "as_of": instants.old.isoformat(), "points": points}).json()
    assert [row["grid"]["code"] for row in then["results"]] == [OLD, OLD, OLD]
    assert (then["generation"]["id"], then["database"]) == (1, "up")
    now = own_server.batch({"crs": "wgs84", "as_of": None, "points": points}).json()
    assert [row["grid"]["code"] for row in now["results"]] == [NEW, OLD, OLD]
    assert now["results"][2]["status"] == "edge"
    assert "generation" not in now


@pytest.mark.parametrize("text", ["yesterday", "", "2026-11-22T09:00:00", "2026-13-01", "1999-01-01"])
def test_an_instant_that_cannot_be_meant_is_a_400_that_names_it(own_server: Server, text: str) -> None:
    answers = [
        own_server.get("/locate", params={"lon": "120.3745", "lat": "36.082", "crs": "wgs84", "as_of": text}),
        own_server.batch({"crs": "wgs84", "as_of": text, "points": []}),
    ]
    for answer in answers:
        assert answer.status_code == 400
        assert answer.json()["parameter"] == "as_of"


def test_an_instant_that_is_no_text_is_refused(own_server: Server) -> None:
    answer = own_server.batch({"crs": "wgs84", "as_of": 1763800000, "points": []})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "as_of")


def test_openapi_tells_of_it(own_server: Server) -> None:
    document = own_server.get("/openapi.json").json()
    names = [parameter["name"] for parameter in document["paths"]["/locate"]["get"]["parameters"]]
    assert "as_of" in names
    schemas = document["components"]["schemas"]
    assert "generation" in schemas["LocateAnswer"]["properties"]
    assert "as_of" in schemas["BatchRequest"]["properties"]
