"""Other cities: what ships for real data loads whole, and a newcomer needs a deployment of one line and a description of a few."""

from __future__ import annotations

from pathlib import Path

import pytest

from gisgrid import paths
from gisgrid.db import Database
from gisgrid.deployment import load_deployment
from ingest.pipeline import run
from ingest.report import IngestReport
from tests.ingest.conftest import Bench

CITIES = [
    ("rotterdam", "rotterdam", {"rotterdam-manholes": 231}),
    ("taiwan", "cameras_taiwan", {"taiwan-cameras": 2512}),
    ("shenzhen", "gbk/grid", {"shenzhen-cells": 9005}),
    ("shibei", "qingdao", {"shibei-district": 1, "shibei-streets": 22}),
]


def load(database: Database | None, name: str, folder: Path) -> IngestReport:
    report = run(database, load_deployment(name), paths.data_dir() / "sources" / f"{name}.toml", root=folder, dry_run=database is None)
    report.raise_failure()
    return report


@pytest.mark.parametrize(("name", "folder", "expected"), CITIES, ids=[row[0] for row in CITIES])
def test_every_row_of_the_real_data_is_good(real: Path, name: str, folder: str, expected: dict[str, int]) -> None:
    report = load(None, name, real / folder)
    assert {item.source_id: item.loaded for item in report.sources} == expected
    assert [item.rejected for item in report.sources] == [0] * len(expected)


def test_the_manholes_of_rotterdam_have_what_their_file_says(real: Path, database: Database) -> None:
    load(database, "rotterdam", real / "rotterdam")
    with database.connect() as connection:
        rows = connection.execute(
            "SELECT code, class_code, material, size, installed_on::text, ST_Zmflag(geom) FROM gisgrid.manhole_covers"
        ).fetchall()
    assert len({row[0] for row in rows}) == 231
    assert {row[1] for row in rows} == {"sewage", "cover"}
    assert sum(row[1] == "cover" for row in rows) == 2
    assert {row[2] for row in rows} == {"concrete", "brick"}
    assert {row[3] for row in rows} == {None, "1000 x 1000", "800 x 800", "600 x 600", "700 x 700"}
    assert {row[4] for row in rows} == {None, "1997-01-01", "2008-01-01", "2014-01-01"}
    assert {row[5] for row in rows} == {0}


def test_cameras_of_taiwan_keep_their_bearings(real: Path, database: Database) -> None:
    load(database, "taiwan", real / "cameras_taiwan")
    with database.connect() as connection:
        row = connection.execute("SELECT count(azimuth_deg), count(*) FILTER (WHERE name LIKE '臺北市%') FROM gisgrid.cameras").fetchone()
    assert row == (1624, 189)


def test_a_newcomer_loads_a_city_with_classes_of_its_own(tmp_path: Path, database: Database) -> None:
    (tmp_path / "city.toml").write_text(
        'bounds = [9.4, 51.2, 9.6, 51.4]\n[[components.schemes]]\nscheme = "Stadt"\n'
        'classes = [{ code = "SW", name = "Schmutzwasser", kind = "sewage" }, { code = "LA", is_cover = false }]\n',
        encoding="utf-8",
    )
    bench = Bench(tmp_path, database, load_deployment(str(tmp_path / "city.toml")))
    bench.write(
        "deckel.csv", "Nr;Art;Breite;Länge;Tiefe;Einbau\n1;SW;51,31;9,48;1,5;31.5.2020\n2;LA;51,31;9,49;1,5;31.5.2020\n3;SW;51,31;9,5;1;?\n"
    )
    (report,) = bench.run(
        'id = "deckel"\nlayer = "manhole_covers"\npath = "deckel.csv"\ndelimiter = ";"\ndecimal = ","\ncrs = "wgs84"\n'
        'coordinates = { lon = "Länge", lat = "Breite" }\n[sources.fields]\ncode = { expression = "\'KS-\' + zfill(Nr, 4)" }\n'
        'class_code = "Art"\nsize = { expression = "text(number(Tiefe) * 100) + \' cm\'" }\n'
        'installed_on = { field = "Einbau", format = "%d.%m.%Y", on_error = "null" }'
    )
    assert (report.read, report.loaded, report.rejected) == (3, 2, 1)
    assert bench.rows(
        "SELECT code, scheme, class_code, size, installed_on::text, ST_X(geom), ST_Y(geom) FROM gisgrid.manhole_covers ORDER BY code"
    ) == [
        ("KS-0001", "Stadt", "SW", "150 cm", "2020-05-31", 9.48, 51.31),
        ("KS-0003", "Stadt", "SW", "100 cm", None, 9.5, 51.31),
    ]
    assert [(row[1], row[3]) for row in bench.rejects()] == [("not_a_cover", "Class 'LA' of Stadt 1 is not a manhole cover.")]
