"""A day of reported cases: where they truly are, and what the report says of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from gisgrid.crs import from_wgs84, parse_crs
from ingest.sample.addresses import Addresses
from ingest.sample.areas import Areas, short_name
from ingest.sample.arrays import Floats, Ints, Table, Texts
from ingest.sample.blocks import Blocks
from ingest.sample.buildings import Footprints
from ingest.sample.components import Covers
from ingest.sample.facts import Buildings
from ingest.sample.ground import Ground, Spots, joined, take
from ingest.sample.outline import to_degrees
from ingest.sample.phrases import BUILDING_EVENTS, COVER_TROUBLES, CROSSING_EVENTS, ROAD_EVENTS, Anchor, Phrases
from ingest.sample.plan import CASES, Plan
from ingest.sample.roads import Roads

DAY = "2026-11-02"
COVER, BUILDING, ROAD, CROSSING = 0, 1, 2, 3
_SOURCES = ("12345热线", "网格员上报", "视频巡查", "微信公众号", "监督员采集", "媒体反映", "领导批示")
_SOURCE_SHARES = (0.34, 0.27, 0.12, 0.13, 0.11, 0.02, 0.01)
_HOURS = np.array([6, 4, 3, 2, 3, 8, 20, 45, 85, 100, 95, 70, 45, 60, 85, 90, 80, 60, 45, 40, 35, 28, 18, 10], dtype=np.float64)
_CRS_WORDS = (("GCJ-02", "gcj02", "GCJ02"), ("WGS84", "wgs84", "WGS-84"))
_COMPASS = ("东侧", "东北侧", "北侧", "西北侧", "西侧", "西南侧", "南侧", "东南侧")


class World(NamedTuple):
    """Everything of the district that a case may refer to."""

    plan: Plan
    blocks: Blocks
    areas: Areas
    roads: Roads
    ground: Ground
    footprints: Footprints
    addresses: Addresses
    buildings: Buildings
    covers: Covers


class Cases(NamedTuple):
    """The rows of cases.csv and cases_truth.csv in the same order; ``cover`` and ``building`` are rows in their files, -1 none."""

    table: Table
    truth: Table
    cover: Ints
    building: Ints


class _Places(NamedTuple):
    kind: Ints
    spots: Spots
    thing: Ints


def make_cases(world: World) -> Cases:
    """Return the cases of the day in the order of their times."""
    rng = world.plan.rng("cases")
    count = world.plan.count(CASES)
    places = _places(rng, world, count)
    lonlat = to_degrees(places.spots.xy)
    seconds = _times(rng, count)
    number = np.array([f"{DAY.replace('-', '')}-{n:06d}" for n in range(1, count + 1)], dtype=object)
    lon, lat, crs = _coordinates(rng, lonlat)
    words = _texts(rng, world, places)
    table: Table = {
        "number": number,
        "time": np.array([f"{DAY} {s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in seconds.tolist()], dtype=object),
        "source": np.array(_SOURCES, dtype=object)[rng.choice(len(_SOURCES), count, p=_SOURCE_SHARES)],
        "category": words[0],
        "description": words[1],
        "address": words[2],
        "lon": lon,
        "lat": lat,
        "crs": crs,
    }
    truth: Table = {"number": number, "lon": lonlat[:, 0], "lat": lonlat[:, 1]}
    for level in ("grid", "community", "street", "district"):
        truth[level] = world.areas.codes_of_blocks(level, places.spots.block)
    cover = np.where(places.kind == COVER, places.thing, -1)
    building = np.where(places.kind == BUILDING, places.thing, -1)
    truth["place"] = _place_codes(world, cover, building)
    return Cases(table, truth, cover, building)


def _place_codes(world: World, cover: Ints, building: Ints) -> Texts:
    codes = np.where(cover >= 0, world.covers.table["ObjID"][cover], "")
    return np.where(building >= 0, world.buildings.code[building], codes).astype(object)


def _times(rng: np.random.Generator, count: int) -> Ints:
    hours = rng.choice(24, count, p=_HOURS / _HOURS.sum())
    return np.sort(hours * 3600 + rng.integers(0, 3600, count)).astype(np.int64)


def _places(rng: np.random.Generator, world: World, count: int) -> _Places:
    """Return the true places: on covers, in front of buildings, beside roads, at crossings, in random order."""
    shares = [round(0.33 * count), round(0.37 * count), round(0.20 * count)]
    shares.append(count - sum(shares))
    shrink = world.plan.shrink
    covers = world.covers
    chosen = rng.choice(len(covers.block), shares[0], replace=False)
    zeros = np.zeros(len(chosen))
    fronts, building = _fronts(rng, world, shares[1])
    spots = [
        Spots(covers.xy[chosen], covers.edge[chosen], zeros, covers.block[chosen]),
        fronts,
        take([world.ground.along_roads(rng, round(shares[2] * 1.2) + 40, 2.0, 9.0)], shares[2], rng),
        take([world.ground.at_crossings(rng, round(shares[3] * 1.5) + 40, 3.0, 4.0 + 10.0 * shrink)], shares[3], rng),
    ]
    kind = np.repeat([COVER, BUILDING, ROAD, CROSSING], shares)
    nothing = np.full(shares[2] + shares[3], -1, dtype=np.int64)
    thing = np.concatenate([chosen, building, nothing])
    mixed = rng.permutation(count)
    return _Places(kind[mixed], joined(spots).rows(mixed), thing[mixed])


def _fronts(rng: np.random.Generator, world: World, count: int) -> tuple[Spots, Ints]:
    """Return places just outside buildings on the side of their road, and the rows of these buildings."""
    row = rng.choice(len(world.buildings.order), min(len(world.buildings.order), count + count // 4 + 20), replace=False)
    print_of = world.buildings.order[row]
    edge = world.addresses.edge[print_of]
    line = shapely.shortest_line(world.footprints.polygons[print_of], world.ground.edge_lines[edge])
    ends = shapely.get_coordinates(line).reshape(-1, 2, 2)
    run = ends[:, 1] - ends[:, 0]
    length = np.hypot(run[:, 0], run[:, 1])
    step = np.minimum(rng.uniform(0.6, 3.0, len(row)), 0.3 * length)
    xy = ends[:, 0] + run * (step / length)[:, None]
    spots = Spots(xy, edge, np.arctan2(run[:, 1], run[:, 0]), world.ground.block_at(xy))
    good = np.nonzero(spots.block == world.footprints.block[print_of])[0][:count]
    return spots.rows(good), row[good]


def _coordinates(rng: np.random.Generator, lonlat: Floats) -> tuple[Texts, Texts, Texts]:
    """Return lon, lat and the name of their system as the report has them: GCJ-02 or WGS 84, rounded; one in ten without."""
    count = len(lonlat)
    system = (rng.random(count) < 0.38).astype(np.int64)
    gcj = np.stack(from_wgs84(parse_crs("gcj02"), lonlat[:, 0], lonlat[:, 1]), axis=1)
    given = np.where(system[:, None] == 0, gcj, lonlat)
    digits = np.where(rng.random(count) < 0.6, 6, 7)
    known = rng.random(count) >= 0.10
    spelling = rng.choice(3, count, p=[0.7, 0.2, 0.1])
    texts = [[f"{v:.{d}f}" if k else "" for v, d, k in zip(given[:, axis], digits, known, strict=True)] for axis in (0, 1)]
    words = [_CRS_WORDS[s][w] if k else "" for s, w, k in zip(system, spelling, known, strict=True)]
    return tuple(np.array(column, dtype=object) for column in (*texts, words))  # type: ignore[return-value]


def _texts(rng: np.random.Generator, world: World, places: _Places) -> tuple[Texts, Texts, Texts]:
    """Return category, description and address of each case."""
    writer = _Reporter(rng, world, places)
    rows = [writer.report(place) for place in range(len(places.kind))]
    return tuple(np.array(column, dtype=object) for column in zip(*rows, strict=True))  # type: ignore[return-value]


class _Reporter:
    """Writes the words of a report about a place."""

    def __init__(self, rng: np.random.Generator, world: World, places: _Places) -> None:
        self._rng, self._world, self._places = rng, world, places
        self._phrases = Phrases(rng)
        near = _nearest_buildings(world, places.spots.xy)
        self._near = np.where(places.kind == BUILDING, places.thing, near)
        self._across = _nearest_buildings(world, _mirrored(world, places.spots))
        self._side = _compass(world, near, places.spots.xy)

    def report(self, place: int) -> tuple[str, str, str]:
        """Return category, description and address of the case at a place."""
        kind = int(self._places.kind[place])
        if kind == COVER:
            category = str(self._world.covers.table["ObjName"][self._places.thing[place]])
            text = self._phrases.pick(COVER_TROUBLES).format(name=category)
        else:
            category, text = self._phrases.event((BUILDING_EVENTS, ROAD_EVENTS, CROSSING_EVENTS)[kind - 1])
        return category, text, self._address(place, kind)

    def _address(self, place: int, kind: int) -> str:
        world, phrases = self._world, self._phrases
        area = _area_names(world, int(self._places.spots.block[place]))
        anchor = _anchor(world, int(self._near[place]))
        if kind == BUILDING:
            return phrases.at_building(anchor, *area)
        edge = int(self._places.spots.edge[place])
        road = str(world.roads.names[world.roads.edge_road[edge]])
        cross = [str(world.roads.names[other]) for other in world.roads.ends_meet[edge] if other >= 0]
        if kind == CROSSING and cross:
            return phrases.at_crossing(road, self._met(place, edge), *area)
        draw = self._rng.random()
        if draw < 0.22 and len(cross) == 2:
            return phrases.on_road(road, (cross[0], cross[1]), *area)
        if draw < 0.30:
            return phrases.near_building(_anchor(world, int(self._across[place])), "对面", *area)
        words = self._side[place] if draw < 0.45 else phrases.pick(("附近", "附近", "门口", "门前", "旁", "路边", "门前人行道"))
        return phrases.near_building(anchor, words, *area)

    def _met(self, place: int, edge: int) -> str:
        """Return the road that meets a road's edge at the crossing next to the place."""
        roads, xy = self._world.roads, self._places.spots.xy[place]
        ends = np.hypot(*(roads.edge_xy[edge][[0, -1]] - xy).T)
        meets = [(far, other) for far, other in zip(ends.tolist(), roads.ends_meet[edge].tolist(), strict=True) if other >= 0]
        return str(roads.names[min(meets)[1]])


def _anchor(world: World, row: int) -> Anchor:
    number = int(world.buildings.order[row])
    addresses, buildings = world.addresses, world.buildings
    unit = str(buildings.name[row]).removesuffix(str(buildings.building[row]))
    return Anchor(
        str(buildings.road[row]), int(addresses.number[number]), str(addresses.suffix[number]), int(addresses.building_number[number]), unit
    )


def _area_names(world: World, block: int) -> tuple[str, str]:
    street = world.areas.tables["street"].names[world.areas.street_of_block[block]]
    community = world.areas.tables["community"].names[world.areas.community_of_block[block]]
    return str(street), short_name(str(community))


def _nearest_buildings(world: World, xy: Floats) -> Ints:
    """Return the row of the building nearest to each place."""
    tree = shapely.STRtree(world.footprints.polygons[world.buildings.order])
    index, row = tree.query_nearest(shapely.points(xy), all_matches=False)
    found = np.zeros(len(xy), dtype=np.int64)
    found[index] = row
    return found


def _mirrored(world: World, spots: Spots) -> Floats:
    """Return each place on the other side of its road, as far from the kerb."""
    line = world.ground.edge_lines[spots.edge]
    foot = shapely.get_coordinates(shapely.line_interpolate_point(line, shapely.line_locate_point(line, shapely.points(spots.xy))))
    away = foot - spots.xy
    return np.asarray(foot + away / np.maximum(np.hypot(away[:, 0], away[:, 1]), 0.5)[:, None] * 15.0)


def _compass(world: World, near: Ints, xy: Floats) -> list[str]:
    run = xy - world.footprints.centre[world.buildings.order[near]]
    eighth = np.round(np.arctan2(run[:, 1], run[:, 0]) / (np.pi / 4)).astype(np.int64) % 8
    return [_COMPASS[k] for k in eighth.tolist()]
