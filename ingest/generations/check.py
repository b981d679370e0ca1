"""A generation in the database, checked and compared: what is behind ``gisgrid areas`` and the end of an ingest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.checking import CodedShapes, Connection, read_buildings, read_covers, read_places
from gisgrid.db.generations import read_generation, replace_issues
from gisgrid.db.reading import snapshot
from gisgrid.db.records import Issue
from gisgrid.deployment import Deployment
from ingest.generations.diff import LevelDiff, Points, compare_tables
from ingest.topology import Features, check_areas

ASSETS = ("components", "cameras", "buildings")
"""The layers whose features are followed from one generation to the next."""


def find_issues(connection: Connection, deployment: Deployment, generation_id: int) -> list[Issue]:
    """Return what the topology checks find wrong with a generation, the errors first; nothing is written.

    Buildings and manhole covers are those that ``connection`` sees. Raises NotFoundError when there is no such generation,
    DatabaseError when the database fails.
    """
    areas = read_generation(connection, generation_id)
    return check_areas(areas, deployment, _features(read_buildings(connection)), _features(read_covers(connection)))


def _features(pieces: Iterator[CodedShapes]) -> Iterator[Features]:
    return (Features(*piece) for piece in pieces)


def check_generation(database: Database, deployment: Deployment, generation_id: int) -> list[Issue]:
    """Check a generation, keep what was found in ``quality_issues`` in the place of what was found before, and return it.

    Raises NotFoundError when there is no such generation, DatabaseError when the database fails.
    """
    with database.connect() as connection:
        return check_within(connection, deployment, generation_id)


def check_within(connection: Connection, deployment: Deployment, generation_id: int) -> list[Issue]:
    """Do what ``check_generation`` does on a connection, in its transaction if it has one open."""
    issues = find_issues(connection, deployment, generation_id)
    replace_issues(connection, generation_id, issues)
    return issues


class Diff(NamedTuple):
    """What differs between two generations, level by level; features called ``cases`` are of ``days`` days."""

    old: int
    new: int
    levels: tuple[LevelDiff, ...]
    followed: tuple[str, ...]
    days: float = 1.0

    @property
    def is_empty(self) -> bool:
        """Whether the two are the same."""
        return not any(level.changes for level in self.levels)


def compare(database: Database, deployment: Deployment, old: int, new: int, *, cases: Points | None = None, days: float = 1.0) -> Diff:
    """Return what differs between generation ``old`` and generation ``new``, with the assets and cases that get another area.

    Both are read in one snapshot. Raises NotFoundError when one of them does not exist, DatabaseError when the database fails.
    """
    with snapshot(database) as connection:
        before, after = read_generation(connection, old), read_generation(connection, new)
        followed: dict[str, Points] = {layer_id: Points(*read_places(connection, layer_id)) for layer_id in ASSETS}
    if cases is not None:
        followed["cases"] = cases
    return Diff(old, new, compare_tables(before, after, _present(followed), deployment.topology.rounding_m), tuple(followed), days)


def _present(followed: Mapping[str, Points]) -> dict[str, Points]:
    return {kind: points for kind, points in followed.items() if points.lon.size}
