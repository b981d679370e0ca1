"""The files of Vlnava, an invented city, as its offices would hand them over: what docs/new-city.md is told with."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pyproj
import pytest
import shapely

UTM = "EPSG:32633"
WEST, SOUTH = 560_000.0, 5_540_000.0
CELL_M = 500.0

_TO_LONLAT = pyproj.Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
_STREETS = ("Žižkova", "Na Příkopě", "Dlouhá", "Šťastná")
_UTILITIES = ("sewer", "storm drain", "water", "telecom")


def lonlat(east_m: float, north_m: float) -> tuple[float, float]:
    """Return the position (degrees, WGS 84) of a place so many metres east and north of the city's south-western corner."""
    lon, lat = _TO_LONLAT.transform(WEST + east_m, SOUTH + north_m)
    return round(lon, 7), round(lat, 7)


@pytest.fixture(scope="session")
def write_city() -> Callable[[Path], None]:
    """Write areas.gpkg, manholes.csv, buildings.zip and cameras.kml into a folder."""

    def write(folder: Path) -> None:
        _areas(folder / "areas.gpkg")
        _manholes(folder / "manholes.csv")
        _buildings(folder / "buildings.zip")
        _cameras(folder / "cameras.kml")

    return write


def _cell(column: int, row: int, columns: int = 1, rows: int = 1) -> shapely.Polygon:
    west, south = WEST + column * CELL_M, SOUTH + row * CELL_M
    return shapely.box(west, south, west + columns * CELL_M, south + rows * CELL_M)


def _areas(path: Path) -> None:
    boroughs = {"code": ["V1", "V2"], "name": ["Staré Město", "Nové Město"]}
    outlines = [_cell(0, 0, 2, 2), _cell(2, 0, 2, 2)]
    gpd.GeoDataFrame(boroughs, geometry=outlines, crs=UTM).to_file(path, layer="boroughs", driver="GPKG")
    places = [(column, row) for row in (1, 0) for column in range(4)]
    cells = {
        "cell_id": [f"V{1 + column // 2}-{row}{column}" for column, row in places],
        "name": [f"Cell {number}" for number in range(1, 9)],
        "borough_code": [f"V{1 + column // 2}" for column, _ in places],
    }
    outlines = [_cell(column, row) for column, row in places]
    gpd.GeoDataFrame(cells, geometry=outlines, crs=UTM).to_file(path, layer="cells", driver="GPKG")


def _manholes(path: Path) -> None:
    """Sixty covers, and three rows that cannot be loaded: no position, a code that was there before, a position in the sea."""
    rows = []
    for number in range(60):
        lon, lat = lonlat(30 + 32 * number, 20 + (number * 137) % 960)
        condition = ("good", "good", "damaged", "not inspected")[number % 4]
        installed = f"{1 + number % 28}.{1 + number % 12}.{1990 + number % 30}"
        diameter = str(60 + number % 3 * 10)
        rows.append([f"MH-{number + 1:04}", _UTILITIES[number % 4], condition, installed, diameter, _comma(lat), _comma(lon)])
    rows.append(["MH-0061", "water", "good", "3.4.2011", "60", "", ""])
    rows.append(["MH-0007", "water", "good", "3.4.2011", "60", rows[10][5], _comma(lonlat(1000, 500)[0])])
    rows.append(["MH-0063", "sewer", "good", "3.4.2011", "60", "0,0", "0,0"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(["Asset_No", "Utility", "Condition", "Installed", "Diameter_cm", "Latitude", "Longitude"])
        writer.writerows(rows)


def _comma(number: float) -> str:
    return f"{number:.7f}".replace(".", ",")


def _buildings(path: Path) -> None:
    """Forty houses in a shapefile with text in Latin-2, zipped with its .cpg."""
    corners = [(40 + 180 * (number % 10), 60 + 230 * (number // 10)) for number in range(40)]
    houses = {
        "ID_BUDOVY": [70_001 + number for number in range(40)],
        "ULICE": [_STREETS[number % 4] for number in range(40)],
        "CISLO": [str(1 + number // 4) for number in range(40)],
        "PODLAZI": [1 + number % 6 for number in range(40)],
        "VYSKA_M": [3.2 + 3 * (number % 6) for number in range(40)],
        "ROK": [1900 + 3 * number for number in range(40)],
    }
    outlines = [shapely.box(WEST + x, SOUTH + y, WEST + x + 24, SOUTH + y + 12) for x, y in corners]
    folder = path.with_suffix("")
    folder.mkdir()
    gpd.GeoDataFrame(houses, geometry=outlines, crs=UTM).to_file(folder / "budovy.shp", encoding="ISO-8859-2")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, f"budovy/{file.name}")
            file.unlink()
    folder.rmdir()


def _cameras(path: Path) -> None:
    marks = []
    for number in range(12):
        lon, lat = lonlat(100 + 150 * number, 480 + 40 * (number % 3))
        data = {"camera_id": f"K{number + 1:03}", "type": ("bullet", "PTZ", "dome")[number % 3], "azimuth": str(number * 30)}
        values = "".join(f'<Data name="{name}"><value>{value}</value></Data>' for name, value in data.items())
        marks.append(
            f"<Placemark><name>Křižovatka {number + 1}</name><ExtendedData>{values}</ExtendedData>"
            f"<Point><coordinates>{lon},{lat},0</coordinates></Point></Placemark>"
        )
    text = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>Cameras</name>{"".join(marks)}</Folder></Document></kml>'
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{text}', encoding="utf-8")
