"""Helpers for ingest tests: a small deployment, files written in the test, descriptions of them, and what the database holds."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.db.records import Issue, Reject, Repair
from gisgrid.deployment import Deployment, load_deployment
from ingest.description import load_description
from ingest.duplicates import Duplicates
from ingest.pipeline import run
from ingest.report import IngestReport, LayerReport, Tally
from ingest.steps import Opened, Outcome, prepare, process

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"


@pytest.fixture(scope="session")
def real() -> Path:
    """The folder of real data beside the checkout; without it tests are skipped, but not in CI."""
    if not REAL.is_dir() and os.environ.get("CI") != "true":
        pytest.skip("the real data is not beside the checkout")
    return REAL


@pytest.fixture(scope="session")
def shibei() -> Deployment:
    return load_deployment("shibei")


@pytest.fixture(scope="session")
def helsinki() -> Deployment:
    return load_deployment("helsinki")


class Result(NamedTuple):
    """What came of a source without a database."""

    rows: list[dict[str, Any]]
    rejects: list[Reject]
    repairs: list[Repair]
    issues: list[Issue]
    tally: Tally
    outcomes: list[Outcome]


def result_of(opened: Opened) -> Result:
    """Take an opened source through the steps."""
    tally = Tally()
    outcomes = list(process(opened, Duplicates(opened.target.key), tally))
    return Result(
        [row for one in outcomes for row in one.rows.to_pylist()],
        [row for one in outcomes for row in one.rejects],
        [row for one in outcomes for row in one.repairs],
        [row for one in outcomes for row in one.issues],
        tally,
        outcomes,
    )


class Bench:
    """A folder with source files and a description, and the database that they go into."""

    def __init__(self, folder: Path, database: Database | None, deployment: Deployment) -> None:
        self.folder = folder
        self.database = database
        self.deployment = deployment

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def describe(self, *sources: str) -> Path:
        return self.write("sources.toml", "\n".join(f"[[sources]]\n{source}" for source in sources))

    def run(self, *sources: str, **options: Any) -> list[LayerReport]:
        """Load the sources, areas into service at once; what fails is raised."""
        report = self.report(*sources, **{"activate": True, **options})
        report.raise_failure()
        return list(report.sources)

    def report(self, *sources: str, **options: Any) -> IngestReport:
        return run(self.database, self.deployment, self.describe(*sources), **options)

    def outcome(self, source: str) -> tuple[list[dict[str, Any]], list[Reject], Tally]:
        """Take one source through the steps without a database: the rows to load, those rejected, and the counts."""
        result = self.result(source)
        return result.rows, result.rejects, result.tally

    def result(self, source: str, **known: Any) -> Result:
        """Take one source through the steps without a database; ``known`` are fields of what is opened."""
        description = load_description(self.describe(source)).sources[0]
        opened = prepare(description, self.folder / description.path, self.deployment)
        return result_of(replace(opened, **known))

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        assert self.database is not None
        with self.database.connect() as connection:
            return connection.execute(statement.encode(), values or None).fetchall()

    def one(self, statement: str, *values: object) -> Any:
        return self.rows(statement, *values)[0][0]

    def rejects(self) -> list[tuple[int, str, str, str]]:
        """Row number, check, field and message of every rejected row of the last run."""
        return self.rows(
            "SELECT row_number, code, field, message FROM gisgrid.ingest_rejects"
            " WHERE run_id = (SELECT max(id) FROM gisgrid.ingest_runs) ORDER BY row_number"
        )

    def changes(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT layer FROM gisgrid.changes ORDER BY id")]


@pytest.fixture
def bench(tmp_path: Path, database: Database, shibei: Deployment) -> Bench:
    return Bench(tmp_path, database, shibei)


@pytest.fixture
def dry(tmp_path: Path, shibei: Deployment) -> Bench:
    """A bench without a database: everything is read and checked, nothing is loaded."""
    return Bench(tmp_path, None, shibei)


@pytest.fixture
def csv() -> Callable[..., str]:
    def make(header: str, *rows: str) -> str:
        return "\n".join([header, *rows]) + "\n"

    return make


@pytest.fixture
def geojson() -> Callable[[Sequence[tuple[Any, dict[str, Any]]]], str]:
    """Return GeoJSON text of (geometry mapping or None, properties) pairs."""

    def make(features: Sequence[tuple[Any, dict[str, Any]]]) -> str:
        entries = [{"type": "Feature", "geometry": geometry, "properties": properties} for geometry, properties in features]
        return json.dumps({"type": "FeatureCollection", "features": entries}, ensure_ascii=False)

    return make
