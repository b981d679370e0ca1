"""Features and responsible units of the past: at every instant exactly what was served then."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, LiteralString, NamedTuple

import psycopg
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.db.past import read_points_then
from gisgrid.errors import DatabaseError, ParameterError
from gisgrid.locator import FootprintTable, PointTable
from gisgrid.services import AreasThen, ReadModel
from gisgrid.settings import Settings
from gisgrid.types import ResponsibleUnit
from tests.conftest import build_town

PLACES = [(120.3705 + 0.0031 * column, 36.0805 + 0.0023 * row) for column in range(5) for row in range(3)]
FIRST_GRID = "370203001001001"

EDITS: dict[str, LiteralString] = {
    "a cover is moved": """UPDATE gisgrid.manhole_covers SET geom = ST_Translate(geom, 0.0007, -0.0004)
        WHERE id = (SELECT min(id) FROM gisgrid.manhole_covers)""",
    "covers are retired": "UPDATE gisgrid.components SET retired_at = now() WHERE code LIKE '%0012' AND retired_at IS NULL",
    "covers come back": "UPDATE gisgrid.components SET retired_at = NULL WHERE code LIKE '%0012'",
    "a cover turns out to be a lamp": "UPDATE gisgrid.components SET class_code = '0118' WHERE code = '3702030102000003'",
    "a lamp turns out to be a cover": "UPDATE gisgrid.components SET class_code = '0102' WHERE code = '3702030102000003'",
    "covers are broken": "UPDATE gisgrid.manhole_covers SET state = 'broken', spec = spec || '{\"size\": \"600\"}' WHERE code LIKE '%5'",
    "a cover is dated": "UPDATE gisgrid.manhole_covers SET changed_on = date '2025-02-03' + version WHERE code LIKE '%07'",
    "cameras are aimed anew": "UPDATE gisgrid.cameras SET azimuth_deg = (version * 37) % 360 WHERE code < 'C4'",
    "a camera gets another code": "UPDATE gisgrid.cameras SET code = code || 'x' WHERE id = (SELECT max(id) FROM gisgrid.cameras)",
    "a camera goes for good": "DELETE FROM gisgrid.cameras WHERE id = (SELECT min(id) FROM gisgrid.cameras)",
    "a camera is put up": """INSERT INTO gisgrid.cameras (code, name, geom)
        VALUES (gen_random_uuid()::text, '新', ST_SetSRID(ST_MakePoint(120.3733, 36.0833), 4326))""",
    "a building is replaced": """WITH gone AS (
            DELETE FROM gisgrid.buildings WHERE id = (SELECT min(id) FROM gisgrid.buildings) RETURNING code, geom
        ) INSERT INTO gisgrid.buildings (code, height_m, geom) SELECT code || '+', 60, ST_Multi(ST_Envelope(geom)) FROM gone""",
    "buildings grow": "UPDATE gisgrid.buildings SET height_m = height_m + 3.1, floors = floors + 1 WHERE code LIKE 'B1%'",
    "buildings are retired": "UPDATE gisgrid.buildings_all SET retired_at = now() WHERE code LIKE 'B2%' AND retired_at IS NULL",
    "buildings come back": "UPDATE gisgrid.buildings_all SET retired_at = NULL WHERE code LIKE 'B2%'",
    "another unit answers for a grid": f"""UPDATE gisgrid.area_roles SET valid_to = now()
            WHERE area_code = '{FIRST_GRID}' AND role = 'responsible_unit' AND valid_to IS NULL;
        INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code)
        SELECT 'grid', '{FIRST_GRID}', 'responsible_unit', (ARRAY['U1', 'U2', 'W1'])[1 + count(*) % 3] FROM gisgrid.area_roles""",
    "nobody answers for a grid": f"""UPDATE gisgrid.area_roles SET valid_to = greatest(now(), valid_from + interval '1 microsecond')
        WHERE area_code = '{FIRST_GRID}' AND role = 'responsible_unit' AND valid_to IS NULL""",
    "a unit is renamed": "UPDATE gisgrid.organizations SET name = name || '甲' WHERE code IN ('U1', 'U2')",
    "nothing happens": "UPDATE gisgrid.cameras SET name = name",
}
"""Edits by what they mean; each is one transaction."""


class Recorded(NamedTuple):
    """What was served at an instant."""

    instant: datetime
    cameras: PointTable
    covers: PointTable
    buildings: FootprintTable
    units: list[ResponsibleUnit | None]


def load(town: Database) -> ReadModel:
    return ReadModel.load(town, Settings(database_url=town.url))


def clock(connection: psycopg.Connection) -> datetime:
    row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row
    found: datetime = row[0]
    return found


def record(town: Database, connection: psycopg.Connection) -> Recorded:
    now = load(town).snapshot
    units = [now.locator.locate(*place).responsible_unit for place in PLACES]
    return Recorded(clock(connection), now.points["cameras"].table, now.points["manhole_covers"].table, now.footprints.table, units)


def same(one: Any, other: Any) -> bool:
    """Say whether two tables of features hold the same, down to the last bit."""
    if (one.ids, one.codes, one.fields, one.rows) != (other.ids, other.codes, other.fields, other.rows):
        return False
    if isinstance(one, PointTable):
        return bool((one.lon == other.lon).all() and (one.lat == other.lat).all())
    return bool(shapely.equals_exact(one.geometries, other.geometries).all())


def assert_is(then: AreasThen, recorded: Recorded) -> None:
    assert same(then.points["cameras"].table, recorded.cameras)
    assert same(then.points["manhole_covers"].table, recorded.covers)
    assert same(then.footprints.table, recorded.buildings)
    assert [then.locator.locate(*place).responsible_unit for place in PLACES] == recorded.units


@contextmanager
def editing(town: Database) -> Any:
    with town.connect() as connection:
        connection.autocommit = True
        yield connection


@pytest.fixture(scope="module")
def old_town(database_copies: Callable[[], Database]) -> Database:
    """A town that has gone through each kind of edit, only to be read."""
    return build_town(database_copies())


@pytest.fixture(scope="module")
def lived(old_town: Database) -> list[Recorded]:
    """What was served in the old town at first and after each edit."""
    with editing(old_town) as connection:
        records = [record(old_town, connection)]
        for statement in EDITS.values():
            with connection.transaction():
                connection.execute(statement)
            records.append(record(old_town, connection))
    return records


def test_each_kind_of_edit_is_undone_by_asking_for_the_time_before_it(old_town: Database, lived: list[Recorded]) -> None:
    model = load(old_town)
    for recorded in (*lived, *reversed(lived)):
        assert_is(model.areas_at(recorded.instant), recorded)
    different = [not same(one.cameras, two.cameras) for one, two in pairwise(lived)]
    assert sum(different) == 4  # of which nothing else than the edits of cameras made any


@pytest.mark.parametrize("seed", range(3))
def test_a_model_that_lives_through_it_tells_the_past_rightly_at_any_time(own_town: Database, seed: int) -> None:
    chance = random.Random(seed)
    model = load(own_town)
    with editing(own_town) as connection:
        records = [record(own_town, connection)]
        for _ in range(12):
            with connection.transaction():
                for statement in chance.sample(list(EDITS.values()), chance.choice((1, 1, 2, 3))):
                    connection.execute(statement)
            if chance.random() < 0.7:
                model.refresh()
            asked = chance.choice(records)
            assert_is(model.areas_at(asked.instant), asked)
            records.append(record(own_town, connection))
    model.refresh()
    for recorded in records:
        assert_is(model.areas_at(recorded.instant), recorded)


def test_instants_with_no_change_between_them_share_an_index_and_now_is_one_of_them(old_town: Database, lived: list[Recorded]) -> None:
    model = load(old_town)
    # Cameras did not change between the first record and the edit before they were aimed anew.
    then = [model.areas_at(recorded.instant).points["cameras"] for recorded in lived[:8]]
    assert all(index is then[0] for index in then)
    assert model.areas_at(lived[8].instant).points["cameras"] is not then[0]
    now = model.snapshot
    assert model.areas_at(lived[-1].instant).points["cameras"] is now.points["cameras"]
    assert model.areas_at(lived[-1].instant).footprints is now.footprints
    assert model.areas_at(lived[-1].instant).locator is now.locator
    assert model.areas_at(lived[-1].instant).sight is now.sight


def test_what_is_past_is_read_once_however_many_ask(old_town: Database, lived: list[Recorded], monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(old_town)
    read: list[str] = []

    def counted(connection: psycopg.Connection, layer_id: str, instant: datetime, now: PointTable) -> PointTable:
        read.append(layer_id)
        return read_points_then(connection, layer_id, instant, now)

    monkeypatch.setattr("gisgrid.services.features_then.read_points_then", counted)
    assert model.areas_at_hand(lived[0].instant, ["cameras"]) is None
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: model.areas_at(lived[0].instant, ["cameras"]).points["cameras"], range(24)))
    assert all(index is found[0] for index in found)
    assert read == ["cameras"]
    at_hand = model.areas_at_hand(lived[0].instant, ["cameras"])
    assert at_hand is not None
    assert at_hand.points["cameras"] is found[0]
    assert model.areas_at_hand(lived[0].instant, ["cameras", "buildings"]) is None


def test_sight_is_that_of_then_and_made_once(old_town: Database, lived: list[Recorded]) -> None:
    model = load(old_town)
    assert model.areas_at_hand(lived[0].instant, ["sight"]) is None
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: model.areas_at(lived[0].instant, ["sight"]).sight, range(8)))
    assert all(index is found[0] for index in found)
    at_hand = model.areas_at_hand(lived[0].instant, ["sight", "cameras"])
    assert at_hand is not None
    assert at_hand.sight is found[0]
    place = PLACES[4]
    rows = [neighbour.id for neighbour in at_hand.points["cameras"].nearest(*place, 5)]
    numbers = [lived[0].cameras.ids.index(id) for id in rows]
    assert [seen.camera_id for seen in found[0].look(*place, numbers)] == rows


def _no_database(_: Database) -> None:
    raise DatabaseError("The database is away.")


def test_without_the_database_what_is_at_hand_is_answered_and_the_rest_says_why(
    old_town: Database, lived: list[Recorded], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(old_town)
    assert_is(model.areas_at(lived[3].instant), lived[3])
    monkeypatch.setattr("gisgrid.services.features_then.snapshot", _no_database)
    assert_is(model.areas_at(lived[3].instant), lived[3])
    assert_is(model.areas_at(lived[-1].instant), lived[-1])
    with pytest.raises(DatabaseError):
        model.areas_at(lived[0].instant, ["manhole_covers"])
    # Responsible units are all in memory.
    then = model.areas_at(lived[0].instant)
    assert [then.locator.locate(*place).responsible_unit for place in PLACES] == lived[0].units


def test_only_a_few_indices_are_kept(own_town: Database) -> None:
    with editing(own_town) as connection:
        instants = []
        for _ in range(7):
            instants.append(clock(connection))
            connection.execute("UPDATE gisgrid.cameras SET name = name || '.'")
    model = load(own_town)
    names = [model.areas_at(instant, ["cameras"]).points["cameras"].table.rows[0][1] for instant in instants]
    assert names == ["路口 0" + "." * number for number in range(7)]
    at_hand = [instant for instant in instants if model.areas_at_hand(instant, ["cameras"])]
    assert at_hand == instants[-4:]


def test_a_layer_is_not_known_before_its_first_feature_and_the_time_is_named(own_town: Database) -> None:
    with editing(own_town) as connection:
        connection.execute("UPDATE gisgrid.generation_periods SET valid_from = now() - interval '1 day'")
    model = load(own_town)
    before = datetime.now(UTC) - timedelta(hours=2)
    then = model.areas_at(before)
    assert then.locator.locate(*PLACES[0]).grid is not None
    for layer in ("cameras", "manhole_covers", "buildings", "sight"):
        with pytest.raises(ParameterError, match=r"as_of: nothing is known of the layer \w+ at .*; what was in it is known from 2\d{3}-"):
            model.areas_at(before, [layer])
        with pytest.raises(ParameterError):
            model.areas_at_hand(before, [layer])
    with pytest.raises(ParameterError):
        _ = then.footprints
    # Nobody had been named then: that is known.
    assert then.locator.locate(*PLACES[0]).responsible_unit is None


def test_a_layer_that_never_held_anything_is_empty_at_any_time(database: Database) -> None:
    with editing(database) as connection:
        connection.execute("INSERT INTO gisgrid.generations (status) VALUES ('active')")
        instant = clock(connection)
    model = load(database)
    then = model.areas_at(instant, ["cameras", "manhole_covers", "buildings"])
    assert (len(then.points["cameras"]), len(then.points["manhole_covers"]), len(then.footprints)) == (0, 0, 0)
    assert sorted(then.points) == ["cameras", "manhole_covers"]


def test_an_edit_that_was_long_in_coming_reaches_back_and_leaves_what_was_before(own_town: Database) -> None:
    with editing(own_town) as connection:
        first = clock(connection)
        connection.execute("UPDATE gisgrid.cameras SET name = 'a' WHERE code = 'C1'")
        second = clock(connection)
        with own_town.connect() as slow:
            slow.execute("UPDATE gisgrid.cameras SET name = 'slow' WHERE code = 'C2'")  # begins here
            third = clock(connection)
            connection.execute("UPDATE gisgrid.cameras SET name = 'b' WHERE code = 'C1'")
            model = load(own_town)
            settled, unsettled = (model.areas_at(instant).points["cameras"] for instant in (first, third))
            assert names_of(model, third) == ("a", "路口 2")
        model.refresh()
    assert model.areas_at(first).points["cameras"] is settled
    assert model.areas_at(third).points["cameras"] is not unsettled
    assert names_of(model, first) == ("路口 1", "路口 2")
    assert names_of(model, second) == ("a", "路口 2")
    assert names_of(model, third) == ("a", "slow")
    assert names_of(model, datetime.now(UTC)) == ("b", "slow")


def test_a_model_that_is_behind_the_database_tells_the_past_rightly_all_the_same(own_town: Database) -> None:
    with editing(own_town) as connection:
        recorded = record(own_town, connection)
        connection.execute(EDITS["a camera is put up"])
        model = load(own_town)
        assert len(model.snapshot.points["cameras"]) == len(recorded.cameras.ids) + 1
        connection.execute("DELETE FROM gisgrid.cameras WHERE name = '新'")
        connection.execute("DELETE FROM gisgrid.cameras WHERE code = 'C1'")
        connection.execute(EDITS["covers are broken"])
    assert_is(model.areas_at(recorded.instant), recorded)
    model.refresh()
    assert_is(model.areas_at(recorded.instant), recorded)


def names_of(model: ReadModel, instant: datetime) -> tuple[object, ...]:
    table = model.areas_at(instant).points["cameras"].table
    return tuple(row[1] for row in table.rows if row[0] in ("C1", "C2"))


def test_a_table_that_was_emptied_is_remembered(own_town: Database) -> None:
    with editing(own_town) as connection:
        recorded = record(own_town, connection)
        connection.execute("TRUNCATE gisgrid.cameras_all")
    model = load(own_town)
    assert len(model.snapshot.points["cameras"]) == 0
    assert_is(model.areas_at(recorded.instant), recorded)


def test_changes_of_which_the_beginning_is_not_known_make_the_past_be_read_again(own_town: Database) -> None:
    with editing(own_town) as connection:
        first = clock(connection)
        connection.execute("UPDATE gisgrid.cameras SET name = 'a' WHERE code = 'C1'")
        model = load(own_town)
        before = model.areas_at(first).points["cameras"]
        with connection.transaction():
            connection.execute("UPDATE gisgrid.cameras SET name = 'b' WHERE code = 'C1'")
            connection.execute("UPDATE gisgrid.changes SET began_at = NULL")
        model.refresh()
    after = model.areas_at(first).points["cameras"]
    assert after is not before
    assert same(after.table, before.table)


@pytest.mark.parametrize("ends", [True, False])
def test_a_role_is_valid_from_its_beginning_until_before_its_end(own_town: Database, ends: bool) -> None:
    begins = datetime(2030, 1, 1, tzinfo=UTC)
    with editing(own_town) as connection:
        connection.execute(
            """INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code, valid_from, valid_to)
            VALUES ('grid', %s, 'responsible_unit', 'W1', %s, %s)""",
            [FIRST_GRID, begins, begins + timedelta(days=1) if ends else None],
        )
    model = load(own_town)
    unit_at: Callable[[datetime], object] = lambda at: model.areas_at(at).locator.locate(120.3722, 36.0819).responsible_unit  # noqa: E731
    tick = timedelta(microseconds=1)
    answers = [
        getattr(unit_at(at), "code", None) for at in (begins - tick, begins, begins + timedelta(days=1) - tick, begins + timedelta(1))
    ]
    assert answers == ["U2", "W1", "W1", "U2" if ends else "W1"]
