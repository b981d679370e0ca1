"""Whatever rows a file holds: no exception escapes, every row is accounted for, and what is loaded satisfies the layer."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gisgrid.deployment import load_deployment
from ingest.checks import CHECKS
from ingest.description import load_description
from ingest.report import Tally
from ingest.duplicates import Duplicates
from ingest.steps import prepare, process

QUIET = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
NUMBER = st.one_of(
    st.sampled_from(["120.38", "36.08", "0", "", "-1", "1e9", "NaN", "1,5", "３６"]), st.floats().map(repr), st.integers().map(str)
)
WORD = st.one_of(st.sampled_from(["A1", "A2", "fixed", "球机", "1", "8", "361", "measured", "20200230"]), TEXT)
CAMERAS = """
[[sources]]
id = "cameras"
layer = "cameras"
path = "cameras.csv"
crs = "gcj02"
coordinates = { lon = "lon", lat = "lat" }
[sources.fields]
code = "code"
name = "name"
kind = { field = "kind", values = { fixed = "fixed", "球机" = "ptz" } }
direction_step = "step"
azimuth_deg = "azimuth"
optics_source = "from"
range_m = { field = "range", on_error = "null" }
"""
HEADER = ("code", "name", "kind", "lon", "lat", "step", "azimuth", "from", "range")


def outcome(folder: Path, description: str) -> tuple[list[dict[str, Any]], list[Any], Tally]:
    (folder / "sources.toml").write_text(description, encoding="utf-8")
    source = load_description(folder / "sources.toml").sources[0]
    opened = prepare(source, folder / source.path, load_deployment("shibei"))
    tally = Tally()
    outcomes = list(process(opened, Duplicates(opened.target.key), tally))
    return [row for o in outcomes for row in o.rows.to_pylist()], [row for o in outcomes for row in o.rejects], tally


def accounted(rows: list[dict[str, Any]], rejects: list[Any], tally: Tally) -> None:
    numbers = [row["row_number"] for row in rows] + [reject.row_number for reject in rejects]
    assert len(numbers) == len(set(numbers)) == tally.read == tally.loaded + tally.rejected
    assert sum(count for code, count in tally.reasons.items() if CHECKS[code].severity == "reject") == tally.rejected == len(rejects)
    assert all(json.dumps(reject.raw, allow_nan=False) for reject in rejects)
    assert len({row["code"] for row in rows}) == len(rows)


@QUIET
@given(rows=st.lists(st.tuples(WORD, TEXT, WORD, NUMBER, NUMBER, WORD, NUMBER, WORD, NUMBER), min_size=1, max_size=20))
def test_any_table_is_accounted_for(rows: list[tuple[str, ...]], tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, ("A0", "x", "fixed", "120.385", "36.08", "1", "", "", ""), *rows])
    (tmp_path / "cameras.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    good, rejects, tally = outcome(tmp_path, CAMERAS)
    accounted(good, rejects, tally)
    for row in good:
        assert row["kind"] in {"fixed", "ptz"}
        assert row["azimuth_deg"] is None or 0 <= row["azimuth_deg"] < 360
        assert (row["azimuth_deg"] is None) == (row["azimuth_source"] is None)
        assert 120.05 <= shapely.from_wkb(row["geom"]).x <= 120.70


FINITE = st.floats(allow_nan=False, allow_infinity=False)
COORDINATE = st.one_of(st.floats(120.3, 120.5), st.sampled_from([0.0, 120.38, 36.08, -9999.0, 1e308]), FINITE)
LATITUDE = st.one_of(st.floats(36.0, 36.2), COORDINATE)
FLAT = st.tuples(COORDINATE, LATITUDE).map(list)
TALL = st.tuples(COORDINATE, LATITUDE, COORDINATE).map(list)
POSITION: st.SearchStrategy[list[float]] = st.one_of(FLAT, TALL, st.just([]))
RING = st.lists(POSITION, max_size=7).map(lambda ring: [*ring, *ring[:1]])
GEOMETRY = st.recursive(
    st.one_of(
        st.none(),
        st.builds(lambda rings: {"type": "Polygon", "coordinates": rings}, st.lists(RING, max_size=3)),
        st.builds(lambda polygons: {"type": "MultiPolygon", "coordinates": polygons}, st.lists(st.lists(RING, max_size=2), max_size=3)),
        st.builds(lambda position: {"type": "Point", "coordinates": position}, POSITION),
        st.builds(lambda line: {"type": "LineString", "coordinates": line}, st.lists(POSITION, max_size=4)),
    ),
    lambda inner: st.builds(lambda parts: {"type": "GeometryCollection", "geometries": parts}, st.lists(inner, max_size=3)),
    max_leaves=4,
)
BUILDINGS = '[[sources]]\nid = "b"\nlayer = "buildings"\npath = "b.geojson"\nfields = { code = "code", floors = "floors" }\n'


FLOORS = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False), WORD)
FEATURES = st.lists(st.tuples(GEOMETRY, WORD, FLOORS), min_size=1, max_size=12)


@QUIET
@given(features=FEATURES)
def test_any_geometry_is_accounted_for_and_loaded_as_a_valid_multipolygon(features: list[tuple[Any, str, Any]], tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[120.38, 36.08], [120.39, 36.08], [120.39, 36.09], [120.38, 36.08]]]}
    entries = [
        {"type": "Feature", "geometry": geometry, "properties": {"code": code, "floors": floors}}
        for geometry, code, floors in [(square, "first", 1), *features]
    ]
    (tmp_path / "b.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": entries}), encoding="utf-8")
    rows, rejects, tally = outcome(tmp_path, BUILDINGS)
    assert tally.read == len(entries)
    accounted(rows, rejects, tally)
    for row in rows:
        stored = shapely.from_wkb(row["geom"])
        assert (stored.geom_type, stored.is_valid, stored.is_empty, stored.has_z) == ("MultiPolygon", True, False, False)
        assert stored.area > 0
