"""The sample district itself: exact partitions, buildings that nothing cuts, addresses in order, true answers that are true."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import prcoords
import pyogrio
import pytest
import shapely

from gisgrid.addresses import chinese_number
from gisgrid.codes import component_classes
from gisgrid.progress import silent
from ingest.sample.areas import faults_in, make_areas
from ingest.sample.arrays import Geoms
from ingest.sample.blocks import USES, make_blocks
from ingest.sample.cases import World
from ingest.sample.files import make_world
from ingest.sample.generate import generate
from ingest.sample.lattice import make_lattice
from ingest.sample.outline import make_outline, to_metres
from ingest.sample.people import credit_code, make_people
from ingest.sample.plan import Plan
from ingest.sample.words import road_names

SCALE = 0.2
LEVELS = ("districts", "streets", "communities", "grids")


class AreaFile(NamedTuple):
    codes: list[str]
    names: list[str]
    parents: list[str]
    polygons: Geoms


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "district"
    generate(folder, 370203, SCALE)
    return folder


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(Plan(3, 0.1), silent)


@pytest.fixture(scope="module")
def areas(folder: Path) -> dict[str, AreaFile]:
    return {level: read_areas(folder / "district" / f"{level}.geojson") for level in LEVELS}


def read_areas(path: Path) -> AreaFile:
    features = json.loads(path.read_text(encoding="utf-8"))["features"]
    properties = [feature["properties"] for feature in features]
    polygons = np.array([shapely.from_geojson(json.dumps(feature["geometry"])) for feature in features])
    names = [entry["MC"].strip() for entry in properties]
    return AreaFile([entry["DM"] for entry in properties], names, [entry.get("SJDM", "") for entry in properties], polygons)


def in_metres(geometry: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(geometry, lambda lonlat: to_metres(lonlat[:, 0], lonlat[:, 1]))


def test_counts_of_areas_follow_the_scale(areas: dict[str, AreaFile]) -> None:
    assert [len(areas[level].codes) for level in LEVELS] == [1, 22, 137, 188]


def test_each_level_is_an_exact_partition(areas: dict[str, AreaFile]) -> None:
    whole = areas["districts"].polygons[0]
    for level in LEVELS:
        polygons = areas[level].polygons
        assert all(polygon.geom_type == "Polygon" and polygon.is_valid and not polygon.interiors for polygon in polygons), level
        assert shapely.coverage_is_valid(polygons), level
        assert shapely.area(polygons).sum() == pytest.approx(whole.area, rel=1e-12)
        assert shapely.coverage_union_all(polygons).normalize().equals_exact(whole.normalize(), 0.0), level


@pytest.mark.parametrize(("parents", "children"), [("districts", "streets"), ("streets", "communities"), ("communities", "grids")])
def test_children_make_up_their_parent_vertex_for_vertex(areas: dict[str, AreaFile], parents: str, children: str) -> None:
    below = areas[children]
    for code, polygon in zip(areas[parents].codes, areas[parents].polygons, strict=True):
        own = below.polygons[np.array(below.parents) == code]
        assert len(own)
        assert shapely.coverage_union_all(own).normalize().equals_exact(polygon.normalize(), 0.0), code


def test_area_is_the_real_one_times_the_scale(areas: dict[str, AreaFile]) -> None:
    assert in_metres(areas["districts"].polygons[0]).area == pytest.approx(65.4e6 * SCALE, rel=1e-6)


def test_codes_and_names_of_grids_follow_their_community(areas: dict[str, AreaFile]) -> None:
    grids, communities = areas["grids"], dict(zip(areas["communities"].codes, areas["communities"].names, strict=True))
    assert len(set(grids.codes)) == len(grids.codes)
    assert len(set(grids.names)) == len(grids.names)
    for code, name, parent in zip(grids.codes, grids.names, grids.parents, strict=True):
        assert code[:12] == parent
        community = communities[parent].removesuffix("居委会").removesuffix("居民委员会")
        assert name.endswith(f"{community}第{int(code[12:])}网格")


def test_outer_rings_run_counterclockwise_but_for_those_in_the_manifest(folder: Path, areas: dict[str, AreaFile]) -> None:
    listed = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["defects"]
    turned = {entry["key"] for entry in listed if (entry["file"], entry["defect"]) == ("district/grids.geojson", "clockwise-ring")}
    found = {c for c, p in zip(areas["grids"].codes, areas["grids"].polygons, strict=True) if not p.exterior.is_ccw}
    assert found == turned


@pytest.mark.slow
def test_full_size_streets_have_their_real_areas_and_places() -> None:
    plan = Plan(370203, 1.0)
    areas = make_areas(plan, make_blocks(plan, make_lattice(plan)))
    assert faults_in(areas) == []
    streets, grids = areas.tables["street"], areas.tables["grid"]
    assert len(grids.codes) == 940
    assert len(areas.tables["community"].codes) == 137
    assert np.abs(streets.area_m2 / plan.street_areas_m2 - 1.0).max() < 0.03
    middle = shapely.centroid(streets.polygons)
    away = to_metres(shapely.get_x(middle), shapely.get_y(middle)) - make_outline(plan).sites
    assert np.hypot(*away.T).max() < 450.0
    assert grids.area_m2.sum() == pytest.approx(65.4e6)
    assert (grids.area_m2 / 69_574.0).min() > 0.65
    assert (grids.area_m2 / 69_574.0).max() < 1.35


def test_buildings_lie_apart_and_no_border_cuts_one(folder: Path, areas: dict[str, AreaFile]) -> None:
    table = pyogrio.read_dataframe(folder / "buildings.gpkg")
    sound = table[table.geometry.notna() & table.geometry.is_valid]
    assert len(sound) > 0.98 * len(table)
    assert set(sound.geometry.geom_type) == {"Polygon", "MultiPolygon"}
    shapes = shapely.force_2d(sound.geometry.to_numpy())
    tree = shapely.STRtree(shapes)
    first, second = tree.query(shapes, predicate="intersects")
    assert (first == second).all()
    grids = areas["grids"]
    building, grid = shapely.STRtree(grids.polygons).query(shapes, predicate="within")
    assert building.tolist() == list(range(len(shapes)))
    assert [grids.parents[k] for k in grid.tolist()] == sound["社区代码"].tolist()


def alone(world: World) -> list[int]:
    """Return the buildings that have a house number of their own."""
    uses = [USES.index(use) for use in ("court", "mixed", "office")]
    return np.nonzero(np.isin(world.blocks.use[world.footprints.block], uses))[0].tolist()


def test_house_numbers_are_odd_on_the_left_and_even_on_the_right(world: World) -> None:
    addresses, footprints = world.addresses, world.footprints
    seen = []
    for building in alone(world):
        line, centre = world.ground.edge_lines[addresses.edge[building]], shapely.Point(footprints.centre[building])
        along = line.project(centre)
        if 1.0 < along < line.length - 1.0:  # beside the road, not beyond its end
            (ax, ay), (bx, by) = (line.interpolate(along + step).coords[0] for step in (-0.5, 0.5))
            is_left = (bx - ax) * (centre.y - ay) - (by - ay) * (centre.x - ax) > 0
            assert int(addresses.number[building]) % 2 == is_left
            seen.append(is_left)
    assert len(seen) > 1000
    assert 0.3 < sum(seen) / len(seen) < 0.7


def test_house_numbers_rise_along_each_side_of_a_road(world: World) -> None:
    addresses, roads, footprints = world.addresses, world.roads, world.footprints
    sides: dict[tuple[int, int], list[tuple[float, int]]] = {}
    for building in alone(world):
        edge, number = addresses.edge[building], int(addresses.number[building])
        along = roads.edge_start_m[edge] + world.ground.edge_lines[edge].project(shapely.Point(footprints.centre[building]))
        sides.setdefault((int(addresses.road[building]), number % 2), []).append((float(along), number))
    assert sum(len(doors) for doors in sides.values()) > 1000
    for doors in sides.values():
        numbers = [number for _, number in sorted(doors)]
        assert numbers == sorted(numbers)


def test_full_addresses_are_unique_and_composed_of_their_parts(folder: Path) -> None:
    table = pyogrio.read_dataframe(folder / "buildings.gpkg", read_geometry=False)
    parts = "山东省青岛市市北区" + table["道路"].str.strip() + table["门牌号"] + table["楼号"].fillna("")
    assert (table["地址"] == parts).all()
    assert table["地址"].is_unique
    assert table["门牌号"].str.fullmatch(r"\d+号(甲|乙|丙|-[123])?").all()
    assert table["门牌号"].str.endswith("甲").any()
    assert table["楼号"].dropna().str.fullmatch(r"(\d+号楼)?").all()


def test_years_floors_and_residents_are_believable(world: World) -> None:
    buildings = world.buildings
    assert 1900 <= buildings.year.min() <= buildings.year.max() <= 2025
    assert buildings.year.min() < 1930
    assert 1 <= buildings.floors.min() <= buildings.floors.max() <= 35
    assert ((buildings.height_m / buildings.floors >= 2.9) & (buildings.height_m / buildings.floors < 6.5)).all()
    assert ((buildings.residents > 0) == (buildings.households > 0)).mean() > 0.99


def test_road_names_are_unique_and_those_of_the_areas_exist(world: World) -> None:
    names = set(world.roads.names)
    assert len(names) == len(world.roads.names)
    assert {"延安路", "延安一路", "延安二路", "伊春路", "伊春二路", "登州路"} <= names


def test_covers_have_sixteen_kinds_whose_codes_say_so(folder: Path) -> None:
    table = pyogrio.read_dataframe(folder / "covers" / "井盖普查.shp", encoding="gbk", read_geometry=False)
    classes = {code: e.name for (scheme, edition, code), e in component_classes().items() if (scheme, edition) == ("CJ/T 214", "2007")}
    good = table[table["ObjID"].str.fullmatch(r"37020301\d{8}") & table["ObjID"].str[6:10].isin(classes)]
    assert (good["ObjID"].str[6:10].map(classes) == good["ObjName"]).mean() > 0.995  # a repeated code may cross kinds
    assert good["ObjName"].nunique() == 16
    assert (good["ObjName"] == "无主井盖").mean() < 0.02
    assert not list((folder / "covers").glob("*.cpg"))


def test_covers_lie_in_the_grid_they_name_with_room_to_its_border(folder: Path, areas: dict[str, AreaFile]) -> None:
    table = pyogrio.read_dataframe(folder / "covers" / "井盖普查.shp", encoding="gbk")
    table = table[table.geometry.notna() & (table.geometry.x > 4.0e7) & (table.geometry.y > 1.0e6)].to_crs(4549)
    grids = [in_metres(polygon) for polygon in areas["grids"].polygons]
    cover, grid = shapely.STRtree(grids).query(table.geometry.to_numpy(), predicate="within")
    assert cover.tolist() == list(range(len(table)))
    assert [areas["grids"].codes[k] for k in grid.tolist()] == table["BGID"].tolist()
    edges = shapely.boundary(np.array(grids)[grid])
    assert shapely.distance(edges, table.geometry.to_numpy()).min() > 1.0


def test_cameras_know_their_direction_in_several_ways(folder: Path) -> None:
    with (folder / "cameras.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2400
    assert {row["数据来源"] for row in rows} == {"实测", "厂家", "八方位", "缺省"}
    stepped = [row for row in rows if row["数据来源"] == "八方位" and row["类型"] == "固定枪机"]
    assert sum(row["方向"] != "" and row["方位角"] == "" for row in stepped) > 0.9 * len(stepped)
    assert any(row["方向"] == row["方位角"] == "" for row in rows)
    toward = {"1": 90, "2": 270, "3": 180, "4": 0, "5": 135, "6": 45, "7": 225, "8": 315}
    both = [(toward[row["方向"]], float(row["方位角"])) for row in rows if row["方向"] and row["方位角"]]
    off = [abs((step - azimuth + 180) % 360 - 180) for step, azimuth in both if 0 <= azimuth < 360]
    assert max(off) <= 22.6


def test_true_grids_of_cases_are_true_by_another_converter(folder: Path, areas: dict[str, AreaFile]) -> None:
    with (folder / "cases_truth.csv").open(encoding="utf-8", newline="") as file:
        truth = {row["number"]: row for row in csv.DictReader(file)}
    grids = areas["grids"]
    tree = shapely.STRtree(grids.polygons)
    checked, numbers = 0, set()
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            numbers.add(row["number"])
            answer = truth[row["number"]]
            assert answer["grid"].startswith(answer["community"])
            assert answer["community"].startswith(answer["street"])
            if not row["lon"].strip() or row["lon"] == "无":
                continue
            lon, lat = float(row["lon"]), float(row["lat"])
            if row["crs"].lower().startswith("gcj"):
                lat, lon = prcoords.gcj_wgs_bored((lat, lon))
            found = tree.query(shapely.Point(lon, lat), predicate="within")
            assert [grids.codes[k] for k in found] == [answer["grid"]]
            metres = to_metres(np.array([lon, float(answer["lon"])]), np.array([lat, float(answer["lat"])]))
            assert np.hypot(*(metres[0] - metres[1])) < 0.15
            checked += 1
    assert numbers == truth.keys()
    assert checked == pytest.approx(0.9 * 3600 * SCALE, rel=0.06)


def test_addresses_of_cases_come_in_many_forms(folder: Path) -> None:
    with (folder / "cases.csv").open(encoding="utf-8", newline="") as file:
        text = "\n".join(row["address"] for row in csv.DictReader(file))
    for form in ("山东省青岛市市北区", "交叉口", "路口", "附近", "对面", "#", "号楼", "單元" if "單元" in text else "號", "０"):
        assert form in text, form
    assert any(chinese_number(n) + "号" in text for n in range(10, 60))


def test_numbers_in_words() -> None:
    expected = {
        1: "一",
        10: "十",
        11: "十一",
        20: "二十",
        41: "四十一",
        105: "一百零五",
        110: "一百一十",
        1002: "一千零二",
        2030: "二千零三十",
    }
    assert {n: chinese_number(n) for n in expected} == expected


def test_road_names_never_end_and_never_repeat() -> None:
    names = road_names(np.random.default_rng(1), {"延安路"})
    found = [next(names) for _ in range(15_000)]
    assert len(set(found)) == 15_000
    assert "延安路" not in found


def test_credit_codes_have_a_right_check_symbol() -> None:
    symbols = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    for number in (1, 77, 900):
        code = credit_code(number)
        assert len(code) == 18
        total = sum(symbols.index(c) * 3**k for k, c in enumerate(code[:17]))
        assert (total + symbols.index(code[17])) % 31 == 0


def test_a_roster_names_nobody_twice_even_where_names_are_few(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    few = ["吴静", "赵国强", "李娜", "王磊", "张敏"]
    monkeypatch.setattr("ingest.sample.people.person_names", lambda rng, count: rng.choice(few, count).tolist())
    roles = make_people(world.plan, world.areas).roles
    named = [row for row in zip(roles["区域代码"], roles["角色"], roles["姓名"], strict=True) if row[2]]
    assert len(named) > 200
    assert len(set(named)) == len(named)
