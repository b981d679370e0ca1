"""A real server process on the town, for programs that are not ours."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gisgrid.db import Database
from tests.serving import GISGRID, served


@pytest.fixture(scope="session")
def ogc(town: Database) -> Iterator[str]:
    """The address of the OGC API of a running server."""
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": town.url, "GISGRID_DEPLOYMENT": "shibei"}) as server:
        yield f"{server.url}/ogc"
