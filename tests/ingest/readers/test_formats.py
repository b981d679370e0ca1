"""Small files of every format are read back equal: Chinese names and values, nulls, dates, three dimensions, several layers."""

from __future__ import annotations

import gzip
import shutil
import zipfile
from pathlib import Path
from typing import Any

import geopandas
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from gisgrid.errors import SourceError
from tests.ingest.readers.reading import read

CODES = ["A1", "A2", "A3"]
NAMES = ["山东路1号井盖", None, "镇江路，雨水"]
POINTS = [shapely.Point(120.38, 36.08), shapely.Point(120.39, 36.081), shapely.Point(120.4, 36.082)]


def frame(**more: Any) -> geopandas.GeoDataFrame:
    columns = {"编号": CODES, "名称": NAMES, "n": [1, 2, 3], "since": pd.to_datetime(pd.Series(["2020-01-31", None, "2021-12-01"])), **more}
    return geopandas.GeoDataFrame(columns, geometry=POINTS, crs=4326)


def text(value: Any) -> str | None:
    return None if pd.isna(value) else str(value)


def assert_same(path: Path, names: tuple[str, str] = ("编号", "名称"), **keys: Any) -> None:
    found = read(path, **keys)
    assert [row[names[0]] for row in found.rows] == CODES
    assert [text(row[names[1]]) for row in found.rows] == NAMES
    assert found.broken == {}
    assert all(shapely.equals_exact(a, b, tolerance=1e-9) for a, b in zip(shapely.force_2d(found.geom), POINTS, strict=True))
    assert "4326" in (found.contents.crs or "")
    assert found.contents.total in {0, 3}


@pytest.mark.parametrize(
    ("name", "driver"),
    [
        ("covers.gpkg", "GPKG"),
        ("covers.geojson", "GeoJSON"),
        ("covers.geojsonl", "GeoJSONSeq"),
        ("covers.geojsons", "GeoJSONSeq"),
        ("covers.ndjson", "GeoJSONSeq"),
        ("covers.fgb", "FlatGeobuf"),
        ("covers.kml", "LIBKML"),
        ("covers.gdb", "OpenFileGDB"),
        ("covers.sqlite", "SQLite"),
    ],
)
def test_what_was_written_is_read(tmp_path: Path, name: str, driver: str) -> None:
    options = {"RS": "YES"} if name.endswith("geojsons") else {"SPATIAL_INDEX": "NO"} if name.endswith("fgb") else {}
    data = frame()
    if name.endswith("gdb"):
        data = data.drop(columns=["n", "since"])  # the driver has remarks on their types
    data.to_file(tmp_path / name, driver=driver, engine="pyogrio", layer="covers", **options)
    assert_same(tmp_path / name)


@pytest.mark.parametrize("ending", ["gml", "mif", "tab"])
def test_formats_that_take_ascii_names_only_keep_chinese_values(tmp_path: Path, ending: str) -> None:
    driver, options = ("GML", {}) if ending == "gml" else ("MapInfo File", {"ENCODING": "UTF-8"})
    renamed = frame().rename(columns={"编号": "code", "名称": "name"})
    renamed["name"] = renamed["name"].fillna("")
    renamed.to_file(tmp_path / f"covers.{ending}", driver=driver, engine="pyogrio", **options)
    found = read(tmp_path / f"covers.{ending}")
    assert [row["code"] for row in found.rows] == CODES
    assert [row["name"] or None for row in found.rows] == NAMES
    assert [(p.x, p.y) for p in found.geom] == [pytest.approx((p.x, p.y), abs=1e-5) for p in POINTS]
    assert not list(tmp_path.glob("*.gfs"))


@pytest.mark.parametrize("encoding", ["GBK", "UTF-8", "BIG5"])
@pytest.mark.parametrize("with_cpg", [True, False])
def test_a_shapefile_says_its_encoding_or_shows_it(tmp_path: Path, encoding: str, with_cpg: bool) -> None:
    codes, column = ("編號", "名稱") if encoding == "BIG5" else ("编号", "名称")
    names = ["山東路一號樓井蓋", None, "鎮江路雨水"] if encoding == "BIG5" else NAMES
    data = geopandas.GeoDataFrame({codes: CODES, column: names, "n": [1, 2, 3]}, geometry=POINTS, crs=4326)
    data.to_file(tmp_path / "covers.shp", engine="pyogrio", encoding=encoding)
    if not with_cpg:
        (tmp_path / "covers.cpg").unlink()
        content = bytearray((tmp_path / "covers.dbf").read_bytes())
        content[29] = 0  # the language byte
        (tmp_path / "covers.dbf").write_bytes(content)
    found = read(tmp_path / "covers.shp")
    assert found.contents.columns == (codes, column, "n")
    assert [row[column] for row in found.rows] == names
    assert [row[codes] for row in found.rows] == CODES
    assert [row["n"] for row in found.rows] == [1, 2, 3]
    assert found.contents.encoding == {"GBK": "gb18030", "UTF-8": "utf-8", "BIG5": "big5"}[encoding]
    assert found.geom == POINTS


def test_points_with_heights_keep_them(tmp_path: Path) -> None:
    high = geopandas.GeoDataFrame({"code": CODES}, geometry=shapely.force_3d(POINTS, 7.5), crs=4528)
    for name, driver in (("a.shp", None), ("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.geojson", "GeoJSON")):
        high.to_file(tmp_path / name, driver=driver, engine="pyogrio")
        found = read(tmp_path / name)
        assert [point.z for point in found.geom] == [7.5] * 3
        assert "4528" in (found.contents.crs or "") or name == "a.shp"


def test_a_file_with_several_layers_needs_one_named(tmp_path: Path) -> None:
    for layer in ("covers", "cameras"):
        frame().to_file(tmp_path / "all.gpkg", layer=layer, engine="pyogrio")
    with pytest.raises(SourceError, match=r"several layers.*covers, cameras"):
        read(tmp_path / "all.gpkg")
    assert read(tmp_path / "all.gpkg", inner_layer="cameras").size == 3


def test_a_kmz_and_a_zipped_geodatabase_are_unpacked(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "doc.kml", driver="LIBKML", engine="pyogrio", layer="covers")
    frame().drop(columns=["n", "since"]).to_file(tmp_path / "town.gdb", driver="OpenFileGDB", engine="pyogrio", layer="covers")
    with zipfile.ZipFile(tmp_path / "covers.kmz", "w") as archive:
        archive.write(tmp_path / "doc.kml", "doc.kml")
    shutil.make_archive(str(tmp_path / "town.gdb"), "zip", tmp_path, "town.gdb")
    assert_same(tmp_path / "covers.kmz")
    assert_same(tmp_path / "town.gdb.zip")


def test_a_drawing_is_read_as_gdal_gives_it(tmp_path: Path) -> None:
    geopandas.GeoDataFrame(geometry=POINTS, crs=4326).to_file(tmp_path / "plan.dxf", driver="DXF", engine="pyogrio")
    assert [(p.x, p.y) for p in read(tmp_path / "plan.dxf").geom] == [(p.x, p.y) for p in POINTS]


@pytest.mark.parametrize("encoding", ["WKB", "geoarrow"])
@pytest.mark.parametrize(
    "shapes", [POINTS, [point.buffer(1, 2) for point in POINTS], [shapely.MultiPoint(POINTS), None, shapely.MultiPoint()]]
)
def test_geoparquet_in_both_encodings(tmp_path: Path, encoding: str, shapes: list[Any]) -> None:
    data = geopandas.GeoDataFrame({"编号": CODES, "名称": NAMES}, geometry=shapes, crs=4528)
    data.to_parquet(tmp_path / "covers.parquet", geometry_encoding=encoding, schema_version="1.1.0")
    found = read(tmp_path / "covers.parquet")
    assert [row["名称"] for row in found.rows] == NAMES
    assert [shape is None for shape in found.geom] == [shape is None for shape in shapes]
    assert all(a is None or a.equals(b) or a.is_empty for a, b in zip(found.geom, shapes, strict=True))
    assert found.contents.crs == "EPSG:4528"


def test_geoparquet_without_a_coordinate_system_says_none_or_the_default(tmp_path: Path) -> None:
    geopandas.GeoDataFrame({"code": CODES}, geometry=POINTS).to_parquet(tmp_path / "none.parquet")
    geopandas.GeoDataFrame({"code": CODES}, geometry=POINTS, crs="OGC:CRS84").to_parquet(tmp_path / "default.parquet")
    assert read(tmp_path / "none.parquet").contents.crs is None
    assert read(tmp_path / "default.parquet").contents.crs == "EPSG:4326"


def test_plain_parquet_is_a_table_of_any_types(tmp_path: Path) -> None:
    table = pa.table(
        {
            "code": pa.array(CODES).dictionary_encode(),
            "lon": [120.38, None, 1.0],
            "tags": [{"a": [1]}, None, {"a": []}],
            "raw": [b"\x01", None, b""],
            "at": pa.array([1, None, 2], pa.timestamp("us", "UTC")),
            "cost": pa.array(["1.50", None, "2.00"]).cast(pa.decimal128(9, 2)),
        }
    )
    pq.write_table(table, tmp_path / "covers.parquet", row_group_size=2)
    found = read(tmp_path / "covers.parquet")
    assert not found.contents.has_geometry
    assert [row["code"] for row in found.rows] == CODES
    assert found.rows[0]["tags"] == '{"a": [1]}'
    assert [row["raw"] for row in found.rows] == ["01", None, ""]
    assert [row["cost"] for row in found.rows] == ["1.50", None, "2.00"]


@pytest.mark.parametrize("ending", ["xlsx", "ods"])
def test_a_sheet_below_a_title(tmp_path: Path, ending: str) -> None:
    cells = [["井盖普查表", None], [None, None], ["编号", "名称"], *zip(CODES, NAMES, strict=True), [None, None], ["A4", "后"]]
    if ending == "xlsx":
        pd.DataFrame(cells).to_excel(tmp_path / "covers.xlsx", header=False, index=False)
    else:
        write_ods(tmp_path / "covers.ods", cells)
    found = read(tmp_path / f"covers.{ending}", header_row=3)
    assert [row["编号"] for row in found.rows] == [*CODES, "A4"]
    assert [row["名称"] or None for row in found.rows] == [*NAMES, "后"]
    assert [number for batch in found.batches for number in batch.numbers.tolist()] == [1, 2, 3, 5]


def write_ods(path: Path, cells: list[Any]) -> None:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' if cell else "<table:table-cell/>"
            for cell in row
        )
        + "</table:table-row>"
        for row in cells
    )
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {spaces}><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")


def test_a_gzipped_table(tmp_path: Path) -> None:
    (tmp_path / "covers.csv.gz").write_bytes(gzip.compress("编号,名称\nA1,井\n".encode()))
    assert read(tmp_path / "covers.csv.gz").rows == [{"编号": "A1", "名称": "井"}]


def test_esri_json_and_topojson_go_to_gdal(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        '{"geometryType":"esriGeometryPoint","spatialReference":{"wkid":4326},"fields":[{"name":"code","type":"esriFieldTypeString"}],'
        '"features":[{"attributes":{"code":"A1"},"geometry":{"x":120.38,"y":36.08}}]}'
    )
    found = read(tmp_path / "a.json")
    assert [row["code"] for row in found.rows] == ["A1"]
    assert found.geom == [POINTS[0]]
