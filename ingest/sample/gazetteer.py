"""What has a name and is no building: bus stops and small parks; and other names of areas, roads and estates."""

from __future__ import annotations

import csv
from typing import NamedTuple

import numpy as np

from gisgrid import paths
from gisgrid.crs import from_wgs84, parse_crs
from ingest.sample.addresses import Addresses
from ingest.sample.arrays import Table, Texts
from ingest.sample.facts import Buildings
from ingest.sample.ground import Ground
from ingest.sample.outline import to_degrees
from ingest.sample.plan import DISTRICT_CODE, Plan
from ingest.sample.words import words

BUS_STOPS, PARKS, ALIASES, OLD_ROADS = 160, 60, 60, 24
"""At scale 1; smaller districts have fewer."""

_PARK_TAILS = ("街心公园", "街头广场", "健身广场", "街头绿地")
_TRIES = 5
_LEAST_BUILDINGS = 5  # of an estate with an alias: one or another may be among the bad rows
_KINDS = {"alias": "别名", "old": "旧名"}
_LAYERS = {
    "districts": "区",
    "streets": "街道",
    "communities": "社区",
    "grids": "网格",
    "roads": "道路",
    "buildings": "楼院",
    "places": "地点",
}


class Gazetteer(NamedTuple):
    """The tables of places.csv (positions in BD-09) and place_names.csv."""

    places: Table
    names: Table


def place_names_file() -> str:
    """Return the name of the file of real place names of the district, in data/names."""
    return f"place_names_{DISTRICT_CODE}.csv"


def make_gazetteer(plan: Plan, ground: Ground, buildings: Buildings, addresses: Addresses) -> Gazetteer:
    """Return places and other names; they have random numbers of their own."""
    rng = plan.rng("gazetteer")
    taken = {*buildings.name.tolist(), *ground.roads.names.tolist()}
    places = _places(plan, rng, ground, taken)
    taken.update(places["名称"].tolist())
    return Gazetteer(places, _names(plan, rng, ground, _estates(buildings, addresses), taken))


def _places(plan: Plan, rng: np.random.Generator, ground: Ground, taken: set[str]) -> Table:
    # More than are wanted: one or another has no room, or a name that is taken.
    stops = ground.along_roads(rng, _TRIES * plan.count(BUS_STOPS), 8.0, 14.0)
    parks = ground.along_roads(rng, _TRIES * plan.count(PARKS), 18.0, 30.0)
    roads = ground.roads
    rows: list[tuple[str, str, str, float, float]] = []
    for spots, kind, most in ((stops, "公交站", BUS_STOPS), (parks, "公园广场", PARKS)):
        wanted = len(rows) + plan.count(most)
        for xy, edge, block in zip(spots.xy.tolist(), spots.edge.tolist(), spots.block.tolist(), strict=True):
            road = str(roads.names[roads.edge_road[edge]])
            name = f"{road}公交站" if kind == "公交站" else _fresh(rng, road)
            if block >= 0 and name not in taken and len(rows) < wanted:
                taken.add(name)
                rows.append((name, kind, road, *xy))
    lonlat = to_degrees(np.array([row[3:] for row in rows]).reshape(-1, 2))
    lon, lat = from_wgs84(parse_crs("bd09"), lonlat[:, 0], lonlat[:, 1])
    columns = [np.array([row[k] for row in rows], dtype=object) for k in range(3)]
    codes = np.array([f"{DISTRICT_CODE}P{n:05d}" for n in range(1, len(rows) + 1)], dtype=object)
    degrees = [np.array([f"{value:.7f}" for value in axis.tolist()], dtype=object) for axis in (lon, lat)]
    return dict(zip(("编号", "名称", "类别", "地址", "经度", "纬度"), (codes, *columns, *degrees), strict=True))


def _fresh(rng: np.random.Generator, road: str) -> str:
    return road.rstrip("路街巷") + _PARK_TAILS[int(rng.integers(0, len(_PARK_TAILS)))]


def _estates(buildings: Buildings, addresses: Addresses) -> list[str]:
    """Return the names of the estates that have several buildings, without a building's number, in the order of the codes."""
    doors = addresses.door[buildings.order]
    sizes = np.bincount(doors)
    named = zip(buildings.name.tolist(), buildings.building.tolist(), doors.tolist(), buildings.use.tolist(), strict=True)
    found = [
        name.removesuffix(building)
        for name, building, door, use in named
        if name and building and use == "住宅" and sizes[door] >= _LEAST_BUILDINGS
    ]
    return list(dict.fromkeys(found))


def _names(plan: Plan, rng: np.random.Generator, ground: Ground, estates: list[str], taken: set[str]) -> Table:
    """Return the real names of the district, and invented ones of estates and roads; ``taken`` are names of something else."""
    with (paths.data_dir() / "names" / place_names_file()).open(encoding="utf-8", newline="") as file:
        real = [
            (row["name"], row["kind"], row["of_layer"], row["of_code"], "", row["valid_from"], row["valid_to"], row["source"])
            for row in csv.DictReader(file)
        ]
    bases = [base for base in words()["places"] if not any(name.startswith(base) for name in ground.roads.names.tolist())]
    rng.shuffle(bases)
    invented = [
        *(
            (f"{head}大院", "alias", "buildings", "", estate, "", "", "居民俗称")
            for head, estate in _chosen(plan, rng, bases, estates, ALIASES)
        ),
        *(
            (
                f"{head}马路",
                "old",
                "roads",
                "",
                road,
                f"{int(rng.integers(1900, 1945))}-01-01",
                f"{int(rng.integers(1950, 1990))}-01-01",
                "地名志",
            )
            for head, road in _chosen(plan, rng, bases[::-1], sorted(set(ground.roads.names.tolist())), OLD_ROADS)
        ),
    ]
    rows = real + [row for row in invented if row[0] not in taken]
    titles = ("名称", "类型", "所指图层", "所指代码", "所指名称", "起", "止", "来源")
    said = [(name, _KINDS[kind], _LAYERS[layer], *rest) for name, kind, layer, *rest in rows]
    return {title: np.array([row[k] for row in said], dtype=object) for k, title in enumerate(titles)}


def _chosen(plan: Plan, rng: np.random.Generator, heads: list[str], things: list[str], most: int) -> list[tuple[str, str]]:
    """Return heads of names for some of the things, each head once."""
    count = min(plan.count(most), len(things), len(heads) // 2)
    picked: Texts = np.array(things, dtype=object)[rng.permutation(len(things))[:count]]
    return list(zip(heads[:count], picked.tolist(), strict=True))
