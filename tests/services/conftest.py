"""A small town in PostGIS and the read model of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings

TOWN = Path(__file__).parents[1] / "tiles" / "town.sql"


def fill(database: Database) -> Database:
    """Build the town in an empty database."""
    with database.connect() as connection:
        connection.execute(TOWN.read_bytes())
    return database


@pytest.fixture(scope="session")
def town(database_copies: Callable[[], Database]) -> Database:
    """The town, only to be read."""
    return fill(database_copies())


@pytest.fixture(scope="session")
def model(town: Database) -> ReadModel:
    """The read model of the town, only to be asked."""
    return ReadModel.load(town, Settings(database_url=town.url))


@pytest.fixture
def own_town(database: Database) -> Database:
    """A town for one test alone, which may change it."""
    return fill(database)
