"""Databases with the town of straight streets: as it is served, and as little as a first load knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gisgrid.db import Database
from gisgrid.db.evidence import Known
from tests.ingest.positions.gridiron import DRAFT, TOWN


@pytest.fixture(scope="session")
def gridiron(database_copies: Callable[[], Database]) -> Database:
    """The town, only to be read; its tables were never analysed, as those of a first load."""
    database = database_copies()
    with database.connect() as connection:
        connection.execute(TOWN.encode())
    return database


@pytest.fixture
def known(gridiron: Database) -> Iterator[Known]:
    """What a connection to the town knows."""
    with gridiron.connect() as connection:
        yield Known(connection, None)
        connection.rollback()


@pytest.fixture(scope="session")
def draft_only(database_copies: Callable[[], Database]) -> Database:
    """The district as a draft, nothing else."""
    database = database_copies()
    with database.connect() as connection:
        connection.execute(DRAFT.encode())
    return database


@pytest.fixture
def bare(draft_only: Database) -> Iterator[Known]:
    """What is known at a first load, once the district is in the draft."""
    with draft_only.connect() as connection:
        yield Known(connection, 1)
        connection.rollback()
