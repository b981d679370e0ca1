"""Options that commands about points share, and what their texts mean."""

from __future__ import annotations

from typing import Annotated

import typer

from gisgrid.crs import EXPECTED, Crs, parse_crs
from gisgrid.errors import CrsError, ParameterError
from gisgrid.services.coordinates import read_coordinate
from gisgrid.settings import Settings

CrsOption = Annotated[str | None, typer.Option("--crs", help=f"Coordinate system of the input: {EXPECTED}.", show_default=False)]

AsOfOption = Annotated[
    str | None,
    typer.Option("--as-of", help="In the areas that were served then: a date, or a time as 2026-11-22T17:00:00+08:00.", show_default="now"),
]

LonArgument = Annotated[str, typer.Argument(help="Longitude in degrees, or easting in a projected system.")]
LatArgument = Annotated[str, typer.Argument(help="Latitude in degrees, or northing in a projected system.")]


def system_of(text: str | None, settings: Settings) -> Crs:
    """Return the coordinate system that an option names, else the one that the settings assume.

    Raises CrsError when there is none or it is not known.
    """
    text = text if text is not None else settings.default_crs
    if text is None:
        raise CrsError("no coordinate system is given, and none is assumed.", f"--crs with {EXPECTED}")
    return parse_crs(text)


def coordinates_of(system: Crs, lon: str, lat: str) -> tuple[float, float]:
    """Return the two coordinates of a point in ``system``; raises ParameterError for a text that is no number."""
    first, second = (_number(name, text) for name, text in zip(system.axes, (lon, lat), strict=True))
    return first, second


def _number(name: str, text: str) -> float:
    try:
        value = read_coordinate(text)
    except ValueError:
        value = None
    if value is None:
        raise ParameterError(name, f"{text[:60]!r} is not a number.", "a plain decimal number")
    return value
