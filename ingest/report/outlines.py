"""The areas that a report's picture is drawn over, as PostGIS has them."""

from __future__ import annotations

import datetime as dt

from gisgrid.db import Database
from gisgrid.db.generations import generation_at, read_generation
from gisgrid.types import LEVELS
from ingest.report.picture import Outline

_MOST = 2_000


def read_outlines(database: Database, generation_id: int | None = None) -> list[Outline]:
    """Return the areas of a generation, without one those that are served; none when nothing is.

    A level of more than 2,000 areas is left out when there is another: nobody could tell them apart. Raises DatabaseError
    when the database is down.
    """
    with database.connect() as connection:
        number = generation_id if generation_id is not None else generation_at(connection, dt.datetime.now(dt.UTC))
        tables = read_generation(connection, number) if number is not None else {}
    few = {level: table for level, table in tables.items() if len(table.codes) <= _MOST} or tables
    return [
        Outline(level, name, shape)
        for level in LEVELS
        if level in few
        for name, shape in zip(few[level].names, few[level].geometries, strict=True)
    ]
