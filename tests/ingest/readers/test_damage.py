"""Files cut off or with flipped bits: rows, broken rows or one clear error, and never fewer rows without a word."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas
import pandas as pd
import pytest
import shapely

from gisgrid.errors import SourceError
from tests.ingest.readers.reading import read

ROWS = 120
# Where every row is told by the file itself, none may go missing; a line of text that is gone, nobody can know of.
COUNTED = {"gpkg", "fgb", "shp", "parquet", "geojson", "kml", "gml", "mif", "tab", "pbf", "zip"}
TIMES = 25


def frame() -> geopandas.GeoDataFrame:
    points = [shapely.Point(120.3 + number / 1e4, 36 + number / 1e4) for number in range(ROWS)]
    columns = {"code": [f"A{number}" for number in range(ROWS)], "name": [f"山东路{number}号井盖" for number in range(ROWS)]}
    return geopandas.GeoDataFrame({**columns, "n": [float(number) for number in range(ROWS)]}, geometry=points, crs=4326)


def _gdal(driver: str, **options: str) -> Callable[[Path], None]:
    return lambda path: frame().to_file(path, driver=driver, engine="pyogrio", **options)


def _zip(path: Path) -> None:
    frame().drop(columns="geometry").to_csv(path.with_suffix(".csv"), index=False)
    shutil.make_archive(str(path.with_suffix("")), "zip", path.parent, f"{path.stem}.csv")
    path.with_suffix(".csv").unlink()


WRITERS: dict[str, Callable[[Path], None]] = {
    "shp": _gdal("ESRI Shapefile", encoding="GBK"),
    "gpkg": _gdal("GPKG"),
    "fgb": _gdal("FlatGeobuf"),
    "kml": _gdal("LIBKML"),
    "gml": _gdal("GML"),
    "tab": _gdal("MapInfo File", ENCODING="UTF-8"),
    "mif": _gdal("MapInfo File", ENCODING="UTF-8"),
    "geojson": _gdal("GeoJSON"),
    "geojsonl": _gdal("GeoJSONSeq"),
    "parquet": lambda path: frame().to_parquet(path),
    "csv": lambda path: frame().drop(columns="geometry").to_csv(path, index=False),
    "xlsx": lambda path: pd.DataFrame(frame().drop(columns="geometry")).to_excel(path, index=False),
    "zip": _zip,
}


def _spoilt(content: bytes, chance: random.Random) -> bytes:
    """Return the content cut off, with some bits flipped, or with a run of zeros."""
    kind, place = chance.randrange(3), chance.randrange(len(content))
    if kind == 0:
        return content[:place]
    changed = bytearray(content)
    if kind == 1:
        for _ in range(chance.choice([1, 3, 20])):
            changed[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    else:
        run = chance.randrange(1, 200)
        changed[place : place + run] = bytes(len(changed[place : place + run]))
    return bytes(changed)


@pytest.fixture(scope="module", params=sorted(WRITERS))
def written(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    WRITERS[request.param](folder / f"a.{request.param}")
    return folder / f"a.{request.param}"


def test_a_damaged_file_gives_rows_or_one_clear_error(written: Path, tmp_path: Path) -> None:
    ending = written.suffix[1:]
    chance = random.Random(ending)
    parts = [part for part in sorted(written.parent.iterdir()) if part.suffix not in {".xsd", ".cpg", ".ind"}]
    assert read(written).size == ROWS
    refused: list[SourceError] = []
    for attempt in range(TIMES):
        folder = tmp_path / str(attempt)
        shutil.copytree(written.parent, folder)
        part = folder / chance.choice(parts).name
        part.write_bytes(_spoilt(part.read_bytes(), chance))
        try:
            found = read(folder / written.name)
        except SourceError as error:
            refused.append(error)
        else:
            if ending in COUNTED:
                assert found.size == ROWS, part.name
    assert all(error.message and error.hint for error in refused)
    assert refused or ending in {"csv", "geojsonl"}


@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_extract_of_openstreetmap_is_refused_with_the_place(real: Path, tmp_path: Path, cut: bool) -> None:
    content = bytearray((real / "helsinki" / "Helsinki_small_2020.osm.pbf").read_bytes())
    if cut:
        del content[400_000:]
    else:
        content[400_000] ^= 1
    (tmp_path / "a.osm.pbf").write_bytes(content)
    with pytest.raises(SourceError, match=r"damaged or cut off: block \d+, at byte [\d,]+"):
        read(tmp_path / "a.osm.pbf", inner_layer="points")


def test_a_feature_that_cannot_be_read_costs_itself_alone(tmp_path: Path) -> None:
    frame().to_file(tmp_path / "a.fgb", driver="FlatGeobuf", engine="pyogrio")
    content = bytearray((tmp_path / "a.fgb").read_bytes())
    place = content.rindex("山东路60号井盖".encode()) - 4
    content[place : place + 4] = b"\xff\xff\xff\x7f"  # the length of the text
    (tmp_path / "a.fgb").write_bytes(content)
    found = read(tmp_path / "a.fgb")
    assert found.size == ROWS
    assert len(found.broken) == 1
    assert len({row["code"] for row in found.rows}) == ROWS
    assert sorted(number for batch in found.batches for number in batch.numbers.tolist()) == list(range(1, ROWS + 1))
