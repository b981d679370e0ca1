"""The files of a sample district as tables of a gazetteer, without a database, and the addresses of its cases with the truth."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import geopandas
import numpy as np
from numpy.typing import NDArray

from gisgrid.addresses.parsers import parser_of
from gisgrid.deployment import load_deployment
from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.geocoding.tables import GazetteerTables, LineTable, OtherName
from gisgrid.locator import AreaTable, FootprintTable, Locator, PointTable
from gisgrid.types import Level
from ingest.sample.generate import MANIFEST
from ingest.sample.plan import Plan

_FIELDS = {"code": "编码", "name": "名称", "road": "道路", "house_number": "门牌号", "building_number": "楼号"}
_AREAS: dict[Level, str] = {"district": "districts", "street": "streets", "community": "communities", "grid": "grids"}


class Case(NamedTuple):
    """The address of a case and where it truly is: degrees, WGS 84, and the code of its grid."""

    address: str
    lon: float
    lat: float
    grid: str


def sample_gazetteer(folder: Path) -> tuple[Gazetteer, Locator]:
    """Return the gazetteer of a sample district, and the locator of its areas."""
    areas = {level: _areas(folder / "district" / f"{name}.geojson") for level, name in _AREAS.items()}
    locator = Locator.from_areas(areas)
    nothing = PointTable([], [], np.empty(0), np.empty(0), (), [])
    # 四方区 was merged into this district in 2012; the sample's other names are of places that no case speaks of.
    names = (OtherName("四方区", "districts", "370203", "old"),)
    tables = GazetteerTables(areas, _roads(folder / "roads.geojson"), _buildings(folder / "buildings.gpkg"), nothing, nothing, names)
    return Gazetteer(tables, parser_of(load_deployment("shibei")), locator), locator


def sample_cases(folder: Path) -> list[Case]:
    """Return the cases of a sample district that have an address."""
    with (folder / "cases_truth.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = {row["number"]: row for row in csv.DictReader(file)}
    with (folder / "cases.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [(row["address"], truth[row["number"]]) for row in csv.DictReader(file) if row["address"]]
    return [Case(address, float(true["lon"]), float(true["lat"]), true["grid"]) for address, true in rows]


def sample_plan(folder: Path) -> Plan:
    """Return the plan that a sample district was made by."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return Plan(manifest["seed"], manifest["scale"])


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _shapes(frame: geopandas.GeoDataFrame) -> NDArray[Any]:
    return np.asarray(frame.geometry.array, dtype=object)


def _areas(path: Path) -> AreaTable:
    frame = geopandas.read_file(path)
    parents = [_text(code) or None for code in (frame.SJDM if "SJDM" in frame else [""] * len(frame))]
    return AreaTable([_text(code) for code in frame.DM], [_text(name) for name in frame.MC], parents, _shapes(frame))


def _roads(path: Path) -> LineTable:
    frame = geopandas.read_file(path)
    names = [_text(name) for name in frame["名称"]]
    return LineTable(list(range(len(names))), names, _shapes(frame), ("code", "name"), [(name, name) for name in names])


def _buildings(path: Path) -> FootprintTable:
    """Return the buildings but for those that ingest would reject: without a shape, or of a code that comes again."""
    frame = geopandas.read_file(path)
    frame = frame[frame.geometry.notna() & ~frame.geometry.is_empty & frame.geometry.is_valid].drop_duplicates("编码", keep="last")
    west, south, east, north = np.percentile(frame.geometry.bounds, (1, 99), axis=0)[[0, 0, 1, 1], [0, 1, 2, 3]]
    frame = frame.cx[west - 0.1 : east + 0.1, south - 0.1 : north + 0.1]
    rows = list(zip(*([_text(value) for value in frame[column]] for column in _FIELDS.values()), strict=True))
    return FootprintTable(list(range(len(rows))), [row[0] for row in rows], _shapes(frame), tuple(_FIELDS), rows)
