"""Values made in the background: nobody waits, and everybody gets the same in the end."""

from __future__ import annotations

import gc
import threading
import time
import weakref

import numpy as np
import shapely

from gisgrid.locator import AreaIndex, AreaTable, Locator
from gisgrid.locator.background import Background
from gisgrid.types import Bounds


def until(condition: object, seconds: float = 20.0) -> bool:
    """Wait until a condition holds, and say whether it does."""
    end = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def test_the_first_to_ask_does_not_wait_and_later_ones_get_the_value() -> None:
    gate, made = threading.Event(), []

    def make() -> str:
        gate.wait(20.0)
        made.append(threading.current_thread().name)
        return "value"

    value = Background(make)
    assert value.at_hand() is None
    assert value.at_hand() is None
    gate.set()
    assert until(lambda: value.is_ready)
    assert value.at_hand() == value.get() == "value"
    assert made == ["gisgrid-locator-background"]


def test_what_nobody_holds_any_more_is_not_made() -> None:
    gate, made = threading.Event(), []
    first = Background(lambda: gate.wait(20.0))
    first.at_hand()
    second = Background(lambda: made.append(1))
    second.at_hand()
    gone = weakref.ref(second)
    del second
    gc.collect()
    assert gone() is None
    gate.set()
    assert until(lambda: first.is_ready)
    assert made == []


def table(*boxes: tuple[float, float, float, float]) -> AreaTable:
    codes = [f"{k:02d}" for k in range(len(boxes))]
    return AreaTable(codes, codes, [None] * len(boxes), np.array([shapely.box(*box) for box in boxes]))


def test_an_edit_of_a_rim_leaves_the_surroundings_for_later_and_answers_alike_before_and_after() -> None:
    grids = [(120.0 + k * 0.01, 36.0, 120.0 + (k + 1) * 0.01, 36.01) for k in range(6)]
    index = AreaIndex(table(*grids))
    before = Locator.from_indices({"grid": index})
    moved = [*grids[:5], (120.05, 36.0, 120.06, 36.02)]
    after = Locator.from_indices({"grid": index.replaced(Bounds(*moved[5]), table(*moved))}, before=before)
    fresh = Locator.from_areas({"grid": table(*moved)})
    rng = np.random.default_rng(5)
    lon, lat = rng.uniform(119.9, 120.2, 60), rng.uniform(35.9, 36.1, 60)
    assert not after._boundary._outside.is_ready
    for x, y in zip(lon.tolist(), lat.tolist(), strict=True):
        found, expected = after.locate(x, y), fresh.locate(x, y)
        assert found.grid == expected.grid
        assert (found.nearest and found.nearest.code) == (expected.nearest and expected.nearest.code)
    assert until(lambda: after._boundary._outside.is_ready)
    assert after.nearest_outside_many(lon, lat)[1].tolist() == fresh.nearest_outside_many(lon, lat)[1].tolist()
