"""Long arrays by pieces and threads: the same answers, to the last bit, as without."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
import shapely

from gisgrid.crs import from_wgs84, parse_crs, to_wgs84
from gisgrid.errors import CrsError
from gisgrid.locator import AreaTable, Locator, chunks

COUNT = 270_000


@pytest.fixture(scope="module")
def locator() -> Locator:
    """Return a locator of 400 grids over a square that is not on the lattice of the points."""
    west, south = (part.ravel() for part in np.meshgrid(np.arange(20) * 1e-3 + 120.3, np.arange(20) * 1e-3 + 36.1))
    codes = [f"{number:03d}" for number in range(400)]
    shapes = shapely.box(west, south, west + 1e-3, south + 1e-3)
    return Locator.from_areas({"grid": AreaTable(codes, codes, [None] * 400, shapes)})


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(120.299, 120.321, COUNT), rng.uniform(36.099, 36.121, COUNT)
    # Some on edges and corners, and what is no position.
    lon[::7], lat[::11] = np.round(lon[::7], 3), np.round(lat[::11], 3)
    lon[5], lat[6], lon[7], lat[8] = np.nan, np.inf, 1e300, -91.0
    return lon, lat


@pytest.mark.parametrize("crs", ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4549"])
def test_threads_and_pieces_answer_what_one_piece_after_the_other_does(
    locator: Locator, points: tuple[np.ndarray, np.ndarray], crs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = from_wgs84(parse_crs(crs), *points)
    expected = locator.grid_indices(*to_wgs84(parse_crs(crs), first, second), parallel=False)
    assert (expected >= 0).sum() > COUNT // 2
    monkeypatch.setattr(chunks, "_processors", lambda: 4)
    assert np.array_equal(locator.grid_indices(first, second, crs), expected)
    assert np.array_equal(locator.grid_indices(first, second, parse_crs(crs), parallel=False), expected)
    assert np.array_equal(locator.grid_indices(first.reshape(-1, 10), second.reshape(-1, 10), crs).ravel(), expected)
    # One at a time, in pieces of one.
    few = np.flatnonzero(expected >= 0)[:200].tolist()
    assert [int(locator.grid_indices(first[k], second[k], crs)) for k in few] == expected[few].tolist()


def test_an_unknown_system_is_an_error_and_what_a_thread_raises_comes_out(locator: Locator, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CrsError):
        locator.grid_indices([1.0], [1.0], "mars2")
    monkeypatch.setattr(chunks, "_processors", lambda: 2)

    def work(piece: slice) -> None:
        raise ValueError(piece.start)

    with pytest.raises(ValueError, match="0"):
        chunks.in_pieces(work, COUNT)


def test_few_points_and_callers_with_workers_of_their_own_use_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "_processors", lambda: 4)
    for count, parallel in ((chunks.FEWEST_PARALLEL - 1, True), (COUNT, False), (0, True)):
        seen: list[tuple[int, slice]] = []
        chunks.in_pieces(lambda piece, seen=seen: seen.append((threading.get_ident(), piece)), count, parallel=parallel)  # type: ignore[misc]
        assert {thread for thread, _ in seen} <= {threading.get_ident()}
        assert sum(piece.stop - piece.start for _, piece in seen) == count


def test_what_pieces_come_to_is_in_their_order_whoever_did_them(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = chunks.pieces_of(1_003, 100)
    assert [piece.stop - piece.start for piece in pieces] == [100] * 10 + [3]
    assert chunks.pieces_of(0, 100) == []
    for processors in (1, 3):
        monkeypatch.setattr(chunks, "_processors", lambda processors=processors: processors)
        assert chunks.gathered(lambda piece: piece.start, pieces) == list(range(0, 1_003, 100))
        assert chunks.gathered(lambda piece: piece.start, []) == []


def test_a_forked_child_has_threads_of_its_own(
    locator: Locator, points: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "_processors", lambda: 2)
    expected = locator.grid_indices(*points)
    child = os.fork()
    if not child:
        os._exit(0 if np.array_equal(locator.grid_indices(*points), expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
