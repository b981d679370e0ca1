"""Fixtures for tests that need PostGIS: a private server for the run, a migrated template, a fresh copy for each test.

With GISGRID_TEST_DATABASE_URL that server is used instead; its user must be allowed to make databases and PostGIS there.
"""

from __future__ import annotations

import csv
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings as hypothesis_settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.db.migrate import migrate
from tests.postgres import quick_home, quick_server

# How long an example takes says more about the machine than about the code.
hypothesis_settings.register_profile("gisgrid", deadline=None)
hypothesis_settings.load_profile("gisgrid")

ROOT = Path(__file__).resolve().parent.parent
_CSV_LIMIT = 131_072


def pytest_configure(config: pytest.Config) -> None:
    """Have pytest-xdist keep to our order: by itself it begins with the files of most tests, whatever these take."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that hold slow tests before all others: one that begins last is what all other workers wait for."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's own GISGRID_* settings, and the developer's own cluster, out of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GISGRID_") and name != "GISGRID_TEST_DATABASE_URL"]:
            patch.delenv(name)
        home = tmp_path_factory.mktemp("home")
        patch.setenv("GISGRID_HOME", str(home))
        yield
        Cluster(home).stop()


@pytest.fixture(autouse=True)
def _the_usual_csv_limit() -> None:
    """Set the longest cell that `csv` takes to its default: reading a source raises it for the whole process."""
    csv.field_size_limit(_CSV_LIMIT)


@pytest.fixture(scope="session")
def database_url() -> Iterator[str]:
    """The address of a server that tests may make databases on: ours, stopped and removed at the end, or the one given."""
    given = os.environ.get("GISGRID_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with quick_server() as url:
        yield url


@pytest.fixture
def cluster_home() -> Iterator[Path]:
    """A folder for a server of this test alone; it is removed at the end, when the test has stopped the server."""
    with quick_home() as home:
        yield home


@pytest.fixture(scope="session")
def template_database(database_url: str) -> Iterator[str]:
    """The name of a migrated, empty database that others are copied from."""
    with new_database(database_url, prefix="template") as database:
        migrate(database)
        yield _name_of(database)


@contextmanager
def new_database(server_url: str, template: str = "template0", prefix: str = "test") -> Iterator[Database]:
    """Make a database on the server for a block, as a copy of ``template``, and drop it after."""
    name = f"gisgrid_{prefix}_{os.getpid()}_{secrets.token_hex(4)}"
    make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(make)
    try:
        yield Database(_with_name(server_url, name))
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _name_of(database: Database) -> str:
    return str(conninfo_to_dict(database.url)["dbname"])


def _with_name(url: str, name: str) -> str:
    if "://" not in url:
        return make_conninfo(url, dbname=name)
    base, _, query = url.partition("?")
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.split('/')[0]}/{name}" + (f"?{query}" if query else "")


@pytest.fixture
def database(database_url: str, template_database: str) -> Iterator[Database]:
    """A fresh migrated database without rows, for this test alone."""
    with new_database(database_url, template_database) as fresh:
        yield fresh


@pytest.fixture
def empty_database(database_url: str) -> Iterator[Database]:
    """A fresh database in which nothing has been made, not even PostGIS."""
    with new_database(database_url) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def database_copies(database_url: str, template_database: str) -> Iterator[Callable[[], Database]]:
    """Make migrated databases that last until the end of the run: for fixtures that load much once and only read it."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(new_database(database_url, template_database))


@pytest.fixture
def connection(session_database: Database) -> Iterator[psycopg.Connection]:
    """A connection to a migrated database without rows; what the test does there is rolled back."""
    with session_database.connect() as connection:
        yield connection
        connection.rollback()


@pytest.fixture(scope="session")
def session_database(database_copies: Callable[[], Database]) -> Database:
    """One migrated database for the whole run; tests must leave it as they found it."""
    return database_copies()


def build_town(database: Database) -> Database:
    """Fill an empty database with a small town: a few areas, covers, cameras, buildings, units, and what must not get out."""
    with database.connect() as connection:
        connection.execute((ROOT / "tests" / "town.sql").read_bytes())
    return database


@pytest.fixture(scope="session")
def town_template(database_url: str, template_database: str) -> Iterator[str]:
    """The name of a database with the town that others are copied from: a copy takes a fifth of what building it takes."""
    with new_database(database_url, template_database, prefix="town") as database:
        yield _name_of(build_town(database))


@pytest.fixture(scope="session")
def town(database_url: str, town_template: str) -> Iterator[Database]:
    """The town, only to be read."""
    with new_database(database_url, town_template) as copy:
        yield copy


@pytest.fixture
def own_town(database_url: str, town_template: str) -> Iterator[Database]:
    """A town for one test alone, which may change it."""
    with new_database(database_url, town_template) as copy:
        yield copy
