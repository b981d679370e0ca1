"""Rows that come twice are found over batches of any size, and the first of them is named."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.duplicates import FirstRows, hashes, places

QUIET = settings(max_examples=60, deadline=None)
KEYS = st.lists(st.lists(st.integers(0, 60), max_size=60), max_size=8)


@QUIET
@given(batches=KEYS, spread=st.booleans())
def test_the_first_row_of_each_key_is_the_one_that_a_dictionary_tells(batches: list[list[int]], spread: bool) -> None:
    first_rows, model, start = FirstRows(), dict[int, int](), 1
    factor = np.uint64(0x9E37_79B9_7F4A_7C15 if spread else 1)  # keys may also lie close together
    for batch in batches:
        rows = np.arange(start, start + len(batch))
        keys = np.array(batch, dtype=np.uint64) * factor
        found = first_rows.add(keys, rows=rows)
        assert found.tolist() == [model.setdefault(key, row) for key, row in zip(batch, rows.tolist(), strict=True)]
        start += len(batch) + 3


def test_keys_with_equal_first_bits_are_told_apart_by_the_others() -> None:
    first_rows = FirstRows()
    for more, expected in (([1, 2], [1, 2]), ([1, 1], [1, 1]), ([3, 3], [7, 7])):
        rows = np.array([1, 2]) if more[0] == 1 else np.array([7, 8])
        assert first_rows.add(np.zeros(2, dtype=np.uint64), np.array(more, dtype=np.uint32), rows=rows).tolist() == expected


def test_hundred_thousand_keys_in_batches_are_each_their_own_first() -> None:
    first_rows = FirstRows()
    for start in range(1, 100_000, 7_000):
        rows = np.arange(start, start + 7_000)
        assert (first_rows.add(*hashes([f"3702030102{row:06d}".encode() for row in rows.tolist()]), rows=rows) == rows).all()
    rows = np.arange(200_000, 200_500)
    assert (first_rows.add(*hashes([f"3702030102{row:06d}".encode() for row in range(1, 501)]), rows=rows) == np.arange(1, 501)).all()


@QUIET
@given(st.lists(st.tuples(st.integers(-1_800_000_000, 1_800_000_000), st.integers(-900_000_000, 900_000_000)), unique=True, min_size=2))
def test_points_a_centimetre_apart_are_different_places(steps: list[tuple[int, int]]) -> None:
    points = shapely.points(np.array(steps) / 1e7)
    assert len(set(places(shapely.bounds(points)).tolist())) == len(steps)


def test_points_and_polygons_are_at_the_same_place_when_their_boxes_are() -> None:
    shapes = [shapely.box(120.38, 36.08, 120.39, 36.09), shapely.box(120.38, 36.08, 120.39, 36.0900001), shapely.Point(120.38, 36.08)]
    found = places(shapely.bounds(np.array([*shapes, *shapes]))).tolist()
    assert found[:3] == found[3:]
    assert len(set(found)) == 3
