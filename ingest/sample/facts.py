"""What is known of each building: use, name, year, floors, height, households, residents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ingest.sample.addresses import PREFIX, Addresses
from ingest.sample.areas import Areas
from ingest.sample.arrays import Floats, Ints, Texts
from ingest.sample.blocks import USES
from ingest.sample.buildings import Footprints
from ingest.sample.ground import Ground
from ingest.sample.plan import Plan
from ingest.sample.words import words


class _Kind(NamedTuple):
    use: str
    years: tuple[int, int]
    floors: tuple[int, int]
    storey_m: float
    flat_m2: float


_KINDS = {
    "estate": _Kind("住宅", (1978, 2014), (5, 7), 3.0, 78.0),
    "tower": _Kind("住宅", (2001, 2025), (17, 33), 3.0, 95.0),
    "court": _Kind("住宅", (1900, 1948), (2, 3), 3.3, 42.0),
    "mixed": _Kind("商住", (1925, 2005), (1, 6), 3.1, 65.0),
    "school": _Kind("教育", (1955, 2022), (2, 5), 3.6, 0.0),
    "industry": _Kind("工业", (1950, 2012), (1, 3), 5.2, 0.0),
    "office": _Kind("办公", (1984, 2024), (4, 26), 3.8, 0.0),
    "park": _Kind("公共设施", (1960, 2020), (1, 2), 3.2, 0.0),
}


class Buildings(NamedTuple):
    """The columns of the building file, by building, in the order of the codes; ``order`` gives the footprint of each row."""

    order: Ints
    code: Texts
    name: Texts
    road: Texts
    house: Texts
    building: Texts
    address: Texts
    community: Texts
    use: Texts
    year: Ints
    floors: Ints
    height_m: Floats
    households: Ints
    residents: Ints


def make_facts(plan: Plan, areas: Areas, ground: Ground, footprints: Footprints, addresses: Addresses) -> Buildings:
    """Return the attributes of every building; those behind one door share their name, year and number of floors."""
    rng = plan.rng("buildings").spawn(1)[0]
    order = _code_order(areas, footprints)
    block, door = footprints.block[order], addresses.door[order]
    community = areas.codes_of_blocks("community", block)
    use = ground.blocks.use[block]
    year, floors = _years_and_floors(rng, use, door)
    kinds = [_KINDS[name] for name in USES]
    height = floors * np.array([kind.storey_m for kind in kinds])[use] + rng.uniform(0.0, 1.2, len(use))
    flats = np.array([kind.flat_m2 for kind in kinds])[use]
    ground_m2 = footprints.size[order].prod(axis=1)
    households = np.where(flats > 0, np.maximum(1, np.round(ground_m2 * 0.6 / np.maximum(flats, 1.0)) * floors), 0).astype(np.int64)
    residents = np.round(households * rng.uniform(1.9, 3.1, len(use))).astype(np.int64)
    road, building = ground.roads.names[addresses.road[order]], addresses.building_text()[order]
    house = addresses.house[order]
    names = _Namer(rng).names(use, door, road, building)
    address = PREFIX + road + house + building
    codes = _codes(community)
    uses = np.array([kind.use for kind in kinds], dtype=object)[use]
    uses[(use == USES.index("mixed")) & (rng.random(len(use)) < 0.3)] = "商业"
    households[uses == "商业"] = 0
    residents[uses == "商业"] = 0
    columns = (order, codes, names, road, house, building, address, community, uses, year, floors, np.round(height, 1))
    return Buildings(*columns, households, residents)


def _code_order(areas: Areas, footprints: Footprints) -> Ints:
    community = areas.community_of_block[footprints.block]
    return np.lexsort((footprints.centre[:, 0], -footprints.centre[:, 1] // 40.0, footprints.block, community)).astype(np.int64)


def _codes(community: Texts) -> Texts:
    """Return the community's code and a number of five digits for each building; rows are sorted by community."""
    fresh = np.concatenate([[True], community[1:] != community[:-1]])
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(community)), 0))
    numbers = np.arange(len(community)) - start + 1
    return np.array([f"{code}{number:05d}" for code, number in zip(community, numbers.tolist(), strict=True)], dtype=object)


def _years_and_floors(rng: np.random.Generator, use: Ints, door: Ints) -> tuple[Ints, Ints]:
    doors = int(door.max()) + 1
    kinds = [_KINDS[name] for name in USES]
    years = np.array([kind.years for kind in kinds])[use]
    floors = np.array([kind.floors for kind in kinds])[use]
    age, rise, high = rng.beta(1.6, 1.6, doors)[door], rng.beta(1.3, 1.6, doors)[door], rng.random(doors)[door] < 0.2
    year = np.round(years[:, 0] + age * (years[:, 1] - years[:, 0]) + rng.integers(-1, 2, len(use)))
    floor = np.round(floors[:, 0] + rise * (floors[:, 1] - floors[:, 0]))
    # Estates of this century are often higher.
    tall = high & (use == USES.index("estate")) & (year > 2000)
    floor = np.where(tall, np.round(11 + 7 * rise), floor)
    return np.clip(year, 1900, 2025).astype(np.int64), floor.astype(np.int64)


class _Namer:
    """Gives names to buildings; all that stand behind one door share theirs."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._estates = _estate_names(rng)
        self._shops = _shop_names(rng)

    def names(self, use: Ints, door: Ints, road: Texts, building: Texts) -> Texts:
        """Return each building's name: of its estate or works with the building's number, a shop's, a school's, or nothing."""
        by_door: dict[int, str] = {}
        names = []
        for row, (kind, behind) in enumerate(zip(use.tolist(), door.tolist(), strict=True)):
            if behind not in by_door:
                by_door[behind] = self._name(USES[kind], str(road[row]))
            name = by_door[behind]
            names.append(name + building[row] if name else "")
        return np.array(names, dtype=object)

    def _name(self, use: str, road: str) -> str:
        base = re.sub("[一二三四五六七八九支]?[路街巷]$", "", road)
        if use == "estate":
            return next(self._estates)
        if use in ("mixed", "court") and self._rng.random() > 0.45:
            return ""
        if use == "mixed":
            return next(self._shops)
        if use in ("tower", "industry"):
            head, tail = ("estate_heads", "tower_tails") if use == "tower" else ("industry_heads", "industry_tails")
            return self._pick(head) + self._pick(tail)
        return base + self._pick({"court": "court_tails", "school": "schools", "office": "offices", "park": "parks"}[use])

    def _pick(self, group: str) -> str:
        options = words()[group]
        return options[int(self._rng.integers(0, len(options)))]


def _estate_names(rng: np.random.Generator) -> Iterator[str]:
    """Yield names of estates without end: every head with every tail once, then their second phases and so on."""
    pairs = [head + tail for head in words()["estate_heads"] for tail in words()["estate_tails"]]
    rng.shuffle(pairs)
    yield from pairs
    for phase in ("二期", "三期", "东区", "西区", "南区", "北区", "四期", "五期"):
        yield from (name + phase for name in pairs)
    while True:
        yield from pairs


def _shop_names(rng: np.random.Generator) -> Iterator[str]:
    pairs = [head + tail for head in words()["shop_heads"] for tail in words()["shops"]]
    while True:
        rng.shuffle(pairs)
        yield from pairs
