"""An index after an edit answers as one that was built of all areas anew, whatever the edit was."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gisgrid.locator import AreaIndex, AreaTable, Locator
from gisgrid.types import Bounds

Floats = NDArray[np.float64]
Town = dict[str, tuple[str, str | None, Any]]
WEST, SOUTH, SIDE = 120.3, 36.0, 0.02


def town(rng: np.random.Generator, count: int) -> Town:
    """Voronoi cells by code; a few are left out, so that there are holes and a ragged outline."""
    seeds = shapely.MultiPoint(np.column_stack([rng.uniform(WEST, WEST + SIDE, count), rng.uniform(SOUTH, SOUTH + SIDE, count)]))
    box = shapely.box(WEST, SOUTH, WEST + SIDE, SOUTH + SIDE)
    cells = [shapely.intersection(cell, box) for cell in shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=box))]
    return {f"{2 * k:03d}": (f"n{k}", None, cell) for k, cell in enumerate(cells) if rng.uniform() < 0.9}


def table(areas: Town) -> AreaTable:
    shapes = np.empty(len(areas), dtype=object)
    shapes[:] = [shape for _, _, shape in areas.values()]
    return AreaTable(list(areas), [name for name, _, _ in areas.values()], [parent for _, parent, _ in areas.values()], shapes)


def _move(out: Town, code: str, rng: np.random.Generator) -> None:
    west, south, east, north = out[code][2].bounds
    bite = shapely.Point(rng.uniform(west, east), rng.uniform(south, north)).buffer(0.0008)
    for other in _neighbours(out, code):
        out[other] = (*out[other][:2], shapely.difference(out[other][2], bite))
    out[code] = (*out[code][:2], shapely.union(out[code][2], bite))


def _split(out: Town, code: str, _: np.random.Generator) -> None:
    name, parent, shape = out[code]
    west, south, east, north = shape.bounds
    half = shapely.box(west, south, (west + east) / 2, north)
    out[code] = (name, parent, shapely.intersection(shape, half))
    out[f"{int(code[:3]) + 1:03d}"] = ("half", parent, shapely.difference(shape, half))


def _merge(out: Town, code: str, _: np.random.Generator) -> None:
    for other in _neighbours(out, code)[:2]:
        out[code] = (*out[code][:2], shapely.union(out[code][2], out.pop(other)[2]))


def _delete(out: Town, code: str, _: np.random.Generator) -> None:
    del out[code]


def _insert(out: Town, code: str, rng: np.random.Generator) -> None:
    west, south, _, _ = out[code][2].bounds
    shape = shapely.Point(west, south).buffer(rng.choice([1e-5, 1e-3]), quad_segs=4)
    out[f"{rng.integers(1000):03d}x"] = ("new", None, shape)


def _rename(out: Town, code: str, _: np.random.Generator) -> None:
    out[code] = ("renamed", "p", out[code][2])


def _recode(out: Town, code: str, rng: np.random.Generator) -> None:
    out[f"{rng.integers(1000):03d}y"] = out.pop(code)


def _twist(out: Town, code: str, _: np.random.Generator) -> None:
    west, south, east, north = out[code][2].bounds
    out[code] = (*out[code][:2], shapely.Polygon([(west, south), (east, north), (east, south), (west, north)]))


def _swap(out: Town, code: str, rng: np.random.Generator) -> None:
    other = list(out)[int(rng.integers(len(out)))]
    out[code], out[other] = (*out[code][:2], out[other][2]), (*out[other][:2], out[code][2])


def _neighbours(areas: Town, code: str) -> list[str]:
    shape = areas[code][2]
    return [other for other, (_, _, its) in areas.items() if other != code and shapely.is_valid(its) and shapely.touches(its, shape)]


def edited(areas: Town, rng: np.random.Generator) -> Town:
    """Return the areas after one edit."""
    out = dict(areas)
    sound = [code for code, (_, _, shape) in areas.items() if shapely.is_valid(shape)]
    edits = (_move, _split, _merge, _delete, _insert, _rename, _recode, _twist, _swap)
    edits[int(rng.integers(len(edits)))](out, sound[int(rng.integers(len(sound)))], rng)
    return {code: value for code, value in out.items() if not value[2].is_empty}


def changed(before: Town, after: Town) -> list[Bounds]:
    """Return the boxes of what is different, as the change feed tells them."""
    codes = [code for code in before.keys() | after.keys() if before.get(code) != after.get(code)]
    return [Bounds(*areas[code][2].bounds) for code in codes for areas in (before, after) if code in areas]


def touching(areas: Town, boxes: list[Bounds]) -> Town:
    return {code: value for code, value in areas.items() if any(shapely.box(*value[2].bounds).intersects(shapely.box(*b)) for b in boxes)}


def places(areas: Town, rng: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Return vertices, the doubles beside them, places on edges, and any places in and around."""
    corners = shapely.get_coordinates([shape for _, _, shape in areas.values()])
    some = corners[rng.integers(0, len(corners), count)]
    beside = np.nextafter(some, rng.choice([-np.inf, np.inf], some.shape))
    near = some + rng.choice([-1e-9, 0.0, 1e-9], some.shape)
    between = (corners[:-1] + corners[1:])[rng.integers(0, len(corners) - 1, count)] / 2
    anywhere = np.column_stack(
        [rng.uniform(WEST - 0.01, WEST + SIDE + 0.01, 2 * count), rng.uniform(SOUTH - 0.01, SOUTH + SIDE + 0.01, 2 * count)]
    )
    points = np.concatenate([some, beside, near, between, anywhere])
    return points[:, 0].copy(), points[:, 1].copy()


def agree(one: Locator, other: Locator, lon: Floats, lat: Floats) -> None:
    """Check that two locators answer the same in all ways."""
    assert one.grid_codes() == other.grid_codes()
    first, second = one.locate_many(lon, lat), other.locate_many(lon, lat)
    assert first.number.tolist() == second.number.tolist()
    assert first.on_edge.tolist() == second.on_edge.tolist()
    assert first.distance_to_edge_m == pytest.approx(second.distance_to_edge_m, abs=1e-9, nan_ok=True)
    for k, (x, y) in enumerate(zip(lon.tolist(), lat.tolist(), strict=True)):
        accuracy_m = (None, 40.0)[k % 2]
        found, expected = one.locate(x, y, accuracy_m), other.locate(x, y, accuracy_m)
        assert found[:7] == expected[:7]
        assert found.distance_to_edge_m == pytest.approx(expected.distance_to_edge_m, abs=1e-9)
        assert [c[:2] for c in found.candidates] == [c[:2] for c in expected.candidates]
        assert [c.share for c in found.candidates] == pytest.approx([c.share for c in expected.candidates], abs=1e-9)
        assert found.outside_share == pytest.approx(expected.outside_share, abs=1e-9)
        assert (found.nearest and found.nearest.code) == (expected.nearest and expected.nearest.code)
        assert found.responsible_unit == expected.responsible_unit


@settings(max_examples=40, deadline=None)
@example(seed=193, edits=2, whole=False)
@given(seed=st.integers(0, 2**32 - 1), edits=st.integers(1, 4), whole=st.booleans())
def test_after_any_edits_all_answers_are_those_of_an_index_built_anew(seed: int, edits: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    areas = town(rng, 40)
    index = AreaIndex(table(areas))
    locator = Locator.from_indices({"grid": index})
    for _ in range(edits):
        before, areas = areas, edited(areas, rng)
        boxes = changed(before, areas)
        index = index.replaced(boxes, table(areas if whole else touching(areas, boxes)))
        locator = Locator.from_indices({"grid": index}, before=locator)
        # What edits leave to be made later is made between them, or not.
        if rng.random() < 0.5:
            locator.to_bytes()
    fresh = Locator.from_areas({"grid": table(areas)})
    assert [(ref.code, ref.name) for ref in index.refs] == [(code, areas[code][0]) for code in sorted(areas)]
    assert index.parent_codes == tuple(areas[code][1] for code in sorted(areas))
    some = places(areas, rng, 30)
    agree(locator, fresh, *some)
    assert locator._boundary.state.overlaps.tolist() == fresh._boundary.state.overlaps.tolist()
    agree(locator, fresh, *some)
    assert locator.nearest_outside_many(*some)[0].tolist() == fresh.nearest_outside_many(*some)[0].tolist()


def test_an_edit_within_the_town_keeps_most_of_the_index() -> None:
    rng = np.random.default_rng(4)
    areas = town(rng, 150)
    index = AreaIndex(table(areas))
    code = min(areas, key=lambda code: shapely.distance(areas[code][2], shapely.Point(WEST + SIDE / 2, SOUTH + SIDE / 2)))
    without = {other: value for other, value in areas.items() if other != code}
    boxes = changed(areas, without)
    after = index.replaced(boxes, table(touching(without, boxes)))
    old, new = index.raster, after.raster
    assert new.frame == old.frame
    assert 0 < len(new.list_first) - len(old.list_first) < 0.2 * len(old.list_first)
    # The index of before is as it was.
    again = AreaIndex(table(areas))
    assert (again.raster.cells == old.cells).all()


def test_ever_the_same_edit_does_not_make_an_index_grow_for_ever() -> None:
    rng = np.random.default_rng(5)
    areas = town(rng, 60)
    index = AreaIndex(table(areas))
    first = len(index.raster.list_first)
    code = list(areas)[30]
    boxes = [Bounds(*areas[code][2].bounds)]
    for step in range(40):
        name, parent, shape = areas[code]
        shrunk = shapely.buffer(shape, -1e-5 * (1 + step % 3))
        now = {**areas, code: (name, parent, shrunk)}
        index = index.replaced(boxes, table(touching(now, boxes)))
        assert len(index.raster.list_first) < 2.6 * first
    lon, lat = places(now, rng, 30)
    agree(Locator.from_indices({"grid": index}), Locator.from_areas({"grid": table(now)}), lon, lat)


def test_areas_may_come_to_an_empty_index_and_all_may_go() -> None:
    areas = town(np.random.default_rng(6), 10)
    everywhere = [Bounds(-180.0, -90.0, 180.0, 90.0)]
    empty = AreaIndex(table({}))
    filled = empty.replaced(everywhere, table(areas))
    before = Locator.from_indices({"grid": empty})
    locator = Locator.from_indices({"grid": filled}, before=before)
    agree(locator, Locator.from_areas({"grid": table(areas)}), *places(areas, np.random.default_rng(1), 20))
    gone = filled.replaced(everywhere, table({}))
    assert len(gone) == 0
    assert Locator.from_indices({"grid": gone}, before=locator).locate(WEST, SOUTH).status == "outside"


def test_an_area_beyond_the_ground_of_the_raster_is_found() -> None:
    areas = town(np.random.default_rng(7), 30)
    index = AreaIndex(table(areas))
    far: Town = {"far": ("far", None, shapely.box(121.0, 36.5, 121.1, 36.6))}
    after = index.replaced(Bounds(121.0, 36.5, 121.1, 36.6), table(far))
    assert len(after) == len(areas) + 1
    agree(
        Locator.from_indices({"grid": after}, before=Locator.from_indices({"grid": index})),
        Locator.from_areas({"grid": table({**areas, **far})}),
        *places({**areas, **far}, np.random.default_rng(1), 30),
    )
