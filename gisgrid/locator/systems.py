"""The coordinate systems that scripts give: our names, numbers of the EPSG register, pyproj's own; and degrees of what is in them."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pyproj

from gisgrid.crs import EXPECTED, Crs, parse_crs, to_wgs84
from gisgrid.errors import CrsError
from gisgrid.locator.edges import Floats

AnyCrs: TypeAlias = str | int | Crs | pyproj.CRS
"""A coordinate system as scripts give it: a name that ``parse_crs`` reads, a number in the EPSG register, or pyproj's or our object."""

System: TypeAlias = Crs | pyproj.CRS


def given_system(crs: AnyCrs | None, what: str = "the crs") -> System:
    """Return the coordinate system that is given: a ``Crs`` where it is one of ours or in the EPSG register, else the pyproj CRS.

    Raises CrsError when there is none, it is not known, or not of a kind that names one.
    """
    if isinstance(crs, Crs):
        return crs
    if isinstance(crs, (int, np.integer)) and not isinstance(crs, bool):
        return parse_crs(f"EPSG:{crs}")
    if isinstance(crs, pyproj.CRS):
        return _known(crs)
    if crs is None or isinstance(crs, str):
        return parse_crs(crs or "")
    raise CrsError(
        f"{what} is a {type(crs).__name__}, which names no coordinate system.", f"{EXPECTED}, a number such as 4549, or a pyproj CRS"
    )


def system_of(declared: pyproj.CRS | None, given: AnyCrs | None, what: str) -> System:
    """Return the coordinate system of data: the one that is given, else the one declared in them; raises CrsError as ``given_system``."""
    if given is not None:
        return given_system(given)
    if declared is None:
        raise CrsError(f"{what} does not say its coordinate system, and none is assumed.", f"crs={EXPECTED}")
    return _known(declared)


def _known(crs: pyproj.CRS) -> System:
    authority = crs.to_authority()
    if authority is not None and authority[0] == "EPSG":
        return parse_crs(f"EPSG:{authority[1]}")
    return parse_crs("wgs84") if authority == ("OGC", "CRS84") else crs


def lonlat(system: System, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return WGS 84 degrees of coordinates in a system; NaN in both where there is no position."""
    if isinstance(system, Crs):
        return to_wgs84(system, x, y)
    found: tuple[Any, Any] = pyproj.Transformer.from_crs(system, 4326, always_xy=True).transform(x, y)
    lon, lat = np.asarray(found[0], dtype=np.float64), np.asarray(found[1], dtype=np.float64)
    good = np.isfinite(lon) & np.isfinite(lat)
    return np.where(good, lon, np.nan), np.where(good, lat, np.nan)
