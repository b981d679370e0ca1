"""Values as people and programs write them: times of day behind dates, value maps that blank, numbers out of range as written."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from ingest.dates import dates
from tests.ingest.conftest import Bench

CAMERAS = """id = "cams"
layer = "cameras"
path = "cams.csv"
crs = "wgs84"
coordinates = { lon = "lon", lat = "lat" }
[sources.fields]
code = "code"
"""


@pytest.mark.parametrize("behind", ["+02", "-03", "+0200", "+02:00", "Z", " UTC", " GMT", ".250+02", ""])
@pytest.mark.parametrize("day", ["2021/03/15", "2021-03-15"])
def test_a_time_with_any_offset_is_cut_off(day: str, behind: str) -> None:
    assert dates(pa.array([f"{day} 23:30:00{behind}"])).values.to_pylist() == [dt.date(2021, 3, 15)]


def test_what_only_looks_like_an_offset_is_no_date() -> None:
    assert dates(pa.array(["2021-03-15 23:30+2", "2021-03-15 23:30+020", "2021-03-15+02"])).bad.tolist() == [True] * 3


@pytest.mark.parametrize("driver", ["KML", "LIBKML"])
@pytest.mark.parametrize("ending", ["kml", "kmz"])
@pytest.mark.filterwarnings("ignore:Field .* created as String field")
def test_dates_of_a_kml_that_gdal_has_written_are_read(tmp_path: Path, dry: Bench, driver: str, ending: str) -> None:
    times = pd.to_datetime(["2021-03-15 23:30:00+02:00", "2021-03-15 00:30:00+02:00", "NaT"])
    points = [shapely.Point(120.38, 36.07 + number / 1e3) for number in range(3)]
    covers = {"code": ["3702030101000001", "3702030101000002", "3702030101000003"], "laid": times}
    gpd.GeoDataFrame(covers, geometry=points, crs=4326).to_file(tmp_path / "covers.kml", driver=driver, engine="pyogrio", layer="covers")
    with zipfile.ZipFile(tmp_path / "covers.kmz", "w") as archive:
        archive.write(tmp_path / "covers.kml", "doc.kml")
    rows, rejects, _ = dry.outcome(
        f'id = "c"\nlayer = "manhole_covers"\npath = "covers.{ending}"\n[sources.fields]\ncode = "code"\ninstalled_on = "laid"\n'
        'scheme = { constant = "CJ/T 214" }\nedition = { constant = "2007" }\nclass_code = { field = "code", slice = [6, 10] }\n'
    )
    assert not rejects
    assert [row["installed_on"] for row in rows] == [dt.date(2021, 3, 15), dt.date(2021, 3, 15), None]


def test_a_value_map_may_leave_values_blank(dry: Bench) -> None:
    dry.write("cams.csv", "code,lon,lat,kind,height,state\nA,120.38,36.07,ptz,high,?\nB,120.38,36.08,ptz,none,ok\nC,120.38,36.09,ptz,x,\n")
    rows, rejects, _ = dry.outcome(
        f'{CAMERAS}kind = "kind"\n'
        'mount_height_m = { field = "height", values = { high = "8", none = "" }, otherwise = "" }\n'
        'status = { field = "state", values = { ok = "online" }, otherwise = "" }\n'
    )
    assert not rejects
    assert [(row["mount_height_m"], row["mount_height_source"]) for row in rows[:1]] == [(8.0, "vendor")]
    assert [row["mount_height_source"] for row in rows[1:]] == ["default", "default"]
    assert [row["status"] for row in rows] == [None, "online", None]


def test_a_blank_of_a_field_that_is_needed_rejects_its_row(dry: Bench) -> None:
    dry.write("cams.csv", "code,lon,lat,kind\nA,120.38,36.07,?\nB,120.38,36.08,p\n")
    _, rejects, _ = dry.outcome(f'{CAMERAS}kind = {{ field = "kind", values = {{ p = "ptz" }}, otherwise = "" }}\n')
    assert [(reject.row_number, reject.code) for reject in rejects] == [(1, "required")]


def test_a_number_out_of_range_is_told_as_it_is_written(dry: Bench) -> None:
    dry.write("cams.csv", "code,lon,lat,kind,h,r\nA,120.38,36.07,ptz,-1,1\nB,120.38,36.08,ptz,600.50,1\nC,120.38,36.09,ptz,5,９０\n")
    rules = f'{CAMERAS}kind = "kind"\nmount_height_m = "h"\nrange_m = {{ field = "r", unit = "km" }}\n'
    _, rejects, _ = dry.outcome(rules)
    assert [reject.message for reject in rejects] == [
        "mount_height_m: -1 is not between 0 and 500.",
        "mount_height_m: 600.50 is not between 0 and 500.",
        "range_m: ９０ (90000 m) is not between 0.1 and 20000.",
    ]
    _, rejects, _ = dry.outcome(f'{CAMERAS}kind = "kind"\nmount_height_m = {{ expression = "number(h) - 3" }}\n')
    assert rejects[0].message == "mount_height_m: -4 is not between 0 and 500."


def test_a_number_of_a_typed_column_is_told_without_a_fraction(tmp_path: Path, dry: Bench) -> None:
    cameras = {"code": ["A", "B"], "kind": ["ptz"] * 2, "h": [-1.0, 4.5]}
    points = [shapely.Point(120.38, 36.07), shapely.Point(120.38, 36.08)]
    gpd.GeoDataFrame(cameras, geometry=points, crs=4326).to_file(tmp_path / "cams.gpkg", engine="pyogrio")
    fields = '[sources.fields]\ncode = "code"\nkind = "kind"\nmount_height_m = "h"\n'
    _, (reject,), _ = dry.outcome(f'id = "cams"\nlayer = "cameras"\npath = "cams.gpkg"\n{fields}')
    assert "mount_height_m: -1 is not" in reject.message


def test_columns_without_a_name_are_called_nothing(dry: Bench) -> None:
    dry.write("cams.csv", "code,position,,kind\nA,120.38,36.07,ptz\n")
    rules = CAMERAS.replace('lon = "lon", lat = "lat"', 'lon = "position", lat = ""')
    rows, rejects, _ = dry.outcome(f'{rules}kind = "kind"\nname = ""\n')
    assert not rejects
    assert [(row["code"], row["name"]) for row in rows] == [("A", "36.07")]
