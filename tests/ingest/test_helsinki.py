"""The real city: everything in the OpenStreetMap extract loads or is rejected with a reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from ingest.pipeline import run
from ingest.report import LayerReport

SOURCES = paths.data_dir() / "sources" / "helsinki.toml"


@pytest.fixture(scope="module")
def loaded(real: Path, database_copies: Callable[[], Database]) -> tuple[Database, dict[str, LayerReport]]:
    database = database_copies()
    report = run(database, load_deployment("helsinki"), SOURCES, root=real / "helsinki")
    report.raise_failure()
    return database, {source.layer: source for source in report.sources}


def count(database: Database, statement: str) -> int:
    with database.connect() as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_all_manholes_and_cameras_of_the_centre_are_in_postgis(loaded: tuple[Database, dict[str, LayerReport]]) -> None:
    database, reports = loaded
    assert (reports["manhole_covers"].read, reports["manhole_covers"].rejected) == (776, 0)
    assert (reports["cameras"].read, reports["cameras"].rejected) == (396, 0)
    assert count(database, "SELECT count(*) FROM gisgrid.manhole_covers") == 776
    assert count(database, "SELECT count(*) FROM gisgrid.cameras") == 396


def test_every_manhole_and_camera_lies_in_exactly_one_cell(loaded: tuple[Database, dict[str, LayerReport]]) -> None:
    database, _ = loaded
    for layer, expected in (("manhole_covers", 776), ("cameras", 396)):
        statement = f"SELECT count(*) FROM gisgrid.{layer} f JOIN gisgrid.grids g ON ST_Covers(g.geom, f.geom)"
        assert count(database, statement) == expected


def test_cells_have_the_area_of_250_m_squares_on_the_ground(loaded: tuple[Database, dict[str, LayerReport]]) -> None:
    database, reports = loaded
    assert reports["grids"].loaded == 13_231
    # EPSG:3067 shrinks lengths by up to 0.04 %, so a square of its 250 m is a little larger on the ground.
    assert count(database, "SELECT count(*) FROM gisgrid.grids WHERE abs(area_m2 / 62500 - 1) > 0.001") == 0


def test_buildings_that_cannot_be_built_are_rejected_and_invalid_ones_repaired(loaded: tuple[Database, dict[str, LayerReport]]) -> None:
    database, reports = loaded
    report = reports["buildings"]
    assert report.read == 1492 == report.loaded + report.rejected
    assert report.reasons["unreadable_geometry"] == 12
    assert report.reasons["invalid_geometry"] + report.reasons["lost_geometry"] == 22
    assert count(database, "SELECT count(*) FROM gisgrid.buildings WHERE ST_IsValid(geom)") == report.loaded
    assert (
        count(database, "SELECT count(*) FROM gisgrid.ingest_rejects WHERE layer = 'buildings' AND raw::jsonb ? 'osm_way_id'")
        == report.rejected
    )


def test_unknown_levels_of_a_building_are_left_out_and_not_invented(loaded: tuple[Database, dict[str, LayerReport]]) -> None:
    database, reports = loaded
    assert reports["buildings"].warned >= reports["buildings"].reasons["value_dropped"] > 0
    assert count(database, "SELECT count(*) FROM gisgrid.buildings WHERE floors IS NOT NULL") > 400


def test_the_same_extract_again_changes_nothing(loaded: tuple[Database, dict[str, LayerReport]], real: Path) -> None:
    database, first = loaded
    before = count(database, "SELECT count(*) FROM gisgrid.changes")
    again = run(database, load_deployment("helsinki"), SOURCES, root=real / "helsinki")
    assert [report.status for report in again.sources] == ["unchanged"] * 11
    assert {report.layer: (report.read, report.loaded, report.rejected, report.reasons) for report in again.sources} == {
        layer: (report.read, report.loaded, report.rejected, report.reasons) for layer, report in first.items()
    }
    assert count(database, "SELECT count(*) FROM gisgrid.changes") == before


def test_every_polygon_that_cannot_be_built_or_is_invalid_is_dealt_with_one_by_one(real: Path, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(
        '[[sources]]\nid = "all"\nlayer = "buildings"\npath = "Helsinki_centre_2020.osm.pbf"\ninner_layer = "multipolygons"\n'
        '[sources.fields]\ncode = [{ field = "osm_way_id", template = "w{}" }, { field = "osm_id", template = "r{}" }]\n'
    )
    (report,) = run(None, load_deployment("helsinki"), tmp_path / "sources.toml", root=real / "helsinki", dry_run=True).sources
    # As shapely finds them in a plain read: 17 that it does not build, 45 that are not valid.
    assert (report.read, report.reasons["unreadable_geometry"]) == (2662, 17)
    assert report.reasons["invalid_geometry"] + report.reasons["lost_geometry"] == 45
    assert report.read == report.loaded + report.rejected
