"""GeoJSON is read strictly and as a stream: every entry is a row or a broken row, and a broken file is refused with the place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely

from gisgrid.errors import SourceError
from ingest.readers import geojson, json_stream
from tests.ingest.readers.reading import read


def feature(code: Any, shape: Any = None) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"code": code}, "geometry": shape or {"type": "Point", "coordinates": [120.38, 36.08]}}


def collection(path: Path, *items: Any, **members: Any) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": items}), encoding="utf-8")
    return path


def test_entries_that_are_no_features_are_broken_rows_with_reasons(tmp_path: Path) -> None:
    items = [feature("A1"), {"type": "Foo"}, 5, None, [feature("A2")], {"no": "type"}, {**feature("A3"), "properties": [1]}, feature("A4")]
    found = read(collection(tmp_path / "a.geojson", *items))
    assert found.size == len(items)
    assert found.broken == {
        2: "Its type is 'Foo', not 'Feature'.",
        3: "It is a number, not a Feature.",
        4: "It is null, not a Feature.",
        5: "It is a list, not a Feature.",
        6: "It has no type, so it is not a Feature.",
        7: "Its properties are a list, not an object.",
    }
    assert found.rows[1] == {"code": None, "_extra": ['{"type": "Foo"}']}
    assert [row["code"] for row in found.rows if row["code"]] == ["A1", "A4"]


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        ({"type": "Point", "coordinates": ["1", "2"]}, "must be number"),
        ({"type": "Point", "coordinates": [1]}, "Expected two or three"),
        ({"type": "Nope", "coordinates": [1, 2]}, "none that GeoJSON has"),
        ({"type": "LineString", "coordinates": [[1, 2]]}, "must contain 0 or >1"),
        ("POINT(1 2)", "none that GeoJSON has"),
    ],
)
def test_a_geometry_that_cannot_be_built_costs_its_row_with_the_reason(tmp_path: Path, shape: Any, reason: str) -> None:
    found = read(collection(tmp_path / "a.geojson", feature("A1"), feature("A2", shape)))
    assert list(found.broken) == [2]
    assert reason in found.broken[2]
    assert found.rows[1]["code"] == "A2"


def test_rings_are_closed_and_the_rows_marked(tmp_path: Path) -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 1]]
    found = read(collection(tmp_path / "a.geojson", feature("A1", {"type": "Polygon", "coordinates": [ring]}), feature("A2")))
    assert found.broken == {}
    assert found.geom[0].equals(shapely.box(0, 0, 1, 1))
    (batch,) = found.batches
    assert batch.closed is not None
    assert batch.closed.tolist() == [True, False]


@pytest.mark.parametrize("root", [feature("A1"), feature("A1")["geometry"], {"type": "GeometryCollection", "geometries": []}])
def test_a_single_feature_or_a_bare_geometry_is_one_row(tmp_path: Path, root: Any) -> None:
    (tmp_path / "a.geojson").write_text(json.dumps(root), encoding="utf-8")
    found = read(tmp_path / "a.geojson")
    assert (found.size, found.broken) == (1, {})


def test_values_of_all_kinds_keep_what_they_say(tmp_path: Path) -> None:
    values = ["x", 1, 2.5, True, None, {"a": [1]}, 10**17, "007"]
    rows = read(collection(tmp_path / "a.geojson", *map(feature, values))).rows
    assert [row["code"] for row in rows] == ["x", "1", "2.5", "true", None, '{"a": [1]}', "100000000000000000", "007"]
    assert [row["code"] for row in read(collection(tmp_path / "b.geojson", feature(1), feature(10**17))).rows] == [1, 10**17]


@pytest.mark.parametrize(
    ("crs", "expected"),
    [
        ({}, "EPSG:4326"),
        ({"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4528"}}}, "urn:ogc:def:crs:EPSG::4528"),
        ({"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}, "EPSG:4326"),
        ({"crs": None}, None),
    ],
)
@pytest.mark.parametrize("is_last", [False, True])
def test_the_coordinate_system_is_the_one_stated_or_wgs84(tmp_path: Path, crs: dict[str, Any], expected: str | None, is_last: bool) -> None:
    whole = {"type": "FeatureCollection", **({} if is_last else crs), "features": [feature("A1")], **(crs if is_last else {})}
    (tmp_path / "a.geojson").write_text(json.dumps(whole), encoding="utf-8")
    assert read(tmp_path / "a.geojson").contents.crs == expected


@pytest.mark.parametrize("cut", [10, 60, 150, -2, -1])
def test_a_document_that_is_cut_off_is_refused_with_the_place(tmp_path: Path, cut: int) -> None:
    path = collection(tmp_path / "a.geojson", *[feature(f"A{number}") for number in range(5)])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"a\.geojson is not JSON: .* at character \d+"):
        read(path)


@pytest.mark.parametrize("block", [1, 7, 64])
def test_reading_a_little_at_a_time_gives_the_same(tmp_path: Path, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [feature(f'A{number}]}},{{"号'), 12345, -1.5e3, feature(None)] if (number := 7) else []
    path = collection(tmp_path / "a.geojson", *items, name='x"features":[', more={"features": [1]})
    whole = read(path)
    monkeypatch.setattr(json_stream, "_BLOCK_CHARS", block)
    parts = read(path)
    assert (parts.rows, parts.broken, parts.geom) == (whole.rows, whole.broken, whole.geom)
    assert whole.size == 4


def test_many_features_at_once_are_the_same_as_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = ["}, {", '"},{"', "\\", "[{},{}]", "井盖", "}", "{"]
    items = [{**feature(text), "properties": {"code": text, "parts": [{"a": 1}, {"b": text}, {}]}} for text in texts for _ in range(30)]
    path = collection(tmp_path / "a.geojson", *items, 5, feature("last"))
    at_once = read(path)
    monkeypatch.setattr(json_stream, "_GIVE_UP", -1)
    one_by_one = read(path)
    assert at_once.rows == one_by_one.rows
    assert at_once.broken == one_by_one.broken == {len(items) + 1: "It is a number, not a Feature."}
    assert [row["code"] for row in at_once.rows[: len(items)]] == [item["properties"]["code"] for item in items]


@pytest.mark.parametrize("mark", ["\n", "\n\x1e", "\r\n"])
def test_a_line_of_a_sequence_that_is_no_feature_is_one_broken_row(tmp_path: Path, mark: str) -> None:
    lines = [
        json.dumps(feature("A1")),
        "{broken",
        "",
        json.dumps({"type": "Point", "coordinates": [1, 2]}),
        "1,2",
        json.dumps(feature("A2")),
    ]
    (tmp_path / "a.geojsonl").write_text(mark.removeprefix("\n") + mark.join(lines), encoding="utf-8", newline="")
    found = read(tmp_path / "a.geojsonl")
    assert list(found.broken) == [2, 4]
    assert found.broken[2].startswith("It is not JSON: ")
    assert found.size == 5
    assert found.rows[1]["_extra"] == ["{broken"]


def test_a_column_that_appears_late_is_found_when_the_description_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geojson, "BATCH_ROWS", 50)
    monkeypatch.setattr(geojson, "_LOOKED_AT", 100)
    late = {**feature("B"), "properties": {"code": "B", "late": "x"}}
    lines = [json.dumps(feature("A"))] * 500 + [json.dumps(late)]
    (tmp_path / "a.geojsonl").write_text("\n".join(lines), encoding="utf-8")
    plain = {"code": "code", "kind": {"constant": "fixed"}}
    assert "late" not in read(tmp_path / "a.geojsonl", fields=plain).contents.columns
    assert "late" in read(tmp_path / "a.geojsonl", fields={**plain, "name": "late"}).contents.columns
