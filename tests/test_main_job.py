"""The main job on the whole sample district: what came in, what is in PostGIS, and whether the answers are true."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from pyarrow import parquet as pq

from gisgrid.cases.drafts import read_draft
from gisgrid.db import Database
from gisgrid.services import ReadModel
from gisgrid.services.cases.intake import Intake
from gisgrid.services.cases.rules_in_force import RulesInForce
from gisgrid.services.cases.world import Standing
from gisgrid.settings import Settings
from ingest.demo import DemoResult, compare_with_truth, run_demo
from ingest.pipeline import LayerReport
from ingest.sample.generate import DEFAULT_SEED
from tests.forks import gisgrid

pytestmark = pytest.mark.slow

Floats = npt.NDArray[np.float64]
NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)
LAYER_OF_FILE = {"covers/井盖普查.shp": "manhole_covers", "cameras.csv": "cameras", "buildings.gpkg": "buildings"}
LEVELS = [("districts", 1), ("streets", 22), ("communities", 137), ("grids", 940)]


class District(NamedTuple):
    """A database that holds the sample district, and how it got there."""

    settings: Settings
    database: Database
    directory: Path
    result: DemoResult


@pytest.fixture(scope="session")
def district(database_copies: Callable[[], Database], tmp_path_factory: pytest.TempPathFactory) -> District:
    database = database_copies()
    home = tmp_path_factory.mktemp("district")
    settings = Settings(home=home, database_url=database.url)
    return District(settings, database, home / "sample", run_demo(settings, home / "sample", seed=DEFAULT_SEED, scale=1.0))


def _rows(database: Database, statement: str, *values: object) -> list[tuple[Any, ...]]:
    with database.connect() as connection:
        return connection.execute(statement, values).fetchall()


@pytest.fixture(scope="session")
def polygons(district: District) -> dict[str, dict[str, tuple[str | None, shapely.Geometry]]]:
    """Parent code and polygon of each area by layer and code, read back from PostGIS."""
    found = {}
    for layer, _ in LEVELS:
        rows = _rows(district.database, f"SELECT code, parent_code, ST_AsBinary(geom) FROM gisgrid.{layer} ORDER BY code")
        shapes = shapely.from_wkb([bytes(row[2]) for row in rows])
        found[layer] = {row[0]: (row[1], shape) for row, shape in zip(rows, shapes, strict=True)}
    return found


@pytest.mark.parametrize(("layer", "count"), LEVELS)
def test_every_area_is_there(district: District, layer: str, count: int) -> None:
    assert _rows(district.database, f"SELECT count(*) FROM gisgrid.{layer}") == [(count,)]


@pytest.mark.parametrize(("layer", "read"), [("manhole_covers", 17_000), ("cameras", 12_000)])
def test_every_row_is_loaded_or_kept_as_rejected(district: District, layer: str, read: int) -> None:
    [report] = [report for report in district.result.layers if report.layer == layer]
    [(stored,)] = _rows(district.database, f"SELECT count(*) FROM gisgrid.{layer}")
    [(rejected,)] = _rows(district.database, "SELECT count(*) FROM gisgrid.ingest_rejects WHERE layer = %s", layer)
    assert (report.read, report.loaded, report.rejected) == (read, stored, rejected)
    assert stored == read - rejected
    assert 0 < rejected < read / 50


def test_there_are_sixteen_kinds_of_covers_and_enough_buildings(district: District) -> None:
    assert _rows(district.database, "SELECT count(DISTINCT class_code) FROM gisgrid.manhole_covers") == [(16,)]
    [(buildings,)] = _rows(district.database, "SELECT count(*) FROM gisgrid.buildings")
    assert buildings >= 45_000


def test_each_bad_row_meets_the_fate_that_its_maker_foresaw(district: District) -> None:
    manifest = json.loads((district.directory / "manifest.json").read_text(encoding="utf-8"))
    foreseen = {(LAYER_OF_FILE[d["file"]], d["row"]) for d in manifest["defects"] if d["fate"] == "rejected"}
    met = {tuple(row) for row in _rows(district.database, "SELECT DISTINCT layer, row_number FROM gisgrid.ingest_rejects")}
    assert len(foreseen) > 500
    assert met == foreseen


@pytest.mark.parametrize("layer", [layer for layer, _ in LEVELS[1:]])
def test_the_areas_of_a_level_are_an_exact_partition(polygons: dict[str, dict[str, tuple[str, shapely.Geometry]]], layer: str) -> None:
    shapes = np.array([shape for _, shape in polygons[layer].values()])
    assert shapely.is_valid(shapes).all()
    assert shapely.coverage_is_valid(shapes), "an edge that does not match, or an overlap"
    union = shapely.coverage_union_all(shapes)
    [(_, outline)] = polygons["districts"].values()
    assert shapely.get_num_geometries(union) == 1
    assert len(shapely.get_parts(union)[0].interiors) == 0, "a gap"
    assert shapely.equals(union, outline)


@pytest.mark.parametrize(("parents", "children"), [("streets", "communities"), ("communities", "grids")])
def test_children_make_up_their_parent_exactly(
    polygons: dict[str, dict[str, tuple[str, shapely.Geometry]]], parents: str, children: str
) -> None:
    for code, (_, outline) in polygons[parents].items():
        parts = [shape for parent, shape in polygons[children].values() if parent == code]
        assert shapely.equals(shapely.coverage_union_all(parts), outline), code


def test_the_district_has_its_size_and_the_streets_theirs(district: District) -> None:
    [(total,)] = _rows(district.database, "SELECT ST_Area(geom::geography) / 1e6 FROM gisgrid.districts")
    assert total == pytest.approx(65.4, rel=0.01)
    stored = dict(_rows(district.database, "SELECT code, area_m2 / 1e6 FROM gisgrid.streets"))
    lines = (Path(__file__).parent.parent / "data/codes/divisions_370203.csv").read_text(encoding="utf-8").splitlines()
    real = {row[1]: float(row[6]) for row in (line.split(",") for line in lines) if row[0] == "street"}
    assert stored == pytest.approx({code: area * 65.4 / sum(real.values()) for code, area in real.items()}, rel=0.06)


def test_no_border_of_a_grid_cuts_a_building(district: District) -> None:
    statement = """
        SELECT count(*) FROM gisgrid.buildings b
        WHERE NOT EXISTS (SELECT 1 FROM gisgrid.grids g WHERE g.geom ~ b.geom AND ST_Covers(g.geom, b.geom))
    """
    assert _rows(district.database, statement) == [(0,)]


def _grids_in_postgis(database: Database, lon: Floats, lat: Floats) -> list[str | None]:
    """The grid of each point as PostGIS sees it: the smallest code among those whose polygon covers it."""
    statement = """
        SELECT p.id, min(g.code) FROM bench p LEFT JOIN gisgrid.grids g ON ST_Covers(g.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
        GROUP BY p.id ORDER BY p.id
    """
    with database.connect() as connection:
        connection.execute("CREATE TEMP TABLE bench (id int, lon float8, lat float8) ON COMMIT DROP")
        with connection.cursor().copy("COPY bench FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(["int4", "float8", "float8"])
            for number, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
                copy.write_row((number, x, y))
        connection.execute("ANALYZE bench")
        return [row[1] for row in connection.execute(statement).fetchall()]


def _same_grids(district: District, lon: Floats, lat: Floats) -> int:
    """Compare many-at-once and one-at-a-time answers with PostGIS; return how many points are in a grid."""
    model = ReadModel.load(district.database, district.settings)
    expected = _grids_in_postgis(district.database, lon, lat)
    codes = [*model.locator.grid_codes(), None]
    many = [codes[number] for number in model.locator.grid_indices(lon, lat)]
    assert [(x, y, mine, theirs) for x, y, mine, theirs in zip(lon, lat, many, expected, strict=True) if mine != theirs] == []
    step = max(1, len(lon) // 10_000)
    for index in range(0, len(lon), step):
        answer = model.locator.locate(float(lon[index]), float(lat[index]))
        assert (answer.grid.code if answer.grid else None) == expected[index]
    return sum(code is not None for code in expected)


def test_100_000_random_points_get_the_grid_that_postgis_gives(district: District, polygons: Any) -> None:
    [(_, outline)] = polygons["districts"].values()
    west, south, east, north = outline.bounds
    rng = np.random.default_rng(20261121)
    found = _same_grids(district, rng.uniform(west, east, 100_000), rng.uniform(south, north, 100_000))
    assert 20_000 < found < 100_000


def test_10_000_points_on_vertices_and_edges_get_the_grid_that_postgis_gives(district: District, polygons: Any) -> None:
    rng = np.random.default_rng(370203)
    rings = [shapely.get_coordinates(ring) for _, shape in polygons["grids"].values() for ring in shapely.get_parts(shape.boundary)]
    vertices = np.concatenate(rings)
    starts, ends = np.concatenate([ring[:-1] for ring in rings]), np.concatenate([ring[1:] for ring in rings])
    edges = rng.integers(0, len(starts), 5_000)
    along = rng.uniform(0, 1, (5_000, 1))
    on_edges = starts[edges] + along * (ends[edges] - starts[edges])
    on_vertices = vertices[rng.integers(0, len(vertices), 5_000)]
    points = np.concatenate([on_vertices, on_edges])
    assert _same_grids(district, points[:, 0].copy(), points[:, 1].copy()) > 9_000


def test_the_sample_cases_get_their_true_grid_and_doubt_is_never_hidden(district: District) -> None:
    truth = district.result.truth
    assert district.result.cases.rows == 3_600
    assert truth.cases == pytest.approx(3_240, abs=60)
    assert truth.right >= 0.999 * truth.cases
    assert truth.unmarked == 0


def test_reports_about_covers_end_on_the_true_grid_by_their_address_alone_or_with_a_person(district: District) -> None:
    model = ReadModel.load(district.database, district.settings)
    rules = RulesInForce(district.database, model.deployment)
    rules.read()
    intake = Intake(model, Standing.of(model.deployment), rules, lambda snapshot: snapshot.gazetteer.get().geocode)
    right: dict[str, list[bool]] = {"assigned": [], "needs_review": []}
    for row, grid in _reports_about_covers(district.directory)[::3]:
        decision = intake.decide(read_draft(row, intake.reading, NOON), NOON)
        if decision.category.is_cover:
            found = decision.location.grid if decision.location else None
            right[decision.state].append(found is not None and found.code == grid)
    # By the point of the address they were 0.92 and 0.79.
    assert np.mean(right["assigned"]) >= 0.96
    assert np.mean([*right["assigned"], *right["needs_review"]]) >= 0.85
    assert len(right["assigned"]) > len(right["needs_review"]) > 100


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_batch_command_gives_every_case_its_true_grid(district: District, tmp_path: Path, ending: str) -> None:
    locator, located = tmp_path / "grids.locator", tmp_path / f"located.{ending}"
    ReadModel.load(district.database, district.settings).locator.save(locator)
    done = gisgrid(["batch", "--locator", str(locator), "--crs-col", "crs", str(district.directory / "cases.csv"), str(located)])
    assert done.returncode == 0, done.stderr.decode()
    if ending == "parquet":
        frame = pq.read_table(located).to_pandas()
        located = located.with_suffix(".csv")
        frame.to_csv(located, index=False)
    truth = compare_with_truth(located, district.directory / "cases_truth.csv")
    assert truth == district.result.truth
    assert truth.right == truth.cases > 3_000


def _reports_about_covers(folder: Path) -> list[tuple[dict[str, object], str]]:
    """Return the cases of the day whose words speak of a cover, without their positions, and the true grid of each."""
    with (folder / "cases_truth.csv").open(encoding="utf-8-sig", newline="") as file:
        grids = {row["number"]: row["grid"] for row in csv.DictReader(file)}
    with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["address"].strip() and "井盖" in row["category"]]
    return [({name: row[name] for name in ("source", "category", "description", "address")}, grids[row["number"]]) for row in rows]


def _counts(report: LayerReport) -> tuple[object, ...]:
    return report.layer, report.read, report.loaded, report.repaired, report.rejected, report.reasons


def test_the_second_run_changes_nothing_and_says_so(district: District) -> None:
    before = _rows(district.database, "SELECT count(*), max(id) FROM gisgrid.changes")
    again = run_demo(district.settings, district.directory, seed=DEFAULT_SEED, scale=1.0)
    assert not again.changed
    assert {report.status for report in again.layers} == {"unchanged"}
    assert [_counts(report) for report in again.layers] == [_counts(report) for report in district.result.layers]
    assert _rows(district.database, "SELECT count(*), max(id) FROM gisgrid.changes") == before
    assert sum(step.seconds for step in again.steps) < 40
