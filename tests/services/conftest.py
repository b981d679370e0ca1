"""The read model of the town, and its commands as they are typed."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gisgrid import cli
from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.settings import Settings


@pytest.fixture(scope="session")
def model(town: Database) -> ReadModel:
    """The read model of the town, only to be asked."""
    return ReadModel.load(town, Settings(database_url=town.url))


Run = Callable[..., tuple[int, str, str]]
"""Runs ``gisgrid`` with arguments; returns exit code, standard output and standard error."""


@pytest.fixture
def run_on(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[Database], Run]:
    """Return what runs commands on a database."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["gisgrid", *arguments])
        code = 0
        try:
            cli.main()
        except SystemExit as done:
            code = int(done.code or 0)
        return (code, *capsys.readouterr())

    def on(database: Database) -> Run:
        monkeypatch.setenv("GISGRID_DATABASE_URL", database.url)
        return call

    return on
