"""Whatever rows a file holds: no exception escapes, every row is accounted for, and what is loaded satisfies the layer."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gisgrid.crs import parse_crs
from gisgrid.deployment import Deployment, load_deployment
from ingest.checks import CHECKS
from ingest.description import load_description
from ingest.readers.batch import Contents, RawBatch
from ingest.steps import Opened, prepare
from ingest.targets import target
from tests.ingest.conftest import Result, result_of

QUIET = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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


@cache
def shibei() -> Deployment:
    return load_deployment("shibei")


def outcome(folder: Path, description: str) -> Result:
    (folder / "sources.toml").write_text(description, encoding="utf-8")
    source = load_description(folder / "sources.toml").sources[0]
    return result_of(prepare(source, folder / source.path, shibei()))


def accounted(result: Result) -> None:
    rows, rejects, repairs, issues, tally, outcomes = result
    for one in outcomes:
        assert one.seen is None or len(one.seen.geom) == len(one.seen.code) == one.rows.num_rows + len(one.rejects)
    numbers = [row["row_number"] for row in rows] + [reject.row_number for reject in rejects]
    assert len(numbers) == len(set(numbers)) == tally.read == tally.loaded + tally.rejected
    assert sum(count for code, count in tally.reasons.items() if CHECKS[code].severity == "reject") == tally.rejected == len(rejects)
    assert len({row["code"] for row in rows}) == len(rows)
    for reject in rejects:
        assert CHECKS[reject.code].severity == "reject"
        assert reject.message
        json.dumps(reject.raw, allow_nan=False, ensure_ascii=False).encode()
        with np.errstate(invalid="ignore"):
            assert (reject.wkb is None) == (shapely.from_wkb(reject.wkb) is None)
        shapely.from_wkb(reject.ewkb)
    assert {repair.row_number for repair in repairs} <= {row["row_number"] for row in rows}
    assert len({repair.row_number for repair in repairs}) == tally.repaired
    for repair in repairs:
        assert CHECKS[repair.code].severity == "repair"
        assert repair.before
        assert repair.before != repair.after
    assert len({issue.feature_code for issue in issues if issue.feature_code}) <= tally.warned
    assert all(CHECKS[issue.code].severity == "warn" and issue.message for issue in issues)
    texts = [*[r.message for r in rejects], *[i.message for i in issues], *[str(text) for r in repairs for text in (r.before, r.after)]]
    assert "\0" not in "".join(texts).encode().decode()


@QUIET
@given(rows=st.lists(st.tuples(WORD, TEXT, WORD, NUMBER, NUMBER, WORD, NUMBER, WORD, NUMBER), min_size=1, max_size=20))
def test_any_table_is_accounted_for(rows: list[tuple[str, ...]], tmp_path: Path) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, ("A0", "x", "fixed", "120.385", "36.08", "1", "", "", ""), *rows])
    (tmp_path / "cameras.csv").write_text(text.getvalue(), encoding="utf-8", newline="")
    result = outcome(tmp_path, CAMERAS)
    accounted(result)
    for row in result.rows:
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
OPEN = st.lists(FLAT, max_size=5)
RING = st.lists(POSITION, max_size=7).map(lambda ring: [*ring, *ring[:1]])
GEOMETRY = st.recursive(
    st.one_of(
        st.none(),
        st.builds(
            lambda rings: {"type": "Polygon", "coordinates": rings}, st.lists(st.one_of(RING, st.lists(FLAT, max_size=5)), max_size=3)
        ),
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


def are_valid_multipolygons(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        stored = shapely.from_wkb(row["geom"])
        assert (stored.geom_type, stored.is_valid, stored.is_empty, stored.has_z) == ("MultiPolygon", True, False, False)
        assert stored.area > 0


@QUIET
@given(features=FEATURES)
def test_any_geojson_is_accounted_for_and_loaded_as_valid_multipolygons(features: list[tuple[Any, str, Any]], tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[120.38, 36.08], [120.39, 36.08], [120.39, 36.09], [120.38, 36.08]]]}
    entries = [
        {"type": "Feature", "geometry": geometry, "properties": {"code": code, "floors": floors}}
        for geometry, code, floors in [(square, "first", 1), *features]
    ]
    (tmp_path / "b.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": entries}), encoding="utf-8")
    result = outcome(tmp_path, BUILDINGS)
    assert result.tally.read == len(entries)
    accounted(result)
    are_valid_multipolygons(result.rows)


class Given:
    """Rows that come from no file."""

    def __init__(self, batches: list[RawBatch], *, is_geojson: bool = True) -> None:
        self._batches = batches
        self.contents = Contents(tuple(batches[0].table.column_names), has_geometry=True, is_geojson=is_geojson)

    def batches(self) -> Iterator[RawBatch]:
        yield from self._batches


def opened(folder: Path, layer: str, crs: str, batches: list[RawBatch], more: str = "") -> Opened:
    fields = 'fields = { code = "code", name = "name"' + (', kind = { constant = "fixed" } }' if layer == "cameras" else " }")
    path = folder / f"{layer}.toml"
    path.write_text(f'[[sources]]\nid = "x"\nlayer = "{layer}"\npath = "x"\n{more}{fields}\n', encoding="utf-8")
    return Opened(load_description(path).sources[0], path, target(layer), Given(batches), parse_crs(crs), shibei())


def batch(geom: list[Any], codes: list[str | None], names: list[str | None], start: int = 1) -> RawBatch:
    none = np.zeros(len(geom), dtype=bool)
    shapes: np.ndarray[Any, np.dtype[np.object_]] = np.full(len(geom), None, dtype=object)
    shapes[:] = geom
    table = pa.table({"code": pa.array(codes, pa.string()), "name": pa.array(names, pa.string())})
    return RawBatch(np.arange(start, start + len(geom)), table, shapes, none, none.copy())


ANY = st.one_of(st.floats(120.3, 120.5), st.floats(36.0, 36.2), st.floats())
X = st.one_of(st.floats(120.3, 120.5), st.sampled_from([120.38, 120.39, 120.4]), ANY)
Y = st.one_of(st.floats(36.0, 36.2), st.sampled_from([36.08, 36.09]), ANY)
CORNERS = st.one_of(
    st.lists(st.tuples(st.sampled_from([120.38, 120.39, 120.4]), st.sampled_from([36.08, 36.09, 36.1])), min_size=4, max_size=9),
    st.lists(st.tuples(X, Y), min_size=4, max_size=9),
    st.lists(st.tuples(X, Y, ANY), min_size=4, max_size=6),
)


def polygon(*rings: Any) -> shapely.Polygon:
    with np.errstate(invalid="ignore"):  # for NaN
        try:
            return shapely.Polygon(rings[0], rings[1:])
        except shapely.GEOSException:  # a ring that begins with NaN
            return shapely.Polygon()


def line(corners: Any) -> shapely.LineString:
    with np.errstate(invalid="ignore"):
        return shapely.LineString(corners)


SHAPE = st.recursive(
    st.one_of(
        st.none(),
        CORNERS.map(polygon),
        st.lists(CORNERS, min_size=2, max_size=3).map(lambda rings: polygon(*rings)),
        st.lists(CORNERS.map(polygon), max_size=3).map(shapely.MultiPolygon),
        CORNERS.map(line),
        st.tuples(X, Y).map(shapely.Point),
        st.tuples(X, Y, ANY).map(shapely.Point),
        st.tuples(X, Y).map(lambda xy: shapely.MultiPoint([xy])),
        st.just(shapely.Point()),
        st.just(shapely.Polygon()),
    ),
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: shapely.GeometryCollection([part for part in parts if part])),
    max_leaves=4,
)
ROWS = st.lists(st.tuples(SHAPE, st.one_of(st.sampled_from(["A1", " A2 "]), TEXT), st.text(max_size=8)), min_size=1, max_size=8)
BATCHES = st.lists(ROWS, min_size=1, max_size=3)
LAYERS = st.sampled_from(["buildings", "cameras"])
SYSTEMS = st.sampled_from(["wgs84", "gcj02", "EPSG:4549", "EPSG:3857"])


def raw_batches(batches: list[list[tuple[Any, str, str]]]) -> list[RawBatch]:
    starts = np.cumsum([1, *[len(rows) for rows in batches]]).tolist()
    return [
        batch([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], start)
        for rows, start in zip(batches, starts, strict=False)
    ]


@QUIET
@given(batches=BATCHES, layer=LAYERS, crs=SYSTEMS, order=st.sampled_from(["xy", "yx"]))
def test_any_geometry_is_accounted_for_and_the_same_twice(
    batches: list[list[tuple[Any, str, str]]], layer: str, crs: str, order: str, tmp_path: Path
) -> None:
    more = f'axis_order = "{order}"\n'
    first = result_of(opened(tmp_path, layer, crs, raw_batches(batches), more))
    accounted(first)
    if layer == "buildings":
        are_valid_multipolygons(first.rows)
    second = result_of(opened(tmp_path, layer, crs, raw_batches(batches), more))
    assert first[:4] == second[:4]
    assert (first.tally.reasons, first.tally.warned) == (second.tally.reasons, second.tally.warned)


@QUIET
@given(batches=BATCHES, layer=LAYERS)
def test_what_was_loaded_needs_no_more_repair(batches: list[list[tuple[Any, str, str]]], layer: str, tmp_path: Path) -> None:
    first = result_of(opened(tmp_path, layer, "wgs84", raw_batches(batches)))
    if not first.rows:
        return
    stored = list(shapely.from_wkb([row["geom"] for row in first.rows]))
    again = result_of(
        opened(tmp_path, layer, "wgs84", [batch(stored, [row["code"] for row in first.rows], [row["name"] for row in first.rows])])
    )
    assert (again.rejects, again.repairs) == ([], [])
    assert [{**row, "row_number": 0} for row in again.rows] == [{**row, "row_number": 0} for row in first.rows]
    places = ("duplicate_position", "mixed_geometry")
    assert [issue.feature_code for issue in again.issues] == [issue.feature_code for issue in first.issues if issue.code in places[:1]]


WKT = st.one_of(SHAPE.map(lambda shape: None if shape is None else shape.wkt), st.text(max_size=30), st.binary(max_size=40).map(bytes.hex))


@QUIET
@given(texts=st.lists(WKT, min_size=1))
def test_any_wkt_is_accounted_for(texts: list[str | None], tmp_path: Path) -> None:
    rows = [(None, f"A{number}", text) for number, text in enumerate(texts)]
    raw = batch([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])
    result = result_of(opened(tmp_path, "cameras", "wgs84", [raw], 'coordinates = { wkt = "name" }\n'))
    accounted(result)
    assert result.tally.read == len(texts)
