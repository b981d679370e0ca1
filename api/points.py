"""The point of a request: two coordinates and the coordinate system that they are in, named and never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from api.params import Parameter, parse_number
from gisgrid.crs import EXPECTED, Crs, parse_crs
from gisgrid.errors import CrsError, ParameterError

_EXPECTED_OF = {
    "lon": "a longitude in degrees, in the coordinate system that crs names",
    "lat": "a latitude in degrees, in the coordinate system that crs names",
    "x": "an easting in the unit of the projected crs",
    "y": "a northing in the unit of the projected crs",
}

_NUMBER = {"type": "number"}
POINT_PARAMETERS = (
    Parameter("lon", "Longitude in degrees, in the system that `crs` names.", _NUMBER, 120.3799),
    Parameter("lat", "Latitude in degrees, in the system that `crs` names.", _NUMBER, 36.0873),
    Parameter("x", "Easting, in place of `lon` when `crs` is projected.", _NUMBER, None),
    Parameter("y", "Northing, in place of `lat` when `crs` is projected.", _NUMBER, None),
    Parameter(
        "crs",
        "Coordinate system of the point: `wgs84`, `cgcs2000`, `gcj02`, `bd09` or `EPSG:n`, in any case. "
        "There is no silent default; a deployment may set one.",
        {"type": "string"},
        "gcj02",
    ),
)
"""The parameters of every route that asks about a point."""


class AskedPoint(NamedTuple):
    """A point as it was asked for: ``first`` and ``second`` are longitude and latitude, or easting and northing."""

    first: float
    second: float
    crs: Crs
    names: tuple[str, str]

    def as_document(self) -> dict[str, object]:
        """Return the point as answers echo it, under the names that it was given by."""
        return {self.names[0]: self.first, self.names[1]: self.second, "crs": self.crs.name}


def parse_point(values: Mapping[str, str], default_crs: str | None) -> AskedPoint:
    """Return the point of a request; whether it is a possible place is checked where it is looked up.

    Raises ParameterError for a coordinate that is missing or no number, CrsError for a system missing or unknown.
    """
    crs = choose_crs(values.get("crs"), default_crs)
    names = coordinate_names(values, crs)
    return AskedPoint(_coordinate(names[0], values), _coordinate(names[1], values), crs, names)


def choose_crs(text: str | None, default_crs: str | None) -> Crs:
    """Return the coordinate system named in a request, or the deployment's own; raises CrsError when there is neither."""
    if text is None:
        text = default_crs
    if text is None:
        raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
    return parse_crs(text)


def coordinate_names(values: Mapping[str, object], crs: Crs) -> tuple[str, str]:
    """Return the names under which a point was given: lon and lat, or x and y in a projected system.

    Raises ParameterError when x or y come with a system in degrees, or together with lon or lat.
    """
    if "x" not in values and "y" not in values:
        return ("lon", "lat") if "lon" in values or "lat" in values or not crs.is_projected else ("x", "y")
    metric = "x" if "x" in values else "y"
    if not crs.is_projected:
        raise ParameterError(metric, f"{crs} has no x and y.", "lon and lat in degrees, or a projected crs such as EPSG:4549")
    if "lon" in values or "lat" in values:
        raise ParameterError(metric, "is given beside lon or lat.", "either x and y, or lon and lat")
    return ("x", "y")


def _coordinate(name: str, values: Mapping[str, str]) -> float:
    text = values.get(name)
    if text is None:
        raise ParameterError(name, "is missing.", _EXPECTED_OF[name])
    return parse_number(name, text, _EXPECTED_OF[name])
