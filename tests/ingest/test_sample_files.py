"""The sample's files: the same bytes each time, written whole or not at all, every bad row accounted for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from openpyxl import load_workbook
from typer.testing import CliRunner

from gisgrid.deployment import load_deployment
from gisgrid.errors import ParameterError
from ingest.pipeline import run
from ingest.sample.commands import sample
from ingest.sample.generate import generate

SCALE = 0.02


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the smallest sample; tests must not change it."""
    folder = tmp_path_factory.mktemp("sample") / "small"
    assert generate(folder, 7, SCALE).written
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_same_seed_and_scale_give_the_same_bytes_in_another_process(small: Path, tmp_path: Path) -> None:
    code = f"import pathlib, ingest.sample.generate as g; g.generate(pathlib.Path({str(tmp_path / 'again')!r}), 7, {SCALE})"
    environment = os.environ | {"PYTHONHASHSEED": "12345", "TZ": "America/Lima", "LC_ALL": "C", "OPENPYXL_LXML": "False"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=Path(__file__).parents[2])
    assert contents(tmp_path / "again") == contents(small)


def test_another_seed_gives_another_district(small: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", 8, SCALE)
    mine, other = contents(small), contents(tmp_path / "other")
    assert mine.keys() == other.keys()
    same = {name for name in mine if mine[name] == other[name]}
    assert same == {"covers/井盖普查.prj", "sources.toml"}


def test_files_are_those_that_were_promised(small: Path) -> None:
    shapefile = {f"covers/井盖普查.{ending}" for ending in ("shp", "shx", "dbf", "prj")}
    areas = {f"district/{level}.geojson" for level in ("districts", "streets", "communities", "grids")}
    others = {"buildings.gpkg", "cameras.csv", "organizations.xlsx", "roads.geojson", "cases.csv", "cases_truth.csv", "sources.toml"}
    gazetteer = {"places.csv", "place_names.csv"}
    assert set(contents(small)) == shapefile | areas | others | gazetteer | {"manifest.json"}


def test_second_call_changes_nothing_and_says_so(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*")}
    assert not generate(small, 7, SCALE).written
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*")} == before


def test_damaged_file_is_made_again_and_files_of_others_stay(tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    generate(folder, 7, SCALE)
    whole = contents(folder)
    (folder / "cameras.csv").write_bytes(b"broken")
    (folder / "notes").mkdir()
    (folder / "notes" / "mine.txt").write_text("keep me", encoding="utf-8")
    assert generate(folder, 7, SCALE).written
    assert contents(folder) == whole | {"notes/mine.txt": b"keep me"}
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


def test_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_bytes(b"years of work")
    with pytest.raises(ParameterError, match="not a sample"):
        generate(tmp_path, 7, SCALE)
    assert contents(tmp_path) == {"thesis.doc": b"years of work"}


def test_manifest_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "web app"}', encoding="utf-8")
    with pytest.raises(ParameterError, match="not that of a sample"):
        generate(tmp_path, 7, SCALE)


def test_empty_folder_is_filled(tmp_path: Path) -> None:
    assert generate(tmp_path / "a" / "b", 7, SCALE).written
    (tmp_path / "empty").mkdir()
    assert generate(tmp_path / "empty", 7, SCALE).written


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ParameterError, match=r"cannot be written|is not a folder"):
        generate(tmp_path / "file" / "sample", 7, SCALE)


def test_current_folder_can_be_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert generate(Path("s"), 7, SCALE).written
    monkeypatch.chdir(tmp_path / "s")
    assert not generate(Path("."), 7, SCALE).written


@pytest.mark.parametrize("scale", [0.0, -1.0, 100.0, float("nan"), float("inf")])
def test_impossible_scale_is_refused_by_name(tmp_path: Path, scale: float) -> None:
    with pytest.raises(ParameterError, match="scale"):
        generate(tmp_path / "x", 7, scale)
    assert not (tmp_path / "x").exists()


def test_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(what: str, done: int, total: int) -> None:
        if what == "writing":
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        generate(tmp_path / "x", 7, SCALE, fail)
    assert list(tmp_path.iterdir()) == []


def test_command_reports_rows_and_then_that_nothing_changed(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(sample)
    arguments = [str(tmp_path / "s"), "--seed", "7", "--scale", str(SCALE)]
    first = CliRunner().invoke(app, arguments)
    assert first.exit_code == 0
    assert "cameras.csv" in first.output
    assert "written in" in first.output
    second = CliRunner().invoke(app, arguments)
    assert second.exit_code == 0
    assert "unchanged" in second.output


def test_one_row_in_a_hundred_is_bad_in_every_file_of_things(small: Path) -> None:
    manifest = json.loads((small / "manifest.json").read_text(encoding="utf-8"))
    for file in ("covers/井盖普查.shp", "buildings.gpkg", "cameras.csv", "cases.csv", "organizations.xlsx#责任人"):
        entry = manifest["rows"][file]
        assert entry["bad"] == max(1, round(entry["rows"] / 100)), file
        assert sum(entry["defects"].values()) == entry["bad"]
        rows = [defect["row"] for defect in manifest["defects"] if defect["file"] == file]
        assert len(set(rows)) == entry["bad"]
        assert all(1 <= row <= entry["rows"] for row in rows)


@pytest.mark.parametrize("seed", [7, 21])
def test_ingest_rejects_and_repairs_just_the_rows_that_were_spoilt(tmp_path: Path, seed: int) -> None:
    manifest = generate(tmp_path / "s", seed, 0.1).manifest
    whole = run(None, load_deployment("shibei"), tmp_path / "s" / "sources.toml", dry_run=True)
    reports = {report.source_id: report for report in whole.sources}
    files = {
        "sample-districts": "district/districts.geojson",
        "sample-streets": "district/streets.geojson",
        "sample-communities": "district/communities.geojson",
        "sample-grids": "district/grids.geojson",
        "sample-roads": "roads.geojson",
        "sample-places": "places.csv",
        "sample-place-names": "place_names.csv",
        "sample-covers": "covers/井盖普查.shp",
        "sample-buildings": "buildings.gpkg",
        "sample-cameras": "cameras.csv",
        "sample-organizations": "organizations.xlsx#单位",
        "sample-roles": "organizations.xlsx#责任人",
    }
    assert reports.keys() == files.keys()
    for source, file in files.items():
        entry, report = manifest["rows"][file], reports[source]
        expected = (entry["rows"], entry.get("rejected", 0), entry.get("repaired", 0))
        assert (report.read, report.rejected, report.repaired) == expected, file


def test_people_cannot_be_rung_up(small: Path) -> None:
    book = load_workbook(small / "organizations.xlsx")
    rows = list(book["责任人"].iter_rows(min_row=2, values_only=True))
    phones = [str(row[5]).strip() for row in rows if row[5]]
    assert all(phone.startswith("1540") and len(phone) == 11 for phone in phones)
    assert len(set(phones)) == len(phones)
    units = [str(row[5]).strip() for row in book["单位"].iter_rows(min_row=2, values_only=True)]
    assert all(unit.startswith("0532-0") for unit in units)


def test_every_grid_has_a_unit_a_leader_and_patrols(small: Path) -> None:
    book = load_workbook(small / "organizations.xlsx")
    organizations = {row[0] for row in book["单位"].iter_rows(min_row=2, values_only=True)}
    roles: dict[str, list[str]] = {}
    for level, code, role, organization, person, _ in book["责任人"].iter_rows(min_row=2, values_only=True):
        assert organization in organizations
        assert (person is None) == (role == "责任单位")
        if level == "网格":
            roles.setdefault(str(code), []).append(str(role))
    grids = json.loads((small / "district" / "grids.geojson").read_text(encoding="utf-8"))["features"]
    assert roles.keys() == {feature["properties"]["DM"] for feature in grids}
    for found in roles.values():
        assert (found.count("责任单位"), found.count("网格长")) == (1, 1)
        assert 1 <= found.count("巡查员") <= 3
