"""A town whose grids were cut anew, went back, and were cut anew again: three changes with an instant in each period."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from gisgrid.db import Database
from gisgrid.db.generations import activate, rollback

DRAFT_AS_SERVED = """
INSERT INTO gisgrid.generations (id, status, completed_at) VALUES (2, 'draft', now());
INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
SELECT 2, level, code, name, parent_code, area_m2, geom FROM gisgrid.areas WHERE generation_id = 1;
"""
"""Draft 2 of the town, with all that is served."""

MOVE_BORDER = """
UPDATE gisgrid.areas SET geom = ST_Multi(ST_MakeEnvelope(120.370, 36.080, 120.374, 36.084, 4326))
WHERE generation_id = 2 AND code = '370203001001001';
UPDATE gisgrid.areas SET geom = ST_Multi(ST_MakeEnvelope(120.374, 36.080, 120.380, 36.084, 4326))
WHERE generation_id = 2 AND code = '370203001002001';
UPDATE gisgrid.areas a SET geom = (SELECT ST_Multi(ST_Union(geom)) FROM gisgrid.areas g WHERE generation_id = 2 AND g.parent_code = a.code)
WHERE generation_id = 2 AND level = 'community';
"""
"""In draft 2 the border between the grids 11 and 21 goes 0.001 degrees, a fifth of a grid, to the west."""

MOVED = (120.3745, 36.082)
"""A place, longitude and latitude, that passes from grid 11 to grid 21."""

OLD, NEW = "370203001001001", "370203001002001"


class Instants(NamedTuple):
    """An instant before all, and one in each of the four periods: old, new, old again, new again."""

    before: datetime
    old: datetime
    new: datetime
    old_again: datetime
    new_again: datetime


def recut(town: Database) -> Instants:
    """Serve the second generation, the first again, and the second again; return the instants between."""
    with town.connect() as connection:
        connection.autocommit = True

        def now() -> datetime:
            row = connection.execute("SELECT clock_timestamp()").fetchone()
            assert row
            found: datetime = row[0]
            return found

        first = connection.execute("SELECT min(valid_from) - interval '1 second' FROM gisgrid.generation_periods").fetchone()
        assert first
        instants = [first[0], now()]
        connection.execute((DRAFT_AS_SERVED + MOVE_BORDER).encode())
        activate(connection, 2, force=True)  # nobody has checked it
        instants.append(now())
        rollback(connection)
        instants.append(now())
        activate(connection, 2, force=True)
        instants.append(now())
    return Instants(*instants)
