"""The sample is spread over the whole file, bounded, and the same each time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
import shapely

from ingest.outcomes import Seen
from ingest.positions import Sampler
from ingest.positions.sampler import Sample


def sample(sizes: list[int], most: int = 100) -> Sample:
    """Return the sample of a file in batches of ``sizes``; the x of each point is the number of its row."""
    sampler, start = Sampler(most), 0
    for size in sizes:
        rows = np.arange(start, start + size)
        sampler.add(Seen(shapely.points(rows, rows), pa.array([str(row) for row in rows], pa.string()), None))
        start += size
    return sampler.sample()


@pytest.mark.parametrize("sizes", [[1], [99], [100], [101], [7, 0, 93, 500], [20_000], [333] * 60])
def test_a_sample_is_spread_over_the_file(sizes: list[int]) -> None:
    found = sample(sizes)
    rows = shapely.get_x(found.geom)
    assert found.size == min(sum(sizes), 100)
    assert found.code == [str(int(row)) for row in rows]
    assert rows[0] == 0
    assert (np.diff(rows) > 0).all()
    assert np.diff(rows, append=sum(sizes)).max() <= 4 * max(1.0, sum(sizes) / 100), "no long stretch is left out"


def test_how_the_file_is_cut_into_batches_does_not_matter() -> None:
    assert sample([20_000]).code == sample([1, 4_999, 15_000]).code


def test_rows_without_a_place_and_batches_without_geometry_are_left_out() -> None:
    sampler = Sampler()
    sampler.add(None)
    shapes = [None, shapely.Point(), shapely.Point(1, 2), shapely.Point(np.inf, 2), shapely.from_wkt("POLYGON EMPTY")]
    geom = np.empty(5, dtype=object)
    geom[:] = shapes
    sampler.add(Seen(geom, pa.nulls(5, pa.string()), pa.array(["a", "b", "c", "d", "e"])))
    found = sampler.sample()
    assert (found.size, found.code, found.named) == (1, [None], ["c"])
