"""From the plan to the files: makes the world, spoils one row in a hundred, writes each file and accounts for it."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from gisgrid import paths
from gisgrid.crs import from_wgs84, parse_crs
from gisgrid.layers import AREA_LAYERS
from gisgrid.progress import Progress
from gisgrid.types import LEVELS
from ingest.sample import defects
from ingest.sample.addresses import make_addresses
from ingest.sample.areas import Areas, make_areas
from ingest.sample.arrays import Bools, Geoms, Ints, Table
from ingest.sample.blocks import make_blocks
from ingest.sample.buildings import make_footprints, share_multi
from ingest.sample.cameras import Cameras, make_cameras
from ingest.sample.cases import Cases, World, make_cases
from ingest.sample.components import make_covers
from ingest.sample.facts import make_facts
from ingest.sample.gazetteer import Gazetteer, make_gazetteer
from ingest.sample.ground import Ground
from ingest.sample.lattice import ROUNDING_DIGITS, make_lattice
from ingest.sample.outline import to_degrees
from ingest.sample.people import make_people
from ingest.sample.plan import DISTRICT_CODE, Plan
from ingest.sample.roads import CLASS_NAMES, Roads, make_roads
from ingest.sample.write import write_csv, write_geojson, write_geopackage, write_shapefile, write_workbook

COVERS, BUILDINGS, CAMERAS, PEOPLE = "covers/井盖普查.shp", "buildings.gpkg", "cameras.csv", "organizations.xlsx"
ROADS, CASES, TRUTH = "roads.geojson", "cases.csv", "cases_truth.csv"
PLACES, PLACE_NAMES = "places.csv", "place_names.csv"
BUILDING_LAYER = "楼院"
_ZONE_40_M = 40_000_000.0  # EPSG:4528 is EPSG:4549 with the zone's number before the easting
_STEPS = 9


class Account:
    """Rows and defects of each file, for the manifest."""

    def __init__(self) -> None:
        self._rows: dict[str, int] = {}
        self._defects: list[defects.Defect] = []

    def add(self, file: str, rows: int, bad: list[defects.Defect]) -> None:
        """Note a file, or a sheet of one, and its bad rows."""
        self._rows[file] = rows
        self._defects.extend(bad)

    def report(self) -> dict[str, Any]:
        """Return the account for the manifest."""
        rows: dict[str, Any] = {}
        for file, count in self._rows.items():
            bad = [entry for entry in self._defects if entry.file == file]
            fates = Counter(entry.fate for entry in bad)
            kinds = Counter(entry.defect for entry in bad)
            rows[file] = {"rows": count, "bad": len(bad), **dict(sorted(fates.items())), "defects": dict(sorted(kinds.items()))}
        return {"rows": rows, "defects": [entry._asdict() for entry in self._defects]}


def write_files(plan: Plan, folder: Path, progress: Progress) -> dict[str, Any]:
    """Write all files of the plan into a folder that is there; returns rows and defects by file, for the manifest."""
    account = Account()
    rng = plan.rng("defects")
    world = make_world(plan, progress)
    progress("cameras", 5, _STEPS)
    cameras = make_cameras(plan, world.ground, world.footprints)
    progress("cases", 6, _STEPS)
    cases = make_cases(world)
    progress("writing", 7, _STEPS)
    _write_areas(folder, world.areas, account, rng)
    _write_roads(folder, world.roads, account)
    _write_gazetteer(folder, make_gazetteer(plan, world.ground, world.buildings, world.addresses), account)
    _write_covers(folder, world, cases, account, rng)
    _write_cameras(folder, cameras, account, rng)
    _write_people(folder, plan, world.areas, account, rng)
    _write_cases(folder, cases, account, rng)
    progress("writing buildings", 8, _STEPS)
    _write_buildings(folder, world, cases, account, rng)
    shutil.copyfile(paths.data_dir() / "sources" / "sample.toml", folder / "sources.toml")
    progress("done", _STEPS, _STEPS)
    return account.report()


def make_world(plan: Plan, progress: Progress) -> World:
    """Make everything that stands in the district, in memory."""
    progress("streets", 0, _STEPS)
    lattice = make_lattice(plan)
    blocks = make_blocks(plan, lattice)
    progress("areas", 1, _STEPS)
    areas = make_areas(plan, blocks)
    roads = make_roads(plan, lattice, blocks, areas)
    progress("buildings", 2, _STEPS)
    footprints = make_footprints(plan, lattice, blocks, roads)
    ground = Ground(blocks, roads)
    progress("addresses", 3, _STEPS)
    addresses = make_addresses(plan, ground, footprints)
    buildings = make_facts(plan, areas, ground, footprints, addresses)
    progress("covers", 4, _STEPS)
    covers = make_covers(plan, areas, ground)
    return World(plan, blocks, areas, roads, ground, footprints, addresses, buildings, covers)


def _write_areas(folder: Path, areas: Areas, account: Account, rng: np.random.Generator) -> None:
    (folder / "district").mkdir()
    for level in LEVELS:
        source = areas.tables[level]
        file = f"district/{AREA_LAYERS[level].id}.geojson"
        table: Table = {"DM": source.codes.copy(), "MC": source.names.copy()}
        if level != "district":
            table["SJDM"] = source.parents
        table["MJ"] = np.round(source.area_m2, 1)
        table["geometry"] = source.polygons.copy()
        account.add(file, len(source.codes), defects.spoil_areas(rng, file, table))
        write_geojson(folder / file, table)


def _write_roads(folder: Path, roads: Roads, account: Account) -> None:
    classes = np.array(CLASS_NAMES, dtype=object)[roads.classes]
    codes = np.array([f"{DISTRICT_CODE}R{number:05d}" for number in range(1, len(classes) + 1)], dtype=object)
    write_geojson(folder / ROADS, {"编码": codes, "名称": roads.names, "等级": classes, "geometry": roads.lines()})
    account.add(ROADS, len(roads.names), [])


def _write_gazetteer(folder: Path, gazetteer: Gazetteer, account: Account) -> None:
    for file, table in ((PLACES, gazetteer.places), (PLACE_NAMES, gazetteer.names)):
        account.add(file, len(table["名称"]), [])
        write_csv(folder / file, table, "utf-8")


def _write_covers(folder: Path, world: World, cases: Cases, account: Account, rng: np.random.Generator) -> None:
    (folder / "covers").mkdir()
    xy = np.round(world.covers.xy, 3) + np.array([_ZONE_40_M, 0.0])
    table = {name: column.copy() for name, column in world.covers.table.items()}
    table["geometry"] = np.array(shapely.points(xy), dtype=np.object_)
    bad = defects.spoil_covers(rng, COVERS, table, _used(cases.cover, len(xy)))
    account.add(COVERS, len(xy), bad)
    write_shapefile(folder / COVERS, table, "EPSG:4528")


def _write_cameras(folder: Path, cameras: Cameras, account: Account, rng: np.random.Generator) -> None:
    lonlat = to_degrees(cameras.xy)
    lon, lat = from_wgs84(parse_crs("gcj02"), lonlat[:, 0], lonlat[:, 1])
    first = ("设备编码", "名称", "类型")
    table: Table = {name: cameras.table[name].copy() for name in first}
    table["经度"] = np.array([f"{value:.7f}" for value in lon.tolist()], dtype=object)
    table["纬度"] = np.array([f"{value:.7f}" for value in lat.tolist()], dtype=object)
    table |= {name: column.copy() for name, column in cameras.table.items() if name not in first}
    order = ("安装高度", "方向", "方位角", "视场角", "可视距离", "状态", "建设单位", "数据来源")
    table = {name: table[name] for name in (*first, "经度", "纬度", *order)}
    account.add(CAMERAS, len(lonlat), defects.spoil_cameras(rng, CAMERAS, table))
    write_csv(folder / CAMERAS, table, "utf-8-sig")


def _write_people(folder: Path, plan: Plan, areas: Areas, account: Account, rng: np.random.Generator) -> None:
    people = make_people(plan, areas)
    bad = defects.spoil_people(rng, PEOPLE, people.organizations, people.roles)
    for sheet, table in (("单位", people.organizations), ("责任人", people.roles)):
        name = f"{PEOPLE}#{sheet}"
        account.add(name, len(next(iter(table.values()))), [entry for entry in bad if entry.file == name])
    write_workbook(folder / PEOPLE, {"单位": people.organizations, "责任人": people.roles})


def _write_cases(folder: Path, cases: Cases, account: Account, rng: np.random.Generator) -> None:
    table = {name: column.copy() for name, column in cases.table.items()}
    bad, repeats = defects.spoil_cases(rng, CASES, table)
    account.add(CASES, len(repeats), bad)
    account.add(TRUTH, int((~repeats).sum()), [])
    write_csv(folder / CASES, table, "utf-8")
    truth = {name: column[~repeats] for name, column in cases.truth.items()}
    write_csv(folder / TRUTH, truth, "utf-8")


def _write_buildings(folder: Path, world: World, cases: Cases, account: Account, rng: np.random.Generator) -> None:
    buildings = world.buildings
    table: Table = {
        "编码": buildings.code.copy(),
        "名称": buildings.name.copy(),
        "道路": buildings.road.copy(),
        "门牌号": buildings.house,
        "楼号": buildings.building,
        "地址": buildings.address,
        "社区代码": buildings.community,
        "用途": buildings.use,
        "建成年份": buildings.year.astype(np.int32),
        "层数": buildings.floors.astype(np.int32),
        "高度": buildings.height_m,
        "户数": buildings.households.astype(np.int32),
        "人口": buildings.residents.astype(np.int32),
        "geometry": _in_degrees(world.footprints.polygons[buildings.order]),
    }
    multi = share_multi(rng, len(buildings.code))
    table["geometry"][multi] = _as_multi(table["geometry"][multi])
    bad = defects.spoil_buildings(rng, BUILDINGS, table, _used(cases.building, len(buildings.code)))
    account.add(BUILDINGS, len(buildings.code), bad)
    write_geopackage(folder / BUILDINGS, BUILDING_LAYER, table, "EPSG:4490")


def _in_degrees(polygons: Geoms) -> Geoms:
    moved = shapely.transform(polygons, lambda xy: np.round(to_degrees(xy), ROUNDING_DIGITS))
    return np.asarray(moved, dtype=np.object_)


def _as_multi(polygons: Geoms) -> Geoms:
    return np.asarray(shapely.multipolygons(polygons, indices=np.arange(len(polygons))), dtype=np.object_)


def _used(rows: Ints, count: int) -> Bools:
    used = np.zeros(count, dtype=np.bool_)
    used[rows[rows >= 0]] = True
    return used
