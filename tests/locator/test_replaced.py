"""Taking over an index: after any edits in some boxes it is the index that is built anew."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import shapely
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gisgrid.locator import FootprintIndex, FootprintTable, PointIndex, PointTable
from gisgrid.types import Bounds

# Few places, so that features lie on each other and on the borders of boxes.
places = st.tuples(st.integers(0, 12), st.integers(0, 12))
features = st.dictionaries(st.integers(0, 70), st.tuples(places, st.integers(0, 3), st.sampled_from(["a", "b", None])), max_size=60)
edits = st.lists(st.dictionaries(st.integers(0, 80), st.one_of(st.none(), st.tuples(places, st.integers(0, 3))), max_size=6), max_size=3)
Features = dict[int, tuple[tuple[int, int], int, str | None]]
QUERIES = [(120.3801 + x / 9000, 36.0799 + y / 9000) for x in range(0, 13, 4) for y in range(0, 13, 4)] + [(100.0, 20.0)]


def at(place: tuple[int, int]) -> tuple[float, float]:
    return 120.38 + place[0] / 9000, 36.08 + place[1] / 9000


def shape_of(place: tuple[int, int], size: int) -> Any:
    lon, lat = at(place)
    box = shapely.box(lon, lat, lon + (size + 1) / 9000, lat + 1 / 9000)
    return box if size < 2 else box.difference(shapely.box(lon + 0.3 / 9000, lat + 0.3 / 9000, lon + 0.6 / 9000, lat + 0.6 / 9000))


def point_table(wanted: Features) -> PointTable:
    ids = sorted(wanted)
    where = np.array([at(wanted[id][0]) for id in ids]).reshape(-1, 2)
    rows: list[tuple[object, ...]] = [(f"c{id}", wanted[id][2], wanted[id][1]) for id in ids]
    return PointTable(ids, [f"c{id}" for id in ids], where[:, 0], where[:, 1], ("code", "kind", "n"), rows)


def footprint_table(wanted: Features) -> FootprintTable:
    ids = sorted(wanted)
    shapes: NDArray[Any] = np.empty(len(ids), dtype=object)
    shapes[:] = [shape_of(*wanted[id][:2]) for id in ids]
    rows: list[tuple[object, ...]] = [(f"c{id}", wanted[id][2], wanted[id][1]) for id in ids]
    return FootprintTable(ids, [f"c{id}" for id in ids], shapes, ("code", "kind", "n"), rows)


def carry_out(before: Features, edit: dict[int, Any]) -> tuple[Features, list[Bounds]]:
    """Return the features after an edit, and for each that it touched the box around its old and its new place."""
    after, boxes = dict(before), []
    for id, change in edit.items():
        corners = [shape_of(*before[id][:2]).bounds] if id in before else []
        after.pop(id, None)
        if change is not None:
            after[id] = (change[0], change[1], "b")
            corners.append(shape_of(*change).bounds)
        if corners:
            low, high = np.min(corners, axis=0), np.max(corners, axis=0)
            boxes.append(Bounds(float(low[0]), float(low[1]), float(high[2]), float(high[3])))
    return after, boxes


def touching(wanted: Features, boxes: list[Bounds], *, beside: bool) -> Features:
    """Return the features that touch a box, as the database would; ``beside``: and some that do not."""
    shapes = {id: shapely.box(*shape_of(*feature[:2]).bounds) for id, feature in wanted.items()}
    return {
        id: feature
        for id, feature in wanted.items()
        if (beside and id % 5 == 0) or any(shapes[id].intersects(shapely.box(*box)) for box in boxes)
    }


@given(features, edits, st.booleans(), st.booleans())
def test_points_after_edits_are_those_of_an_index_built_anew(before: Features, edits: list[Any], beside: bool, in_one: bool) -> None:
    index = PointIndex(point_table(before))
    for edit in edits:
        [index.document(row, 1.0, 2.0) for row in range(len(index))]
        before, boxes = carry_out(before, edit)
        if in_one and boxes:
            low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
            boxes = [Bounds(float(low[0]), float(low[1]), float(high[2]), float(high[3]))]
        index = index.replaced(boxes[0] if len(boxes) == 1 else boxes, point_table(touching(before, boxes, beside=beside)))
    fresh = PointIndex(point_table(before))
    assert index.table.ids == fresh.table.ids
    assert index.table.rows == fresh.table.rows
    for lon, lat in QUERIES:
        for where in (None, {"kind": {"b", ""}}):
            assert index.nearest(lon, lat, 7, where=where) == fresh.nearest(lon, lat, 7, where=where)
    for row in range(len(fresh)):
        assert orjson.dumps(index.document(row, 1.0, 2.0)) == orjson.dumps(fresh.document(row, 1.0, 2.0))


@given(features, edits, st.booleans())
def test_footprints_after_edits_are_those_of_an_index_built_anew(before: Features, edits: list[Any], beside: bool) -> None:
    index = FootprintIndex(footprint_table(before))
    for edit in edits:
        [index.document(row, 1.0) for row in range(len(index))]
        before, boxes = carry_out(before, edit)
        index = index.replaced(boxes, footprint_table(touching(before, boxes, beside=beside)))
    fresh = FootprintIndex(footprint_table(before))
    assert index.table.ids == fresh.table.ids
    assert index.table.rows == fresh.table.rows
    assert shapely.equals_exact(index.table.geometries, fresh.table.geometries).all()
    for lon, lat in QUERIES:
        assert index.at(lon, lat, 5.0) == fresh.at(lon, lat, 5.0)
        for where in (None, {"kind": {"b", ""}}):
            assert index.nearest(lon, lat, 7, where=where) == fresh.nearest(lon, lat, 7, where=where)
    for row in range(len(fresh)):
        assert orjson.dumps(index.document(row, 1.0)) == orjson.dumps(fresh.document(row, 1.0))


def test_an_empty_index_takes_all_and_gives_all_back() -> None:
    some: Features = {3: ((1, 1), 0, "a"), 5: ((2, 2), 2, None)}
    everywhere = Bounds(-180.0, -90.0, 180.0, 90.0)
    points = PointIndex(point_table({})).replaced(everywhere, point_table(some))
    footprints = FootprintIndex(footprint_table({})).replaced(everywhere, footprint_table(some))
    assert [found.id for found in points.nearest(120.38, 36.08, 9)] == [3, 5]
    assert [found.id for found in footprints.nearest(120.38, 36.08, 9)] == [3, 5]
    assert len(points.replaced(everywhere, point_table({}))) == len(footprints.replaced(everywhere, footprint_table({}))) == 0


def test_nothing_changes_where_nothing_was_touched() -> None:
    some: Features = {id: ((id % 12, id % 7), id % 4, "a") for id in range(50)}
    index = FootprintIndex(footprint_table(some))
    assert index.replaced([], footprint_table({})).table.ids == index.table.ids
    assert index.replaced(Bounds(0.0, 0.0, 1.0, 1.0), footprint_table({})).nearest(120.38, 36.08, 50) == index.nearest(120.38, 36.08, 50)
