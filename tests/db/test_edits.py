"""Editing in the database itself, as an analyst's own user: rights, rules in words, retirement, the log of edits."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas
import psycopg
import pytest
import shapely
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from gisgrid.codes import component_classes
from gisgrid.db import Database
from gisgrid.db.loading import open_loading
from gisgrid.db.migrate import migrate, newest
from gisgrid.db.records import Delivery
from gisgrid.db.rules import remember_deployment
from gisgrid.deployment import load_deployment

COVER = "3702030102000003"
NEW_GRID = "INSERT INTO gisgrid.grids (code, name, parent_code, geom) VALUES (%s, '新', '370203001001', %s)"


@pytest.fixture
def shibei(own_town: Database) -> Database:
    """The town under the rules of its city."""
    with own_town.connect() as connection:
        remember_deployment(connection, load_deployment("shibei"))
    return own_town


@pytest.fixture
def analyst(shibei: Database) -> Iterator[Database]:
    """The same town, as a user of the server who is a member of the editors."""
    name = f"gisgrid_analyst_{os.getpid()}"
    with shibei.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw' IN ROLE gisgrid_editor").format(sql.Identifier(name)))
    yield Database(make_conninfo(shibei.url, user=name, password="pw"))
    with shibei.connect() as connection:
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


def do(database: Database, *statements: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Carry out statements in one transaction; return the rows of the last one."""
    with database.connect() as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def box(west: float, south: float, east: float, north: float) -> str:
    return f"SRID=4326;{shapely.MultiPolygon([shapely.box(west, south, east, north)]).wkt}"


def test_an_analyst_edits_the_layers_and_sees_nothing_personal(analyst: Database) -> None:
    do(analyst, f"UPDATE gisgrid.manhole_covers SET state = 'broken' WHERE code = '{COVER}'")
    do(analyst, "UPDATE gisgrid.cameras SET status = 'fault' WHERE code = 'C1'")
    do(analyst, "UPDATE gisgrid.buildings SET floors = 7 WHERE code = 'B1'")
    do(analyst, "UPDATE gisgrid.grids SET name = '改' WHERE code = '370203001001001'")
    do(analyst, "SELECT * FROM gisgrid.rejected_rows", "SELECT * FROM gisgrid.quality_issues")
    for forbidden in (
        "SELECT * FROM gisgrid.area_roles",
        "SELECT phone FROM gisgrid.organizations",
        "SELECT token_hash FROM gisgrid.editors",
        "UPDATE gisgrid.components SET state = 'broken'",
        "DELETE FROM gisgrid.areas",
        "INSERT INTO gisgrid.edits (editor, application, layer, action) VALUES ('x', 'x', 'x', 'create')",
        "DELETE FROM gisgrid.quality_issues",
        "UPDATE gisgrid.generations SET status = 'retired'",
        "SELECT raw FROM gisgrid.ingest_rejects",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            do(analyst, forbidden)


def test_a_reader_only_reads(shibei: Database) -> None:
    assert do(shibei, "SET ROLE gisgrid_reader", "SELECT count(*) FROM gisgrid.manhole_covers") == [(122,)]
    for forbidden in ("UPDATE gisgrid.cameras SET status = 'fault'", "SELECT * FROM gisgrid.rejected_rows", "SELECT * FROM gisgrid.edits"):
        with pytest.raises(errors.InsufficientPrivilege):
            do(shibei, "SET ROLE gisgrid_reader", forbidden)


def test_nobody_passes_for_a_loader_or_for_somebody_else(analyst: Database) -> None:
    pretence = ("SET gisgrid.loading = 'on'", "SET gisgrid.editor = '李四'")
    with pytest.raises(errors.CheckViolation, match="does not have the form"):
        do(analyst, *pretence, f"UPDATE gisgrid.manhole_covers SET code = 'x' WHERE code = '{COVER}'")
    do(analyst, *pretence, f"UPDATE gisgrid.manhole_covers SET note = 'x' WHERE code = '{COVER}'")
    ((editor,),) = do(analyst, "SELECT editor FROM gisgrid.edits ORDER BY id DESC LIMIT 1")
    assert editor.startswith("gisgrid_analyst_")


def test_deleting_retires_and_tells_of_a_deletion(analyst: Database, shibei: Database) -> None:
    ((id,),) = do(analyst, f"SELECT id FROM gisgrid.manhole_covers WHERE code = '{COVER}'")
    do(analyst, f"DELETE FROM gisgrid.manhole_covers WHERE code = '{COVER}'")
    assert do(shibei, f"SELECT id, version, retired_at IS NOT NULL FROM gisgrid.components WHERE code = '{COVER}'") == [(id, 2, True)]
    assert do(shibei, "SELECT version FROM gisgrid.asset_versions WHERE asset_id = %s AND layer = 'manhole_covers'", values=(id,)) == [(1,)]
    told = do(shibei, "SELECT layer, rows FROM gisgrid.changes ORDER BY id DESC LIMIT 1")
    assert told == [("manhole_covers", 1)]
    do(
        analyst,
        "INSERT INTO gisgrid.manhole_covers (id, code, scheme, edition, class_code, geom)"
        f" VALUES (NULL, '{COVER}', NULL, NULL, '0102', 'SRID=4326;POINT(120.371 36.081)')",
    )
    assert do(shibei, f"SELECT id, version, scheme, retired_at FROM gisgrid.components WHERE code = '{COVER}'") == [
        (id, 3, "CJ/T 214", None)
    ], "taken up again; what a form leaves empty is filled in"
    actions = do(shibei, "SELECT action FROM gisgrid.edits WHERE feature_id = %s AND code = %s ORDER BY id", values=(id, COVER))
    assert [action for (action,) in actions][-2:] == ["delete", "create"]


def test_what_the_owner_deletes_is_gone(shibei: Database) -> None:
    do(shibei, f"DELETE FROM gisgrid.manhole_covers WHERE code = '{COVER}'")
    assert do(shibei, f"SELECT id FROM gisgrid.components WHERE code = '{COVER}'") == []


def test_a_grid_is_cut_in_two_in_one_transaction(analyst: Database) -> None:
    cut = f"UPDATE gisgrid.grids SET geom = '{box(120.37, 36.08, 120.3725, 36.084)}' WHERE code = '370203001001001'"
    rest = (
        "INSERT INTO gisgrid.grids (code, name, parent_code, geom)"
        f" VALUES ('370203001001003', '东半', '370203001001', '{box(120.3725, 36.08, 120.375, 36.084)}')"
    )
    with pytest.raises(errors.ExclusionViolation, match=r"重叠.*overlaps 370203001001001 by \d+\.\d square metres"):
        do(analyst, rest)
    do(analyst, rest, cut)  # whichever comes first
    assert do(analyst, "SELECT count(*) FROM gisgrid.grids") == [(7,)]


def test_slivers_and_overlaps_of_before_do_not_stop_an_edit(analyst: Database, shibei: Database) -> None:
    sliver = box(120.37, 36.08, 120.375004, 36.084)  # 0.36 m into the neighbour
    do(analyst, f"UPDATE gisgrid.grids SET geom = '{sliver}' WHERE code = '370203001001001'")
    far = box(120.37, 36.08, 120.3755, 36.084)
    with pytest.raises(errors.ExclusionViolation):
        do(analyst, f"UPDATE gisgrid.grids SET geom = '{far}' WHERE code = '370203001001001'")
    do(shibei, "ALTER TABLE gisgrid.areas DISABLE TRIGGER areas_confirm_updated")
    do(shibei, f"UPDATE gisgrid.grids SET geom = '{far}' WHERE code = '370203001001001'")
    do(shibei, "ALTER TABLE gisgrid.areas ENABLE TRIGGER areas_confirm_updated")
    do(analyst, "UPDATE gisgrid.grids SET name = '还重叠' WHERE code = '370203001001001'")
    less = box(120.37, 36.08, 120.3752, 36.084)
    do(analyst, f"UPDATE gisgrid.grids SET geom = '{less}' WHERE code = '370203001001001'")
    with pytest.raises(errors.ExclusionViolation):
        do(analyst, f"UPDATE gisgrid.grids SET geom = '{far}' WHERE code = '370203001001001'")


def test_of_two_who_draw_over_each_other_at_once_one_is_refused(analyst: Database) -> None:
    free = [box(120.37, 36.09, 120.374, 36.094), box(120.372, 36.09, 120.375, 36.094)]
    with analyst.connect() as one, analyst.connect() as other:
        for connection, code, shape in ((one, "370203001001004", free[0]), (other, "370203001001005", free[1])):
            connection.execute(NEW_GRID.encode(), [code, shape])
        one.commit()
        with pytest.raises(errors.ExclusionViolation, match="370203001001004"):
            other.commit()


def test_an_area_with_others_in_it_stays(analyst: Database) -> None:
    with pytest.raises(errors.ForeignKeyViolation, match="still has 2 areas in it"):
        do(analyst, "DELETE FROM gisgrid.communities WHERE code = '370203001001'")
    move = (
        "UPDATE gisgrid.grids SET parent_code = '370203001009', code = '370203001009' || right(code, 3) WHERE parent_code = '370203001001'"
    )
    rename = "UPDATE gisgrid.communities SET code = '370203001009' WHERE code = '370203001001'"
    with pytest.raises(errors.ForeignKeyViolation, match=r"社区“370203001009”不存在"):
        do(analyst, move)
    do(analyst, rename, move)
    assert do(analyst, "SELECT count(*) FROM gisgrid.grids WHERE parent_code = '370203001009'") == [(2,)]


def test_reaching_beyond_the_parent_is_an_issue_until_it_is_mended(analyst: Database) -> None:
    issues = "SELECT feature_code, severity FROM gisgrid.quality_issues WHERE code = 'outside_parent'"
    with analyst.connect() as connection:
        said: list[str] = []
        connection.add_notice_handler(lambda notice: said.append(notice.message_primary or ""))
        connection.execute(NEW_GRID.encode(), ["370203001001003", box(120.37, 36.088, 120.375, 36.09)])
        connection.commit()
    assert "在上级“370203001001”之外" in "".join(said)
    assert do(analyst, issues) == [("370203001001003", "warning")]
    do(analyst, f"UPDATE gisgrid.communities SET geom = '{box(120.37, 36.08, 120.375, 36.09)}' WHERE code = '370203001001'")
    do(analyst, f"UPDATE gisgrid.grids SET geom = '{box(120.37, 36.088, 120.375, 36.0899)}' WHERE code = '370203001001003'")
    assert do(analyst, issues) == [("370203001001", "warning")], "the grid is in its community now, which is not in its street"


def test_drafts_are_nobodys_business(shibei: Database) -> None:
    do(shibei, "INSERT INTO gisgrid.generations (id, status) VALUES (9, 'draft')")
    for code in ("x", "y"):
        do(
            shibei,
            f"INSERT INTO gisgrid.areas (generation_id, level, code, name, geom) VALUES (9, 'grid', '{code}', 'x', '{box(0, 0, 1, 1)}')",
        )
    assert do(shibei, "SELECT count(*) FROM gisgrid.edits WHERE code IN ('x', 'y')") == [(0,)]


def test_the_log_tells_what_changed_and_of_many_how_many(analyst: Database, shibei: Database) -> None:
    with psycopg.connect(analyst.conninfo(), application_name="QGIS") as connection:
        connection.execute(f"UPDATE gisgrid.manhole_covers SET state = 'broken', note = '裂' WHERE code = '{COVER}'".encode())
        connection.execute(f"UPDATE gisgrid.manhole_covers SET state = 'broken' WHERE code = '{COVER}'".encode())
        connection.execute(b"UPDATE gisgrid.manhole_covers SET note = 'x'")
        connection.execute(b"UPDATE gisgrid.grids SET name = name || 'x'")
    found = do(
        shibei, "SELECT application, layer, action, rows, code, before, after FROM gisgrid.edits WHERE application = 'QGIS' ORDER BY id"
    )
    state = ("QGIS", "manhole_covers", "update", 1, COVER, {"state": "intact", "note": None}, {"state": "broken", "note": "裂"})
    assert found[:2] == [state, ("QGIS", "manhole_covers", "update", 122, None, None, None)], "what changed nothing is no edit"
    assert [(row[1], row[3]) for row in found[2:]] == [("grids", 1)] * 6


def test_a_load_is_no_edit_and_keeps_the_rules_of_its_city(database: Database) -> None:
    with open_loading(database) as loading:
        loading.require_deployment(load_deployment("shibei"))
        with loading.layer(Delivery("cams", "cameras", "", "f", "s"), None):
            pass
        loading.connection.execute("INSERT INTO gisgrid.cameras (code, geom) VALUES ('c', 'SRID=4326;POINT(0 0)')")
    assert do(database, "SELECT count(*) FROM gisgrid.edits") == [(0,)]
    rules = do(
        database, "SELECT layer, field, scheme, pattern, parent_layer, parent_is_prefix FROM gisgrid.code_rules ORDER BY layer, field"
    )
    assert ("grids", "code", "", "[0-9A-Z]{15}", "communities", True) in rules
    assert ("components", "code", "CJ/T 214", r"\d{16}", None, False) in rules
    with pytest.raises(errors.CheckViolation, match="outside the bounds"):
        do(database, "INSERT INTO gisgrid.cameras (code, geom) VALUES ('d', 'SRID=4326;POINT(0 0)')")


def test_values_are_refused_in_words_wherever_a_constraint_refuses_them(connection: psycopg.Connection) -> None:
    """Each rule on a value has its constraint: the words are there before the constraint is asked."""
    checks = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid::regclass::text ~ 'components|buildings_all|cameras_all'"
    ).fetchall()
    rules = {(layer, field) for layer, field in connection.execute("SELECT layer, field FROM gisgrid.value_rules").fetchall()}
    missing = []
    for table, name, _ in checks:
        layer = table.split(".")[-1].removesuffix("_all")
        field = name.removeprefix(f"{layer}_").removesuffix("_check")
        if field not in ("geom", "place", "spec") and (layer, field) not in rules:
            missing.append((layer, field))
    assert missing == []
    assert len(checks) > 15


def test_gdal_appends_and_is_told_why_not(analyst: Database) -> None:
    """By PostGIS from GDAL: pyogrio's, and Debian's ogr2ogr where it is."""
    frame = geopandas.GeoDataFrame(
        {"code": ["G1", "G2"], "name": ["一", "二"], "kind": ["dome", "fixed"], "azimuth_deg": [90.0, None]},
        geometry=geopandas.points_from_xy([120.371, 120.372], [36.081, 36.082]),
        crs="EPSG:4326",
    ).rename_geometry("geom")
    address = f"PG:{make_conninfo(analyst.url)}"
    source = Path(os.environ.get("TMPDIR", "/tmp")) / f"cameras_{os.getpid()}.gpkg"
    program = shutil.which("ogr2ogr")
    if program is None:
        pytest.skip("ogr2ogr is not installed")
    command = [program, "-update", "-append", "-nln", "gisgrid.cameras", "--config", "PG_USE_COPY", "NO", address, str(source)]
    try:
        frame.to_file(source, layer="cameras", engine="pyogrio")
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert do(analyst, "SELECT code, kind, status, azimuth_deg FROM gisgrid.cameras WHERE code LIKE 'G_' ORDER BY code") == [
            ("G1", "dome", "online", 90.0),
            ("G2", "fixed", "online", None),
        ]
        frame.assign(code=["G3", "G4"], azimuth_deg=[400.0, 0.0]).to_file(source, layer="cameras", engine="pyogrio")
        refused = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    finally:
        source.unlink(missing_ok=True)
    assert "azimuth_deg)不能是 400" in refused.stderr
    assert do(analyst, "SELECT code FROM gisgrid.cameras WHERE code IN ('G3', 'G4')") == []


def test_a_user_who_may_not_make_roles_can_migrate(
    empty_database: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The roles of this server cannot be taken away for a test: so others are asked for, which there are none of."""
    name = f"gisgrid_owner_{os.getpid()}"
    with empty_database.connect() as connection:
        connection.execute("CREATE EXTENSION postgis")
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'pw'").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(sql.Identifier(connection.info.dbname), sql.Identifier(name))
        )
    from gisgrid.db import roles  # noqa: PLC0415

    for constant in ("_MAKE", "_FOUND"):
        monkeypatch.setattr(
            roles, constant, getattr(roles, constant).replace("gisgrid_editor", "gisgrid_none").replace("gisgrid_reader", "gisgrid_no")
        )
    owner = Database(make_conninfo(empty_database.url, user=name, password="pw"))
    try:
        assert migrate(owner)[-1] == newest()
        assert "let an administrator run" in caplog.text
        assert do(owner, "SELECT count(*) FROM gisgrid.component_classes") == [(len(component_classes()),)]
    finally:
        do(owner, "DROP SCHEMA gisgrid CASCADE")
        with empty_database.connect() as connection:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
