"""GDAL as a client: the one of the system and that of pyogrio copy every collection whole, over OGC API - Features alone."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pyogrio
import pytest
import shapely

from gisgrid.db import Database
from gisgrid.layers import LAYERS, layer
from tests.features.reading import Features, as_text, read, stored

_PUBLIC = [one.id for one in LAYERS if one.public]
_PAGE = 7
"""Few features a page: a copy has to follow links."""

needs_gdal = pytest.mark.skipif(shutil.which("ogr2ogr") is None, reason="GDAL's programs are not installed")


def _ogr2ogr(ogc: str, layer_id: str, folder: Path, *options: str) -> Features:
    """Return what the system's ogr2ogr copies from the server."""
    path = folder / "copied.gpkg"
    path.unlink(missing_ok=True)
    source = [f"OAPIF:{ogc}", layer_id, "-oo", f"PAGE_SIZE={_PAGE}"]
    command = ["ogr2ogr", "-f", "GPKG", "-preserve_fid", str(path), *source, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "ERROR" not in done.stderr, done.stderr
    return read("gpkg", path.read_bytes(), folder, layer(layer_id))


def _same_place(found: object, expected: object) -> bool:
    return found is None if expected is None else bool(shapely.equals_identical(found, expected))


@needs_gdal
def test_the_systems_ogrinfo_lists_every_collection(ogc: str) -> None:
    told = subprocess.run(["ogrinfo", "-ro", f"OAPIF:{ogc}"], capture_output=True, text=True, check=True, timeout=120)
    for id in _PUBLIC:
        assert f": {id} " in told.stdout or f": {id}\n" in told.stdout, told.stdout


@needs_gdal
@pytest.mark.parametrize("layer_id", _PUBLIC)
def test_the_systems_ogr2ogr_copies_a_collection_whole(ogc: str, town: Database, tmp_path: Path, layer_id: str) -> None:
    expected = as_text(stored(town, layer(layer_id)))
    copied = _ogr2ogr(ogc, layer_id, tmp_path)
    assert set(copied) == set(expected)
    for id, one in expected.items():
        assert _same_place(copied[id].place, one.place)
        # A field that is empty everywhere is not known to be there.
        assert {name: copied[id].fields.get(name) for name in one.fields} == one.fields


@needs_gdal
def test_the_systems_ogr2ogr_asks_for_a_part(ogc: str, town: Database, tmp_path: Path) -> None:
    box = "120.371", "36.081", "120.379", "36.086"
    inside = stored(town, layer("manhole_covers"), f"ST_Intersects(geom, ST_MakeEnvelope({','.join(box)}, 4326))")
    assert set(_ogr2ogr(ogc, "manhole_covers", tmp_path, "-spat", *box)) == set(inside)
    intact = stored(town, layer("manhole_covers"), "state = 'intact'")
    assert set(_ogr2ogr(ogc, "manhole_covers", tmp_path, "-where", "state = 'intact'")) == set(intact)


@pytest.mark.parametrize("layer_id", _PUBLIC)
def test_the_gdal_of_pyogrio_copies_a_collection_whole(ogc: str, town: Database, layer_id: str) -> None:
    frame = pyogrio.read_dataframe(f"OAPIF:{ogc}", layer=layer_id, PAGE_SIZE=_PAGE, fid_as_index=True)
    expected = stored(town, layer(layer_id))
    places = dict(zip(map(int, frame.index), frame.geometry, strict=True))
    assert set(places) == set(expected)
    assert all(_same_place(places[id], one.place) for id, one in expected.items())
    assert {field.name for field in layer(layer_id).fields} <= set(frame.columns)


def test_the_gdal_of_pyogrio_filters_by_box_and_by_value(ogc: str, town: Database) -> None:
    box = (120.371, 36.081, 120.379, 36.086)
    inside = stored(town, layer("buildings"), f"ST_Intersects(geom, ST_MakeEnvelope{(*box, 4326)})")
    found = pyogrio.read_dataframe(f"OAPIF:{ogc}", layer="buildings", bbox=box, fid_as_index=True)
    assert set(map(int, found.index)) == set(inside)
    some = stored(town, layer("buildings"), "year_built > 2000 AND use = '住宅'")
    found = pyogrio.read_dataframe(f"OAPIF:{ogc}", layer="buildings", where="year_built > 2000 AND use = '住宅'", fid_as_index=True)
    assert set(map(int, found.index)) == set(some)
    assert 0 < len(some) < 190
