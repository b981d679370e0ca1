"""Files that cannot be used end in one clear message; files with bad rows lose none of them in silence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from ingest.pipeline import run

CAMERAS = """
id = "cameras"
layer = "cameras"
path = "{path}"
coordinates = {{ lon = "lon", lat = "lat" }}
crs = "wgs84"
fields = {{ code = "code", kind = {{ constant = "fixed" }} }}
"""
PLACED = """
id = "cameras"
layer = "cameras"
path = '{path}'
fields = {{ code = {{ field = ["code", "DM"], default = "none" }}, kind = {{ constant = "fixed" }} }}
"""
ROW = "code,lon,lat\nA1,120.38,36.08\n"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("absent.csv", None, ["There is no file", "--root"]),
        ("empty.csv", b"", ["is empty"]),
        ("blank.csv", b"\n  \n", ["is empty"]),
        ("header.csv", b"code,lon,lat\n", ["has no rows"]),
        ("sheet.csv", b"PK\x03\x04rest", ["not a text file", ".xlsx"]),
        ("binary.csv", b"code,lon,lat\n\x00\x01\x02", ["not a text file"]),
        ("gbk.csv", "code,lon,lat\n井盖,120.38,36.08\n".encode("gbk"), ["not UTF-8", "gb18030 reads '井盖'", "Write encoding ="]),
        ("other.csv", b"id,x,y\n1,2,3\n", ["does not have the columns", "code = code", "coordinates = lon", "Its columns: id, x, y"]),
        ("twice.csv", b"code,code,lon,lat\n1,2,3,4\n", ["more than one column called code"]),
        ("text.xlsx", ROW.encode(), ["cannot be read as a spreadsheet"]),
        ("empty.xlsx", b"", ["is empty"]),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_what_to_do(dry: Any, name: str, content: bytes | None, words: list[str]) -> None:
    if content is not None:
        dry.write(name, content)
    with pytest.raises(SourceError) as caught:
        dry.run(CAMERAS.format(path=name))
    assert name in caught.value.message
    assert caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('coordinates = { lon = "lon", lat = "lat" }', ""), ["has no geometry", "coordinates = {"]),
        (('crs = "wgs84"', ""), ["does not say its coordinate system", 'crs = "wgs84"']),
        (("wgs84", "moon"), ["moon", "EPSG:n"]),
        (('crs = "wgs84"', 'crs = "wgs84"\nencoding = "klingon"'), ["no encoding 'klingon'"]),
    ],
)
def test_a_description_that_leaves_out_what_the_file_needs_says_what_to_write(dry: Any, change: tuple[str, str], words: list[str]) -> None:
    dry.write("cameras.csv", ROW)
    with pytest.raises(SourceError) as caught:
        dry.run(CAMERAS.format(path="cameras.csv").replace(*change))
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cameras.geojson", b"not json"),
        ("cameras.geojson", b'{"type": "FeatureCollection", "features": []}'),
        ("cameras.gpkg", b"SQLite format 3\x00 cut short"),
        ("cameras.shp", b"\x00\x00\x27\x0a"),
        ("cameras.pbf", b"\x00\x00\x00\x0d"),
        ("cameras.what", b"who knows"),
    ],
)
def test_a_file_that_is_not_what_its_ending_says_is_refused(dry: Any, name: str, content: bytes) -> None:
    dry.write(name, content)
    with pytest.raises(SourceError) as caught:
        dry.run(PLACED.format(path=name))
    assert name in caught.value.message


def test_an_inner_layer_or_sheet_that_does_not_exist_is_refused_with_those_that_do(
    real: Path, helsinki: Deployment, tmp_path: Path
) -> None:
    extract = real / "helsinki" / "Helsinki_small_2020.osm.pbf"
    (tmp_path / "sources.toml").write_text(f"[[sources]]{PLACED.format(path=extract)}")
    with pytest.raises(SourceError, match=r"several layers.*points, lines"):
        run(None, helsinki, tmp_path / "sources.toml", dry_run=True)


def test_a_nul_among_text_costs_nothing(dry: Any) -> None:
    dry.write("cameras.csv", b"code,lon,lat\nA1,120.38,36.08\nA\x002,120.38,36.09\nA3,120.38,36.10\n")
    rows, rejects, _ = dry.outcome(
        PLACED.format(path="cameras.csv").replace("fields", "crs = 'wgs84'\ncoordinates = { lon = 'lon', lat = 'lat' }\nfields", 1)
    )
    assert [row["code"] for row in rows] == ["A1", "A2", "A3"]
    assert rejects == []


def test_a_missing_file_is_found_before_anything_is_loaded(bench: Any) -> None:
    bench.write("cameras.csv", ROW)
    second = CAMERAS.format(path="absent.csv").replace('"cameras"\nlayer', '"second"\nlayer')
    with pytest.raises(SourceError, match=r"absent\.csv"):
        bench.run(CAMERAS.format(path="cameras.csv"), second)
    assert bench.one("SELECT count(*) FROM gisgrid.cameras") == 0


def bad_files() -> list[Path]:
    folder = Path(__file__).resolve().parents[3] / "shared" / "real" / "bad"
    return sorted(path for path in folder.rglob("*") if path.suffix in {".geojson", ".json", ".shp", ".dbf"})


@pytest.mark.parametrize("path", bad_files(), ids=lambda path: path.name)
def test_a_known_bad_file_is_refused_or_its_rows_are_accounted_for(path: Path, shibei: Deployment, tmp_path: Path) -> None:
    source = PLACED.format(path=path).replace('{ field = ["code", "DM"], default = "none" }', '{ constant = "A" }')
    (tmp_path / "sources.toml").write_text(f"[[sources]]{source}", encoding="utf-8")
    refusal, report = None, None
    try:
        whole = run(None, shibei, tmp_path / "sources.toml", dry_run=True)
        whole.raise_failure()
        (report,) = whole.sources
    except SourceError as error:
        refusal = error
    if report is None:
        assert refusal is not None
        assert path.name in refusal.message
    else:
        assert report.read == report.loaded + report.rejected > 0
        assert sum(report.reasons.values()) >= report.rejected


def test_there_are_known_bad_files_to_try(real: Path) -> None:
    assert len([path for path in bad_files() if path.suffix == ".geojson"]) == 44


def test_a_bad_feature_among_good_ones_costs_that_feature_alone(dry: Any) -> None:
    def feature(code: str, coordinates: Any) -> dict[str, Any]:
        return {"type": "Feature", "properties": {"code": code}, "geometry": {"type": "Point", "coordinates": coordinates}}

    features = [feature("A1", [120.38, 36.08]), feature("A2", []), feature("A3", [0, 0]), feature("A4", [120.39, 36.08])]
    dry.write("cameras.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    rows, rejects, _ = dry.outcome(PLACED.format(path="cameras.geojson"))
    assert [row["code"] for row in rows] == ["A1", "A4"]
    assert [reject.row_number for reject in rejects] == [2, 3]
