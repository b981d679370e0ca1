"""Ingest of the sample with all checks against ogr2ogr's plain load of the same files."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from gisgrid.db import Database
from gisgrid.db.migrate import reset
from gisgrid.deployment import load_deployment
from ingest.pipeline import run
from tests.bench.measure import Result, compare, seconds

_SCHEMA = "bench_ogr"


def against_ogr2ogr(database: Database, sample: Path, rounds: int) -> Result | None:
    """Compare the seconds that each needs for the whole sample; None when there is no ogr2ogr. Resets the database."""
    program = shutil.which("ogr2ogr")
    if program is None:
        return None
    result = compare(lambda: load(database, sample), lambda: _theirs(program, database, sample), rounds)
    with database.connect() as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
    return Result("ingest of the sample, all checks", "ogr2ogr, plain load", *result[:2], "s", *result[2:], "at most 6")


def load(database: Database, sample: Path) -> float:
    """Load the sample into the emptied database and return the seconds of the load alone."""
    reset(database)
    deployment = load_deployment("shibei")
    return seconds(lambda: run(database, deployment, sample / "sources.toml"))


def _theirs(program: str, database: Database, sample: Path) -> float:
    with database.connect() as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {_SCHEMA} CASCADE")
        connection.execute(f"CREATE SCHEMA {_SCHEMA}")
    covers = next((sample / "covers").glob("*.shp"))
    at = ["-oo", "X_POSSIBLE_NAMES=经度", "-oo", "Y_POSSIBLE_NAMES=纬度", "-a_srs", "EPSG:4326"]
    loads = [
        *([str(path)] for path in sorted((sample / "district").glob("*.geojson"))),
        ["-oo", "ENCODING=GB18030", str(covers)],
        ["-nlt", "PROMOTE_TO_MULTI", str(sample / "buildings.gpkg")],
        *([*at, str(sample / name)] for name in ("cameras.csv", "places.csv")),
        *([str(sample / name)] for name in ("roads.geojson", "organizations.xlsx", "place_names.csv")),
    ]
    common = [program, "-q", "-f", "PostgreSQL", f"PG:{database.url}", "-lco", f"SCHEMA={_SCHEMA}", "--config", "PG_USE_COPY", "YES"]
    return seconds(lambda: _load_all([common + load for load in loads]))


def _load_all(commands: list[list[str]]) -> None:
    for command in commands:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[-1]}: {done.stderr[-500:]}")
