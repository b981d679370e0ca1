"""``gisgrid export`` as it is typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyogrio
import pytest

from gisgrid.db import Database
from gisgrid.features.formats import FORMATS
from gisgrid.layers import layer
from tests.features.reading import as_text, read, stored
from tests.services.conftest import Run


@pytest.fixture
def run(town: Database, run_on: Callable[[Database], Run]) -> Run:
    return run_on(town)


def test_the_name_says_the_format_and_the_file_has_every_feature(run: Run, town: Database, tmp_path: Path) -> None:
    grids = layer("grids")
    for one in FORMATS:
        path = tmp_path / f"grids{one.suffix}"
        code, out, err = run("export", "grids", str(path))
        assert code == 0, err
        assert out.startswith(f"6 features of grids in {path}: ")
        found = read(one.word, path.read_bytes(), tmp_path / "..", grids)
        assert {id: feature.fields for id, feature in found.items()} == {
            id: feature.fields for id, feature in as_text(stored(town, grids)).items()
        }
    assert len(list(tmp_path.iterdir())) == len(FORMATS)


def test_a_part_of_a_layer_in_an_order_and_a_system(run: Run, town: Database, tmp_path: Path) -> None:
    path = tmp_path / "covers.fgb"
    options = ["--filter", "installed_on > DATE('2019-04-01')", "--bbox", "120.371,36.081,120.379,36.086", "--sort", "-installed_on,code"]
    options += ["--limit", "12", "--fields", "code,installed_on", "--crs", "EPSG:4549"]
    assert run("export", "manhole_covers", str(path), *options)[0] == 0
    expected = stored(
        town,
        layer("manhole_covers"),
        "installed_on > '2019-04-01' AND ST_Intersects(geom, ST_MakeEnvelope(120.371, 36.081, 120.379, 36.086, 4326))",
    )
    ordered = sorted(expected, key=lambda id: str(expected[id].fields["installed_on"]), reverse=True)[:12]
    frame = pyogrio.read_dataframe(path)
    assert frame["id"].tolist() == ordered
    assert list(frame.columns) == ["id", "code", "installed_on", "geometry"]
    assert frame.crs.to_epsg() == 4549
    assert frame.geometry.x.between(533_000, 535_000).all()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere", "a.csv"), "There is no layer 'nowhere'"),
        (("grids", "a.shp"), "names none"),
        (("grids", "-"), "--format"),
        (("grids", "-", "--format", "gpkg"), "cannot be written to the standard output"),
        (("grids", "a.fgb", "--bom"), "bom: has no meaning"),
        (("grids", "a.csv", "--crs", "gcj02"), "not written in gcj02"),
        (("grids", "a.csv", "--bbox", "1,2,3"), "bbox: '1,2,3' is no box"),
        (("grids", "a.csv", "--bbox", "36,120,37,121"), "is no place on earth"),
        (("grids", "a.csv", "--fields", "code,colour"), "has no field 'colour'"),
        (("grids", "a.csv", "--sort", "-colour"), "has no field 'colour'"),
        (("grids", "a.csv", "--filter", "colour = 1"), "no field 'colour'"),
        (("grids", "nowhere/a.csv"), "cannot be written"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_is_written(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = run("export", *arguments)
    assert (code, says in err) == (2, True), err
    assert not any(tmp_path.iterdir())


def test_a_file_that_is_there_is_replaced_only_when_that_is_said(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "grids.gpkg"
    path.write_text("precious")
    code, _, err = run("export", "grids", str(path))
    assert (code, "--overwrite" in err) == (2, True)
    assert path.read_text() == "precious"
    assert run("export", "grids", str(path), "--overwrite")[0] == 0
    assert pyogrio.read_info(path)["features"] == 6
