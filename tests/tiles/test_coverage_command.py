"""``gisgrid coverage`` and ``gisgrid rasters`` on a small town."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rasterio

from gisgrid.db import Database
from gisgrid.db.rasters import list_rasters
from gisgrid.errors import NotFoundError, UsageError
from gisgrid.rasters import raster_folder
from ingest.raster_commands import list_them, remove
from tiles.coverage_command import coverage


@pytest.fixture
def home(own_town: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GISGRID_DATABASE_URL", own_town.url)
    monkeypatch.setenv("GISGRID_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("gisgrid.services.rasters._GRACE_S", 0.0)
    return tmp_path / "home"


def test_a_coverage_raster_is_written_served_replaced_and_removed(
    home: Path, own_town: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "cover.tif"
    coverage(out, cell=20.0, serve=True, quiet=False)
    said = capsys.readouterr().out
    assert "Blind spots: " in said
    assert "Served as /rasters/camera_coverage.json." in said
    with rasterio.open(out) as file:
        counts = file.read(1, masked=True)
        assert int(file.tags()["BLIND_CELLS"]) == int((counts == 0).sum())
        assert int(file.tags()["CELLS"]) == int(counts.count()) > 0
    list_them(as_json=True)
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["id"], listed["kind"], listed["facts"]["crs"]) == ("camera_coverage", "coverage", "EPSG:4549")
    coverage(out, cell=25.0, serve=True, quiet=True)
    with own_town.connect() as connection:
        (raster,) = list_rasters(connection)
    assert abs(raster.facts.cell_m - 25.0) < 0.01
    assert raster.data_version == int(rasterio.open(out).tags()["DATA_VERSION"])
    assert [path.name for path in raster_folder(home).iterdir()] == [raster.file]
    remove("camera_coverage")
    assert list(raster_folder(home).iterdir()) == []
    list_them()
    assert "no rasters yet" in capsys.readouterr().out
    with pytest.raises(NotFoundError, match="no raster 'camera_coverage'"):
        remove("camera_coverage")


def test_a_raster_of_another_kind_is_not_overwritten(home: Path, own_town: Database, tmp_path: Path) -> None:
    coverage(tmp_path / "cover.tif", cell=50.0, serve=True, id="a", quiet=True)
    with own_town.connect() as connection:
        connection.execute("UPDATE gisgrid.rasters SET kind = 'other'")
    with pytest.raises(UsageError, match="Raster 'a' is of kind other"):
        coverage(tmp_path / "cover.tif", cell=50.0, serve=True, id="a", quiet=True)
    with pytest.raises(UsageError, match=r"does not end in \.tif"):
        coverage(tmp_path / "cover.png")
