"""A small sample district through the whole ingest: every planted defect meets the fate that its manifest foretells."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.progress import silent
from ingest.pipeline import run
from ingest.report import LayerReport
from ingest.sample.generate import DEFAULT_SEED, generate

SOURCE_OF = {
    "district/districts.geojson": "sample-districts",
    "district/streets.geojson": "sample-streets",
    "district/communities.geojson": "sample-communities",
    "district/grids.geojson": "sample-grids",
    "covers/井盖普查.shp": "sample-covers",
    "buildings.gpkg": "sample-buildings",
    "cameras.csv": "sample-cameras",
    "organizations.xlsx#单位": "sample-organizations",
    "organizations.xlsx#责任人": "sample-roles",
    "roads.geojson": "sample-roads",
    "places.csv": "sample-places",
    "place_names.csv": "sample-place-names",
}


class District(NamedTuple):
    folder: Path
    manifest: dict[str, Any]
    database: Database
    reports: dict[str, LayerReport]


@pytest.fixture(scope="module")
def district(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> District:
    folder = tmp_path_factory.mktemp("district")
    generate(folder, DEFAULT_SEED, 0.05, silent)
    database = database_copies()
    report = run(database, load_deployment("shibei"), folder / "sources.toml")
    report.raise_failure()
    return District(
        folder, json.loads((folder / "manifest.json").read_text()), database, {source.source_id: source for source in report.sources}
    )


def query(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(statement.encode(), values or None).fetchall()


@pytest.mark.parametrize("file", SOURCE_OF)
def test_every_row_of_a_file_is_read_and_counted_as_the_manifest_says(district: District, file: str) -> None:
    told = district.manifest["rows"][file]
    report = district.reports[SOURCE_OF[file]]
    assert report.read == told["rows"] == report.loaded + report.rejected
    shared = report.reasons.get("duplicate_position", 0)  # cameras on one pole
    assert (report.rejected, report.repaired, report.warned - shared) == tuple(
        told.get(fate, 0) for fate in ("rejected", "repaired", "warned")
    )


def test_exactly_the_bad_rows_are_rejected_and_their_raw_values_kept(district: District) -> None:
    for file, source in SOURCE_OF.items():
        told = [entry["row"] for entry in district.manifest["defects"] if entry["file"] == file and entry["fate"] == "rejected"]
        found = query(
            district.database,
            "SELECT row_number FROM gisgrid.ingest_rejects j JOIN gisgrid.ingest_runs r ON r.id = j.run_id"
            " WHERE r.source_id = %s AND j.raw::text <> '{}' AND j.message <> '' ORDER BY 1",
            source,
        )
        assert [row[0] for row in found] == sorted(told)


def test_the_tables_hold_what_the_report_says_was_loaded(district: District) -> None:
    for report in district.reports.values():
        (count,) = query(district.database, f"SELECT count(*) FROM gisgrid.{report.layer}")[0]
        assert count == report.loaded


def test_each_level_is_an_exact_partition_of_the_one_above(district: District) -> None:
    totals = query(district.database, "SELECT level, sum(ST_Area(geom)) FROM gisgrid.areas GROUP BY level")
    areas = dict(totals)
    assert len(areas) == 4
    assert max(areas.values()) == pytest.approx(min(areas.values()), rel=1e-9)


def test_the_second_run_changes_nothing(district: District) -> None:
    before = query(district.database, "SELECT count(*) FROM gisgrid.changes")
    again = run(district.database, load_deployment("shibei"), district.folder / "sources.toml")
    assert {report.status for report in again.sources} == {"unchanged"}
    assert {report.source_id: report.reasons for report in again.sources} == {
        name: report.reasons for name, report in district.reports.items()
    }
    assert query(district.database, "SELECT count(*) FROM gisgrid.changes") == before


def test_a_cover_lies_where_it_was_surveyed_and_speaks_chinese(district: District) -> None:
    names = {row[0] for row in query(district.database, "SELECT DISTINCT name FROM gisgrid.manhole_covers")}
    assert any("井盖" in name for name in names if name)
    (inside, total) = query(
        district.database,
        "SELECT count(*) FILTER (WHERE ST_Covers(d.geom, c.geom)), count(*) FROM gisgrid.manhole_covers c, gisgrid.districts d",
    )[0]
    assert inside == total
