"""The compiled loops of long arrays: what NumPy answers, to the last bit, and loaded when that pays."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gisgrid.locator import AreaTable, Locator, boundary, compiled
from gisgrid.locator.areas import AreaIndex
from gisgrid.locator.compiled import Loops
from gisgrid.locator.many import Located
from tests.locator.loops import by_loops, by_numpy
from tests.locator.towns import Town, places, towns


def same(one: Located, other: Located) -> bool:
    """Tell whether two answers are the same, to the last bit."""
    pairs: list[tuple[Any, Any]] = list(zip(one, other, strict=True))
    return all(mine is theirs or np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f") for mine, theirs in pairs)


@given(towns(), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_the_compiled_loops_answer_what_numpy_does_to_the_last_bit(town: Town, seed: int) -> None:
    locator = Locator.from_areas(town.tables, town.roles)
    lon, lat = places(town, seed, 300)
    # Across the edges of the ground, and what is no position.
    lon, lat = np.append(lon, [np.nan, 120.0, np.inf, -np.inf, 1e300]), np.append(lat, [36.0, np.nan, 36.0, 36.0, -1e300])
    for distances in (True, False):
        with by_numpy():
            expected = locator.locate_many(lon, lat, distances=distances)
        with by_loops():
            assert same(locator.locate_many(lon, lat, distances=distances), expected)
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(boundary, "_FEW", 0)
                patch.setattr(boundary, "_FEW_EACH", 1 << 40)
                assert same(locator.locate_many(lon, lat, distances=distances), expected)
            opened = Locator.from_bytes(bytes(locator.to_bytes()))
            assert same(opened.locate_many(lon, lat, distances=distances), expected)


@given(towns(), st.integers(0, 2**32 - 1), st.sampled_from([0.001, 0.1, 0.6, 3.0]))
@settings(max_examples=60, deadline=None)
def test_the_nearest_and_the_neighbours_are_the_same_both_ways_to_the_last_bit(town: Town, seed: int, afar: float) -> None:
    locator = Locator.from_areas(town.tables, town.roles)
    lon, lat = places(town, seed, 300)
    rng = np.random.default_rng(seed)
    # Beside the towns, where the nearest grid is kilometres away, and beyond the ground on which it is looked up.
    lon, lat = np.append(lon, lon + afar * rng.normal(size=len(lon))), np.append(lat, lat + afar * rng.normal(size=len(lat)))
    number = locator.grid_indices(lon, lat)
    outside, inside = np.flatnonzero(number < 0), np.flatnonzero(number >= 0)
    accuracy = rng.choice([0.5, 20.0, 3000.0], len(inside))

    def answers() -> list[Any]:
        points = number[inside], lon[inside], lat[inside]
        nearest = locator.nearest_outside_many(lon[outside], lat[outside])
        return [*nearest, *locator.others_many(*points), *locator._others.within(accuracy, (accuracy / 5e4, accuracy / 1e5), *points)]

    with by_numpy():
        expected = answers()
    with by_loops():
        for mine, theirs in zip(answers(), expected, strict=True):
            assert np.array_equal(mine, theirs, equal_nan=mine.dtype.kind == "f")


@pytest.mark.parametrize("way", [by_numpy, by_loops])
def test_columns_of_a_table_are_answered_like_arrays_of_their_own(way: Callable[[], AbstractContextManager[None]]) -> None:
    shapes = np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    index = AreaIndex(AreaTable(["a", "b"], ["", ""], [None, None], shapes))
    table = np.random.default_rng(7).uniform(-0.5, 2.5, (400, 2))
    lon, lat = table[:, 0].copy(), table[:, 1].copy()
    with way():
        expected, found = index.covering_many(lon, lat), index.covering_many(table[:, 0], table[:, 1])
        assert np.array_equal(found.number, expected.number)
        assert np.array_equal(found.on_edge, expected.on_edge)
        assert np.array_equal(index.is_clear_many(table[:, 0], table[:, 1]), index.is_clear_many(lon, lat))
        plain = index.plain_around_many(table[:, 0], table[:, 1], 1e-4, 1e-4)
        assert np.array_equal(plain, index.plain_around_many(lon, lat, 1e-4, 1e-4))


def test_loading_begins_when_as_much_has_been_asked_as_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[bool] = []
    assert compiled.POINTS.load()
    loops = Loops("gisgrid.locator.kernels", 1_500_000)
    monkeypatch.setattr(loops, "load", lambda: loaded.append(True))
    for _ in range(3):
        assert loops.of(400_000) is None
    assert loops._loading is None
    loops.expect(400_000)
    assert loops._loading is not None
    loops._loading.join()
    loops.expect(4_000_000)
    assert loaded == [True]


def test_loading_begins_at_once_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[bool] = []
    assert compiled.POINTS.load()
    loops = Loops("gisgrid.locator.kernels", 1_500_000)
    monkeypatch.setattr(loops, "load", lambda: loaded.append(True))
    loops.want()
    assert loops._loading is not None
    loops._loading.join()
    assert loaded == [True]


def test_loops_that_were_never_compiled_are_compiled_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "loops_of_a_test.py").write_text(
        "import pathlib, time\ntime.sleep(0.3)\npathlib.Path(__file__).with_suffix('.seen').touch()"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    loops = Loops("loops_of_a_test", 10)
    assert loops.of(10) is None
    assert loops._compiling is not None
    assert loops._loading is None
    assert loops._compiling.wait(60) == 0
    assert (tmp_path / "loops_of_a_test.seen").exists()
    loops.expect(0)
    assert loops._loading is not None
    loops._loading.join()
    assert loops.of(0) is sys.modules.pop("loops_of_a_test")


def test_nothing_is_compiled_where_it_cannot_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gisgrid.locator.kernels", None)
    loops = Loops("gisgrid.locator.kernels", 1_500_000)
    assert not loops.load()
    assert loops.of(0) is None


def test_neither_commands_nor_the_locator_bring_the_compiler() -> None:
    code = "import sys, gisgrid.cli, gisgrid.locator, gisgrid.services.batch.commands, api.commands; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
