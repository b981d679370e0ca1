"""A batch and ``Locator.locate_frame`` say the same of the same rows, cell by cell."""

from __future__ import annotations

import geopandas
import numpy as np
import pyarrow as pa
import pytest
import shapely

from gisgrid.locator import AreaTable, Locator
from gisgrid.services.batch import make_plan
from gisgrid.services.batch.columns import ADDED, PLACES, SHARES
from gisgrid.services.batch.engine import Engine
from gisgrid.types import Bounds

COUNT = 600


def city() -> Locator:
    """Return squares of 100 m with a gap and an overlap."""
    west, south = (part.ravel() for part in np.meshgrid(np.arange(8) * 1e-3 + 120.3, np.arange(8) * 1e-3 + 36.1))
    shapes = np.delete(shapely.box(west, south, west + 1e-3, south + 1e-3), 27)
    shapes[5] = shapely.buffer(shapes[5], 2e-4)
    codes = [f"{k:02d}" for k in range(len(shapes))]
    return Locator.from_areas({"grid": AreaTable(codes, [f"grid {code}" for code in codes], [None] * len(codes), shapes)})


@pytest.mark.parametrize("with_accuracy", [False, True])
def test_cells_are_equal(with_accuracy: bool) -> None:
    rng = np.random.default_rng(4)
    lon, lat = rng.uniform(120.298, 120.310, COUNT), rng.uniform(36.098, 36.110, COUNT)
    lon[::9], lat[::13] = np.round(lon[::9], 3), np.round(lat[::13], 3)
    near = rng.integers(0, COUNT, 150)
    lon[near] = np.round(lon[near], 3) + rng.uniform(-4e-6, 4e-6, 150)
    accuracy = rng.choice([np.nan, 0.0, 2.0, 30.0, 250.0], COUNT)
    locator = city()
    frame = geopandas.GeoDataFrame({"accuracy": accuracy}, geometry=geopandas.points_from_xy(lon, lat), crs=4326)
    ours = locator.locate_frame(frame, accuracy_m="accuracy" if with_accuracy else None)
    plan = make_plan(lon="lon", lat="lat", crs="wgs84", accuracy_column="accuracy" if with_accuracy else None)
    engine = Engine(locator, Bounds(120.0, 36.0, 121.0, 37.0), plan)
    rows = pa.record_batch({"lon": lon, "lat": lat, "accuracy": pa.array(accuracy, mask=np.isnan(accuracy))})
    batch = engine.answer(rows)
    names = (*ADDED, *SHARES) if with_accuracy else ADDED
    assert tuple(batch.schema.names) == names
    for name in names:
        mine, other = ours[name], batch.column(name)
        if name in PLACES:
            assert np.allclose(mine.to_numpy(), other.to_numpy(zero_copy_only=False), rtol=0.0, atol=1e-6, equal_nan=True), name
        else:
            found = [value if isinstance(value, (str, bool, np.bool_)) else None for value in mine.tolist()]
            assert found == other.to_pylist(), name
