"""Coordinate systems as OGC API names them: by address, each with the order of axes of its register."""

from __future__ import annotations

from typing import NamedTuple

from api.asgi import Header
from api.params import Parameter
from gisgrid.errors import CrsError
from gisgrid.features.query import IN_DEGREES, NORTH_FIRST, SRID


class System(NamedTuple):
    """A coordinate system: its address, its number at EPSG, and whether coordinates are written as its register orders them.

    CRS84 has the number of WGS 84, and longitude before latitude.
    """

    uri: str
    srid: int
    register_order: bool

    @property
    def is_north_first(self) -> bool:
        """Whether the first coordinate is the latitude or the northing."""
        return self.register_order and self.srid in NORTH_FIRST

    @property
    def is_in_degrees(self) -> bool:
        """Whether coordinates are longitude and latitude."""
        return self.srid in IN_DEGREES


CRS84 = System("http://www.opengis.net/def/crs/OGC/1.3/CRS84", SRID, False)
"""Longitude before latitude, WGS 84: the system that features are stored in, and of everything that names none."""

SYSTEMS: tuple[System, ...] = (
    CRS84,
    *(System(f"http://www.opengis.net/def/crs/EPSG/0/{srid}", srid, True) for srid in (4326, 4490, 3857, 4549, 4528)),
)
"""Every system that features are given and asked for in; WGS 84 and CGCS2000 count as equal."""

_BY_URI = {system.uri: system for system in SYSTEMS}
_SHOWN = 80


def parse_system(name: str, text: str | None) -> System:
    """Return the system that the parameter ``name`` gives by its address, CRS84 when it is not given.

    Raises CrsError that lists the addresses when it is none of them.
    """
    if text is None:
        return CRS84
    try:
        return _BY_URI[text]
    except KeyError:
        raise CrsError(f"{text[:_SHOWN]!r} is not a system that is served.", f"one of {', '.join(_BY_URI)}", name) from None


def system_parameter(name: str, description: str) -> Parameter:
    """Return the declaration of a parameter that names a system."""
    return Parameter(name, description, {"type": "string", "format": "uri", "enum": list(_BY_URI), "default": CRS84.uri}, SYSTEMS[3].uri)


def content_crs(system: System) -> Header:
    """Return the header that says in which system the coordinates of an answer are."""
    return b"content-crs", f"<{system.uri}>".encode()
