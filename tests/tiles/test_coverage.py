"""The coverage raster: every cell says what sight says of its middle, cell by cell and camera by camera."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
from numpy.typing import NDArray
from rio_cogeo.cogeo import cog_validate

from gisgrid.crs import projected_for
from gisgrid.errors import ConfigError, ParameterError, UsageError
from gisgrid.progress import silent
from gisgrid.sight import SightIndex
from gisgrid.types import Bounds
from tests.sight.reference import Reference
from tests.sight.scenes import LAT, LON, PER_LAT, PER_LON, box, buildings, camera, cameras
from tests.sight.town import random_town
from tiles.coverage import OUTSIDE, Grid, count_cameras, grid_over, write_coverage

CRS = projected_for(Bounds(LON, LAT, LON, LAT), None)


def square(side_m: float) -> shapely.Geometry:
    """An area around the middle of the scenes."""
    east, north = side_m / 2 / PER_LON, side_m / 2 / PER_LAT
    return shapely.box(LON - east, LAT - north, LON + east, LAT + north)


def counted(sight: SightIndex, area: shapely.Geometry, grid: Grid, height_m: float = 0.0) -> NDArray[np.uint16]:
    return np.concatenate([found for _, found in count_cameras(sight, area, grid, height_m)], axis=1)


@pytest.mark.parametrize("seed", [1, 2])
def test_every_cell_has_the_count_that_asking_each_camera_gives(seed: int) -> None:
    sight = SightIndex(*random_town(seed))
    area = shapely.difference(square(500.0), square(60.0))
    grid = grid_over(area, CRS, 12.5)
    found = counted(sight, area, grid, 1.5)
    lon, lat = grid.middles(0, grid.height, 0, grid.width)
    there = shapely.covers(area, shapely.points(lon, lat))
    rows = np.tile(np.arange(len(sight.cameras.ids)), (lon.size, 1))
    states = sight.look_many(lon.ravel(), lat.ravel(), rows, 1.5)
    assert np.array_equal(found[0], np.where(there, states.seen.sum(axis=1).reshape(lon.shape), OUTSIDE))
    assert np.array_equal(found[1], np.where(there, (states.state == 0).sum(axis=1).reshape(lon.shape), OUTSIDE))
    assert found[0][there].max() > 2
    assert (found[0][there] == 0).any()


def test_cells_say_what_the_rules_followed_to_the_letter_say() -> None:
    tables = random_town(3)
    sight, reference, area = SightIndex(*tables), Reference(*tables), square(400.0)
    grid = grid_over(area, CRS, 5.0)
    found = counted(sight, area, grid)
    lon, lat = grid.middles(0, grid.height, 0, grid.width)
    rng = np.random.default_rng(4)
    inside = np.argwhere(found[0] != OUTSIDE)
    seen = np.argwhere((found[0] != OUTSIDE) & (found[0] > 0))
    for row, column in np.concatenate([rng.choice(inside, 5), rng.choice(seen, 10)]):
        place = float(lon[row, column]), float(lat[row, column])
        states = [reference.look(*place, camera).state for camera in range(len(tables[0].ids))]
        assert found[0, row, column] == sum(state in ("sees", "probably_sees") for state in states)
        assert found[1, row, column] == states.count("sees")


def test_a_house_casts_a_shadow_that_geometry_alone_can_draw() -> None:
    """One camera that looks all round, one high house: what it sees is its circle without the shadow of the house."""
    turning = camera(kind="dome", field_of_view_deg=360.0, range_m=80.0)
    sight = SightIndex(cameras([turning]), buildings([box(20.0, -10.0, 30.0, 10.0, 50.0)]))
    area = square(220.0)
    grid = grid_over(area, CRS, 2.0)
    lon, lat = grid.middles(0, grid.height, 0, grid.width)
    x, y = (lon - LON) * PER_LON, (lat - LAT) * PER_LAT
    shadow = shapely.Polygon([(20.0, -10.0), (20.0, 10.0), (400.0, 200.0), (400.0, -200.0)])
    points = shapely.points(x, y)
    seen = shapely.covers(shapely.Point(0, 0).buffer(80.0, 512), points) & ~shapely.covers(shadow, points)
    # Cells in the house show their outside; those within centimetres of an edge may fall to either side.
    in_house = shapely.covers(shapely.box(19.9, -10.1, 30.1, 10.1), points)
    edges = shapely.union_all([shapely.Point(0, 0).buffer(80.0, 512).exterior, shadow.exterior])
    sure = ~in_house & (shapely.distance(points, edges) > 0.05)
    found = counted(sight, area, grid)[0]
    there = found != OUTSIDE
    assert np.array_equal(found[there & sure], seen[there & sure])
    assert 0 < (found[there] == 1).sum() < there.sum()


def test_cameras_that_see_nothing_leave_blind_spots() -> None:
    offline, unaimed = camera(status="offline"), camera(10.0, azimuth_deg=None)
    sight = SightIndex(cameras([offline, unaimed]), buildings([]))
    area = square(100.0)
    assert set(np.unique(counted(sight, area, grid_over(area, CRS, 10.0)))) == {0, OUTSIDE}
    nobody = SightIndex(cameras([]), buildings([]))
    assert set(np.unique(counted(nobody, area, grid_over(area, CRS, 10.0)))) == {0, OUTSIDE}


def test_the_file_is_cloud_optimised_and_says_what_it_shows(tmp_path: Path) -> None:
    sight, area = SightIndex(*random_town(5)), square(500.0)
    grid = grid_over(area, CRS, 5.0)
    reports: list[tuple[str, int, int]] = []
    path = tmp_path / "out" / "cover.tif"
    told = write_coverage(path, sight, area, grid, tags={"DATA_VERSION": "7"}, progress=lambda *report: reports.append(report))
    assert cog_validate(path, quiet=True)[0]
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(), counted(sight, area, grid))
        assert (file.crs.to_epsg(), file.nodata, file.res) == (4549, OUTSIDE, (5.0, 5.0))
        assert file.descriptions == ("cameras that see or probably see it", "cameras that see it for sure")
        assert (file.tags()["DATA_VERSION"], file.tags()["CELLS"], file.tags()["BLIND_CELLS"]) == ("7", str(told.cells), str(told.blind))
        assert (file.transform.c % 5.0, file.transform.f % 5.0) == (0.0, 0.0)
    assert abs(told.cells - 100 * 100) < 300
    assert 0 < told.blind < told.cells
    assert reports[-1] == ("cells", grid.width * grid.height, grid.width * grid.height)
    assert [item.name for item in path.parent.iterdir()] == ["cover.tif"]


def test_a_count_that_is_broken_off_leaves_no_file(tmp_path: Path) -> None:
    def broken(what: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    area = square(100.0)
    with pytest.raises(KeyboardInterrupt):
        write_coverage(tmp_path / "a.tif", SightIndex(*random_town(1)), area, grid_over(area, CRS, 5.0), tags={}, progress=broken)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("box_", "epsg"),
    [
        ((120.3, 36.0, 120.5, 36.2), 4549),
        ((114.0, 22.4, 114.2, 22.6), 4547),
        ((4.4, 51.8, 4.6, 52.0), 32631),
        ((-43.3, -23.0, -43.1, -22.8), 32723),
    ],
)
def test_cells_lie_in_the_zone_of_the_place(box_: tuple[float, ...], epsg: int) -> None:
    assert projected_for(Bounds(*box_), None).epsg == epsg
    assert projected_for(Bounds(*box_), "EPSG:4549").epsg == 4549


def test_grids_that_cannot_be_meant_are_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be laid out in"):
        projected_for(Bounds(*square(1.0).bounds), "EPSG:4326")
    with pytest.raises(UsageError, match="no district"):
        grid_over(shapely.MultiPolygon(), CRS, 5.0)
    for cell in (0.0, -5.0, float("nan"), 1e6):
        with pytest.raises(ParameterError, match="no size of a cell"):
            grid_over(square(100.0), CRS, cell)
    with pytest.raises(ParameterError, match="at most 400,000,000 cells"):
        grid_over(square(30_000.0), CRS, 1.0)
    with pytest.raises(ParameterError, match="target_height_m"):
        list(count_cameras(SightIndex(*random_town(1)), square(50.0), grid_over(square(50.0), CRS, 10.0), -1.0))


def test_progress_may_be_told_to_nobody(tmp_path: Path) -> None:
    area = square(60.0)
    write_coverage(tmp_path / "a.tif", SightIndex(*random_town(1)), area, grid_over(area, CRS, 20.0), tags={}, progress=silent)
    assert (tmp_path / "a.tif").is_file()
