"""A server on a town of its own, in which cases come in: shared by the tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from gisgrid.db import Database
from gisgrid.db.editors import add_editor
from gisgrid.settings import Settings
from tests.api.conftest import Server, serving
from tests.conftest import build_town


@pytest.fixture(scope="session")
def case_town(database_copies: Callable[[], Database]) -> Database:
    """A town in which tests of cases may make cases, and nothing else."""
    return without_cases(build_town(database_copies()))


def without_cases(town: Database) -> Database:
    """Return a town that has had no cases yet."""
    with town.connect() as connection:
        connection.execute("DELETE FROM gisgrid.cases_all")
    return town


@pytest.fixture(scope="session")
def case_server(case_town: Database) -> Iterator[Server]:
    """The application on that town."""
    with serving(Settings(database_url=case_town.url)) as running:
        yield running


@pytest.fixture(scope="session")
def token(case_town: Database) -> str:
    """The token of an editor of that town."""
    with case_town.connect() as connection:
        return add_editor(connection, "张三")
