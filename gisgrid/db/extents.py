"""How far what is served reaches, asked over one connection: for what is written once."""

from __future__ import annotations

from collections.abc import Iterable

from gisgrid.db.database import Database
from gisgrid.db.features.extent import extent_statement
from gisgrid.layers import Layer
from gisgrid.types import Bounds


def bounds_of(database: Database, layers: Iterable[Layer]) -> Bounds | None:
    """Return the box (degrees, longitude first) of the first of ``layers`` that has features with a place; None when none has."""
    with database.connect() as connection:
        for layer in layers:
            row = connection.execute(extent_statement(layer).encode()).fetchone()
            if row is not None and row[0] is not None:
                return Bounds(*row[:4])
    return None
