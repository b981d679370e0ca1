"""Manhole covers of the sixteen kinds of CJ/T 214 (2007), beside the roads and round the crossings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gisgrid.codes import component_classes
from ingest.sample.areas import Areas
from ingest.sample.arrays import Bools, Floats, Ints, Table, Texts
from ingest.sample.ground import Ground, take
from ingest.sample.people import UTILITIES, organization_code
from ingest.sample.plan import COVERS, DISTRICT_CODE, Plan

SCHEME, EDITION = "CJ/T 214", "2007"
DEPARTMENT = (organization_code("D", 4), "市北区城市管理局")
_STATES = ("完好", "破损", "丢失", "废弃", "移除")
_STATE_SHARES = (0.943, 0.035, 0.006, 0.012, 0.004)
_SOURCES = ("实测", "地形图", "基础地理数据", "其他")


class _Kind(NamedTuple):
    """Share of all covers, owner and maintainer (places in UTILITIES, -1 nobody), share of round covers."""

    share: float
    owner: int
    maintainer: int
    round: float


_KINDS = {
    "0101": _Kind(0.150, 0, 0, 0.85),
    "0102": _Kind(0.215, 1, 13, 0.95),
    "0103": _Kind(0.225, 1, 14, 0.90),
    "0105": _Kind(0.095, 2, 2, 0.30),
    "0106": _Kind(0.050, 3, 3, 0.40),
    "0107": _Kind(0.115, 4, 15, 0.35),
    "0108": _Kind(0.015, 6, 6, 0.40),
    "0109": _Kind(0.025, 5, 15, 0.35),
    "0110": _Kind(0.042, 7, 7, 0.80),
    "0111": _Kind(0.048, 8, 8, 0.75),
    "0112": _Kind(0.006, 9, 9, 0.40),
    "0114": _Kind(0.003, -1, 13, 0.70),
    "0127": _Kind(0.004, 10, 10, 0.85),
    "0128": _Kind(0.002, 11, 11, 0.30),
    "0129": _Kind(0.002, 12, 12, 0.60),
    "0130": _Kind(0.003, 13, 13, 0.50),
}


class Covers(NamedTuple):
    """The rows of the cover file: columns, position (n, 2) in EPSG:4549 metres, and block of each."""

    table: Table
    xy: Floats
    block: Ints
    edge: Ints


def make_covers(plan: Plan, areas: Areas, ground: Ground) -> Covers:
    """Return the covers, sorted by code."""
    rng = plan.rng("covers")
    count = plan.count(COVERS)
    near_crossings = round(0.27 * count)
    shrink = plan.shrink
    groups = (
        ground.along_roads(rng, round((count - near_crossings) * 1.12) + 40, 1.5, 8.0),
        ground.at_crossings(rng, round(near_crossings * 1.35) + 40, 2.0 + 2.0 * shrink, 3.0 + 13.0 * shrink),
    )
    spots = take(list(groups), count, rng)
    classes = _classes(rng, count)
    order = np.lexsort((areas.grid_of_block[spots.block], classes))
    spots, classes = spots.rows(order), classes[order]
    table = _columns(rng, classes)
    table["BGID"] = areas.codes_of_blocks("grid", spots.block)
    return Covers(table, spots.xy, spots.block, spots.edge)


def _classes(rng: np.random.Generator, count: int) -> Texts:
    """Return the class code of each cover: every kind once at least, the rest by their shares."""
    codes = np.array(list(_KINDS), dtype=object)
    shares = np.array([kind.share for kind in _KINDS.values()])
    drawn = codes[rng.choice(len(codes), count, p=shares / shares.sum())]
    drawn[: len(codes)] = codes[:count]
    return np.asarray(rng.permutation(drawn), dtype=np.object_)


def _columns(rng: np.random.Generator, classes: Texts) -> Table:
    count = len(classes)
    fresh = np.concatenate([[True], classes[1:] != classes[:-1]])
    start = np.maximum.accumulate(np.where(fresh, np.arange(count), 0))
    numbers = (np.arange(count) - start + 1).tolist()
    names = {code: entry.name for (scheme, edition, code), entry in component_classes().items() if (scheme, edition) == (SCHEME, EDITION)}
    owner = np.array([_KINDS[code].owner for code in classes])
    maintainer = np.array([_KINDS[code].maintainer for code in classes])
    rounded = rng.random(count) < np.array([_KINDS[code].round for code in classes])
    placed, changed = _dates(rng, count)
    return {
        "ObjID": np.array([f"{DISTRICT_CODE}{code}{number:06d}" for code, number in zip(classes, numbers, strict=True)], dtype=object),
        "ObjName": np.array([names[code] for code in classes], dtype=object),
        "DeptCode1": np.full(count, DEPARTMENT[0], dtype=object),
        "DeptName1": np.full(count, DEPARTMENT[1], dtype=object),
        "DeptCode2": _unit_codes(owner),
        "DeptName2": _unit_names(owner),
        "DeptCode3": _unit_codes(maintainer),
        "DeptName3": _unit_names(maintainer),
        "ObjState": _choose(rng, _STATES, _STATE_SHARES, count),
        "ORDate": placed,
        "CHDate": changed,
        "DataSource": _choose(rng, _SOURCES, (0.78, 0.12, 0.07, 0.03), count),
        "Note_": _choose(
            rng, ("", "井圈下沉", "位于人行道", "位于绿化带内", "普查补测", "与路面有高差"), (0.86, 0.02, 0.05, 0.03, 0.02, 0.02), count
        ),
        "Material": _choose(rng, ("铸铁", "球墨铸铁", "复合材料", "混凝土", "钢纤维混凝土"), (0.34, 0.38, 0.16, 0.08, 0.04), count),
        "Shape": np.where(rounded, "圆形", np.where(rng.random(count) < 0.7, "矩形", "方形")).astype(object),
        "Size": _sizes(rng, rounded, count),
    }


def _unit_codes(index: Ints) -> Texts:
    return np.array([organization_code("U", n + 1) if n >= 0 else "" for n in index.tolist()], dtype=object)


def _unit_names(index: Ints) -> Texts:
    return np.array([UTILITIES[n] if n >= 0 else "" for n in index.tolist()], dtype=object)


def _choose(rng: np.random.Generator, options: tuple[str, ...], shares: tuple[float, ...], count: int) -> Texts:
    chances = np.array(shares)
    return np.array(options, dtype=object)[rng.choice(len(options), count, p=chances / chances.sum())]


def _sizes(rng: np.random.Generator, rounded: Bools, count: int) -> Texts:
    circle = _choose(rng, ("φ700", "φ800", "φ600", "φ650"), (0.62, 0.18, 0.12, 0.08), count)
    box = _choose(rng, ("1000×600", "600×600", "800×800", "1200×700", "500×500"), (0.3, 0.25, 0.2, 0.15, 0.1), count)
    return np.where(rounded, circle, box).astype(object)


def _dates(rng: np.random.Generator, count: int) -> tuple[Texts, Texts]:
    """Return the day of the survey and, for some, the day of a later change, as yyyymmdd."""
    first = np.datetime64("2019-03-01")
    placed = first + rng.integers(0, 1500, count)
    later = np.minimum(placed + rng.integers(30, 1200, count), np.datetime64("2026-10-15"))
    changed = rng.random(count) < 0.2
    texts = [np.char.replace(np.datetime_as_string(day), "-", "").astype(object) for day in (placed, later)]
    return texts[0], np.where(changed, texts[1], "").astype(object)
