"""The client, on a town that is only read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gisgrid.db import Database
from gisgrid.settings import Settings
from tests.api.conftest import serving
from tests.conformance.client import Client


@pytest.fixture(scope="session")
def api(town: Database) -> Iterator[Client]:
    """A client of a running server."""
    with serving(Settings(database_url=town.url)) as server:
        yield Client(server, "/ogc")
