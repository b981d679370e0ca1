"""Lookups of the past: the generation of that instant, read once, current with every switch."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from gisgrid.crs import WGS84
from gisgrid.db import Database
from gisgrid.db.generations import activate, generation_at, read_generation, rollback
from gisgrid.errors import DatabaseError, ParameterError
from gisgrid.locator import AreaTable
from gisgrid.services import ReadModel, parse_instant
from gisgrid.settings import Settings
from gisgrid.types import Level
from tests.services.conftest import Run
from tests.services.recut import MOVED, NEW, OLD, Instants, recut


@pytest.fixture
def instants(own_town: Database) -> Instants:
    return recut(own_town)


@pytest.fixture
def model(own_town: Database, instants: Instants) -> ReadModel:
    return ReadModel.load(own_town, Settings(database_url=own_town.url))


def grid(model: ReadModel, as_of: datetime | None) -> str | None:
    found = model.locate(*MOVED, WGS84, as_of=as_of).grid
    return found and found.code


def test_each_instant_is_answered_from_the_generation_that_was_served_then(
    model: ReadModel, instants: Instants, own_town: Database
) -> None:
    assert [grid(model, instant) for instant in instants[1:]] == [OLD, NEW, OLD, NEW]
    assert grid(model, None) == NEW
    with own_town.connect() as connection:
        expected = [generation_at(connection, instant) for instant in instants[1:]]
    assert [model.areas_at(instant).period.generation for instant in instants[1:]] == expected == [1, 2, 1, 2]


def test_a_period_begins_with_its_first_instant_and_ends_before_the_next(model: ReadModel) -> None:
    periods = model.snapshot.history.periods
    assert len(periods) == 4
    for earlier, later in pairwise(periods):
        assert earlier.valid_to is not None
        assert earlier.valid_to <= later.valid_from
        assert model.areas_at(later.valid_from).period == later
        assert model.areas_at(earlier.valid_to - timedelta(microseconds=1)).period == earlier


def test_before_the_first_generation_there_is_no_answer_and_the_first_is_named(model: ReadModel, instants: Instants) -> None:
    with pytest.raises(ParameterError, match=r"as_of: no areas were served at .*; the first were served from \d{4}-.*Z on"):
        model.locate(*MOVED, WGS84, as_of=instants.before)


def test_a_database_without_areas_says_so(database: Database) -> None:
    model = ReadModel.load(database, Settings(database_url=database.url))
    with pytest.raises(ParameterError, match="no areas have been served yet"):
        model.locate(*MOVED, WGS84, as_of=datetime.now(UTC))


def test_the_past_is_read_once_and_then_needs_no_database(own_town: Database, instants: Instants, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    read: list[int] = []

    def counted(connection: psycopg.Connection, generation: int) -> dict[Level, AreaTable]:
        read.append(generation)
        return read_generation(connection, generation)

    monkeypatch.setattr("gisgrid.services.history.read_generation", counted)
    assert model.areas_at_hand(instants.old) is None
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: grid(model, instants.old), range(32)))
    assert set(answers) == {OLD}
    assert read == [1]
    monkeypatch.setattr("gisgrid.services.history.snapshot", _no_database)
    assert [grid(model, instant) for instant in instants[1:]] == [OLD, NEW, OLD, NEW]
    assert model.areas_at_hand(instants.old) is not None


def _no_database(_: Database) -> None:
    raise DatabaseError("The database is away.")


def test_what_is_not_at_hand_needs_the_database(model: ReadModel, instants: Instants, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.services.history.snapshot", _no_database)
    with pytest.raises(DatabaseError):
        grid(model, instants.old)
    # What is served now was served then, too.
    assert (grid(model, instants.new_again), grid(model, instants.new)) == (NEW, NEW)


def test_only_a_few_generations_are_kept(own_town: Database) -> None:
    with own_town.connect() as connection:
        for number in range(2, 9):
            connection.execute("INSERT INTO gisgrid.generations (id, status, completed_at) VALUES (%s, 'draft', now())", [number])
            connection.execute(
                """INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
                SELECT %s, level, code, name || %s, parent_code, area_m2, geom FROM gisgrid.areas WHERE generation_id = 1""",
                [number, str(number)],
            )
            connection.commit()
            activate(connection, number, force=True)
            connection.commit()
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    periods = model.snapshot.history.periods
    names = [model.locate(120.3722, 36.0819, WGS84, as_of=period.valid_from).grid for period in periods]
    assert [ref and ref.name for ref in names] == ["网格 11", *(f"网格 11{number}" for number in range(2, 9))]
    at_hand = [period.generation for period in periods if model.areas_at_hand(period.valid_from)]
    assert at_hand == [4, 5, 6, 7, 8]


def test_a_switch_is_followed_and_an_edit_of_what_was_served_is_not_missed(
    model: ReadModel, instants: Instants, own_town: Database
) -> None:
    assert grid(model, instants.old) == OLD
    with own_town.connect() as connection:
        rollback(connection)
        connection.execute("UPDATE gisgrid.grids SET name = 'mended' WHERE code = %s", [OLD])
        connection.commit()
        activate(connection, 2)
    model.refresh()
    answer = model.locate(*MOVED, WGS84, as_of=instants.old)
    assert answer.grid == (OLD, "mended")
    assert grid(model, None) == NEW


def test_a_unit_that_was_put_in_place_of_another_without_an_end_has_always_been_it(
    model: ReadModel, instants: Instants, own_town: Database
) -> None:
    before = model.locate(*MOVED, WGS84, as_of=instants.old).responsible_unit
    assert before
    assert before.code == "U2"
    with own_town.connect() as connection:
        connection.execute(
            "UPDATE gisgrid.area_roles SET organization_code = 'W1' WHERE area_code = %s AND organization_code = 'U2'", [OLD]
        )
    model.refresh()
    after = model.locate(*MOVED, WGS84, as_of=instants.old).responsible_unit
    assert after
    assert after.code == "W1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22", datetime(2026, 11, 22, tzinfo=UTC)),
        ("2026-11-22T09:00:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22t09:00:00.25z", datetime(2026, 11, 22, 9, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-11-22T09:00:00+08:00", datetime(2026, 11, 22, 1, tzinfo=UTC)),
        ("2026-11-22T09:00:00 08:00", datetime(2026, 11, 22, 1, tzinfo=UTC)),
        ("2026-11-22T09:00:00-03:30", datetime(2026, 11, 22, 12, 30, tzinfo=UTC)),
    ],
)
def test_instants_are_rfc_3339_or_a_date(text: str, expected: datetime) -> None:
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026", "2026-11", "20261122", "2026-02-30", "2026-11-22T09:00:00", "2026-11-22 09:00:00Z", "2026-11-22T25:00:00Z"),
        *("2026-11-22T09:00Z", "2026-11-22T09:00:00+0800", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
        *("２０２６-11-22", "1e9"),
    ],
)
def test_anything_else_is_refused_by_name(text: str) -> None:
    with pytest.raises(ParameterError) as refusal:
        parse_instant(text)
    assert refusal.value.name == "as_of"


@pytest.fixture
def run(own_town: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(own_town)


def test_locate_and_batch_take_an_instant(run: Run, instants: Instants, tmp_path: Path) -> None:
    place = [str(number) for number in MOVED]
    code, out, _ = run("locate", *place, "--crs", "wgs84", "--as-of", instants.old.isoformat(), "--json")
    assert code == 0
    answer = json.loads(out)
    assert answer["grid"]["code"] == OLD
    assert answer["generation"]["id"] == 1
    assert parse_instant(answer["as_of"]) == instants.old
    assert parse_instant(answer["generation"]["valid_to"]) > instants.old
    code, out, _ = run("locate", *place, "--crs", "wgs84", "--as-of", instants.new.isoformat())
    assert NEW in out
    assert "generation 2, served" in out
    (tmp_path / "in.csv").write_text(f"lon,lat\n{MOVED[0]},{MOVED[1]}\n", encoding="utf-8")
    for instant, expected in ((instants.old_again, OLD), (instants.new_again, NEW)):
        arguments = (str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--crs", "wgs84", "--as-of", instant.isoformat())
        assert run("batch", *arguments)[0] == 0
        with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
            assert [row["grid"] for row in csv.DictReader(file)] == [expected]


def test_an_instant_that_cannot_be_meant_is_bad_use(run: Run, instants: Instants, tmp_path: Path) -> None:
    code, out, error = run("locate", "120.3745", "36.082", "--crs", "wgs84", "--as-of", "yesterday")
    assert (code, out) == (2, "")
    assert "as_of: 'yesterday' is no date" in error
    code, _, error = run("locate", "120.3745", "36.082", "--crs", "wgs84", "--as-of", "1999-01-01")
    assert code == 2
    assert "the first were served from" in error
    (tmp_path / "in.csv").write_text("lon,lat\n1,2\n", encoding="utf-8")
    assert run("batch", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), "--crs", "wgs84", "--as-of", "1999-01-01")[0] == 2
    assert not (tmp_path / "out.csv").exists()
