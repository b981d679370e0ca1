"""A database that goes away while serving, comes back, and edits that show at once."""

from __future__ import annotations

import logging

import mapbox_vector_tile
import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from api.app import create_app
from gisgrid.db import Database
from gisgrid.settings import ApiSettings, Settings
from tests.api.conftest import Loop, Server, serving
from tests.conftest import build_town
from tiles import tile_at

AT = (120.3722, 36.0819)
TILE = tile_at(*AT, 15)
PATH = f"/tiles/grids,cameras/{TILE.z}/{TILE.x}/{TILE.y}.mvt"
CHILD = f"/tiles/grids,cameras/{TILE.z + 1}/{2 * TILE.x}/{2 * TILE.y}.mvt"


class Gate:
    """Lets clients to a database or keeps them out, as a server that is down would."""

    def __init__(self, database: Database, server_url: str) -> None:
        self._name = str(conninfo_to_dict(database.url)["dbname"])
        self._server_url = server_url

    def shut(self) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(self._name)))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (self._name,))

    def open(self) -> None:
        with psycopg.connect(self._server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(sql.Identifier(self._name)))


@pytest.fixture
def gate(own_town: Database, database_url: str) -> Gate:
    return Gate(own_town, database_url)


def test_lookups_go_on_while_the_database_is_away_and_all_is_well_when_it_is_back(
    own_server: Server, own_town: Database, gate: Gate
) -> None:
    before = own_server.locate(*AT, include="cameras,building")
    tile = own_server.get(PATH)
    gate.shut()
    try:
        own_server.wait(lambda: own_server.locate(*AT)["database"] == "down")
        during = own_server.locate(*AT, include="cameras,building")
        age_s = during.pop("age_s")
        assert 0.0 <= age_s < 60.0
        assert during == {**before, "database": "down", "stale": True}
        assert own_server.get("/cameras/nearest?lon=120.37&lat=36.08&crs=wgs84").json()["database"] == "down"
        batch = own_server.batch({"crs": "wgs84", "points": [{"lon": AT[0], "lat": AT[1]}]}).json()
        assert (batch["database"], batch["stale"], batch["results"][0]["grid"]) == ("down", True, before["grid"])
        # The tile of before may be kept, and would then be answered with as stale.
        refused = own_server.get(CHILD)
        assert refused.status_code == 503
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.headers["retry-after"]
        assert own_server.get("/healthz").status_code == 200
        ready = own_server.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["type"] == "/problems/not-ready"
        assert len(ready.json()["reasons"]) == 2
        assert (ready.json()["stale"], ready.json()["database"]) == (True, "down")
        # The document of tiles is still to be had: its bounds are those of the deployment.
        assert own_server.get("/tiles/grids.json").status_code == 200
    finally:
        gate.open()
    own_server.wait(lambda: own_server.get("/readyz").status_code == 200, seconds=15)
    assert own_server.get(PATH).content == tile.content
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.grids SET name = '回来' WHERE code = '370203001001001'")
    own_server.wait(lambda: own_server.locate(*AT)["grid"]["name"] == "回来", seconds=2)


def test_a_failure_tells_nothing_of_the_inside(own_server: Server, gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    gate.shut()
    try:
        with caplog.at_level(logging.WARNING, "api.problems"):
            problem = own_server.get(PATH).json()
    finally:
        gate.open()
    assert problem["type"] == "/problems/database-unavailable"
    text = str(problem)
    assert not any(word in text for word in ("gisgrid_test", "5432", "socket", "psycopg", "postgres"))
    assert problem["reference"] in caplog.text


def test_an_edit_made_elsewhere_shows_within_a_second(own_server: Server, own_town: Database) -> None:
    version = own_server.locate(*AT)["data_version"]
    etag = own_server.get(PATH).headers["etag"]
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.grids SET name = '改名' WHERE code = '370203001001001'")
    # Tiles are made afresh: there is nothing to wait for.
    answer = own_server.get(PATH, headers={"if-none-match": etag})
    assert answer.status_code == 200
    names = {feature["properties"]["name"] for feature in mapbox_vector_tile.decode(answer.content)["grids"]["features"]}
    assert "改名" in names
    assert own_server.wait(lambda: own_server.locate(*AT)["grid"]["name"] == "改名") < 1.0
    assert own_server.locate(*AT)["data_version"] > version


def test_new_and_removed_features_show_within_a_second(own_server: Server, own_town: Database) -> None:
    def nearest() -> str:
        answer = own_server.get(f"/cameras/nearest?lon={AT[0]}&lat={AT[1]}&crs=wgs84&k=1").json()
        return str(answer["features"][0]["code"])

    assert nearest() != "NEW"
    with own_town.connect() as connection:
        connection.execute(
            "INSERT INTO gisgrid.cameras (code, geom) VALUES ('NEW', ST_SetSRID(ST_MakePoint(%s, %s), 4326))", (AT[0], AT[1] + 1e-5)
        )
    assert own_server.wait(lambda: nearest() == "NEW") < 1.0
    assert b"NEW" in own_server.get(PATH).content
    with own_town.connect() as connection:
        connection.execute("DELETE FROM gisgrid.cameras WHERE code = 'NEW'")
    assert own_server.wait(lambda: nearest() != "NEW") < 1.0
    assert b"NEW" not in own_server.get(PATH).content


def test_a_moved_boundary_shows_within_a_second(own_server: Server, own_town: Database) -> None:
    edge = (120.3752, 36.0819)
    assert own_server.locate(*edge)["grid"]["code"] == "370203001002001"
    with own_town.connect() as connection:
        move = "UPDATE gisgrid.grids SET geom = ST_Multi(ST_MakeEnvelope(%s, 36.080, %s, 36.084, 4326)) WHERE code = %s"
        connection.execute(move, (120.370, 120.3755, "370203001001001"))
        connection.execute(move, (120.3755, 120.380, "370203001002001"))
    assert own_server.wait(lambda: own_server.locate(*edge)["grid"]["code"] == "370203001001001") < 1.0


def test_a_statement_that_takes_too_long_is_ended(own_town: Database) -> None:
    settings = Settings(database_url=own_town.url, api=ApiSettings(statement_timeout_ms=200))
    with serving(settings) as impatient, own_town.connect() as connection:
        connection.execute("LOCK TABLE gisgrid.cameras IN ACCESS EXCLUSIVE MODE")
        answer = impatient.get(f"/tiles/cameras/{TILE.z}/{TILE.x}/{TILE.y}.mvt")
    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/unavailable"


def test_a_database_that_is_down_at_start_is_told_in_a_line() -> None:
    with Loop() as runner:
        said = Server(runner, create_app(Settings(database_url="postgresql://u:geheim@127.0.0.1:1/none"))).start()
    assert said["type"] == "lifespan.startup.failed"
    assert "127.0.0.1:1" in said["message"]
    assert "geheim" not in said["message"]


def test_a_database_without_rows_is_served_and_its_first_rows_show(database: Database) -> None:
    with serving(Settings(database_url=database.url)) as empty:
        answer = empty.locate(*AT, include="cameras,manhole_covers,building")
        assert answer["status"] == "outside"
        assert [answer[name] for name in ("grid", "district", "nearest", "distance_to_edge_m", "building")] == [None] * 5
        assert [answer[name] for name in ("candidates", "cameras", "manhole_covers")] == [[]] * 3
        assert empty.batch({"crs": "wgs84", "points": [{"lon": AT[0], "lat": AT[1]}]}).json()["results"][0]["grid"] is None
        assert empty.get(PATH).status_code == 204
        assert empty.get("/readyz").status_code == 200
        build_town(database)
        empty.wait(lambda: empty.locate(*AT)["status"] == "inside", seconds=2)
        assert empty.get(PATH).status_code == 200
