"""The sample district in a database of its own, for one run of a benchmark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gisgrid.db import Database
from gisgrid.db.cluster import Cluster
from gisgrid.db.migrate import migrate
from gisgrid.deployment import load_deployment
from gisgrid.settings import Settings
from ingest.pipeline import run as ingest
from ingest.sample.generate import DEFAULT_SEED, generate
from tests.conftest import new_database


def sample(settings: Settings, scale: float) -> Path:
    """Return the folder of the sample's files at ``scale``, made if they are not there."""
    folder = settings.home / f"sample-bench-{scale:g}"
    generate(folder, DEFAULT_SEED, scale)
    return folder


@contextmanager
def loaded(cluster: Cluster, folder: Path) -> Iterator[Database]:
    """Give a new database with the sample in ``folder`` loaded, for a block."""
    with new_database(cluster.url, prefix="bench") as database:
        migrate(database)
        ingest(database, load_deployment("shibei"), folder / "sources.toml").raise_failure()
        yield database
