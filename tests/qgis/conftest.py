"""A town with its styles, a server on it, and its projects by all three ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.db.rules import remember_deployment
from gisgrid.deployment import load_deployment
from gisgrid.qgis import SOURCES, Project, SourceKind, project_document, write_project
from gisgrid.services.qgis import postgis_server, start_of, web_server
from gisgrid.settings import Settings
from tests.conftest import build_town
from tests.qgis.asking import Qgis
from tests.serving import GISGRID, Server, served


class City(NamedTuple):
    """A town of these tests' own, which they may edit, its server, and its project by each way."""

    database: Database
    server: Server
    projects: dict[SourceKind, Path]


@pytest.fixture(scope="module")
def qgis(tmp_path_factory: pytest.TempPathFactory) -> Qgis:
    """QGIS with an empty profile."""
    return Qgis(tmp_path_factory.mktemp("qgis"))


@pytest.fixture(scope="module")
def city(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """The town with the rules and styles of Shibei."""
    database, folder, shibei = build_town(database_copies()), tmp_path_factory.mktemp("projects"), load_deployment("shibei")
    with database.connect() as connection:
        remember_deployment(connection, shibei)
    settings = Settings(database_url=database.url, home=folder)
    with served([GISGRID, "serve", "--port"], {"GISGRID_DATABASE_URL": database.url, "GISGRID_HOME": str(folder)}) as server:
        projects: dict[SourceKind, Path] = {}
        for kind in SOURCES:
            source = postgis_server(settings) if kind == "postgis" else web_server(settings, kind, url=server.url)
            start = start_of(settings, shibei, source)
            assert not start.doubt
            projects[kind] = folder / f"{kind}.qgz"
            write_project(project_document(Project(shibei, source, start.extent)), projects[kind])
        yield City(database, server, projects)
