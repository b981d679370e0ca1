"""``gisgrid areas`` against a small town: what it prints, what it refuses, what is served afterwards."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas
import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from gisgrid.db import Database
from gisgrid.db.generations import generation_at
from gisgrid.errors import GisgridError, NotFoundError, ParameterError, SourceError, UsageError
from ingest.generations.commands import app
from tests.services.recut import DRAFT_AS_SERVED, MOVE_BORDER

Areas = Callable[..., str]

_OVERLAP = """
UPDATE gisgrid.areas SET geom = ST_Multi(ST_MakeEnvelope(120.370, 36.080, 120.376, 36.084, 4326))
WHERE generation_id = 2 AND code = '370203001001001';
"""


@pytest.fixture
def town(own_town: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("GISGRID_DATABASE_URL", own_town.url)
    return own_town


@pytest.fixture
def run() -> Areas:
    """Run the command; a refusal is raised, as it is to the command line's own error handling."""

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments))
        if result.exception:
            raise result.exception
        return result.stdout

    return call


def sql(database: Database, *statements: str) -> None:
    with database.connect() as connection:
        for statement in statements:
            connection.execute(statement.encode())


def one(database: Database, statement: str) -> Any:
    with database.connect() as connection:
        row = connection.execute(statement.encode()).fetchone()
        assert row
        return row[0]


def served(database: Database) -> int:
    return int(one(database, "SELECT gisgrid.active_generation()"))


def flat(text: str) -> str:
    """One space between words: what a table says, whatever its widths."""
    return re.sub(r"\s+", " ", text)


def test_the_list_shows_status_areas_and_what_is_known_of_issues(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED)
    text = flat(run("list"))
    assert "Generation 1 active" in text
    assert all(words in text for words in ("1 district,", "2 streets", "3 communities", "6 grids"))
    assert "Generation 2 draft" in text
    assert "never" in text
    assert "not checked" in text
    newest, first = json.loads(run("list", "--json"))["generations"]
    assert (newest["id"], newest["status"], newest["served"]) == (2, "draft", [])
    assert first["areas"] == {"district": 1, "street": 2, "community": 3, "grid": 6}
    assert [period["valid_to"] for period in first["served"]] == [None]


def test_the_list_of_an_empty_database_says_what_to_do(database: Database, run: Areas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", database.url)
    assert "gisgrid ingest" in run("list")
    assert json.loads(run("list", "--json")) == {"generations": []}
    for command in ("check", "diff", "activate", "drop"):
        with pytest.raises(UsageError, match="no areas in the database yet"):
            run(command)
    with pytest.raises(UsageError, match="no earlier generation"):
        run("rollback")


def test_check_takes_the_draft_and_keeps_what_it_finds_with_its_place(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED, _OVERLAP)
    text = flat(run("check"))
    assert "1 error: overlap in grids 370203001001001 (网格 11) and 370203001002001 (网格 21) overlap by" in text
    assert "Generation 2 (draft) has 2 errors" in text
    assert "quality_issues" in text
    found = "SELECT count(*) FROM gisgrid.quality_issues WHERE generation_id = 2 AND severity = 'error' AND NOT ST_IsEmpty(geom)"
    assert one(town, found) == 2
    again = json.loads(run("check", "2", "--json"))
    assert one(town, found) == 2
    assert {(row["code"], row["layer"], row["severity"]): row["count"] for row in again["counts"] if row["severity"] == "error"} == {
        ("overlap", "grids", "error"): 1,
        ("outside_parent", "grids", "error"): 1,
    }
    first = again["issues"][0]
    assert first["lon_lat"] == pytest.approx([120.3755, 36.082], abs=1e-3)
    assert "2 errors" in flat(run("list"))


def test_check_without_a_draft_takes_what_is_served(town: Database, run: Areas) -> None:
    assert "Generation 1 (active) has" in run("check")
    with pytest.raises(NotFoundError, match="no generation 7"):
        run("check", "7")


def test_buildings_and_covers_that_borders_cut_are_found_in_the_database(town: Database, run: Areas) -> None:
    # Some buildings are put across the border at 120.375, with 0.00018 to 0.0003 degrees of their width west of it.
    sql(
        town,
        """UPDATE gisgrid.buildings SET geom = ST_Translate(geom, 120.375 - ST_XMin(geom) - 0.00002 * (ascii(right(code, 1)) - 40), 0)
        WHERE right(code, 1) IN ('1', '4', '7')""",
    )
    codes = {row["code"]: row["count"] for row in json.loads(run("check", "--json"))["counts"]}
    by_postgis = """
        SELECT count(*) FROM gisgrid.buildings b WHERE EXISTS (
            SELECT FROM gisgrid.grids g WHERE ST_Area(ST_Intersection(g.geom, b.geom)::geography)
                BETWEEN greatest(1, 0.01 * ST_Area(b.geom::geography)) AND 0.5 * ST_Area(b.geom::geography)
        )"""
    assert codes.get("cuts_building", 0) == one(town, by_postgis) > 0
    assert "cuts_component" not in codes
    sql(town, "UPDATE gisgrid.components SET geom = ST_SetSRID(ST_MakePoint(120.375001, 36.082), 4326) WHERE code = '3702030114000001'")
    issues = json.loads(run("check", "--json"))["issues"]
    (passed,) = [issue["message"] for issue in issues if issue["code"] == "cuts_component"]
    assert "passes 0.09 m from the middle of component 3702030114000001" in passed


def test_diff_counts_what_moves_and_writes_the_pieces(town: Database, run: Areas, tmp_path: Path) -> None:
    sql(town, DRAFT_AS_SERVED, MOVE_BORDER)
    cases = tmp_path / "cases.csv"
    cases.write_text("id,wgs84_lon,wgs84_lat\n1,120.3745,36.082\n2,120.3745,36.083\n3,120.372,36.082\n4,,\n", encoding="utf-8")
    document = json.loads(run("diff", "--json", "--cases", str(cases), "--days", "4"))
    grids = document["layers"]["grids"]
    (handover,) = grids["handovers"]
    assert (handover["from"]["code"], handover["to"]["code"]) == ("370203001001001", "370203001002001")
    strip = "ST_SetSRID(ST_MakeBox2D(ST_MakePoint(120.374, 36.080), ST_MakePoint(120.375, 36.084)), 4326)::geometry"
    assert handover["area_m2"] == pytest.approx(one(town, f"SELECT ST_Area({strip}::geography)"), rel=1e-5)
    assert handover["cases_per_day"] == 0.5
    assert handover["components"] == one(town, f"SELECT count(*) FROM gisgrid.components WHERE ST_Intersects(geom, {strip})") > 0
    assert handover["cameras"] == one(town, f"SELECT count(*) FROM gisgrid.cameras WHERE ST_Intersects(geom, {strip})")
    inside = f"SELECT count(*) FROM gisgrid.buildings WHERE ST_Intersects(ST_PointOnSurface(geom), {strip})"
    assert handover["buildings"] == one(town, inside) > 0
    assert [change["before"]["code"] for change in grids["reshaped"]] == ["370203001001001", "370203001002001"]
    assert (grids["unchanged"], document["layers"]["streets"]["unchanged"]) == (4, 2)
    assert len(document["layers"]["communities"]["handovers"]) == 1

    for name in ("diff.geojson", "diff.gpkg"):
        run("diff", "1", "2", "-o", str(tmp_path / name))
        run("diff", "1", "2", "-o", str(tmp_path / name))
        frame = geopandas.read_file(tmp_path / name)
        assert sorted(frame["layer"]) == ["communities", "grids"]
        assert frame.crs == "EPSG:4326"
        assert frame.geometry.total_bounds == pytest.approx([120.374, 36.08, 120.375, 36.084])

    text = flat(run("diff", "--level", "grids"))
    assert "370203001001001 网格 11 -> 370203001002001 网格 21" in text
    assert "communities" not in text
    assert "gisgrid areas activate 2" in text


def test_diff_of_a_copy_says_that_they_are_the_same(town: Database, run: Areas, tmp_path: Path) -> None:
    sql(town, DRAFT_AS_SERVED)
    assert "They are the same." in run("diff")
    assert json.loads(run("diff", "--json"))["same"] is True
    run("diff", "-o", str(tmp_path / "none.geojson"))
    assert len(geopandas.read_file(tmp_path / "none.geojson")) == 0


def test_diff_refuses_what_it_cannot_do_before_it_begins(town: Database, run: Areas, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no draft generation"):
        run("diff")
    sql(town, DRAFT_AS_SERVED)
    empty = tmp_path / "empty.csv"
    empty.write_text("wgs84_lon,wgs84_lat\n,\n", encoding="utf-8")
    other = tmp_path / "other.csv"
    other.write_text("lon,lat\n1,2\n", encoding="utf-8")
    for wrong, kind, words in (
        (("--days", "0"), ParameterError, "days"),
        (("--level", "planets"), ParameterError, "planets"),
        (("-o", str(tmp_path / "diff.shp")), SourceError, "names no format"),
        (("-o", str(tmp_path / "none" / "diff.gpkg")), SourceError, "no folder"),
        (("--cases", str(tmp_path / "none.csv")), SourceError, "no file"),
        (("--cases", str(other)), SourceError, "no column 'wgs84_lon'"),
        (("--cases", str(empty)), SourceError, "no case with a place"),
    ):
        with pytest.raises(kind, match=words):
            run("diff", *wrong)


def test_activate_checks_shows_the_difference_and_serves_the_draft(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED, MOVE_BORDER)
    text = flat(run("activate", "--note", "border along the new road"))
    assert all(row in text for row in ("districts streets communities grids", "before 1 2 3 6", "unchanged 1 2 1 4", "reshaped 0 0 2 2"))
    assert "Generation 2 is served from now on." in text
    assert "goes back to generation 1" in text
    assert served(town) == 2
    assert one(town, "SELECT note FROM gisgrid.generations WHERE id = 2") == "border along the new road"
    assert one(town, "SELECT checked_at IS NOT NULL FROM gisgrid.generations WHERE id = 2") is True
    with pytest.raises(UsageError, match="is served already"):
        run("activate", "2")


def test_activate_refuses_errors_and_says_how_many_of_what_unless_forced(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED, _OVERLAP)
    with pytest.raises(UsageError, match=r"has 2 errors and was not activated: 1 \w+, 1 \w+\..*gisgrid areas check 2.*--force") as refusal:
        run("activate")
    assert "1 overlap" in str(refusal.value)
    assert served(town) == 1
    assert one(town, "SELECT count(*) FROM gisgrid.quality_issues WHERE generation_id = 2 AND severity = 'error'") == 2
    run("activate", "--force")
    assert served(town) == 2


def test_rollback_goes_back_and_activate_forth_again(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED, MOVE_BORDER)
    run("activate", "--note", "new road")
    text = run("rollback")
    assert "Generation 1 is served again" in text
    assert "gisgrid areas activate 2" in text
    assert served(town) == 1
    run("activate", "2")
    assert one(town, "SELECT note FROM gisgrid.generations WHERE id = 2") == "new road"
    run("rollback", "--to", "1")
    assert served(town) == 1
    assert len(json.loads(run("list", "--json"))["generations"][1]["served"]) == 3
    with pytest.raises(UsageError, match="no earlier generation"):
        run("rollback")
    with town.connect() as connection:
        assert generation_at(connection, one(town, "SELECT now()")) == 1


def _codes(database: Database, generation: int) -> list[str]:
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT code FROM gisgrid.quality_issues WHERE generation_id = %s AND severity = 'error' ORDER BY code", [generation]
        ).fetchall()
    return [row[0] for row in rows]


def test_what_is_served_always_has_its_issues(town: Database, run: Areas) -> None:
    """Forwards, back, and forwards to a retired one; those of what is no longer served are gone."""
    sql(town, DRAFT_AS_SERVED, _OVERLAP)
    faults = ["outside_parent", "overlap"]
    run("activate", "--force")
    assert (_codes(town, 2), _codes(town, 1)) == (faults, [])
    assert "2 errors" in flat(run("list"))
    sql(town, _OVERLAP.replace("= 2", "= 1"))
    text = flat(run("rollback"))
    assert "Generation 1 is served again from now on, with 2 errors and" in text
    assert (_codes(town, 1), _codes(town, 2)) == (faults, [])
    newest, first = json.loads(run("list", "--json"))["generations"]
    assert (newest["issues"], first["issues"]["error"]) == ({}, 2)
    assert "not kept; checked again when it is served again" in flat(run("list"))
    run("activate", "2", "--force")
    assert (_codes(town, 2), _codes(town, 1)) == (faults, [])
    run("rollback", "--to", "1")
    assert (_codes(town, 1), _codes(town, 2)) == (faults, [])


def test_when_the_check_fails_nothing_is_rolled_back(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED)
    run("activate")
    sql(town, "ALTER TABLE gisgrid.quality_issues RENAME TO hidden")
    with pytest.raises(GisgridError):
        run("rollback")
    sql(town, "ALTER TABLE gisgrid.hidden RENAME TO quality_issues")
    assert served(town) == 2


def test_everything_reads_at_80_columns_and_nothing_is_cut(town: Database, run: Areas, tmp_path: Path) -> None:
    sql(town, DRAFT_AS_SERVED, MOVE_BORDER)
    sql(
        town,
        """UPDATE gisgrid.areas SET name = repeat('台东街道丰盛路社区', 3) WHERE generation_id = 2 AND code = '370203001001001';
        UPDATE gisgrid.areas SET geom = ST_Multi(ST_MakeEnvelope(120.370, 36.080, 120.376, 36.084, 4326))
        WHERE generation_id = 2 AND code = '370203001001001'""",
    )
    cases = tmp_path / "cases.csv"
    cases.write_text("id,wgs84_lon,wgs84_lat\n1,120.3755,36.082\n", encoding="utf-8")
    for arguments in (("list",), ("check",), ("diff", "--cases", str(cases)), ("activate", "--force"), ("rollback",)):
        text = run(*arguments)
        assert "…" not in text
        assert [line for line in text.splitlines() if cell_len(line) > 80] == []
        if arguments[0] in {"check", "diff"}:
            assert "370203001001001" in text
    assert "cases/day" in run("diff", "1", "2", "--cases", str(cases))


def test_rollback_does_not_serve_what_was_never_served(town: Database, run: Areas) -> None:
    sql(town, DRAFT_AS_SERVED)
    with pytest.raises(UsageError, match="draft that was never served"):
        run("rollback", "--to", "2")
    with pytest.raises(NotFoundError):
        run("rollback", "--to", "9")


def test_drop_throws_a_draft_away_and_nothing_else(town: Database, run: Areas) -> None:
    with pytest.raises(UsageError, match="not a draft"):
        run("drop", "1")
    sql(town, DRAFT_AS_SERVED)
    assert "Draft 2 was thrown away" in run("drop")
    assert one(town, "SELECT count(*) FROM gisgrid.areas WHERE generation_id = 2") == 0
    assert served(town) == 1


def test_from_the_command_line_a_refusal_is_exit_code_2_and_two_lines(town: Database) -> None:
    command = [sys.executable, "-c", "from gisgrid.cli import main; main()", "areas", "activate"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no draft generation of the areas." in done.stderr
    assert "gisgrid areas list" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_that_is_not_there_is_one_clear_error(run: Areas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(GisgridError, match="cannot be reached") as error:
        run("list")
    assert error.value.exit_code == 1
