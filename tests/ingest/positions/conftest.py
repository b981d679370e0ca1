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
    return _filled(database_copies(), TOWN)


@pytest.fixture
def known(gridiron: Database) -> Iterator[Known]:
    """What a connection to the town knows."""
    yield from _known(gridiron, None)


@pytest.fixture(scope="session")
def draft_only(database_copies: Callable[[], Database]) -> Database:
    """The district as a draft, nothing else."""
    return _filled(database_copies(), DRAFT)


@pytest.fixture
def bare(draft_only: Database) -> Iterator[Known]:
    """What is known at a first load, once the district is in the draft."""
    yield from _known(draft_only, 1)


def _filled(database: Database, statements: str) -> Database:
    with database.connect() as connection:
        connection.execute(statements.encode())
    return database


def _known(database: Database, draft: int | None) -> Iterator[Known]:
    with database.connect() as connection:
        yield Known(connection, draft)
        connection.rollback()
