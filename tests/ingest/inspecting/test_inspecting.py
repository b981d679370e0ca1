"""Whole files inspected: the layer, the fields and the coordinate system that are guessed, and a description that loads."""

from __future__ import annotations

import gzip
import json
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pytest
import shapely
import typer
from typer.testing import CliRunner

from gisgrid import paths
from gisgrid.deployment import Deployment
from gisgrid.errors import NotFoundError, SourceError
from ingest.description import Source, load_description
from ingest.inspecting.commands import inspect
from ingest.inspecting.inspecting import Options, inspect_files, path_from
from ingest.inspecting.proposal import Proposal
from ingest.inspecting.writing import description
from ingest.pipeline import run
from ingest.sample.generate import generate


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small sample district."""
    folder = tmp_path_factory.mktemp("sample") / "files"
    generate(folder, 1, 0.02)
    return folder


def look(deployment: Deployment, *files: Path, **options: str) -> list[Proposal]:
    return [proposal for part in inspect_files(files, deployment, Options(**options)).parts for proposal in part.proposals]


def written(deployment: Deployment, folder: Path, *files: Path, **options: str) -> tuple[Source, ...]:
    """Inspect files, write the description, and return what it says."""
    path = folder / "written.toml"
    path.write_text(description(inspect_files(files, deployment, Options(**options)).parts, str), encoding="utf-8")
    return load_description(path).sources


def rules(source: Source) -> dict[str, Any]:
    """Return the fields of a source as a test can compare them: only what each rule says."""
    return {name: [rule.model_dump(exclude_defaults=True) for rule in listed] for name, listed in source.fields.items()}


def test_every_file_of_the_sample_district_is_guessed_as_its_own_description_has_it(
    sample: Path, shibei: Deployment, tmp_path: Path
) -> None:
    for known in load_description(paths.data_dir() / "sources" / "sample.toml").sources:
        found = {source.layer: source for source in written(shibei, tmp_path, sample / known.path)}
        assert known.layer in found, known.id
        guessed, wanted = rules(found[known.layer]), rules(known)
        assert set(guessed) == set(wanted), known.id
        for name, listed in wanted.items():
            assert [rule.get("field") for rule in guessed[name]] == [rule.get("field") for rule in listed], (known.id, name)
            assert [rule.get("constant") for rule in guessed[name]] == [rule.get("constant") for rule in listed], (known.id, name)
            assert [rule.get("slice") for rule in guessed[name]] == [rule.get("slice") for rule in listed], (known.id, name)
            for one, other in zip(guessed[name], listed, strict=True):
                said = {key: value for key, value in one.get("values", {}).items() if key in other.get("values", {})}
                assert said == {key: other["values"][key] for key in said}, (known.id, name)
        assert found[known.layer].coordinates == known.coordinates
        assert (found[known.layer].sheet, found[known.layer].member) == (known.sheet, None)


def test_the_sample_district_loads_by_the_descriptions_that_were_written(sample: Path, shibei: Deployment, tmp_path: Path) -> None:
    files = ["district/districts.geojson", "district/streets.geojson", "district/communities.geojson", "district/grids.geojson"]
    files += ["covers/井盖普查.shp", "buildings.gpkg", "organizations.xlsx", "roads.geojson", "place_names.csv"]
    written(shibei, tmp_path, *(sample / file for file in files))
    by_hand = {report.layer: report.loaded for report in _sources(run(None, shibei, sample / "sources.toml", dry_run=True))}
    guessed = {report.layer: report.loaded for report in _sources(run(None, shibei, tmp_path / "written.toml", dry_run=True))}
    assert set(by_hand) - set(guessed) == {"cameras", "places"}
    assert guessed == {layer: by_hand[layer] for layer in guessed}


def _sources(found: Any) -> Any:
    return getattr(found, "sources", found)


def test_degrees_in_china_are_left_to_people(tmp_path: Path, shibei: Deployment, helsinki: Deployment) -> None:
    for name, lon, lat, known in (("china", 120.37, 36.09, None), ("finland", 24.94, 60.17, "wgs84")):
        file = tmp_path / f"cameras_{name}.csv"
        file.write_text("id,type,lon,lat\n" + "".join(f"C{n},dome,{lon + n / 1e4},{lat}\n" for n in range(9)))
        deployment = shibei if name == "china" else helsinki
        (proposal,) = look(deployment, file)
        assert [entry.value for entry in proposal.keys if entry.key == "crs"] == [known]
        assert ("crs" in proposal.open) == (known is None)
        (given,) = look(deployment, file, crs="GCJ-02")
        assert [entry.value for entry in given.keys if entry.key == "crs"] == ["gcj02"]
    named = tmp_path / "cameras_gcj02.csv"
    named.write_text((tmp_path / "cameras_china.csv").read_text())
    assert [entry.value for entry in look(shibei, named)[0].keys if entry.key == "crs"] == ["gcj02"]


def test_projected_numbers_are_placed_by_the_bounds_of_the_deployment(tmp_path: Path, shibei: Deployment) -> None:
    file = tmp_path / "井盖.csv"
    file.write_text("编号,类型,东坐标,北坐标\n" + "".join(f"{n},污水,{40533000 + 9 * n},{3995000 + n}\n" for n in range(30)))
    (proposal,) = look(shibei, file)
    lines = {entry.key: entry.value for entry in proposal.keys}
    assert lines["crs"] == "EPSG:4528"
    assert lines["coordinates"] == {"x": "东坐标", "y": "北坐标"}
    file.write_text("编号,类型,x,y\n" + "".join(f"{n},污水,{3995000 + n},{40533000 + 9 * n}\n" for n in range(30)))
    (proposal,) = look(shibei, file)
    assert {entry.key: entry.value for entry in proposal.keys}["coordinates"] == {"x": "y", "y": "x"}


def test_the_national_short_names_are_known(tmp_path: Path, shibei: Deployment) -> None:
    names = ["GLBJBSM", "GLBJMC", "ZGBMDM", "ZGBMMC", "QSDWDM", "QSDWMC", "YHDWDM", "YHDWMC"]
    names += ["SZDYWGBSM", "GLBJZT", "CSRQ", "BGRQ", "SJLY", "BZ"]
    values = ["D1", "市政局", "U1", "水务", "U2", "养护", "370203005001001", "完好", "20200101", "20210101", "实测", ""]
    file = tmp_path / "部件.csv"
    rows = [",".join([f"37020301002{number:06}", "污水井盖", *values, "120.37", "36.09"]) for number in range(20)]
    file.write_text(",".join([*names, "JD", "WD"]) + "\n" + "\n".join(rows))
    (source,) = written(shibei, tmp_path, file)
    said = {name: listed[0].get("field", listed[0].get("constant")) for name, listed in rules(source).items()}
    assert said == {
        "code": "GLBJBSM", "class_code": "GLBJBSM", "scheme": "GB/T 47678.5", "edition": "2026", "name": "GLBJMC", "state": "GLBJZT",
        "department_code": "ZGBMDM", "owner_code": "QSDWDM", "maintainer_code": "YHDWDM", "installed_on": "CSRQ", "changed_on": "BGRQ",
        "data_source": "SJLY",
    }  # fmt: skip
    assert rules(source)["class_code"][0]["slice"] == (6, 11)


def test_codes_that_two_editions_know_are_decided_by_the_names_of_their_classes(tmp_path: Path, shibei: Deployment) -> None:
    for edition, name in (("2007", "无主井盖"), ("2013", "园林井盖")):
        file = tmp_path / f"井盖{edition}.csv"
        rows = "".join(f"3702030114{number:06},{name},120.37,36.09\n" for number in range(20))
        file.write_text(f"ObjID,ObjName,经度,纬度\n{rows}")
        (source,) = written(shibei, tmp_path, file)
        assert rules(source)["edition"] == [{"constant": edition}]
        assert not [key for key in look(shibei, file)[0].open if key == "class_code"]
    file.write_text("ObjID,经度,纬度\n" + "".join(f"3702030101{number:06},120.37,36.09\n" for number in range(20)))
    (proposal,) = look(shibei, file)
    assert "2013" in proposal.open["class_code"]  # 0101 is the same number in both, and no name says which is meant


def test_a_file_without_a_key_says_so_and_offers_the_best_there_is(tmp_path: Path, helsinki: Deployment) -> None:
    raster = {"col": [n % 10 for n in range(100)], "row": [n // 10 for n in range(100)]}
    boxes = [shapely.box(385000 + 250 * n, 6672000, 385250 + 250 * n, 6672250) for n in range(100)]
    gpd.GeoDataFrame(raster, geometry=boxes, crs="EPSG:3067").to_file(tmp_path / "cells.gpkg")
    (source,) = written(helsinki, tmp_path, tmp_path / "cells.gpkg")
    assert rules(source)["code"] == [{"expression": "concat(col('col'), '-', col('row'))"}]
    gpd.GeoDataFrame({"kind": ["a"] * 50 + ["b"] * 50}, geometry=boxes, crs="EPSG:3067").to_file(tmp_path / "houses.gpkg")
    (proposal,) = look(helsinki, tmp_path / "houses.gpkg", layer="buildings")
    assert "no column tells all rows apart" in proposal.open["code"]


def test_archives_layers_and_sheets_are_told_apart(tmp_path: Path, helsinki: Deployment) -> None:
    covers = "id;kind;lon;lat\n" + "".join(f"M{n};sewer;24,{930 + n};60,17\n" for n in range(20))
    (tmp_path / "in.zip").unlink(missing_ok=True)
    with zipfile.ZipFile(tmp_path / "inner.zip", "w") as inner:
        inner.writestr("data/manholes.csv", covers)
        inner.writestr("data/cameras.csv", covers.replace("kind", "camera_type").replace("sewer", "PTZ"))
    with zipfile.ZipFile(tmp_path / "city.zip", "w") as outer:
        outer.write(tmp_path / "inner.zip", "inner.zip")
    found = {source.layer: source for source in written(helsinki, tmp_path, tmp_path / "city.zip")}
    assert {layer: source.member for layer, source in found.items()} == {
        "manhole_covers": "inner.zip/data/manholes.csv",
        "cameras": "inner.zip/data/cameras.csv",
    }
    assert {(source.delimiter, source.decimal) for source in found.values()} == {(";", ",")}
    with gzip.open(tmp_path / "manholes.csv.gz", "wb") as packed:
        packed.write(covers.encode())
    (single,) = written(helsinki, tmp_path, tmp_path / "manholes.csv.gz")
    assert (single.layer, single.member) == ("manhole_covers", None)


def test_a_sheet_with_titles_above_its_header_is_read_from_the_header_on(tmp_path: Path, shibei: Deployment) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "监控"
    sheet.append(["市北区监控点位表"])
    sheet.append([])
    sheet.append(["设备编号", "点位名称", "类型", "经度", "纬度"])
    for number in range(9):
        sheet.append([f"K{number}", f"路口{number}", "球机", 120.37, 36.09])
    book.create_sheet("empty")
    book.save(tmp_path / "points.xlsx")
    (source,) = written(shibei, tmp_path, tmp_path / "points.xlsx")
    assert (source.layer, source.sheet, source.header_row) == ("cameras", "监控", 3)
    assert rules(source)["kind"] == [{"field": "类型", "values": {"球机": "ptz"}}]


def test_rows_of_other_kinds_are_told_apart_from_their_companions_and_from_files_that_cannot_be_read(
    tmp_path: Path, helsinki: Deployment
) -> None:
    points = [shapely.Point(24.93 + number / 1e3, 60.17) for number in range(9)]
    covers = {"nr": [f"M{number}" for number in range(9)], "owned": ["storm", "sewer", "gas"] * 3, "year": [1990 + n for n in range(9)]}
    gpd.GeoDataFrame(covers, geometry=points, crs=4326).to_file(tmp_path / "manholes.shp")
    (tmp_path / "broken.json").write_text("{")
    found = inspect_files(sorted(tmp_path.iterdir()), helsinki, Options())
    (proposal,) = [proposal for part in found.parts for proposal in part.proposals]
    lines = {entry.key: entry.value for entry in proposal.fields}
    assert lines["class_code"]["field"] == "owned"  # no name tells it, but every value is a word for a kind of cover
    assert lines["installed_on"] == {"field": "year", "template": "{}-01-01"}
    assert ["broken.json" in error.message for error in found.unread] == [True]
    text = description(found.parts, str, found.unread)
    assert "Not read:" in text
    (tmp_path / "all.toml").write_text(text, encoding="utf-8")
    assert [source.layer for source in load_description(tmp_path / "all.toml").sources] == ["manhole_covers"]


def test_the_parents_of_areas_are_found_by_their_values(tmp_path: Path, shibei: Deployment) -> None:
    boxes = [shapely.box(8 + n / 50, 47, 8.02 + n / 50, 47.02) for n in range(4)]
    gpd.GeoDataFrame({"id": ["K1", "K2"]}, geometry=boxes[:2], crs=4326).to_file(tmp_path / "districts.gpkg")
    cells = {"cell_id": ["a", "b", "c", "d"], "kreis": ["K1", "K1", "K2", "K2"]}
    gpd.GeoDataFrame(cells, geometry=boxes, crs=4326).to_file(tmp_path / "cells.gpkg")
    found = inspect_files([tmp_path / "districts.gpkg", tmp_path / "cells.gpkg"], shibei, Options(), "town")
    lines = {entry.key: entry.value for part in found.parts for proposal in part.proposals for entry in proposal.fields}
    assert lines["parent_code"] == "kreis"


def test_positions_in_degrees_minutes_and_seconds_are_found(tmp_path: Path, helsinki: Deployment) -> None:
    file = tmp_path / "manholes.csv"
    file.write_text("id,lat,lon\n" + "".join(f'M{n},"60°10\'12.{n}""N","24°55\'{n}""E"\n' for n in range(9)))
    (part,) = inspect_files([file], helsinki, Options()).parts
    assert part.place is not None
    assert part.place.coordinates == {"lon": "lon", "lat": "lat"}
    assert part.place.positions[3] == pytest.approx((24 + 55 / 60 + 3 / 3600, 60 + 10 / 60 + 12.3 / 3600))
    assert [column.kind for column in part.sample.columns] == ["text", "text", "text"]
    (source,) = written(helsinki, tmp_path, file)
    assert source.crs == "wgs84"


def test_positions_in_words_are_refused_with_the_reason(tmp_path: Path, helsinki: Deployment) -> None:
    file = tmp_path / "manholes.csv"
    file.write_text("id,lat,lon\n" + "".join(f"M{n},北纬60.17{n},东经24.93{n}\n" for n in range(9)), encoding="utf-8")
    (part,) = inspect_files([file], helsinki, Options(encoding="utf-8")).parts
    assert "must be plain numbers" in part.why_not
    found = inspect_files([file], helsinki, Options(), "town")
    assert found.problem is not None
    assert "bounds of the new city" in found.problem.message


def test_a_column_that_is_there_twice_is_not_named(tmp_path: Path, helsinki: Deployment) -> None:
    file = tmp_path / "manholes.csv"
    file.write_text("id,type,lon,lat,type\n" + "".join(f"M{n},sewer,{24.9 + n / 1e3},60.17,x\n" for n in range(9)))
    (source,) = written(helsinki, tmp_path, file)
    assert {rule.field for listed in source.fields.values() for rule in listed} == {"id", None}


def test_what_does_not_go_together_with_the_deployment_is_said(tmp_path: Path, shibei: Deployment) -> None:
    boxes = [shapely.box(24.90 + n / 100, 60.17, 24.91 + n / 100, 60.18) for n in range(4)]
    gpd.GeoDataFrame({"cell_id": [1, 2, 3, 4]}, geometry=boxes, crs=4326).to_file(tmp_path / "cells.gpkg")
    (proposal,) = look(shibei, tmp_path / "cells.gpkg")
    assert "no row is inside the bounds of the deployment 'shibei'" in proposal.open["layer"]
    assert "codes such as 1 are not what the deployment 'shibei' prescribes" in proposal.open["layer"]
    assert "the community that the area is in" in proposal.open["parent_code"]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("qingdao/shibei_district.geojson", [("districts", "osm_id")]),
        ("qingdao/shibei_streets.geojson", [("streets", "code")]),
        ("cameras_taiwan/cameras.geojson", [("cameras", "id")]),
        ("rotterdam/manholes.shp", [("manhole_covers", "CODE")]),
        ("gbk/shanghai_shp/区县界_area.shp", [("districts", "ADMINCODE")]),
        ("gbk/chongqing_shp/区县界_area.shp", [("districts", "ADMINCODE")]),
        ("gbk/grid/grid.shp", [("grids", "concat(col('LONCOL'), '-', col('LATCOL'))")]),
        ("gbk/sz.shp", [("streets", "qh")]),
        ("helsinki/helsinki_city_districts_2021.gpkg", [("districts", "name")]),
        ("helsinki/helsinki_region_travel_times_to_railway_station.gpkg", [("grids", "from_id")]),
        ("helsinki/odd_shapefiles/Kamppi_Helsinki_Finland_buildings.shp", [("buildings", "name")]),
    ],
)
def test_real_files_are_guessed_right(real: Path, shibei: Deployment, tmp_path: Path, place: str, expected: list[tuple[str, str]]) -> None:
    found = written(shibei, tmp_path, real / place)
    codes = [(source.layer, source.fields["code"][0].field or source.fields["code"][0].expression) for source in found]
    assert codes == expected


def test_an_extract_of_openstreetmap_gives_covers_cameras_and_buildings(real: Path, helsinki: Deployment, tmp_path: Path) -> None:
    found = {source.layer: source for source in written(helsinki, tmp_path, real / "helsinki" / "Helsinki_small_2020.osm.pbf")}
    known = {source.layer: source for source in load_description(paths.data_dir() / "sources" / "helsinki.toml").sources}
    assert set(found) == {"manhole_covers", "cameras", "buildings", "roads", "addresses"}
    for layer, source in found.items():
        assert (source.inner_layer, source.where) == (known[layer].inner_layer, known[layer].where)
        assert rules(source)["code"] == rules(known[layer])["code"]
    reports = {report.layer: report for report in _sources(run(None, helsinki, tmp_path / "written.toml", dry_run=True))}
    assert {layer: report.read for layer, report in reports.items()} == {
        "manhole_covers": 397,
        "cameras": 221,
        "buildings": 494,
        "roads": 794,
        "addresses": 1359,
    }


def test_facts_of_real_files_are_told(real: Path, shibei: Deployment, helsinki: Deployment) -> None:
    (manholes,) = inspect_files([real / "rotterdam" / "manholes.shp"], shibei, Options()).parts
    assert manholes.sample.shapes is not None
    assert manholes.sample.shapes.has_z
    assert manholes.system is not None
    assert manholes.system.name == "EPSG:28992"
    (odd,) = inspect_files([real / "helsinki" / "odd_shapefiles" / "addresses_pop15_epsg3979.shp"], helsinki, Options()).parts
    assert odd.system is not None
    assert odd.system.name == "EPSG:3879"  # the name of the file says 3979
    (lines,) = inspect_files([real / "gbk" / "metroline2" / "metroline2.shp"], shibei, Options()).parts
    assert "name it with --layer (roads)" in lines.why_not
    (chongqing,) = inspect_files([real / "gbk" / "chongqing_shp" / "区县界_area.shp"], shibei, Options()).parts
    assert "渝北区" in chongqing.sample.table.column("NAME").to_pylist()


def test_bad_files_end_in_an_error_with_a_hint_or_in_a_description_that_can_be_used(real: Path, shibei: Deployment, tmp_path: Path) -> None:
    files = [path for path in sorted((real / "bad").rglob("*")) if path.is_file() and path.suffix not in {".shx", ".prj", ".cpg"}]
    assert len(files) > 60
    assert {_outcome(file, shibei, tmp_path) for file in files} == {"refused", "described", "nothing to load"}


def _outcome(file: Path, deployment: Deployment, folder: Path) -> str:
    try:
        parts = inspect_files([file], deployment, Options()).parts
    except SourceError as error:
        return "refused" if error.hint and str(file) in error.message else f"{file}: {error}"
    if any(part.proposals for part in parts):
        return "described" if written(deployment, folder, file) else f"{file}: no source"
    return "nothing to load" if all(part.why_not for part in parts) else f"{file}: no reason"


# ------------------------------------------------------------------------------------------------------------- the command


def command(*arguments: object) -> Any:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(inspect)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    file = tmp_path / "cameras.csv"
    file.write_text("id,type,lon,lat\n" + "".join(f"C{n},dome,{24.93 + n / 1e3},60.17\n" for n in range(9)))
    return file


def test_the_command_prints_what_it_found_and_the_description(cameras: Path) -> None:
    result = command(cameras)
    assert result.exit_code == 0, result.output
    assert "C0, C1, C2" in result.output
    text = result.output[result.output.index("# A start") :]
    assert tomllib.loads(text)["sources"][0]["layer"] == "cameras"


def test_the_command_writes_new_files_and_never_over_others(cameras: Path, tmp_path: Path) -> None:
    result = command(cameras, "-o", tmp_path / "s.toml", "--deployment-to", tmp_path / "town.toml")
    assert result.exit_code == 0, result.output
    (source,) = load_description(tmp_path / "s.toml").sources
    assert (source.path, source.crs) == ("cameras.csv", "wgs84")
    assert tomllib.loads((tmp_path / "town.toml").read_text())["id"] == "town"
    result = command(cameras, "-o", tmp_path / "s.toml")
    assert isinstance(result.exception, SourceError)
    assert "is there already" in result.exception.message


def test_a_file_that_cannot_be_read_makes_the_exit_code_2_and_the_others_are_written(cameras: Path, tmp_path: Path) -> None:
    broken = tmp_path / "covers.json"
    broken.write_text("{")
    result = command(cameras, broken, "-o", tmp_path / "s.toml")
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert "covers.json" in result.stderr
    assert [source.layer for source in load_description(tmp_path / "s.toml").sources] == ["cameras"]
    result = command(cameras, broken, "--json")
    assert result.exit_code == 2
    assert len(json.loads(result.stdout)["unread"]) == 1


def test_the_command_tells_everything_as_json(cameras: Path) -> None:
    found = json.loads(command(cameras, "--json").stdout)
    assert found["parts"][0]["rows_read"] == 9
    assert found["parts"][0]["sources"][0]["lines"]["code"] == '"id"'
    assert [column["name"] for column in found["parts"][0]["columns"]] == ["id", "type", "lon", "lat"]
    assert tomllib.loads(found["description"])["sources"]


def test_the_command_says_why_nothing_can_be_loaded(tmp_path: Path) -> None:
    (tmp_path / "things.csv").write_text("a,b\n1,2\n")
    result = command(tmp_path / "things.csv")
    assert isinstance(result.exception, SourceError)
    assert "Nothing says which layer" in result.exception.message
    assert isinstance(command(tmp_path / "absent.csv").exception, SourceError)
    assert isinstance(command(tmp_path / "things.csv", "--layer", "rivers").exception, NotFoundError)


def test_a_path_is_relative_to_the_description_where_it_is_below_it(tmp_path: Path) -> None:
    assert path_from(tmp_path / "s.toml", tmp_path / "a" / "b.csv") == "a/b.csv"
    assert path_from(tmp_path / "x" / "s.toml", tmp_path / "b.csv") == str(tmp_path / "b.csv")
