"""A load from beginning to end, without files: what it writes, what it keeps of itself, what it refuses."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import shapely

from gisgrid.codes import ComponentClass
from gisgrid.db import Database
from gisgrid.db.loading import open_loading
from gisgrid.db.records import Counts, Delivery, Issue, Reject, Repair, Written
from gisgrid.db.runs import list_runs, read_issues, read_rejects, read_repairs, read_run, release_source
from gisgrid.db.staging import STATEMENTS
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import ConfigError, NotFoundError, SourceError

DELIVERY = Delivery("cams", "cameras", "cameras.csv", "hash of the file", "hash of the source")
PLACE = shapely.to_wkb(shapely.set_srid(shapely.Point(120, 36), 4326), hex=True, include_srid=True)
GEOMETRY = {"cameras", "buildings", "manhole_covers"}


def table(layer: str, *rows: dict[str, Any]) -> pa.Table:
    """Return staged rows: fields that are not given are null."""
    columns = STATEMENTS[layer].columns
    filled = [{"row_number": number, "kind": "fixed", "geom": PLACE} | row for number, row in enumerate(rows, 1)]
    return pa.table({name: pa.array([row.get(name) for row in filled]) for name in columns})


def cameras(**names: str | None) -> list[dict[str, Any]]:
    return [{"code": code, "name": name} for code, name in names.items()]


def load(database: Database, rows: list[dict[str, Any]], delivery: Delivery = DELIVERY) -> Written:
    with open_loading(database) as loading, loading.layer(delivery, None) as run:
        run.stage(table(delivery.layer, *rows))
        held = list(run.held_by_others())
        written = run.merge()
        run.counts = Counts(len(rows), len(rows) - len(held), 0, len(held), {})
    return written


def rows(database: Database, query: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(query.encode(), values or None).fetchall()


def served(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, "SELECT code, name, version FROM gisgrid.cameras ORDER BY code")


# --- what a load writes ---


def test_rows_come_in_change_retire_and_come_back(database: Database) -> None:
    assert load(database, cameras(a="1", b="2", c="3")) == Written(3, 0, 0, 0)
    ids = dict(rows(database, "SELECT code, id FROM gisgrid.cameras"))
    assert load(database, cameras(a="1", b="two", d="4")) == Written(1, 1, 1, 1)
    assert served(database) == [("a", "1", 1), ("b", "two", 2), ("d", "4", 1)]
    assert load(database, cameras(a="1", b="two", c="3", d="4")) == Written(0, 1, 0, 3)
    assert served(database) == [("a", "1", 1), ("b", "two", 2), ("c", "3", 3), ("d", "4", 1)]
    assert dict(rows(database, "SELECT code, id FROM gisgrid.cameras WHERE code <> 'd'")) == ids


def test_rows_that_are_the_same_are_not_touched(database: Database) -> None:
    load(database, cameras(a="1", b="2"))
    before = rows(database, "SELECT code, xmin::text, version, changed_at FROM gisgrid.cameras_all ORDER BY code")
    changes = rows(database, "SELECT count(*) FROM gisgrid.changes")
    assert load(database, cameras(b="2", a="1")) == Written(0, 0, 0, 2)
    assert rows(database, "SELECT code, xmin::text, version, changed_at FROM gisgrid.cameras_all ORDER BY code") == before
    assert rows(database, "SELECT count(*) FROM gisgrid.changes") == changes


def test_a_join_right_after_a_large_load_is_planned_for_what_is_there(database: Database) -> None:
    load(database, [{"code": str(number)} for number in range(100)])
    # PostgreSQL itself looks once a minute at what has changed.
    assert rows(database, "SELECT reltuples FROM pg_class WHERE oid = 'gisgrid.cameras_all'::regclass") == [(100.0,)]


def test_a_partial_delivery_retires_nothing(database: Database) -> None:
    load(database, cameras(a="1", b="2"))
    assert load(database, cameras(b="two"), DELIVERY._replace(partial=True)) == Written(0, 1, 0, 0)
    assert served(database) == [("a", "1", 1), ("b", "two", 2)]


def test_what_came_before_can_be_looked_up(database: Database) -> None:
    load(database, cameras(a="1"))
    load(database, cameras(a="one"))
    load(database, cameras(z="new"))
    found = rows(database, "SELECT version, \"row\" ->> 'name', \"row\" -> 'retired_at' FROM gisgrid.asset_versions ORDER BY version")
    assert found == [(1, "1", None), (2, "one", None)]
    assert rows(database, "SELECT version, retired_at IS NOT NULL FROM gisgrid.cameras_all WHERE code = 'a'") == [(3, True)]


def test_a_role_that_is_not_delivered_any_more_ends(database: Database) -> None:
    roles = Delivery("roles", "area_roles", "roles.xlsx", "f", "s")
    leader = {"area_level": "grid", "area_code": "g", "role": "grid_leader", "person_name": "张三"}
    unit = {"area_level": "grid", "area_code": "g", "role": "responsible_unit", "organization_code": "U"}
    assert load(database, [leader, unit], roles) == Written(2, 0, 0, 0)
    assert load(database, [unit], roles) == Written(0, 0, 1, 1)
    assert load(database, [leader, unit], roles) == Written(1, 0, 0, 1)
    found = rows(database, "SELECT role, valid_to IS NULL, valid_from < valid_to FROM gisgrid.area_roles ORDER BY id")
    assert found == [("grid_leader", False, True), ("responsible_unit", True, None), ("grid_leader", True, None)]


def test_more_rows_of_another_source_than_are_taken_at_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.db.layer_load._HELD_AT_ONCE", 2)
    load(database, cameras(a="1", b="2", c="3", d="4", e="5"))
    other = DELIVERY._replace(source_id="other")
    with open_loading(database) as loading, loading.layer(other, None) as run:
        run.stage(table("cameras", *cameras(e="x", a="x", f="mine", c="x")))
        held = list(run.held_by_others())
        assert [(row.row_number, row.values["code"], row.source_id) for row in held] == [
            (1, "e", "cams"),
            (2, "a", "cams"),
            (4, "c", "cams"),
        ]
        assert [row.ewkb for row in held] == [PLACE] * 3
        assert run.merge() == Written(1, 0, 0, 0)
    assert len(served(database)) == 6


def test_a_row_that_its_source_does_not_deliver_any_more_is_there_for_the_taking(database: Database) -> None:
    load(database, cameras(a="1", b="2"))
    load(database, cameras(b="2"))
    assert load(database, cameras(a="new"), DELIVERY._replace(source_id="other")) == Written(0, 1, 0, 0)
    assert rows(database, "SELECT code, source_id, version FROM gisgrid.cameras ORDER BY code") == [("a", "other", 3), ("b", "cams", 1)]


def test_a_row_made_by_hand_is_taken_over_and_kept_as_a_version(database: Database) -> None:
    with database.connect() as connection:
        connection.execute("INSERT INTO gisgrid.cameras (code, name, geom) VALUES ('a', 'by hand', 'SRID=4326;POINT(120 36)')")
    load(database, cameras(b="2"))
    assert load(database, cameras(a="delivered", b="2")) == Written(0, 1, 0, 1)
    assert rows(database, "SELECT \"row\" ->> 'name' FROM gisgrid.asset_versions") == [("by hand",)]


def test_a_load_right_after_the_first_is_not_slowed_by_what_the_planner_does_not_know_yet(database: Database) -> None:
    many = {f"camera {number}": "x" for number in range(20_000)}
    load(database, cameras(**many))
    with open_loading(database) as loading:
        loading.connection.execute("SET statement_timeout = '20s'")  # comparing each row with each takes minutes
        with loading.layer(DELIVERY, None) as run:
            run.stage(table("cameras", *cameras(**many | {"camera 7": "y"})))
            assert list(run.held_by_others()) == []
            assert run.merge() == Written(0, 1, 0, 19_999)


# --- who holds what ---


def test_a_source_that_is_released_lets_the_next_one_take_its_rows_over(database: Database) -> None:
    load(database, cameras(a="1", b="2"))
    with database.connect() as connection:
        assert release_source(connection, "cams") == {"cameras": 2}
        assert release_source(connection, "cams") == {}
    assert [row[0] for row in served(database)] == ["a", "b"]
    other = DELIVERY._replace(source_id="other")
    assert load(database, cameras(a="1"), other) == Written(0, 1, 0, 0)
    assert load(database, cameras(c="3"), other) == Written(1, 0, 1, 0)


def test_a_released_source_can_take_its_rows_with_it(database: Database) -> None:
    load(database, cameras(a="1"))
    with database.connect() as connection:
        assert release_source(connection, "cams", retire=True) == {"cameras": 1}
    assert served(database) == []


def test_a_source_does_not_move_to_another_layer_and_leave_its_rows_behind(database: Database) -> None:
    load(database, cameras(a="1"))
    moved = DELIVERY._replace(layer="organizations")
    with pytest.raises(SourceError, match=r"'cams' holds 1 rows of cameras, and now delivers organizations") as caught:
        load(database, [{"code": "x", "name": "x"}], moved)
    assert "gisgrid ingest release cams --retire" in caught.value.hint
    with database.connect() as connection:
        release_source(connection, "cams", retire=True)
    assert load(database, [{"code": "x", "name": "x"}], moved).inserted == 1


# --- what a load keeps of itself ---


def test_a_run_says_what_it_did(database: Database) -> None:
    delivery = DELIVERY._replace(partial=True, settings={"b": 1, "a": "中"}, columns=("乙", "甲"), crs="gcj02")
    with open_loading(database) as loading, loading.layer(delivery, None) as run:
        run.stage(table("cameras", *cameras(a="1", b="2")))
        run.merge()
        run.counts = Counts(5_000_000_000, 2, 1, 3, {"warned": 4, "notes": ["好"]}, {"read": 0.5})
    with database.connect() as connection:
        (found,) = list_runs(connection, source_id="cams")
        assert list_runs(connection, source_id="other") == []
        assert read_run(connection, found.id) == found
    assert (found.status, found.partial, found.crs, found.source_columns) == ("loaded", True, "gcj02", ["乙", "甲"])
    assert (found.settings, found.timings, found.report) == ({"b": 1, "a": "中"}, {"read": 0.5}, {"warned": 4, "notes": ["好"]})
    assert found[12:21] == (5_000_000_000, 2, 1, 3, 4, 2, 0, 0, 0)
    assert found.finished_at is not None
    assert found.finished_at >= found.started_at


def test_a_run_that_does_not_exist_is_answered_with_those_that_do(database: Database) -> None:
    with database.connect() as connection, pytest.raises(NotFoundError, match=r"no ingest run 7\. Nothing has been loaded yet"):
        read_run(connection, 7)
    load(database, cameras(a="1"))
    with database.connect() as connection, pytest.raises(NotFoundError, match=r"The last runs: 1\."):
        read_run(connection, 7)


def test_rejected_rows_come_back_in_the_order_of_file_and_columns(database: Database) -> None:
    wkb = shapely.to_wkb(shapely.Point(1, 2, 3), flavor="iso")
    rejects = [
        Reject(9, "range", "Too far.", "range_m", {"乙": 1, "甲": None, "a": "x\ty\\"}, None, wkb),
        Reject(2, "required", "No code.", "", {"z": 1, "b": 2, "a": 3}, str(PLACE)),
    ]
    with open_loading(database) as loading, loading.layer(DELIVERY, None) as run:
        run.reject(rejects)
        run.reject([])
        run.is_refused = True
    with database.connect() as connection:
        found = list(read_rejects(connection, run.run_id))
        assert found == rejects[::-1]
        assert [list(reject.raw) for reject in found] == [["z", "b", "a"], ["乙", "甲", "a"]]
        assert list(read_rejects(connection, run.run_id + 1)) == []
        assert read_run(connection, run.run_id).status == "failed"


def test_repairs_and_issues_are_kept_with_the_run(database: Database) -> None:
    repairs = [Repair(2, "a", "unclosed_ring", "", "POLYGON((", None, str(PLACE)), Repair(1, None, "trimmed", "name", " x ", "x", None)]
    issues = [Issue("cameras", "a", "unlikely", "warning", "Far.", str(PLACE)), Issue("cameras", None, "x", "info", "y", None)]
    with open_loading(database) as loading, loading.layer(DELIVERY, None) as run:
        run.stage(table("cameras", *cameras(a="1")))
        run.repair(repairs)
        run.issue(issues)
        run.merge()
    with database.connect() as connection:
        assert list(read_repairs(connection, run.run_id)) == repairs[::-1]
        assert list(read_issues(connection, run.run_id)) == issues
    assert rows(database, "SELECT ST_SRID(geom_3857), created_on = current_date FROM gisgrid.quality_issues WHERE geom IS NOT NULL") == [
        (3857, True)
    ]


def test_an_issue_beyond_web_mercator_is_kept_without_a_place_in_tiles(database: Database) -> None:
    pole = shapely.to_wkb(shapely.set_srid(shapely.Point(0, 90), 4326), hex=True, include_srid=True)
    with open_loading(database) as loading, loading.layer(DELIVERY, None) as run:
        run.issue([Issue("cameras", "a", "x", "info", "y", pole)])
        run.stage(table("cameras", *cameras(a="1")))
        run.merge()
    assert rows(database, "SELECT geom_3857 IS NULL FROM gisgrid.quality_issues") == [(True,)]


def test_issues_of_earlier_runs_go_when_the_source_is_loaded_anew(database: Database) -> None:
    def found(delivery: Delivery, *codes: str, is_refused: bool = False) -> None:
        with open_loading(database) as loading, loading.layer(delivery, None) as run:
            run.stage(table("cameras", *cameras(**{delivery.source_id: "1"})))
            run.issue([Issue("cameras", None, code, "info", "x", None) for code in codes])
            run.is_refused = is_refused
            if not is_refused:
                list(run.held_by_others())
                run.merge()

    other = DELIVERY._replace(source_id="other")
    found(DELIVERY, "a", "b")
    found(other, "c")
    found(DELIVERY, "d", is_refused=True)
    assert rows(database, "SELECT code FROM gisgrid.quality_issues ORDER BY code") == [("a",), ("b",), ("c",)]
    found(DELIVERY, "e")
    assert rows(database, "SELECT code FROM gisgrid.quality_issues ORDER BY code") == [("c",), ("e",)]


# --- seen before ---


def last(database: Database, delivery: Delivery = DELIVERY) -> int | None:
    with open_loading(database) as loading:
        found = loading.last_run(delivery)
    return found.id if found else None


def test_the_last_run_is_known_as_long_as_its_rows_are_served(database: Database) -> None:
    assert last(database) is None
    load(database, cameras(a="1", b="2"))
    assert last(database) == 1
    with database.connect() as connection:
        connection.execute("UPDATE gisgrid.cameras_all SET retired_at = now() WHERE code = 'a'")
    assert last(database) is None


def test_after_a_partial_delivery_a_full_one_is_never_the_same(database: Database) -> None:
    partial = DELIVERY._replace(partial=True)
    load(database, cameras(a="1", b="2"))
    assert last(database, partial) == 1
    load(database, cameras(a="one"), partial)
    assert last(database, partial) == 2
    assert last(database) is None


# --- whose database it is ---


def city(id: str, shibei: Deployment) -> Deployment:
    return shibei.model_copy(update={"id": id})


def test_a_database_belongs_to_the_first_deployment_that_something_was_loaded_for(database: Database) -> None:
    shibei = load_deployment("shibei")
    with open_loading(database) as loading:
        loading.require_deployment(city("mistaken", shibei))
    with open_loading(database) as loading:
        loading.require_deployment(shibei)
        with loading.layer(DELIVERY, None) as run:
            run.stage(table("cameras", *cameras(a="1")))
            run.merge()
    with (
        pytest.raises(ConfigError, match="holds the data of deployment 'shibei', not of 'helsinki'") as caught,
        open_loading(database) as loading,
    ):
        loading.require_deployment(load_deployment("helsinki"))
    assert "GISGRID_DEPLOYMENT=shibei" in caught.value.hint
    with open_loading(database) as loading:
        loading.require_deployment(shibei)


def test_a_load_that_fails_does_not_settle_whose_database_it_is(database: Database) -> None:
    with open_loading(database) as loading:
        loading.require_deployment(load_deployment("shibei"))
        with pytest.raises(SourceError), loading.layer(DELIVERY, None):
            raise SourceError("bad")
        with loading.layer(DELIVERY, None) as run:
            run.is_refused = True
    assert rows(database, "SELECT * FROM gisgrid.deployments") == []


def test_the_classes_of_a_deployment_are_known_and_kept_up_to_date(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    own = [ComponentClass("Own", "1", "X1", "覆盖", "井盖", True)]
    monkeypatch.setattr(Deployment, "own_classes", property(lambda _: {row[:3]: row for row in own}))
    for name in ("井盖", "窨井盖"):
        own[0] = own[0]._replace(name=name)
        with open_loading(database) as loading:
            loading.require_deployment(load_deployment("shibei"))
        assert rows(database, "SELECT name, is_cover FROM gisgrid.component_classes WHERE scheme = 'Own'") == [(name, True)]
