"""Generations of areas: drafts that are whole and checked, one switch, the way back, and which was served when."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pyarrow as pa
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.db import generations as generations_module
from gisgrid.db.generations import (
    activate,
    drop_draft,
    find_generation,
    generation_at,
    list_generations,
    read_generation,
    replace_issues,
    rollback,
)
from gisgrid.db.loading import Loading, open_loading
from gisgrid.db.records import Counts, Delivery, Issue
from gisgrid.db.staging import STATEMENTS
from gisgrid.errors import DatabaseError, NotFoundError, UsageError
from gisgrid.layers import AREA_LAYERS
from gisgrid.types import Level

GRIDS = Delivery("grids", "grids", "grids.shp", "f", "s")
ERROR = Issue("grids", "g1", "overlap", "error", "Overlaps g2.", None)
HINT = ERROR._replace(code="sliver", severity="warning")


def square(west: int, width: int = 1) -> str:
    box = shapely.MultiPolygon([shapely.box(west, 0, west + width, 1)])
    return str(shapely.to_wkb(shapely.set_srid(box, 4326), hex=True, include_srid=True))


def put(loading: Loading, level: Level, squares: dict[str, str], run_issues: tuple[Issue, ...] = ()) -> None:
    """Load areas, each a square one degree wide; ``squares`` gives the name by the code, and ``name@west`` moves one."""
    layer = AREA_LAYERS[level].id
    rows = [
        {"row_number": i, "code": code, "name": name.split("@")[0], "geom": square(int(name.partition("@")[2] or i))}
        for i, (code, name) in enumerate(squares.items())
    ]
    with loading.layer(GRIDS._replace(layer=layer, source_id=layer), level) as run:
        run.stage(
            pa.table({name: pa.array([row.get(name) for row in rows], None if rows else pa.string()) for name in STATEMENTS[layer].columns})
        )
        list(run.held_by_others())
        run.merge()
        run.issue(run_issues)
        run.counts = Counts(len(rows), len(rows), 0, 0, {})


def draft(database: Database, issues: tuple[Issue, ...] = (), **levels: dict[str, str]) -> int:
    """Load and check a draft; return its number."""
    with open_loading(database) as loading:
        for level, squares in levels.items():
            put(loading, level, squares)  # type: ignore[arg-type]
        loading.carry_over()
        assert loading.draft is not None
        replace_issues(loading.connection, loading.draft, issues)
        return loading.draft


def serve(database: Database, **levels: dict[str, str]) -> int:
    """Load, check and activate; return the number of the generation."""
    id = draft(database, (), **levels)
    with database.connect() as connection:
        activate(connection, id)
    return id


def rows(database: Database, query: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode(), values or None).fetchall()


def statuses(database: Database) -> list[str]:
    return [status for (status,) in rows(database, "SELECT status FROM gisgrid.generations ORDER BY id")]


@contextmanager
def connected(database: Database) -> Iterator[psycopg.Connection]:
    with database.connect() as connection:
        yield connection


# --- drafts ---


def test_a_draft_changes_nothing_that_is_served(database: Database) -> None:
    serve(database, grid={"g1": "one"})
    changes = rows(database, "SELECT count(*) FROM gisgrid.changes WHERE layer <> 'quality_issues'")
    second = draft(database, (ERROR,), grid={"g1": "uno", "g2": "two"})
    assert rows(database, "SELECT code, name FROM gisgrid.grids") == [("g1", "one")]
    assert rows(database, "SELECT count(*) FROM gisgrid.changes WHERE layer <> 'quality_issues'") == changes
    with connected(database) as connection:
        found = find_generation(connection, second)
    assert (found.status, found.areas, found.issues) == ("draft", {"grid": 2}, {"error": 1})
    assert found.completed_at is not None
    assert found.checked_at is not None


def test_levels_that_are_not_delivered_are_carried_over(database: Database) -> None:
    serve(database, district={"d": "Old town"}, grid={"g1": "one"})
    second = draft(database, grid={"g1": "one", "g2": "two"})
    with connected(database) as connection:
        areas = read_generation(connection, second)
    assert {level: table.codes for level, table in areas.items()} == {"district": ["d"], "grid": ["g1", "g2"]}
    assert shapely.equals(areas["district"].geometries[0], shapely.MultiPolygon([shapely.box(0, 0, 1, 1)]))


def test_a_draft_that_says_what_is_served_is_found_out_and_thrown_away(database: Database) -> None:
    serve(database, grid={"g1": "one"})
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"})
        loading.carry_over()
        assert loading.draft_is_served()
        loading.discard_areas()
        assert loading.draft is None
        again = loading.last_run(GRIDS)
    assert statuses(database) == ["active"]
    assert again is not None
    assert again.id == 2, "what is served came from this run too"
    assert rows(database, "SELECT status FROM gisgrid.ingest_runs ORDER BY id") == [("loaded",), ("loaded",)]


def test_what_a_draft_holds_is_not_taken_for_served(database: Database) -> None:
    serve(database, grid={"g1": "one"})
    draft(database, grid={"g1": "uno"})
    with open_loading(database) as loading:
        found = loading.last_run(GRIDS)
        assert found is not None
        assert found.id == 1


def test_runs_of_areas_count_as_loaded_when_the_draft_is_whole(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"})
        assert rows(database, "SELECT status, report ->> 'error' FROM gisgrid.ingest_runs") == [
            ("failed", "The load was interrupted before it ended.")
        ]
        loading.carry_over()
    assert rows(database, "SELECT status, report FROM gisgrid.ingest_runs") == [("loaded", {})]


def test_a_draft_that_is_thrown_away_takes_its_issues_along_and_its_runs_have_failed(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"}, (HINT,))
        loading.carry_over()
        loading.discard_areas()
    assert statuses(database) == []
    assert rows(database, "SELECT count(*) FROM gisgrid.quality_issues") == [(0,)]
    assert rows(database, "SELECT status FROM gisgrid.ingest_runs") == [("failed",)]


def test_an_ingest_that_ends_in_an_error_leaves_no_draft(database: Database) -> None:
    def fail() -> None:
        with open_loading(database) as loading:
            put(loading, "grid", {"g1": "one"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert statuses(database) == []


def test_the_next_ingest_of_areas_takes_the_place_of_a_draft(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    first = draft(database, grid={"g1": "one"})
    second = draft(database, grid={"g1": "uno"})
    assert rows(database, "SELECT id FROM gisgrid.generations") == [(second,)]
    assert f"Draft {first} of the areas, which was never activated" in caplog.text


# --- activation ---


def test_activation_is_one_change_for_each_level_and_retires_the_one_before(database: Database) -> None:
    serve(database, district={"d": "x"}, grid={"g1": "one"})
    second = draft(database, grid={"g1": "uno"})
    with connected(database) as connection:
        connection.execute("TRUNCATE gisgrid.changes")
        found = activate(connection, second)
    assert (found.id, found.status, found.retired_at) == (second, "active", None)
    assert statuses(database) == ["retired", "active"]
    assert rows(database, "SELECT name FROM gisgrid.grids") == [("uno",)]
    assert {layer for (layer,) in rows(database, "SELECT DISTINCT layer FROM gisgrid.changes")} == {"generations", "districts", "grids"}


def test_a_draft_with_errors_is_refused_unless_forced(database: Database) -> None:
    id = draft(database, (ERROR, HINT), grid={"g1": "one"})
    with connected(database) as connection:
        with pytest.raises(UsageError, match=f"Generation {id} of the areas has 1 errors"):
            activate(connection, id)
        assert find_generation(connection, id).status == "draft"
        assert activate(connection, id, force=True).status == "active"


def test_a_draft_that_was_not_checked_is_refused_unless_forced(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"})
        loading.carry_over()
        assert loading.draft is not None
        with pytest.raises(UsageError, match="has not been checked"):
            activate(loading.connection, loading.draft)
        assert activate(loading.connection, loading.draft, force=True).status == "active"


def test_half_a_draft_is_never_served(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"})
        assert loading.draft is not None
        with pytest.raises(UsageError, match="still being loaded, or its load was cut short"):
            activate(loading.connection, loading.draft, force=True)


def test_what_cannot_be_activated_is_said(database: Database) -> None:
    id = serve(database, grid={"g1": "one"})
    with connected(database) as connection:
        with pytest.raises(UsageError, match="is served already"):
            activate(connection, id)
        with pytest.raises(NotFoundError, match=rf"no generation 99 of areas\. There are: {id} \(active\)"):
            activate(connection, 99)
        with pytest.raises(UsageError, match="no earlier generation"):
            rollback(connection)
        with pytest.raises(UsageError, match="is active, not a draft"):
            drop_draft(connection, id)


def test_a_switch_that_breaks_leaves_what_is_served(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(database, grid={"g1": "one"})
    second = draft(database, grid={"g1": "uno"})
    before = rows(database, "SELECT id, name, valid_to FROM gisgrid.areas ORDER BY id"), statuses(database)
    monkeypatch.setattr(generations_module, "_ACTIVATE", "SELECT 1 / 0, %(id)s, %(now)s")
    with connected(database) as connection, pytest.raises(DatabaseError, match="division by zero") as caught:
        activate(connection, second)
    assert "What is served stays as it was." in caught.value.hint
    assert (rows(database, "SELECT id, name, valid_to FROM gisgrid.areas ORDER BY id"), statuses(database)) == before


def test_an_activation_within_a_transaction_is_undone_with_it(database: Database) -> None:
    id = draft(database, grid={"g1": "one"})
    with connected(database) as connection:
        activate(connection, id)
    second = draft(database, grid={"g1": "uno"})
    with connected(database) as connection:
        connection.execute("SELECT 1")
        activate(connection, second)
        connection.rollback()
    assert statuses(database) == ["active", "draft"]


# --- since when an area has been as it is ---


def validity(database: Database, generation: int) -> dict[str, tuple[datetime, datetime | None]]:
    found = rows(database, "SELECT code, valid_from, valid_to FROM gisgrid.areas WHERE generation_id = %s", generation)
    return {code: (start, end) for code, start, end in found}


def test_an_area_that_stays_as_it_is_keeps_its_date_and_others_get_an_end(database: Database) -> None:
    first = serve(database, grid={"same": "x", "renamed": "old", "moved": "x", "gone": "x"})
    since = validity(database, first)
    assert len({start for start, _ in since.values()}) == 1
    second = serve(database, grid={"same": "x", "renamed": "new", "moved": "x@7", "added": "x"})
    now = validity(database, second)
    (switched,) = {now[code][0] for code in ("renamed", "moved", "added")}
    assert now["same"] == since["same"]
    assert switched > since["same"][0]
    assert {code: end for code, (_, end) in validity(database, first).items()} == {
        "same": None,
        "renamed": switched,
        "moved": switched,
        "gone": switched,
    }
    with connected(database) as connection:
        assert rollback(connection).id == first
    assert validity(database, first) == since
    assert validity(database, second)["same"][1] is None
    assert validity(database, second)["added"][1] is not None


# --- the way back, and the past ---


def test_rolling_back_goes_back_one_generation_after_the_other(database: Database) -> None:
    ids = [serve(database, grid={"g": name}) for name in ("one", "two", "three")]
    with connected(database) as connection:
        assert rollback(connection).id == ids[1]
        assert rollback(connection).id == ids[0]
        with pytest.raises(UsageError, match="no earlier generation"):
            rollback(connection)
        assert activate(connection, ids[2]).id == ids[2], "and forward again"
    assert rows(database, "SELECT name FROM gisgrid.grids") == [("three",)]


def test_after_going_back_the_file_of_that_time_is_the_one_that_is_served(database: Database) -> None:
    serve(database, grid={"g": "one"})
    serve(database, grid={"g": "two"})
    with open_loading(database) as loading:
        rollback(loading.connection)
        found = loading.last_run(GRIDS)
    assert found is not None
    assert found.id == 1


def test_each_moment_has_the_generation_that_was_served_then(database: Database) -> None:
    moments: list[datetime] = []

    def now() -> None:
        moments.append(rows(database, "SELECT clock_timestamp()")[0][0])

    now()
    first = serve(database, grid={"g": "one"})
    now()
    second = serve(database, grid={"g": "two"})
    now()
    with connected(database) as connection:
        rollback(connection)
    now()
    with connected(database) as connection:
        activate(connection, second)
    now()
    with connected(database) as connection:
        assert [generation_at(connection, moment) for moment in moments] == [None, first, second, first, second]
        assert generation_at(connection, datetime.now(UTC) + timedelta(days=1)) == second
        assert len(connection.execute("SELECT * FROM gisgrid.generation_periods").fetchall()) == 4
        edges = connection.execute("SELECT valid_from, valid_to FROM gisgrid.generation_periods ORDER BY id").fetchall()
    assert [end for _, end in edges[:-1]] == [start for start, _ in edges[1:]]
    assert edges[-1][1] is None


def test_a_generation_made_active_by_hand_has_its_period_too(connection: psycopg.Connection) -> None:
    connection.execute("INSERT INTO gisgrid.generations (id, status) VALUES (1, 'active')")
    connection.execute("UPDATE gisgrid.generations SET status = 'retired'")
    connection.execute("UPDATE gisgrid.generations SET note = 'x'")
    assert connection.execute("SELECT generation_id, valid_to IS NOT NULL FROM gisgrid.generation_periods").fetchall() == [(1, True)]


# --- issues ---


def test_a_check_takes_the_place_of_the_one_before_and_leaves_what_the_load_found(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "grid", {"g1": "one"}, (HINT,))
        loading.carry_over()
        assert loading.draft is not None
        for issues in ((ERROR, ERROR), (ERROR,)):
            replace_issues(loading.connection, loading.draft, iter(issues))
            found = rows(database, "SELECT code, severity FROM gisgrid.quality_issues ORDER BY id")
            assert found == [(issue.code, issue.severity) for issue in (HINT, *issues)]
        replace_issues(loading.connection, loading.draft, [])
        assert activate(loading.connection, loading.draft).issues == {"warning": 1}
        with pytest.raises(NotFoundError):
            replace_issues(loading.connection, 99, [])


def test_issues_of_levels_carried_over_stay_and_those_of_the_past_go(database: Database) -> None:
    with open_loading(database) as loading:
        put(loading, "district", {"d": "x"}, (HINT._replace(layer="districts"),))
        put(loading, "grid", {"g1": "one"}, (HINT,))
        loading.carry_over()
        assert loading.draft is not None
        replace_issues(loading.connection, loading.draft, [ERROR])
        activate(loading.connection, loading.draft, force=True)
    second = serve(database, grid={"g1": "uno"})
    assert rows(database, "SELECT generation_id, layer, code FROM gisgrid.quality_issues") == [(second, "districts", "sliver")]


def test_a_draft_can_be_dropped(database: Database) -> None:
    first, second = serve(database, grid={"g": "one"}), draft(database, (ERROR,), grid={"g": "two"})
    with connected(database) as connection:
        assert [found.id for found in list_generations(connection)] == [second, first]
        drop_draft(connection, second)
        assert [found.id for found in list_generations(connection)] == [first]
    assert rows(database, "SELECT count(*) FROM gisgrid.quality_issues") == [(0,)]
