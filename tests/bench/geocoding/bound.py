"""How right anything could be by the addresses of a sample alone: of each text the grid in which such a case is most often.

Texts are not drawn but weighed: every building and cover of the district, and very many places along its roads and at its crossings,
each with the addresses that the sample would write of it and how often. Nothing that reads an address can be right more often than the
grid with the most weight is the true one. ``insider`` knows the generator by heart: the place of each cover, and that of the roads at the
ends of a stretch the one at its beginning is named. ``reader`` knows the city, where cases happen, and what words mean.
Only the insider looks on which side of a building 东侧 is: by the standard such words move nothing. Noise and slips of the pen are left
out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
import shapely
from rich.table import Table

from gisgrid.geocoding.gazetteer import Gazetteer
from gisgrid.locator import Locator
from ingest.sample.areas import short_name
from ingest.sample.arrays import Bools, Floats, Ints, Texts
from ingest.sample.cases import World
from ingest.sample.ground import Spots, joined, take

DOOR, PLACE, CROSSING, BETWEEN, BESIDE = range(5)
PLAIN, GATE, NEAR, OPPOSITE, SIDES = range(5)
"""Words beside a door or a name; ``SIDES`` is the first of eight, 东侧 and on against the clock."""

_TEXT = ["form", "a", "b", "c"]
_WORDS = ("", "门口", "附近", "对面")
_KINDS = {
    (DOOR, PLAIN): "door plate or building",
    (DOOR, GATE): "door plate, at the door",
    (DOOR, NEAR): "door plate, near",
    (DOOR, OPPOSITE): "door plate, opposite",
    (PLACE, PLAIN): "named place or building",
    (PLACE, GATE): "named place, at the door",
    (PLACE, NEAR): "named place, near",
    (PLACE, OPPOSITE): "named place, opposite",
    (CROSSING, 0): "crossing",
    (BETWEEN, 0): "stretch between two roads",
    (BESIDE, 0): "stretch near a road",
}
# As ``ingest.sample.cases`` and ``ingest.sample.phrases`` draw them.
_ON_COVERS, _AT_BUILDINGS, _ON_ROADS, _AT_CROSSINGS = 0.33, 0.37, 0.20, 0.10
_BY_NAME_AT, _BY_NAME_NEAR = 0.28, 0.25
_STREET_SAID, _COMMUNITY_SAID = 0.20, 0.06
_SAID = ((1.0 - _STREET_SAID) * (1.0 - _COMMUNITY_SAID), _STREET_SAID * (1.0 - _COMMUNITY_SAID), _COMMUNITY_SAID)


class Shares(NamedTuple):
    """By kind of address how often it comes (``share``), and how often the geocoder (``ours``), ``reader`` and ``insider`` are right."""

    share: pd.Series
    ours: pd.Series
    reader: pd.Series
    insider: pd.Series

    def overall(self) -> tuple[float, float, float]:
        """Return how often the three are right over all."""
        ours, reader, insider = (float((self.share * each).sum()) for each in self[1:])
        return ours, reader, insider

    def table(self) -> Table:
        """Return it as a table, with all kinds together in the last row."""
        table = Table("address", *self._fields, title="True grid by the address alone: the geocoder and what is possible")
        for kind in _KINDS.values():
            table.add_row(kind, *(f"{each[kind]:.1%}" for each in self))
        table.add_row("all", "100.0%", *(f"{each:.1%}" for each in self.overall()))
        return table


class _Anchors(NamedTuple):
    """What texts call each building: the numbers of its door and of its name (-1: none) in the lists, and its own number behind it."""

    door: Ints
    unit: Ints
    building: Ints
    doors: Texts
    units: Texts

    @classmethod
    def of(cls, world: World) -> _Anchors:
        """Return them for the buildings of a district."""
        buildings, order = world.buildings, world.buildings.order
        unit = np.array([name.removesuffix(number) for name, number in zip(buildings.name, buildings.building, strict=True)])
        doors, door = np.unique((buildings.road + buildings.house).astype(str), return_inverse=True)
        units, named = np.unique(unit, return_inverse=True)
        return cls(door, np.where(unit == "", -1, named), world.addresses.building_number[order], doors, units)


class Bound:
    """The texts of one district with the weight of each grid."""

    def __init__(self, world: World, places: int = 400_000) -> None:
        self._world, self._places = world, places
        self._anchors = _Anchors.of(world)
        self._tree = shapely.STRtree(world.footprints.polygons[world.buildings.order])
        areas = world.areas
        of_grid = np.unique(areas.grid_of_block, return_index=True)[1]
        self._areas = (np.zeros(len(of_grid), np.int64), areas.street_of_block[of_grid], areas.community_of_block[of_grid])
        self._sided = self._texts(np.random.default_rng(1), insider=True)
        self._true = _without_sides(self._sided)

    def shares(self, gazetteer: Gazetteer, locator: Locator, texts: int = 22_000) -> Shares:
        """Return the bounds, and the geocoder's share in some of the texts: as many as ``texts``."""
        weight = self._true.groupby("kind").weight.sum()
        # Counted on other places than those that it was learnt from.
        insider = self._best(self._sided, self._texts(np.random.default_rng(2), insider=True))
        reader = self._best(_without_sides(self._texts(np.random.default_rng(3), insider=False)), self._true)
        return Shares(weight / weight.sum(), self._ours(gazetteer, locator, texts), reader, insider)

    def _texts(self, rng: np.random.Generator, *, insider: bool) -> pd.DataFrame:
        """Return texts (form, three numbers), grids and weights: one row for each text and grid."""
        ground, shrink = self._world.ground, self._world.plan.shrink
        roads = take([ground.along_roads(rng, self._places, 2.0, 9.0)], self._places, rng)
        crossings = take([ground.at_crossings(rng, self._places, 3.0, 4.0 + 10.0 * shrink)], self._places, rng)
        covers = self._world.covers
        on_covers = [(Spots(covers.xy, covers.edge, np.zeros(len(covers.edge)), covers.block), 1.0)]
        if not insider:
            near = ground.at_crossings(rng, self._places, 2.0 + 2.0 * shrink, 3.0 + 13.0 * shrink)
            along = ground.along_roads(rng, self._places, 1.5, 8.0)
            on_covers = [(take([along], self._places, rng), 0.73), (take([near], self._places, rng), 0.27)]
        beside = [(roads, _ON_ROADS), *((spots, _ON_COVERS * share) for spots, share in on_covers)]
        weights = np.concatenate([np.full(len(spots.block), share / max(1, len(spots.block))) for spots, share in beside])
        parts = [
            *self._at_buildings(),
            self._at_crossings(crossings),
            *self._roadside(joined([spots for spots, _ in beside]), weights, both_ends=not insider),
        ]
        return _summed(pd.concat(parts))

    def _rows(self, form: int, numbers: tuple[Ints | int, ...], block: Ints, weight: Floats, mask: Bools | None = None) -> pd.DataFrame:
        kept = (weight > 0.0) if mask is None else mask & (weight > 0.0)
        grid = self._world.areas.grid_of_block[block]
        columns = dict(zip("abc", numbers, strict=True)) | {"grid": grid, "weight": weight}
        return pd.DataFrame({name: np.broadcast_to(values, kept.shape)[kept] for name, values in columns.items()}).assign(form=form)

    def _anchored(self, row: Ints, text: tuple[Ints | int, int], block: Ints, weight: Floats, by_name: float) -> list[pd.DataFrame]:
        """Return the texts that name buildings (``text``: number behind the door and word) by their doors, or names if they have any."""
        number, word = text
        unit = self._anchors.unit[row]
        named = np.where(unit >= 0, by_name, 0.0)
        return [
            self._rows(DOOR, (self._anchors.door[row], number, word), block, weight * (1.0 - named)),
            self._rows(PLACE, (unit, number, word), block, weight * named),
        ]

    def _at_buildings(self) -> list[pd.DataFrame]:
        row = np.arange(len(self._anchors.door))
        block = self._world.footprints.block[self._world.buildings.order]
        each = np.full(len(row), _AT_BUILDINGS / len(row))
        words = ((PLAIN, 0.75), (GATE, 0.25))
        return [
            part for word, share in words for part in self._anchored(row, (self._anchors.building, word), block, each * share, _BY_NAME_AT)
        ]

    def _at_crossings(self, spots: Spots) -> pd.DataFrame:
        roads = self._world.roads
        meets = roads.ends_meet[spots.edge]
        away = np.hypot(*np.moveaxis(roads.edge_xy[spots.edge][:, [0, -1]] - spots.xy[:, None], 2, 0))
        nearest = np.where(meets >= 0, away, np.inf).argmin(axis=1)
        other, road = meets[np.arange(len(meets)), nearest], roads.edge_road[spots.edge]
        low, high = np.minimum(road, other), np.maximum(road, other)
        return self._rows(CROSSING, (low, high, 0), spots.block, np.full(len(road), _AT_CROSSINGS / len(road)), other >= 0)

    def _roadside(self, spots: Spots, weight: Floats, *, both_ends: bool) -> list[pd.DataFrame]:
        roads, block = self._world.roads, spots.block
        road, (one, other) = roads.edge_road[spots.edge], roads.ends_meet[spots.edge].T
        both = (one >= 0) & (other >= 0)
        named = np.where(both, 0.22, 0.0) * weight
        found = [self._rows(BETWEEN, (road, np.minimum(one, other), np.maximum(one, other)), block, 0.4 * named)]
        ends, share = ((one, other), 0.3) if both_ends else ((one,), 0.6)
        found += [self._rows(BESIDE, (road, end, 0), block, share * named) for end in ends]
        near, across = self._nearest(spots.xy), self._nearest(self._mirrored(spots))
        found += self._anchored(across, (0, OPPOSITE), block, weight * np.where(both, 0.08, 0.30), _BY_NAME_NEAR)
        sides = self._sides(near, spots.xy)
        words = ((NEAR, 0.55 * 5 / 7), (GATE, 0.55 * 2 / 7), *((SIDES + k, 0.15 * (sides == k)) for k in range(8)))
        for word, share in words:
            found += self._anchored(near, (0, word), block, weight * share, _BY_NAME_NEAR)
        return found

    def _sides(self, row: Ints, xy: Floats) -> Ints:
        """Return on which side of a building each place lies: eighths from the east, against the clock."""
        east, north = (xy - self._world.footprints.centre[self._world.buildings.order[row]]).T
        found: Ints = np.round(np.arctan2(north, east) / (np.pi / 4)).astype(np.int64) % 8
        return found

    def _nearest(self, xy: Floats) -> Ints:
        """Return the building nearest to each place."""
        index, row = self._tree.query_nearest(shapely.points(xy), all_matches=False)
        found = np.zeros(len(xy), np.int64)
        found[index] = row
        return found

    def _mirrored(self, spots: Spots) -> Floats:
        """Return a place 15 m beyond the middle of the road of each."""
        line = self._world.ground.edge_lines[spots.edge]
        foot = shapely.get_coordinates(shapely.line_interpolate_point(line, shapely.line_locate_point(line, shapely.points(spots.xy))))
        away = foot - spots.xy
        found: Floats = foot + away / np.maximum(np.hypot(*away.T), 0.5)[:, None] * 15.0
        return found

    def _best(self, learnt: pd.DataFrame, true: pd.DataFrame) -> pd.Series:
        """Return how often the grid with the most weight in ``learnt`` is the true one, by kind."""
        total = 0.0 * true.groupby("kind").weight.sum()
        text = [*_TEXT, "area"]
        for areas, share in zip(self._areas, _SAID, strict=True):
            known = learnt.assign(area=areas[learnt.grid]).sort_values("weight", ascending=False).drop_duplicates(text)
            rows = true.assign(area=areas[true.grid]).merge(known[[*text, "grid"]], on=text, how="left", suffixes=("", "_best"))
            total += share * rows[rows.grid == rows.grid_best].groupby("kind").weight.sum().reindex(total.index, fill_value=0.0)
        return total / true.groupby("kind").weight.sum()

    def _ours(self, gazetteer: Gazetteer, locator: Locator, count: int) -> pd.Series:
        """Return the geocoder's share by kind: of some texts the weight of the grid that it finds."""
        rng, tables = np.random.default_rng(4), self._world.areas.tables
        key, frame = ["kind", *_TEXT], self._true
        asked = frame.groupby("kind").sample(count // len(_KINDS), weights=frame.weight, replace=True, random_state=5)
        rows = frame.merge(asked[key].drop_duplicates(), on=key)
        grids_of = {text: (one.grid.to_numpy(), one.weight.to_numpy()) for text, one in rows.groupby(key)}
        number = {code: place for place, code in enumerate(tables["grid"].codes)}
        found: dict[str, list[float]] = {kind: [] for kind in _KINDS.values()}
        for kind, form, a, b, c, true in asked[[*key, "grid"]].to_numpy().tolist():
            level = int(rng.choice(3, p=_SAID))
            areas = self._areas[level]
            said = (
                ""
                if level == 0
                else tables["street"].names[areas[true]]
                if level == 1
                else short_name(tables["community"].names[areas[true]])
            )
            best = gazetteer.geocode(said + self._written(form, a, b, c)).best
            grid = None if best is None else locator.locate(best.lon, best.lat).grid
            grids, weights = grids_of[kind, form, a, b, c]
            possible = areas[grids] == areas[true]
            right = possible & (grids == (-1 if grid is None else number[grid.code]))
            found[kind].append(float(weights[right].sum() / weights[possible].sum()))
        return pd.Series({kind: float(np.mean(rights)) for kind, rights in found.items()})

    def _written(self, form: int, a: int, b: int, c: int) -> str:
        if form in (DOOR, PLACE):
            base: str = (self._anchors.doors if form == DOOR else self._anchors.units)[a]
            return base + (f"{b}号楼" if b else "") + _WORDS[c]
        names: list[str] = self._world.roads.names.tolist()
        if form == CROSSING:
            return f"{names[a]}与{names[b]}路口"
        return f"{names[a]}（{names[b]}至{names[c]}）" if form == BETWEEN else f"{names[a]}近{names[b]}"


def _summed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with each text and grid once, and the kinds of the texts."""
    found = rows.groupby([*_TEXT, "grid"], as_index=False)[["weight"]].sum()
    word = np.where(found.form <= PLACE, np.where(found.c >= SIDES, NEAR, found.c), 0)
    return found.assign(kind=[_KINDS[key] for key in zip(found.form.tolist(), word.tolist(), strict=True)])


def _without_sides(rows: pd.DataFrame) -> pd.DataFrame:
    """Return texts that speak of no side of a building: 东侧 is 附近."""
    return _summed(rows.assign(c=rows.c.where((rows.form > PLACE) | (rows.c < SIDES), NEAR)))
