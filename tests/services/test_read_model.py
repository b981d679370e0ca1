"""The read model: what it answers, that it follows the database, and that it goes on without it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from gisgrid.crs import GCJ02, WGS84, from_wgs84, parse_crs
from gisgrid.db import Database
from gisgrid.errors import DatabaseError, NotFoundError, ParameterError
from gisgrid.services import ReadModel, as_document, neighbour_document
from gisgrid.settings import Settings
from gisgrid.types import ResponsibleUnit

INSIDE = (120.3722, 36.0819)
GRID = "370203001001001"


def test_the_same_place_in_any_system_has_the_same_answer(model: ReadModel) -> None:
    expected = model.locate(*INSIDE, WGS84)
    assert expected.grid is not None
    assert expected.grid.code == GRID
    assert expected.responsible_unit == ResponsibleUnit("U2", "社区服务站", "grid")
    for name in ("gcj02", "bd09", "cgcs2000", "EPSG:4549", "EPSG:4528"):
        crs = parse_crs(name)
        answer = model.locate(*from_wgs84(crs, *INSIDE), crs)
        assert answer[3:7] == expected[3:7]
        assert answer[:2] == pytest.approx(INSIDE, abs=1e-8)


def test_longitude_and_latitude_exchanged_are_refused_in_every_system(model: ReadModel) -> None:
    with pytest.raises(ParameterError, match="exchanged"):
        model.locate(36.0819, 120.3722, GCJ02)
    x, y = from_wgs84(parse_crs("EPSG:4549"), *INSIDE)
    with pytest.raises(ParameterError, match="exchanged"):
        model.locate(y, x, parse_crs("EPSG:4549"))


def test_a_place_far_away_is_outside_and_no_error(model: ReadModel) -> None:
    answer = model.locate(24.94, 60.17, WGS84)
    assert (answer.status, answer.grid, answer.community) == ("outside", None, None)


def test_the_nearest_features_are_those_of_postgis_in_its_order(model: ReadModel, town: Database) -> None:
    for layer_id in ("cameras", "manhole_covers"):
        query = sql.SQL(
            """WITH here AS (SELECT ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography AS place)
            SELECT code, ST_Distance(geom::geography, place), degrees(ST_Azimuth(place, geom::geography))
            FROM gisgrid.{}, here ORDER BY 2, 1 LIMIT 7"""
        ).format(sql.Identifier(layer_id))
        for place in [INSIDE, (120.3794, 36.0841), (120.3999, 36.07)]:
            with town.connect() as connection:
                rows = connection.execute(query, place).fetchall()
            found = model.nearest(layer_id, *place, 7)
            assert [neighbour.properties["code"] for neighbour in found] == [row[0] for row in rows]
            assert [neighbour.distance_m for neighbour in found] == pytest.approx([row[1] for row in rows], abs=1e-6)
            assert [neighbour.bearing_deg for neighbour in found] == pytest.approx([row[2] for row in rows], abs=1e-5)


def test_the_distance_to_the_edge_is_that_of_postgis_geography(model: ReadModel, town: Database) -> None:
    query = """SELECT ST_Distance(ST_Boundary(geom)::geography, ST_SetSRID(ST_MakePoint(%s, %s), 4326)::geography, true)
    FROM gisgrid.grids WHERE code = %s"""
    for place in [INSIDE, (120.3735, 36.0839), (120.3790, 36.0861), (120.3820, 36.0820)]:
        answer = model.locate(*place, WGS84)
        assert answer.grid is not None
        with town.connect() as connection:
            [(expected,)] = connection.execute(query, (*place, answer.grid.code)).fetchall()
        # Edges of 450 m that are straight in degrees here and geodesics there lie up to 3 mm apart.
        assert answer.distance_to_edge_m == pytest.approx(expected, abs=4e-3)


def test_only_point_layers_have_nearest_features(model: ReadModel) -> None:
    with pytest.raises(NotFoundError, match=r"'buildings'.*cameras, manhole_covers"):
        model.nearest("buildings", *INSIDE, 5)


def test_documents_hold_plain_values_and_no_person(model: ReadModel) -> None:
    document = as_document(model.locate(*INSIDE, WGS84))
    assert document["grid"] == {"code": GRID, "name": "网格 11"}
    assert document["candidates"] == [{"code": GRID, "name": "网格 11", "distance_m": 0.0}]
    assert document["responsible_unit"] == {"code": "U2", "name": "社区服务站", "level": "grid"}
    assert as_document(model.locate(120.3725, 36.0790, WGS84))["grid"] is None
    cover = neighbour_document(model.nearest("manhole_covers", *INSIDE, 1)[0])
    properties: Any = cover["properties"]
    assert cover["code"] == properties["code"]
    assert isinstance(properties["installed_on"], str)
    assert "张三" not in repr(model.snapshot.roles)
    assert "0532" not in repr(model.snapshot.roles)


def test_the_building_at_a_point_has_the_fields_of_its_layer(model: ReadModel, town: Database) -> None:
    with town.connect() as connection:
        [(code, lon, lat)] = connection.execute(
            "SELECT code, ST_X(p), ST_Y(p) FROM gisgrid.buildings, ST_PointOnSurface(geom) AS p ORDER BY code LIMIT 1"
        ).fetchall()
    found = model.building_at(lon, lat)
    assert found is not None
    assert (found["code"], found["distance_m"]) == (code, 0.0)
    assert {"address", "floors", "height_m"} <= set(found)
    assert model.building_at(120.45, 36.2) is None


def test_a_database_that_is_not_there_is_an_error_that_says_so() -> None:
    with pytest.raises(DatabaseError, match=r"127\.0\.0\.1:9"):
        ReadModel.load(Database("postgresql://nobody@127.0.0.1:9/nothing"), Settings())


# --- following -------------------------------------------------------------------------------------------------------


def edit(database: Database, statement: str) -> None:
    with database.connect() as connection:
        connection.execute(statement.encode())


def grid_name(model: ReadModel) -> str:
    """Return the name of the grid at INSIDE."""
    grid = model.locate(*INSIDE, WGS84).grid
    return grid.name if grid else ""


@asynccontextmanager
async def following(model: ReadModel) -> AsyncIterator[None]:
    task = asyncio.create_task(model.follow())
    # The feed begins where the model was loaded, so nothing is lost by not waiting for it.
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(holds: Callable[[], bool], seconds: float = 10.0) -> float:
    begin = time.perf_counter()
    while not holds():
        assert time.perf_counter() - begin < seconds, f"did not come about within {seconds} s"
        await asyncio.sleep(0.01)
    return time.perf_counter() - begin


def test_each_kind_of_edit_is_in_the_next_answers_and_only_what_changed_is_read(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))

    async def scenario() -> None:
        async with following(model):
            before = model.snapshot
            edit(
                own_town,
                "UPDATE gisgrid.cameras SET name = 'moved', geom = ST_SetSRID(ST_MakePoint(120.3722, 36.0819), 4326) WHERE code = 'C9'",
            )
            await until(lambda: model.nearest("cameras", *INSIDE, 1)[0].properties["name"] == "moved")
            assert model.version > before.position.version
            assert model.snapshot.locator is before.locator
            assert model.snapshot.points["manhole_covers"] is before.points["manhole_covers"]
            assert model.snapshot.footprints is before.footprints

            before = model.snapshot
            edit(own_town, "UPDATE gisgrid.organizations SET name = '新单位' WHERE code = 'U2'")
            await until(lambda: (model.locate(*INSIDE, WGS84).responsible_unit or ("", ""))[1] == "新单位")
            assert model.snapshot.areas is not before.areas
            assert all(model.snapshot.areas[level] is before.areas[level] for level in before.areas)

            edit(own_town, f"UPDATE gisgrid.grids SET name = '改名' WHERE code = '{GRID}'")
            await until(lambda: grid_name(model) == "改名")
            edit(own_town, f"DELETE FROM gisgrid.grids WHERE code = '{GRID}'")
            await until(lambda: model.locate(*INSIDE, WGS84).status == "outside")
            edit(own_town, "DELETE FROM gisgrid.buildings")
            await until(lambda: len(model.features["buildings"]) == 0)
            edit(own_town, "TRUNCATE gisgrid.components CASCADE")
            await until(lambda: model.nearest("manhole_covers", *INSIDE, 1) == [])

    asyncio.run(scenario())


def test_another_generation_of_areas_takes_over_as_a_whole(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))

    async def scenario() -> None:
        async with following(model):
            edit(
                own_town,
                """INSERT INTO gisgrid.generations (id, status) VALUES (2, 'draft');
                INSERT INTO gisgrid.areas (generation_id, level, code, name, parent_code, area_m2, geom)
                SELECT 2, level, code, 'second ' || name, parent_code, area_m2, geom FROM gisgrid.areas WHERE generation_id = 1;""",
            )
            edit(
                own_town,
                """UPDATE gisgrid.generations SET status = 'retired' WHERE id = 1;
                UPDATE gisgrid.generations SET status = 'active' WHERE id = 2;""",
            )
            await until(lambda: grid_name(model).startswith("second"))
            answer = model.locate(*INSIDE, WGS84)
            assert all(part is not None and part.name.startswith("second") for part in answer[3:7])

    asyncio.run(scenario())


def test_a_change_committed_while_nobody_listened_is_read_when_following_begins(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    edit(own_town, f"UPDATE gisgrid.grids SET name = 'meanwhile' WHERE code = '{GRID}'")

    async def scenario() -> None:
        async with following(model):
            await until(lambda: grid_name(model) == "meanwhile")

    asyncio.run(scenario())


def _cut_off(database: Database, server_url: str, allowed: bool) -> None:
    """Forbid or allow connections to the database, and end those there are."""
    name = str(conninfo_to_dict(database.url)["dbname"])
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(sql.Identifier(name), sql.Literal(allowed)))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])


def test_without_the_database_answers_go_on_and_afterwards_they_catch_up(own_town: Database, database_url: str) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    version = model.version

    async def scenario() -> None:
        async with following(model):
            edit(own_town, f"UPDATE gisgrid.grids SET name = 'before' WHERE code = '{GRID}'")
            await until(lambda: model.version > version)
            _cut_off(own_town, database_url, allowed=False)
            await until(lambda: not model.database_is_up)
            assert grid_name(model) == "before"
            _cut_off(own_town, database_url, allowed=True)
            edit(own_town, f"UPDATE gisgrid.grids SET name = 'after' WHERE code = '{GRID}'")
            await until(lambda: model.database_is_up and grid_name(model) == "after")

    asyncio.run(scenario())


def test_answers_are_stale_until_all_that_was_missed_is_in_them(own_town: Database, database_url: str) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))

    async def scenario(editor: psycopg.Connection) -> None:
        async with following(model):
            await until(lambda: not model.currency().is_stale)
            name = str(conninfo_to_dict(own_town.url)["dbname"])
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
                    [name, editor.info.backend_pid],
                )
            await until(lambda: model.currency().is_stale)
            first = model.currency()
            assert not first.database_is_up
            await asyncio.sleep(0.3)
            assert model.currency().age_s >= first.age_s + 0.29
            # Who was in before is still in.
            editor.execute(f"UPDATE gisgrid.grids SET name = 'missed' WHERE code = '{GRID}'".encode())
            editor.commit()
            with psycopg.connect(database_url, autocommit=True) as connection:
                connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(name)))
            while model.currency().is_stale:
                await asyncio.sleep(0.001)
            assert grid_name(model) == "missed"

    with own_town.connect() as editor:
        editor.execute("SELECT 1")
        editor.commit()
        asyncio.run(scenario(editor))


def test_a_burst_of_changes_is_read_in_few_readings(own_town: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    readings, refresh = list[object](), model.refresh

    def slowly(whole: Collection[str] = ()) -> None:
        readings.append(whole)
        time.sleep(0.2)
        refresh(whole)

    monkeypatch.setattr(model, "refresh", slowly)

    async def scenario() -> None:
        async with following(model):
            await asyncio.to_thread(burst)
            await until(lambda: grid_name(model) == "39")

    def burst() -> None:
        with own_town.connect() as connection:
            for number in range(40):
                connection.execute(f"UPDATE gisgrid.grids SET name = '{number}' WHERE code = '{GRID}'".encode())
                connection.commit()

    asyncio.run(scenario())
    assert 1 <= len(readings) < 20


def test_a_refresh_that_fails_leaves_the_answers_as_they_were(own_town: Database, database_url: str) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    before = model.snapshot
    _cut_off(own_town, database_url, allowed=False)
    with pytest.raises(DatabaseError):
        model.refresh()
    assert model.snapshot is before
    _cut_off(own_town, database_url, allowed=True)


def test_units_begin_and_end_by_the_clock_without_a_change(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))

    def unit() -> str:
        found = model.locate(*INSIDE, WGS84).responsible_unit
        return found.code if found else ""

    async def scenario() -> None:
        async with following(model):
            before, begin = model.version, time.perf_counter()
            edit(
                own_town,
                "INSERT INTO gisgrid.area_roles (area_level, area_code, role, organization_code, valid_from, valid_to) "
                f"VALUES ('grid', '{GRID}', 'responsible_unit', 'U1', now() + interval '3 s', now() + interval '6 s')",
            )
            await until(lambda: model.version > before)
            read = model.version
            await until(lambda: unit() == "U1")
            assert time.perf_counter() - begin >= 3.0
            await until(lambda: unit() == "U2")
            assert time.perf_counter() - begin >= 6.0
            assert model.version == read

    asyncio.run(scenario())


def test_owners_are_known_by_their_names_of_now_and_of_then(own_town: Database) -> None:
    model = ReadModel.load(own_town, Settings(database_url=own_town.url))
    before = datetime.now(UTC)
    name = next(name for name, code in model.snapshot.organizations.items() if code == "U2")
    edit(own_town, "UPDATE gisgrid.organizations SET name = '新站' WHERE code = 'U2'")
    model.refresh()
    assert model.snapshot.organizations["新站"] == "U2"
    assert name not in model.snapshot.organizations
    assert model.areas_at(before).organizations[name] == "U2"
    edit(own_town, "UPDATE gisgrid.organizations SET name = '新站'")
    model.refresh()
    assert "新站" not in model.snapshot.organizations
