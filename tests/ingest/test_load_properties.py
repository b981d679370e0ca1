"""Whatever a file holds, its load ends in counts that add up or in a refusal that leaves the layer alone; again, it changes nothing."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from gisgrid.errors import SourceError
from ingest.pipeline import run
from ingest.report import LayerReport

QUIET = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10)
CODE = st.one_of(st.sampled_from(["A1", "A2", "A3", "A4", " A1 "]), TEXT)
NUMBER = st.one_of(
    st.sampled_from(["120.38", "120.39", "36.08", "36.09", "0", "", "-1", "1e9", "NaN", "1,5"]), st.floats(120.1, 120.6).map(repr)
)
PLACE = st.tuples(st.floats(120.2, 120.5), st.floats(36.0, 36.2))
RING = st.lists(PLACE, min_size=2, max_size=7)
GEOMETRY = st.one_of(
    st.none(),
    PLACE.map(lambda place: shapely.Point(place).buffer(0.001, quad_segs=2)),
    st.lists(PLACE, min_size=3, max_size=7).map(shapely.Polygon),
    PLACE.map(shapely.Point),
    st.lists(PLACE, min_size=2, max_size=4).map(shapely.LineString),
)
SOURCES = """
[[sources]]
id = "cameras"
layer = "cameras"
path = "cameras.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
fields = { code = "code", name = "name", kind = { constant = "fixed" }, range_m = { field = "range", on_error = "null" } }

[[sources]]
id = "buildings"
layer = "buildings"
path = "buildings.geojson"
fields = { code = "code", name = "name", floors = { field = "floors", on_error = "null" } }
"""
LAYERS = {"cameras": "cameras_all", "buildings": "buildings_all"}


def write(folder: Path, cameras: list[tuple[str, ...]], buildings: list[tuple[Any, str, str, Any]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("code", "name", "lon", "lat", "range"), *cameras])
    (folder / "cameras.csv").write_text(text.getvalue(), encoding="utf-8")
    features = [
        {
            "type": "Feature",
            "geometry": None if geometry is None else shapely.geometry.mapping(geometry),
            "properties": {"code": code, "name": name, "floors": floors},
        }
        for geometry, code, name, floors in buildings
    ]
    (folder / "buildings.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    (folder / "sources.toml").write_text(SOURCES, encoding="utf-8")


def stored(database: Database, layer: str) -> list[tuple[Any, ...]]:
    """Return all rows of a layer as they are stored, with the transaction that wrote each."""
    with database.connect() as connection:
        return connection.execute(f"SELECT t.*, xmin::text FROM gisgrid.{LAYERS[layer]} t ORDER BY id".encode()).fetchall()


def counted(database: Database, report: LayerReport, before: list[tuple[Any, ...]]) -> None:
    assert report.read == report.loaded + report.rejected
    if report.status == "failed":
        assert report.error
        assert report.loaded == 0
        assert stored(database, report.layer) == before
        return
    assert report.loaded == report.inserted + report.updated + report.unchanged
    with database.connect() as connection:
        row = connection.execute(
            f"SELECT (SELECT count(*) FROM gisgrid.{report.layer}), count(*), count(DISTINCT row_number) FROM gisgrid.ingest_rejects"
            " WHERE run_id = %s".encode(),
            [report.run_id],
        ).fetchone()
    assert row == (report.loaded, report.rejected, report.rejected)


@pytest.mark.slow
@QUIET
@given(
    cameras=st.lists(st.tuples(CODE, TEXT, NUMBER, NUMBER, NUMBER), max_size=8),
    buildings=st.lists(st.tuples(GEOMETRY, CODE, TEXT, st.one_of(st.integers(), st.floats(), TEXT)), max_size=6),
)
def test_counts_add_up_and_a_second_run_changes_nothing(
    cameras: list[tuple[str, ...]], buildings: list[tuple[Any, str, str, Any]], tmp_path: Path, load_database: Database
) -> None:
    deployment = load_deployment("shibei")
    write(tmp_path, cameras, buildings)
    before = {layer: stored(load_database, layer) for layer in LAYERS}
    if not buildings:
        # A file without a single feature has no columns either.
        with pytest.raises(SourceError, match="does not have the columns"):
            run(load_database, deployment, tmp_path / "sources.toml")
        assert {layer: stored(load_database, layer) for layer in LAYERS} == before
        return
    first = run(load_database, deployment, tmp_path / "sources.toml")
    for report in first.sources:
        if report.run_id is not None:
            counted(load_database, report, before[report.layer])
    after = {layer: stored(load_database, layer) for layer in LAYERS}
    # Said otherwise, the same description loads the same file once more.
    (tmp_path / "sources.toml").write_text(SOURCES.replace('name = "name"', 'name = ["name", "none"]'), encoding="utf-8")
    again = run(load_database, deployment, tmp_path / "sources.toml")
    assert {layer: stored(load_database, layer) for layer in LAYERS} == after
    for one, other in zip(first.sources, again.sources, strict=True):
        assert (one.read, one.loaded, one.rejected, one.reasons) == (other.read, other.loaded, other.rejected, other.reasons)
        assert (other.inserted, other.updated, other.retired) == (0, 0, 0)


@pytest.fixture(scope="module")
def load_database(database_copies: Any) -> Database:
    made: Database = database_copies()
    return made
