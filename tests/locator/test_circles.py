"""Candidates and shares of many positions by arrays: the same as ``locate`` gives one at a time."""

from __future__ import annotations

import geopandas
import numpy as np
import pytest
import shapely

from gisgrid.locator import AreaTable, Locator

SIDE = 0.002


def town(rng: np.random.Generator, *, overlapping: bool) -> Locator:
    """Return ragged cells with holes between them; with ``overlapping`` some lie over others."""
    seeds = shapely.MultiPoint(np.column_stack([rng.uniform(0, 10, 60) * SIDE + 120.0, rng.uniform(0, 10, 60) * SIDE + 36.0]))
    cells = shapely.get_parts(shapely.voronoi_polygons(seeds, extend_to=shapely.box(120.0, 36.0, 120.02, 36.02))).tolist()
    cells = [shapely.intersection(cell, shapely.box(119.995, 35.995, 120.025, 36.025)) for cell in cells if rng.uniform() < 0.85]
    if overlapping:
        cells += [shapely.Point(*rng.uniform((120.0, 36.0), (120.02, 36.02))).buffer(SIDE / 3) for _ in range(4)]
    codes = [f"{k:03d}" for k in range(len(cells))]
    return Locator.from_areas({"grid": AreaTable(codes, codes, [None] * len(codes), np.array(cells))})


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_frames_with_accuracies_hold_what_locate_says_of_each_row(seed: int, overlapping: bool) -> None:
    rng = np.random.default_rng(seed)
    locator = town(rng, overlapping=overlapping)
    count = 500
    lon, lat = rng.uniform(119.99, 120.03, count), rng.uniform(35.99, 36.03, count)
    accuracy = rng.choice([np.nan, 0.0, 0.2, 3.0, 40.0, 300.0, 4000.0], count)
    frame = geopandas.GeoDataFrame({"accuracy": accuracy}, geometry=geopandas.points_from_xy(lon, lat), crs=4326)
    found = locator.locate_frame(frame, accuracy_m="accuracy")
    kinds = set()
    for k in range(count):
        radius = None if np.isnan(accuracy[k]) else float(accuracy[k])
        expected, row = locator.locate(float(lon[k]), float(lat[k]), radius), found.iloc[k]
        kinds.add((expected.status, len(expected.candidates) > 1, expected.outside_share is None))
        assert row["status"] == expected.status
        assert (row["grid"] if isinstance(row["grid"], str) else None) == (expected.grid.code if expected.grid else None)
        assert row["candidates"] == ";".join(candidate.code for candidate in expected.candidates)
        shares = [candidate.share for candidate in expected.candidates if candidate.share is not None]
        text = row["candidate_shares"]
        assert ([] if not isinstance(text, str) else [float(part) for part in text.split(";")]) == pytest.approx(shares, abs=1.01e-4)
        outside = np.nan if expected.outside_share is None else expected.outside_share
        assert row["outside_share"] == pytest.approx(outside, abs=1e-9, nan_ok=True)
        far = np.nan if expected.distance_to_edge_m is None else expected.distance_to_edge_m
        assert row["distance_to_edge_m"] == pytest.approx(far, abs=1e-6, nan_ok=True)
    assert {("inside", True, False), ("inside", False, False), ("inside", False, True), ("outside", False, False)} <= kinds


def test_circles_are_answered_by_arrays_where_no_areas_overlap() -> None:
    locator = town(np.random.default_rng(9), overlapping=False)
    rng = np.random.default_rng(10)
    lon, lat = rng.uniform(120.0, 120.02, 300), rng.uniform(36.0, 36.02, 300)
    inside = np.flatnonzero(locator.grid_indices(lon, lat) >= 0)
    lon, lat, radius = lon[inside], lat[inside], rng.uniform(1.0, 500.0, len(inside))
    found = locator.circles_many(locator.grid_indices(lon, lat), lon, lat, radius)
    assert found.is_sure.all()
    for k in range(len(lon)):
        expected = locator.locate(float(lon[k]), float(lat[k]), float(radius[k]))
        rows = found.row == k
        assert [locator.grid_codes()[area] for area in found.number[rows].tolist()] == [c.code for c in expected.candidates]
        assert found.distance_m[rows] == pytest.approx([c.distance_m for c in expected.candidates], abs=2e-6)
        assert found.share[rows] == pytest.approx([c.share for c in expected.candidates], abs=1e-12)
        assert found.outside_share[k] == pytest.approx(expected.outside_share, abs=1e-12)
