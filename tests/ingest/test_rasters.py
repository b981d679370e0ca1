"""GeoTIFFs through `gisgrid ingest`: what is served after it, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest
import rasterio
from pyproj import Transformer
from rio_cogeo.cogeo import cog_validate

from gisgrid.db import Database
from gisgrid.db.rasters import list_rasters
from gisgrid.deployment import load_deployment
from gisgrid.errors import SourceError
from gisgrid.rasters import Raster, raster_folder
from ingest.description import RasterSource
from ingest.pipeline import run
from ingest.report import IngestReport
from tests.rasters import colours, heights, write


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gisgrid.services.rasters._GRACE_S", 0.0)


def described(folder: Path, *rasters: str) -> Path:
    path = folder / "rasters.toml"
    path.write_text("".join(f"[[rasters]]\n{raster}\n" for raster in rasters), encoding="utf-8")
    return path


def load(database: Database | None, path: Path, home: Path, **options: Any) -> IngestReport:
    return run(database, load_deployment("shibei"), path, home=home, **options)


def served(database: Database) -> list[Raster]:
    with database.connect() as connection:
        return list_rasters(connection)


def files(home: Path) -> list[str]:
    return sorted(path.name for path in raster_folder(home).iterdir())


def test_a_geotiff_becomes_a_cloud_optimised_one_with_the_same_cells(database: Database, tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", heights(1200), nodata=-9999.0)
    description = described(tmp_path, 'id = "dem"\npath = "dem.tif"\ntitle = "地形"\ncaptured_on = 2026-05-31')
    report = load(database, description, tmp_path / "home")
    assert [(source.layer, source.status, source.inserted, source.crs) for source in report.sources] == [
        ("rasters", "loaded", 1, "EPSG:4549")
    ]
    assert report.sources[0].evidence == (
        "Taken for elevation: 1,200 x 1,200 cells, 1 band of float32. 0.028 % of the cells hold no value.",
    )
    (raster,) = served(database)
    assert (raster.id, raster.kind, raster.title, str(raster.captured_on)) == ("dem", "elevation", "地形", "2026-05-31")
    path = raster_folder(tmp_path / "home") / raster.file
    assert cog_validate(path, quiet=True)[0]
    with rasterio.open(path) as made, rasterio.open(tmp_path / "dem.tif") as given:
        assert np.array_equal(made.read(), given.read())
        assert (made.crs, made.transform, made.nodata) == (given.crs, given.transform, -9999.0)
        assert made.overviews(1)
    assert raster.facts.bands[0].minimum == 20.0
    assert abs(raster.facts.cell_m - 2.0) < 0.001


def test_the_place_of_a_raster_is_that_of_its_corners(database: Database, tmp_path: Path) -> None:
    load(database, write(tmp_path / "Ortho 2026.TIF", colours()), tmp_path / "home")
    (raster,) = served(database)
    assert (raster.id, raster.kind) == ("ortho-2026", "orthophoto")
    to_lon_lat = Transformer.from_crs(4549, 4326, always_xy=True)
    west, north = to_lon_lat.transform(533000.0, 3996000.0)
    east, south = to_lon_lat.transform(533600.0, 3995400.0)
    bounds = raster.facts.bounds
    assert np.allclose([bounds.west, bounds.south, bounds.east, bounds.north], [west, south, east, north], atol=5e-5)
    assert raster.facts.min_zoom < 15 < raster.facts.max_zoom <= 18


def test_the_same_file_again_is_unchanged_and_another_takes_its_place(database: Database, tmp_path: Path) -> None:
    home, description = tmp_path / "home", described(tmp_path, 'id = "dem"\npath = "dem.tif"')
    write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    load(database, description, home)
    before = files(home)
    assert [source.status for source in load(database, description, home).sources] == ["unchanged"]
    assert files(home) == before
    write(tmp_path / "dem.tif", heights() + 100.0, nodata=-9899.0)
    (source,) = load(database, description, home).sources
    assert (source.status, source.inserted, source.updated) == ("loaded", 0, 1)
    assert len(files(home)) == 1
    assert files(home) != before
    assert served(database)[0].facts.bands[0].minimum == 120.0


def test_a_file_that_is_missing_from_the_folder_is_made_again(database: Database, tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    load(database, path, tmp_path / "home")
    shutil.rmtree(raster_folder(tmp_path / "home"))
    assert [source.status for source in load(database, path, tmp_path / "home").sources] == ["loaded"]
    assert files(tmp_path / "home") == [served(database)[0].file]


def test_a_description_wins_over_what_the_file_says(database: Database, tmp_path: Path) -> None:
    write(tmp_path / "dem.tif", heights(), epsg=None)
    load(database, described(tmp_path, 'id = "dem"\npath = "dem.tif"\ncrs = "EPSG:4549"\nnodata = -9999'), tmp_path / "home")
    (raster,) = served(database)
    assert (raster.facts.crs, raster.facts.nodata, raster.facts.bands[0].minimum) == ("EPSG:4549", -9999.0, 20.0)


def test_a_dry_run_reads_every_cell_and_writes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    assert [source.status for source in load(None, path, tmp_path / "home", dry_run=True).sources] == ["checked"]
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_cut_short_is_refused_and_what_was_served_stays(database: Database, tmp_path: Path) -> None:
    home, path = tmp_path / "home", write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    load(database, path, home)
    before, whole = files(home), path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    report = load(database, path, home)
    assert report.sources[0].status == "failed"
    assert "cannot be read as a GeoTIFF" in str(report.sources[0].error)
    assert files(home) == before
    assert served(database)[0].facts.bands[0].minimum == 20.0
    with database.connect() as connection:
        runs = connection.execute("SELECT status FROM gisgrid.ingest_runs ORDER BY id").fetchall()
    assert runs == [("loaded",), ("failed",)]


def test_a_load_that_the_database_breaks_off_leaves_what_was_served(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, path = tmp_path / "home", write(tmp_path / "dem.tif", heights(), nodata=-9999.0)
    load(database, path, home)
    before = served(database)

    def broken(*_: object, **__: object) -> None:
        raise SourceError("The wire was cut.")

    write(path, heights() + 1.0, nodata=-9998.0)
    monkeypatch.setattr("gisgrid.services.rasters.Made.put_in_place", broken)
    assert load(database, path, home).sources[0].status == "failed"
    assert served(database) == before
    assert files(home) == [before[0].file]


def test_what_a_maker_that_was_killed_has_left_is_swept(database: Database, tmp_path: Path) -> None:
    folder = raster_folder(tmp_path / "home")
    folder.mkdir(parents=True)
    (folder / ".dem.99999999.part.tif").write_bytes(b"half")
    (folder / "of-somebody-else.tif").write_bytes(b"whole")
    load(database, write(tmp_path / "dem.tif", heights(), nodata=-9999.0), tmp_path / "home")
    assert files(tmp_path / "home") == sorted([served(database)[0].file, "of-somebody-else.tif"])


def _without_place(path: Path) -> None:
    bands = colours()
    with rasterio.open(path, "w", driver="GTiff", width=300, height=300, count=3, dtype="uint8", crs="EPSG:4549") as file:
        file.write(bands)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_text("no picture"), "cannot be read as a GeoTIFF"),
        (lambda path: write(path, colours(), epsg=None), r"does not say its coordinate system.*write crs = .*533000, 3996000"),
        (_without_place, "does not say where its cells lie"),
        (lambda path: write(path, colours(), epsg=3067), "and shibei from 120.05"),
        (lambda path: write(path, colours().astype(np.complex64)), "bands of complex64"),
        (lambda _: None, "There is no file"),
    ],
)
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_file_that_cannot_be_placed_is_refused_before_anything_is_loaded(tmp_path: Path, make: Any, said: str) -> None:
    make(tmp_path / "a.tif")
    with pytest.raises(SourceError, match=said):
        load(None, described(tmp_path, 'id = "a"\npath = "a.tif"'), tmp_path / "home", dry_run=True)


@pytest.mark.parametrize(
    ("bands", "profile", "kind", "said"),
    [
        (heights(), {}, "elevation", r"heights from -9999 to 169.5 m.*write nodata = -9999"),
        (heights(), {"nodata": -9999.0}, "orthophoto", 'kind = "other"'),
        (colours(), {}, "elevation", "Heights are one band"),
        (np.zeros((1, 50, 50), np.float32), {"nodata": 0.0}, "elevation", "holds no value at all"),
        (np.full((1, 50, 50), np.nan, np.float32), {}, "other", "holds no value at all"),
    ],
)
def test_cells_that_cannot_be_what_they_are_said_to_be_are_refused(
    tmp_path: Path, bands: Any, profile: dict[str, Any], kind: str, said: str
) -> None:
    write(tmp_path / "a.tif", bands, **profile)
    with pytest.raises(SourceError, match=said):
        load(None, described(tmp_path, f'id = "a"\npath = "a.tif"\nkind = "{kind}"'), tmp_path / "home", dry_run=True).raise_failure()


def test_mistakes_in_the_description_of_a_raster_are_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"raster 'a' / crs: cells are not straight in gcj02"):
        load(None, described(tmp_path, 'id = "a"\npath = "a.tif"\ncrs = "gcj02"'), tmp_path, dry_run=True)
    with pytest.raises(SourceError, match=r"raster 'A b' / id"):
        load(None, described(tmp_path, 'id = "A b"\npath = "a.tif"'), tmp_path, dry_run=True)
    with pytest.raises(SourceError, match=r"there is no such key; did you mean 'kind'"):
        load(None, described(tmp_path, 'id = "a"\npath = "a.tif"\nkinds = "other"'), tmp_path, dry_run=True)


def test_every_key_of_a_raster_has_a_meaning_that_stands_in_the_docs() -> None:
    docs = (Path(__file__).resolve().parents[2] / "docs" / "rasters.md").read_text(encoding="utf-8")
    for name, field in RasterSource.model_fields.items():
        assert f"| `{name}` | {field.description} |" in docs, name


def test_the_record_refuses_what_no_address_could_name(connection: psycopg.Connection) -> None:
    with pytest.raises(psycopg.errors.CheckViolation, match="rasters_id_check"):
        connection.execute(
            "INSERT INTO gisgrid.rasters (id, kind, file, file_hash, size, crs, width, height, dtype, bands, cell_m, min_zoom, max_zoom,"
            " geom) VALUES ('../x', 'other', 'f', 'h', 1, 'EPSG:4549', 1, 1, 'int8', '[]', 1, 1, 1, 'SRID=4326;POLYGON((0 0,1 0,1 1,0 0))')"
        )
