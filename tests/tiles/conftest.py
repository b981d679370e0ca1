"""A small town in PostGIS, loaded once and only read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gisgrid.db import Database

TOWN = Path(__file__).with_name("town.sql")


@pytest.fixture(scope="session")
def town(database_copies: Callable[[], Database]) -> Database:
    database = database_copies()
    with database.connect() as connection:
        connection.execute(TOWN.read_bytes())
    return database
