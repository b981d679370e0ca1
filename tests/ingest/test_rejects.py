"""Bad rows back as files: the source's own columns and values with the reasons, which load again once they are mended."""

from __future__ import annotations

import csv
import datetime as dt
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyogrio
import pytest
import shapely

from gisgrid.db.records import Reject, Repair
from gisgrid.db.runs import Run
from gisgrid.errors import UsageError
from ingest.past import find_run, rejects_of, repairs_of
from ingest.rejects import REASONS, save_rejects, save_repairs
from tests.ingest.conftest import Bench

COVERS = """
id = "covers"
layer = "manhole_covers"
path = "{path}"
crs = "wgs84"
{more}
[sources.fields]
code = "code"
class_code = {{ field = "code", slice = [6, 10] }}
scheme = {{ constant = "CJ/T 214" }}
edition = {{ constant = "2007" }}
name = "name"
installed_on = {{ field = "installed", format = "%Y-%m-%d" }}
"""
COLUMNS = 'coordinates = { lon = "lon", lat = "lat" }'
GOOD, BAD = "3702030101000001", "3702030101000002"


def a_run(path: str, columns: list[str], source: dict[str, Any] | None = None, crs: str | None = "EPSG:4528") -> Run:
    start = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
    known: dict[str, Any] = dict.fromkeys(Run._fields, 0)
    known |= {"id": 7, "source_id": "covers", "path": path, "started_at": start, "crs": crs, "source_columns": columns}
    return Run(**known | {"settings": {"source": source or {}}, "report": {}})


def a_reject(number: int, raw: dict[str, Any], place: shapely.Geometry | None = None, message: str = "It is wrong.") -> Reject:
    wkb = shapely.to_wkb(place, output_dimension=4, flavor="iso") if place is not None else None
    return Reject(number, "code_pattern", message, "code", raw, None, wkb)


def lines(path: Path, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=delimiter))


def cells(path: Path) -> list[tuple[Any, ...]]:
    book = openpyxl.load_workbook(path)
    rows = list(book.active.iter_rows(values_only=True))  # type: ignore[union-attr]
    book.close()
    return rows


def saved(bench: Bench, name: str, source: str = "covers") -> Path:
    """Write the rejects of the last run of a source to a file in the bench's folder."""
    assert bench.database is not None
    database, run = bench.database, find_run(bench.database, source)
    path = bench.folder / name
    save_rejects(run, lambda: rejects_of(database, run), path)
    return path


def test_a_csv_comes_back_in_its_own_columns_and_loads_with_the_same_description_once_mended(bench: Bench) -> None:
    rows = ["lon,lat,code,name,installed", f"120.38,36.08,{GOOD},上水井盖,2020-01-02", f"120.39,36.09,{BAD}X,=SUM(1),2020-13-01"]
    bench.write("covers.csv", "\n".join([*rows, ""]))
    bench.run(COVERS.format(path="covers.csv", more=COLUMNS))
    path = saved(bench, "back.csv")
    header, row = lines(path)
    assert header == ["lon", "lat", "code", "name", "installed", *REASONS]
    assert row[:7] == ["120.39", "36.09", f"{BAD}X", "=SUM(1)", "2020-13-01", "2", "bad_date"]
    assert "2020-13-01" in row[8], "all reasons are told"
    assert "does not match" in row[8]
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    mended = path.read_text(encoding="utf-8-sig").replace(f"{BAD}X", BAD).replace("2020-13-01", "2020-12-01", 1)
    bench.write("covers.csv", "\ufeff" + mended)
    (report,) = bench.run(COVERS.format(path="covers.csv", more=COLUMNS), partial=True)
    assert (report.read, report.loaded, report.inserted, report.retired) == (1, 1, 1, 0)
    assert bench.one("SELECT name FROM gisgrid.manhole_covers WHERE code = %s", BAD) == "=SUM(1)"


def test_a_csv_in_gb18030_with_semicolons_and_a_late_header_comes_back_as_it_was(bench: Bench) -> None:
    text = f"井盖普查\r\n\r\nlon;lat;code;name;installed\r\n120.38;36.08;{GOOD};甲;2020-01-02\r\n120.39;36.09;坏;乙“;2020-01-02\r\n"
    bench.write("covers.csv", text.encode("gb18030"))
    described = COVERS.format(path="covers.csv", more=f'{COLUMNS}\nencoding = "gbk"\ndelimiter = ";"\nheader_row = 3')
    bench.run(described)
    path = saved(bench, "back.csv")
    back = lines(path, "gb18030", ";")
    assert back[2] == ["lon", "lat", "code", "name", "installed", *REASONS]
    assert back[3][:5] == ["120.39", "36.09", "坏", "乙“", "2020-01-02"]
    bench.write("covers.csv", path.read_bytes().replace("坏".encode("gb18030"), BAD.encode(), 1))
    (report,) = bench.run(described, partial=True)
    assert (report.read, report.loaded) == (1, 1)


def test_text_that_the_declared_encoding_cannot_hold_comes_in_utf8_and_that_is_said(tmp_path: Path) -> None:
    run = a_run("covers.csv", ["name"], {"encoding": "big5"})
    found = save_rejects(run, lambda: [a_reject(1, {"name": "简体�"})], tmp_path / "back.csv")
    assert lines(tmp_path / "back.csv")[1][0] == "简体�"
    assert "UTF-8" in found.notes[0]


def test_a_sheet_comes_back_with_its_codes_as_text_and_no_formula(bench: Bench) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "井盖"
    sheet.append(["code", "name", "installed", "lon", "lat", "count"])
    sheet.append([GOOD, "good", "2020-01-02", 120.38, 36.08, 5])
    sheet.append([f"{BAD[:-1]}", "=1+1", "2020-01-02", 120.39, 36.09, 7])
    sheet["B3"].data_type = "s"
    sheet.append([None, "no code", "2020-01-02", 120.39, 36.09, None])
    book.save(bench.folder / "covers.xlsx")
    described = COVERS.format(path="covers.xlsx", more=f'{COLUMNS}\nsheet = "井盖"')
    bench.run(described)
    path = saved(bench, "back.xlsx")
    header, first, second = cells(path)
    assert header == ("code", "name", "installed", "lon", "lat", "count", *REASONS)
    assert first[:7] == (BAD[:-1], "=1+1", "2020-01-02", "120.39", "36.09", "7", 2)
    assert second[:2] == (None, "no code")
    assert openpyxl.load_workbook(path)["井盖"]["B2"].data_type == "s"
    book = openpyxl.load_workbook(path)
    book["井盖"]["A2"], book["井盖"]["A3"] = BAD, "3702030101000003"
    book.save(bench.folder / "covers.xlsx")
    (report,) = bench.run(described, partial=True)
    assert (report.read, report.loaded) == (2, 2)
    assert bench.one("SELECT name FROM gisgrid.manhole_covers WHERE code = %s", BAD) == "=1+1"


def test_numbers_in_a_sheet_lose_no_digit(tmp_path: Path) -> None:
    raw = {"id": 3702030101000001, "small": 42, "share": 0.1 + 0.2, "height": 12.5, "is_new": True, "odd": "#N/A"}
    save_rejects(a_run("covers.gpkg", list(raw)), lambda: [a_reject(1, raw)], tmp_path / "back.xlsx")
    assert cells(tmp_path / "back.xlsx")[1][:6] == ("3702030101000001", 42, repr(0.1 + 0.2), 12.5, True, "#N/A")
    assert openpyxl.load_workbook(tmp_path / "back.xlsx")["Sheet1"]["F2"].data_type == "s"


@pytest.mark.parametrize(("text", "why"), [("x" * 40_000, "40,000 characters"), ("a\x01b", "control character")])
def test_what_no_cell_can_hold_is_refused_and_leaves_no_file(tmp_path: Path, text: str, why: str) -> None:
    run = a_run("covers.gpkg", ["name"])
    with pytest.raises(UsageError, match=why) as refused:
        save_rejects(run, lambda: [a_reject(1, {"name": text})], tmp_path / "back.xlsx")
    assert ".csv" in refused.value.hint
    assert list(tmp_path.iterdir()) == []
    save_rejects(run, lambda: [a_reject(1, {"name": text})], tmp_path / "back.csv")
    assert lines(tmp_path / "back.csv")[1][0] == text


def test_a_map_layer_comes_back_with_its_geometry_in_its_own_system_and_loads_again(bench: Bench) -> None:
    codes = [GOOD, "bad", None]
    fields = {"code": pa.array(codes), "name": pa.array(["a", "乙", "c"]), "installed": pa.array([dt.date(2020, 1, 2)] * 3)}
    places = [
        shapely.Point(40531281.91, 3995805.683, 7.5),
        shapely.Point(40531291.91, 3995815.683, 8.5),
        shapely.Point(40531299.5, 3995815.6),
    ]
    table = pa.table({**fields, "geom": pa.array(shapely.to_wkb(places), pa.binary())})
    pyogrio.write_arrow(
        table, bench.folder / "covers.gpkg", driver="GPKG", geometry_name="geom", geometry_type="Unknown", crs="EPSG:4528", layer="survey"
    )
    described = COVERS.format(path="covers.gpkg", more='inner_layer = "survey"').replace('crs = "wgs84"\n', "")
    bench.run(described)
    path = saved(bench, "back.gpkg")
    info = pyogrio.read_info(path)
    assert (info["layer_name"], info["crs"]) == ("survey", "EPSG:4528")
    _, _, geom, columns = pyogrio.raw.read(path)
    assert info["fields"].tolist() == ["code", "name", "installed", *REASONS]
    assert shapely.equals_exact(shapely.from_wkb(geom), places[1:], 0).all()
    assert shapely.get_z(shapely.from_wkb(geom[0])) == 8.5
    assert columns[1].tolist() == ["乙", "c"]
    fixed = pyogrio.read_dataframe(path)
    fixed["code"] = [BAD, "3702030101000003"]
    (bench.folder / "covers.gpkg").unlink()
    pyogrio.write_dataframe(fixed, bench.folder / "covers.gpkg", layer="survey")
    (report,) = bench.run(described, partial=True)
    assert (report.read, report.loaded) == (2, 2)
    assert bench.one("SELECT count(*) FROM gisgrid.manhole_covers WHERE installed_on = '2020-01-02'") == 3


def test_geometries_of_a_map_layer_come_in_a_csv_as_wkt_that_loads_again(bench: Bench, geojson: Callable[..., str]) -> None:
    point = {"type": "Point", "coordinates": [120.380000001, 36.08]}
    entries = [(point, {"code": GOOD, "name": "a", "installed": None}), (point, {"code": "no", "name": "b,c", "installed": None})]
    bench.write("covers.geojson", geojson(entries))
    bench.run(COVERS.format(path="covers.geojson", more=""))
    path = saved(bench, "back.csv")
    header, row = lines(path)
    assert header[:4] == ["code", "name", "installed", "wkt"]
    assert row[:4] == ["no", "b,c", "", "POINT (120.380000001 36.08)"]
    bench.write("mended.csv", path.read_bytes().replace(b"no,", BAD.encode() + b","))
    (report,) = bench.run(COVERS.format(path="mended.csv", more='coordinates = { wkt = "wkt" }'), partial=True)
    assert (report.read, report.loaded) == (1, 1)


def test_mixed_and_missing_geometries_fit_in_one_layer_and_a_shifted_system_has_no_name(tmp_path: Path) -> None:
    shapes = [shapely.Point(1, 2), shapely.box(0, 0, 1, 1), None, shapely.LineString([(0, 0), (1, 1)])]
    rejects = [a_reject(number, {"code": "x"}, shape) for number, shape in enumerate(shapes, 1)]
    found = save_rejects(a_run("covers.json", ["code"], crs="gcj02"), lambda: rejects, tmp_path / "back.gpkg")
    assert found.rows == 4
    assert "gcj02 has no EPSG number" in found.notes[0]
    meta, _, geom, _ = pyogrio.raw.read(tmp_path / "back.gpkg")
    assert meta["crs"] is None or "4326" not in meta["crs"]
    assert [shapely.from_wkb(one).geom_type if one is not None else None for one in geom] == ["Point", "Polygon", None, "LineString"]


def test_columns_called_like_those_of_a_geopackage_or_of_ours_do_no_harm(tmp_path: Path) -> None:
    raw = {"fid": 12, "geom": "text", "wkt": "w", "gisgrid_row": 99, "code": "x", "tag": {"a": [1, "ü"]}, "mixed": 1}
    rejects = [a_reject(5, raw, shapely.Point(1, 2)), a_reject(6, {"mixed": "one", "extra": None}, None)]
    run = a_run("covers.json", ["fid", "geom", "wkt", "gisgrid_row", "code"])
    for name in ("back.gpkg", "back.csv"):
        save_rejects(run, lambda: rejects, tmp_path / name)
    meta, _, _, columns = pyogrio.raw.read(tmp_path / "back.gpkg")
    values = dict(zip(meta["fields"].tolist(), [column.tolist()[0] for column in columns], strict=True))
    assert values["fid"] == 12
    assert (values["geom"], values["gisgrid_row"], values["mixed"], values["tag"]) == ("text", 5, "1", '{"a": [1, "ü"]}')
    assert lines(tmp_path / "back.csv")[0] == ["fid", "geom", "wkt", "code", "tag", "mixed", "gisgrid_wkt", *REASONS]


def test_an_existing_file_an_unknown_ending_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    run, path = a_run("covers.csv", ["code"]), tmp_path / "back.csv"
    path.write_text("mended by hand")
    with pytest.raises(UsageError, match="exists already"):
        save_rejects(run, lambda: [a_reject(1, {"code": "x"})], path)
    assert path.read_text() == "mended by hand"
    assert save_rejects(run, lambda: [a_reject(1, {"code": "x"})], path, overwrite=True).rows == 1
    with pytest.raises(UsageError, match=r"\.csv, \.xlsx, \.gpkg"):
        save_rejects(run, lambda: [], tmp_path / "back.shp")
    with pytest.raises(UsageError, match="no folder"):
        save_rejects(run, lambda: [], tmp_path / "none" / "back.csv")


def test_no_rejects_make_no_file(tmp_path: Path) -> None:
    assert save_rejects(a_run("covers.csv", ["code"]), lambda: [], tmp_path / "back.csv").rows == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["back.csv", "back.gpkg"])
def test_many_rejects_take_no_more_memory_than_few(tmp_path: Path, name: str) -> None:
    def read() -> Iterator[Reject]:
        return (a_reject(number, {"code": f"{number:016d}", "name": f"{number}{'名' * 200}"}) for number in range(20_000))

    run = a_run("covers.csv", ["code", "name"])
    tracemalloc.start()
    try:
        assert save_rejects(run, read, tmp_path / name).rows == 20_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 9_000_000, "20,000 such rows held at once are 18 MB"


def test_repairs_come_with_what_was_before_and_after(bench: Bench) -> None:
    bench.write("covers.csv", f"lon,lat,code,name,installed\n120.38,36.08,{GOOD}, 甲 ,2020-01-02\n")
    bench.run(COVERS.format(path="covers.csv", more=COLUMNS))
    assert bench.database is not None
    database, run = bench.database, find_run(bench.database, "last")

    def read() -> Iterator[Repair]:
        return repairs_of(database, run)

    assert save_repairs(read, bench.folder / "repairs.csv").rows == 1
    header, row = lines(bench.folder / "repairs.csv")
    assert dict(zip(header, row, strict=True)) == {
        "gisgrid_row": "1", "gisgrid_check": "trimmed", "gisgrid_field": "name", "feature_code": GOOD,
        "before": " 甲 ", "after": "甲", "lon": "120.38", "lat": "36.08",
    }  # fmt: skip
    save_repairs(read, bench.folder / "repairs.gpkg")
    meta, _, geom, _ = pyogrio.raw.read(bench.folder / "repairs.gpkg")
    assert meta["crs"] == "EPSG:4326"
    assert shapely.from_wkb(geom[0]).coords[0] == (120.38, 36.08)
