"""The inverses of GCJ-02 and BD-09 on arrays, against the forward shift of another library, all over China."""

from __future__ import annotations

import numpy as np
import prcoords
import pytest

from gisgrid.crs import BD09, GCJ02, Crs, to_wgs84

MILLIMETRE_DEG = 1e-3 / 111_320.0


@pytest.mark.parametrize("crs", [GCJ02, BD09])
def test_arrays_of_shifted_positions_come_back_to_a_millimetre(crs: Crs) -> None:
    shift = prcoords.wgs_gcj if crs is GCJ02 else prcoords.wgs_bd
    # No step of the lattice is a multiple of the waves of either shift, so that all their phases are met.
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.linspace(73.0, 135.5, 157), np.linspace(3.0, 54.0, 131)))
    shifted = np.array([shift((north, east)) for east, north in zip(lon.tolist(), lat.tolist(), strict=True)])
    back_lon, back_lat = to_wgs84(crs, shifted[:, 1], shifted[:, 0])
    east = np.abs(back_lon - lon) * np.cos(np.radians(lat))
    assert max(east.max(), np.abs(back_lat - lat).max()) < MILLIMETRE_DEG
    # The shift itself is far larger, so that doing nothing would not pass.
    assert np.hypot(shifted[:, 1] - lon, shifted[:, 0] - lat).min() > 1e-4
