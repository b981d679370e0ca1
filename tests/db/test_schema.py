from __future__ import annotations

from gisgrid.db import Database


def test_a_fresh_database_has_no_areas(database: Database) -> None:
    with database.connect() as connection:
        assert connection.execute("SELECT count(*) FROM gisgrid.grids").fetchone() == (0,)
