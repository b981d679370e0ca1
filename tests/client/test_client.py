"""The client against a real server: every method, in both clients, and what becomes of errors and of lost connections."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gisgrid.client import Client
from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings
from tests.serving import GISGRID, Server, served

pytestmark = pytest.mark.xdist_group("client")

PLACE = (120.375, 36.085)


@pytest.fixture(scope="module")
def server(town: Database) -> Iterator[Server]:
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": town.url}) as running:
        yield running


@pytest.fixture(scope="module")
def model(town: Database) -> ReadModel:
    return ReadModel.load(town, Settings(database_url=town.url))


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url, crs="wgs84") as made:
        yield made


def test_a_location_is_the_one_that_the_locator_gives(client: Client, model: ReadModel) -> None:
    answer = client.locate(*PLACE, accuracy_m=20.0)
    ours = model.locator.locate(*PLACE, 20.0)
    assert answer.location.grid == ours.grid
    assert answer.location.status == ours.status
    assert [candidate.code for candidate in answer.location.candidates] == [candidate.code for candidate in ours.candidates]
    assert answer.location.responsible_unit == ours.responsible_unit
    assert answer.currency.data_version == model.version
    assert not answer.currency.stale
    assert answer.cameras is None
    assert answer.then is None
