"""Cameras at crossings, along roads and at the fronts of buildings, with what is known of their optics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from ingest.sample.arrays import Bools, Floats, Ints, Table, Texts
from ingest.sample.buildings import Footprints
from ingest.sample.ground import Ground, Spots, joined, take
from ingest.sample.people import organization_code
from ingest.sample.plan import CAMERAS, Plan
from ingest.sample.roads import Roads

KINDS = ("固定枪机", "球机", "半球", "遥控枪机")
SOURCES = ("实测", "厂家", "八方位", "缺省")
# GB/T 28181 DirectionType by eighth of the circle from north, clockwise: N NE E SE S SW W NW.
_STEPS = np.array([4, 6, 1, 5, 3, 7, 2, 8])
_AT_CROSSING, _AT_ROAD, _AT_BUILDING = 0, 1, 2


class Cameras(NamedTuple):
    """The rows of the camera file: columns without coordinates, and position (n, 2) in EPSG:4549 metres."""

    table: Table
    xy: Floats


def make_cameras(plan: Plan, ground: Ground, footprints: Footprints) -> Cameras:
    """Return the cameras in the order of their codes."""
    rng = plan.rng("cameras")
    count = plan.count(CAMERAS)
    parts = [round(0.30 * count), round(0.43 * count)]
    parts.append(count - sum(parts))
    low, high = 4.0 + 4.0 * plan.shrink, 6.0 + 12.0 * plan.shrink
    spots = [
        take([ground.at_crossings(rng, round(parts[0] * 1.4) + 40, low, high)], parts[0], rng),
        take([ground.along_roads(rng, round(parts[1] * 1.2) + 40, 4.0, 14.0)], parts[1], rng),
        take([_at_fronts(rng, ground, footprints, parts[2] + parts[2] // 5 + 40)], parts[2], rng),
    ]
    merged = joined(spots)
    place = np.repeat([_AT_CROSSING, _AT_ROAD, _AT_BUILDING], parts)
    order = np.lexsort((merged.xy[:, 0], merged.block, place != _AT_CROSSING))
    merged, place = merged.rows(order), place[order]
    return Cameras(_columns(rng, ground.roads, merged, place), merged.xy)


def _at_fronts(rng: np.random.Generator, ground: Ground, footprints: Footprints, count: int) -> Spots:
    """Return places on the outlines of buildings that look at the nearest road."""
    chosen = rng.integers(0, len(footprints.block), count)
    edge = ground.nearest_edge(footprints.centre[chosen])
    line = shapely.shortest_line(footprints.polygons[chosen], ground.edge_lines[edge])
    ends = shapely.get_coordinates(line).reshape(-1, 2, 2)
    run = ends[:, 1] - ends[:, 0]
    heading = np.arctan2(run[:, 1], run[:, 0])
    return Spots(ends[:, 0] + run * 0.02, edge, heading, footprints.block[chosen])


def _columns(rng: np.random.Generator, roads: Roads, spots: Spots, place: Ints) -> Table:
    count = len(place)
    kind = _kinds(rng, place)
    numbers = range(1, count + 1)
    road = roads.names[roads.edge_road[spots.edge]]
    what = np.array(["路口", "路段", "楼前"], dtype=object)[place]
    name = np.array([f"{r}{w}{n:05d}" for r, w, n in zip(road, what, numbers, strict=True)], dtype=object)
    table: Table = {
        "设备编码": np.array([f"37020300001320{n:06d}" for n in numbers], dtype=object),
        "名称": name,
        "类型": np.array(KINDS, dtype=object)[kind],
    }
    table |= _optics(rng, spots, place, kind)
    table["状态"] = np.array(["在线", "离线", "故障"], dtype=object)[rng.choice(3, count, p=[0.935, 0.045, 0.02])]
    builders = [organization_code("U", 17), organization_code("U", 10), organization_code("D", 2), ""]
    table["建设单位"] = np.array(builders, dtype=object)[rng.choice(4, count, p=[0.6, 0.25, 0.12, 0.03])]
    return table


def _kinds(rng: np.random.Generator, place: Ints) -> Ints:
    shares = np.array([[0.55, 0.28, 0.02, 0.15], [0.70, 0.17, 0.03, 0.10], [0.52, 0.12, 0.34, 0.02]])
    return np.asarray((rng.random(len(place))[:, None] > np.cumsum(shares[place], axis=1)).sum(axis=1).clip(0, 3), dtype=np.int64)


def _optics(rng: np.random.Generator, spots: Spots, place: Ints, kind: Ints) -> Table:
    """Return mount height, direction, azimuth, field of view, range and where they come from; empty where unknown.

    Azimuths are degrees clockwise from north. A dome that turns has none.
    """
    count = len(place)
    along = np.where(rng.random(count) < 0.5, spots.heading, spots.heading + np.pi)
    towards = np.where(place == _AT_BUILDING, spots.heading, along) + rng.normal(0.0, 0.25, count)
    azimuth = np.mod(90.0 - np.degrees(towards), 360.0)
    source = rng.choice(4, count, p=[0.28, 0.24, 0.34, 0.14])
    turns = (kind == 1) | (kind == 2)
    exact = (source <= 1) & ~turns
    stepped = (source <= 2) & ~turns & (exact | (source == 2))
    step = _STEPS[np.round(azimuth / 45.0).astype(np.int64) % 8]
    high = np.array([6.2, 6.0, 3.6])[place] + np.clip(rng.normal(0.0, 0.6, count), -1.2, 1.8)
    view = np.array([55.0, 60.0, 100.0, 45.0])[kind] + np.clip(rng.normal(0.0, 14.0, count), -25.0, 30.0)
    reach = np.array([60.0, 120.0, 25.0, 150.0])[kind] * rng.uniform(0.7, 1.5, count)
    known = source <= 1
    return {
        "安装高度": _numbers(high, (source < 3) | (rng.random(count) < 0.2), 1),
        "方向": np.where(stepped, step.astype(str), "").astype(object),
        "方位角": _numbers(np.mod(np.round(azimuth, 1), 360.0), exact, 1),
        "视场角": _numbers(view, known, 1),
        "可视距离": _numbers(reach, known | ((source == 2) & (rng.random(count) < 0.4)), 0),
        "数据来源": np.array(SOURCES, dtype=object)[source],
    }


def _numbers(values: Floats, known: Bools, digits: int) -> Texts:
    texts = (f"{value:.{digits}f}" for value in values.tolist())
    return np.array([text if there else "" for text, there in zip(texts, known, strict=True)], dtype=object)
