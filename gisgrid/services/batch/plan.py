"""What a batch is asked for: where its coordinates are, in which system, how sure, and which columns to add."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from gisgrid.crs import EXPECTED, Crs, parse_crs
from gisgrid.errors import CrsError, ParameterError
from gisgrid.services.batch.columns import ADDED, chosen_columns


class BatchPlan(NamedTuple):
    """Where the position of a row is: names of input columns, and what holds for rows that say nothing themselves.

    ``address`` names the column of the address, by which a row without coordinates is located; None where there is none. ``lon`` and
    ``lat`` are empty where an input has addresses alone.
    ``lon`` and ``lat`` name the columns of longitude and latitude, or of easting and northing in a projected system; ``crs`` is the
    coordinate system where ``crs_column`` is None or a row's cell is empty; ``accuracy_m`` the radius of the uncertainty in metres
    where ``accuracy_column`` is None or empty. ``columns`` are the added columns to give. Make one with ``make_plan``.
    """

    lon: str = "lon"
    lat: str = "lat"
    crs: Crs | None = None
    crs_column: str | None = None
    accuracy_m: float | None = None
    accuracy_column: str | None = None
    columns: tuple[str, ...] = ADDED
    address: str | None = None

    @property
    def inputs(self) -> tuple[tuple[str, str], ...]:
        """The input columns that an answer needs, each with the name of the option that names it."""
        named = (
            *(("lon", self.lon), ("lat", self.lat), ("crs_column", self.crs_column)),
            *(("accuracy_column", self.accuracy_column), ("address", self.address)),
        )
        return tuple((option, name) for option, name in named if name)


def make_plan(
    crs: str | None = None,
    *,
    lon: str = "lon",
    lat: str = "lat",
    crs_column: str | None = None,
    accuracy_m: float | None = None,
    accuracy_column: str | None = None,
    columns: Sequence[str] | None = None,
    address: str | None = None,
) -> BatchPlan:
    """Return the plan for options as they are given.

    Raises CrsError when no system is given or it is not known, ParameterError for an accuracy that is none or a column that
    cannot be added.
    """
    if crs is None and crs_column is None and address is None:
        raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
    if accuracy_m is not None and not 0.0 <= accuracy_m < math.inf:
        raise ParameterError("accuracy_m", f"{accuracy_m} is not a distance.", "metres, 0 or more")
    with_shares = accuracy_m is not None or accuracy_column is not None
    system = None if crs is None else parse_crs(crs)
    chosen = chosen_columns(columns, with_shares=with_shares, with_address=address is not None)
    return BatchPlan(lon, lat, system, crs_column, accuracy_m, accuracy_column, chosen, address)
