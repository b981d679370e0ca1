"""``gisgrid locate`` and ``gisgrid batch`` as they are typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gisgrid.db import Database
from tests.services.conftest import Run


@pytest.fixture
def run(town: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(town)


def test_locate_prints_a_table_for_people(run: Run) -> None:
    code, out, _ = run("locate", "120.3722", "36.0819", "--crs", "wgs84", "--include", "cameras,manhole_covers,building")
    assert code == 0
    for expected in ("inside", "370203001001001  网格 11", "370203  市北区", "U2  社区服务站  (of the grid)", "manhole covers", "C0"):
        assert expected in out
    assert "doubt" not in out


def test_locate_says_the_doubt_and_what_is_nearest(run: Run) -> None:
    _, out, _ = run("locate", "120.3775", "36.084", "--crs", "wgs84")
    assert "edge" in out
    assert "in doubt between" in out
    _, out, _ = run("locate", "120.3725", "36.0790", "--crs", "wgs84")
    assert "nearest grid" in out


def test_locate_prints_json_as_http_answers(run: Run) -> None:
    code, out, _ = run("locate", "533747.2", "3995272.3", "--crs", "epsg:4549", "--json", "--include", "building")
    document = json.loads(out)
    assert code == 0
    assert document["input"] == {"x": 533747.2, "y": 3995272.3, "crs": "EPSG:4549"}
    assert {"point", "status", "grid", "candidates", "data_version", "database", "building"} <= set(document)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("120.3722", "36.0819"), "wgs84, cgcs2000, gcj02, bd09 or EPSG:n"),
        (("120.3722", "36.0819", "--crs", "utm"), "'utm' is not a coordinate system"),
        (("36.0819", "120.3722", "--crs", "gcj02"), "look exchanged"),
        (("nan", "36.0819", "--crs", "gcj02"), "lon: 'nan' is not a number"),
        (("120.3722", "96", "--crs", "gcj02"), "lat: 96.0 is out of range"),
        (("120.3722", "36.0819", "--crs", "gcj02", "--include", "trees"), "no 'trees'"),
        (("120.3722", "36.0819", "--crs", "gcj02", "--accuracy-m", "-1"), "accuracy_m"),
        (("120.3722",), "Missing argument"),
    ],
)
def test_bad_use_ends_with_2_and_says_what_is_wrong(run: Run, arguments: tuple[str, ...], says: str) -> None:
    code, out, err = run("locate", *arguments)
    assert code == 2
    assert says in err
    assert out == ""


def test_batch_writes_the_file_and_sums_up(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "cases.csv", tmp_path / "located.csv"
    source.write_text("number,lon,lat,crs\n1,120.3722,36.0819,wgs84\n2,,,\n", encoding="utf-8")
    code, out, err = run("batch", str(source), str(target), "--crs-col", "crs")
    assert (code, out) == (0, "")
    assert "2 rows in" in err
    assert "1 inside, 1 no_coordinates" in err
    assert target.read_text(encoding="utf-8").splitlines()[1].startswith("1,120.3722,36.0819,wgs84,inside,370203001001001")


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        ("lon,lat\n1,2\n", (), "wgs84, cgcs2000, gcj02, bd09 or EPSG:n"),
        ("经度,lat\n1,2\n", ("--crs", "gcj02"), "经度, lat"),
        ("", ("--crs", "gcj02"), "is empty"),
        (None, ("--crs", "gcj02"), "there is no file"),
        ("lon,lat\n1,2\n", ("--crs", "gcj02", "--encoding", "x-none"), "encoding"),
    ],
)
def test_a_batch_that_cannot_be_done_ends_with_2(
    run: Run, tmp_path: Path, content: str | None, options: tuple[str, ...], says: str
) -> None:
    if content is not None:
        (tmp_path / "in.csv").write_text(content, encoding="utf-8")
    code, _, err = run("batch", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"), *options)
    assert code == 2
    assert says in err
    assert not (tmp_path / "out.csv").exists()


def test_a_deployment_may_assume_a_system(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GISGRID_DEFAULT_CRS", "wgs84")
    assert run("locate", "120.3722", "36.0819")[0] == 0
    (tmp_path / "in.csv").write_text("lon,lat\n120.3722,36.0819\n", encoding="utf-8")
    assert run("batch", str(tmp_path / "in.csv"), str(tmp_path / "out.csv"))[0] == 0


def test_without_a_database_the_exit_code_is_1(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GISGRID_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/none")
    code, _, err = run("locate", "120.3722", "36.0819", "--crs", "wgs84")
    assert code == 1
    assert "127.0.0.1:9/none" in err
    assert "secret" not in err
