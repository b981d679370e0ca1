"""The coordinate systems that a request or a file may name, and how their names are read."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import pyproj
from pyproj.exceptions import CRSError

from gisgrid.errors import CrsError

EXPECTED = "wgs84, cgcs2000, gcj02, bd09 or EPSG:n, such as EPSG:4549"
"""What a coordinate system parameter takes, for messages."""


@dataclass(frozen=True, slots=True)
class Crs:
    """A coordinate system: ``name`` is ``wgs84``, ``cgcs2000``, ``gcj02``, ``bd09`` or ``EPSG:n``.

    Coordinates are longitude then latitude, or easting then northing when ``is_projected``, whatever order the EPSG register
    gives; where its axes run west and south, the numbers do too. ``epsg`` is the number in that register, None for the shifted
    systems. ``unit`` is that of the coordinates, in the words of the register: degrees everywhere but in a few old French
    systems, mostly metres in projected ones. WGS 84 and CGCS2000 count as equal: no better transformation than the identity is
    published; see ``conversion_accuracy`` for what that costs.
    """

    name: str
    is_projected: bool = False
    epsg: int | None = None
    unit: str = "degree"

    def __str__(self) -> str:
        return self.name

    @property
    def axes(self) -> tuple[str, str]:
        """The names of its two coordinates, in order."""
        return ("x", "y") if self.is_projected else ("lon", "lat")

    @property
    def limits(self) -> tuple[float, float]:
        """The largest longitude and latitude in its unit, for systems that are not projected."""
        return (200.0, 100.0) if self.unit == "grad" else (180.0, 90.0)


WGS84 = Crs("wgs84", epsg=4326)
CGCS2000 = Crs("cgcs2000", epsg=4490)
GCJ02 = Crs("gcj02")
BD09 = Crs("bd09")

_SPELLINGS: dict[Crs, str] = {
    WGS84: "wgs84 wgs1984 wgs gps crs84 ogccrs84 gcswgs1984 世界大地 地球 gps84 wgs84世界大地 原始",
    CGCS2000: "cgcs2000 cgcs china2000 gcschinageodeticcoordinatesystem2000 国家2000 国家大地2000 2000国家大地 2000国家 2000 大地2000 "
    "中国大地2000 天地图 tianditu",
    GCJ02: "gcj02 gcj gcj2 火星 mars 国测局 高德 高德地图 腾讯 腾讯地图 amap gaode autonavi tencent 国测局02",
    BD09: "bd09 bd bd09ll bd9 百度 百度地图 百度09 baidu",
}
_NAMED = {spelling: crs for crs, spellings in _SPELLINGS.items() for spelling in spellings.split()}
_BY_EPSG = {4326: WGS84, 4490: CGCS2000}
# EPSG:4549, epsg 4549, 4549, urn:ogc:def:crs:EPSG::4549, http://www.opengis.net/def/crs/EPSG/0/4549
_EPSG = re.compile(r"(?:.*\bepsg\s*[:/ ]*(?:[\d.]*[:/]+)?\s*)?(\d{4,6})", re.DOTALL)
# What the frames of cities are called.
_LOCAL = re.compile(r"独立|地方|城建|城市坐标|local")
_SUFFIX = re.compile(r"(?:坐标系统|坐标系|坐标|经纬度|系)+$")


def parse_crs(text: str) -> Crs:
    """Return the coordinate system that ``text`` names, in any case and in the spellings that files use.

    >>> parse_crs("GCJ-02"), parse_crs("WGS 84").name, parse_crs("火星坐标系").name
    (Crs(name='gcj02', is_projected=False, epsg=None, unit='degree'), 'wgs84', 'gcj02')
    >>> parse_crs("epsg:4549")
    Crs(name='EPSG:4549', is_projected=True, epsg=4549, unit='metre')

    Raises CrsError when nothing is named, the name is not known, or the system has no pair of horizontal coordinates.
    """
    # A caller without types may well pass None or a number.
    if not isinstance(text, str) or not text.strip():
        raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
    return _parse(text)


@lru_cache(maxsize=1024)
def _parse(text: str) -> Crs:
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    # Brackets hold remarks: "GCJ-02（火星坐标）", "WGS 84 (GPS)".
    for candidate in (folded, re.sub(r"[(\[{].*$", "", folded)):
        key = re.sub(r"[\W_]+", "", candidate)
        named = _NAMED.get(key) or _NAMED.get(_SUFFIX.sub("", key))
        if named is not None:
            return named
    match = _EPSG.fullmatch(folded)
    if match is None:
        raise CrsError(f"{text[:60]!r} is not a coordinate system that is known here.{_hint(folded)}", EXPECTED)
    return _from_epsg(int(match[1]))


def _hint(folded: str) -> str:
    if not _LOCAL.search(folded):
        return ""
    return " The frame of a city has no public parameters: whoever keeps it has to convert the positions, to CGCS2000 for instance."


def _from_epsg(number: int) -> Crs:
    if number in _BY_EPSG:
        return _BY_EPSG[number]
    try:
        found = pyproj.CRS.from_epsg(number)
    except CRSError:
        raise CrsError(f"EPSG:{number} is not in the EPSG register.", EXPECTED) from None
    if len(found.axis_info) != 2 or not (found.is_projected or found.is_geographic):
        raise _not_horizontal(number, found)
    return Crs(f"EPSG:{number}", found.is_projected, number, found.axis_info[0].unit_name)


def _not_horizontal(number: int, found: pyproj.CRS) -> CrsError:
    """Return the refusal of a system that is not one of two horizontal coordinates, with its horizontal part if it has one."""
    kind = found.type_name.removesuffix(" CRS")
    kind = kind if kind.endswith("3D") else kind.lower()
    part = found.sub_crs_list[0] if found.is_compound else found.to_2d() if found.is_geographic or found.is_projected else None
    horizontal = part.to_epsg() if part is not None and len(part.axis_info) == 2 else None
    told = f"of {len(found.axis_info)} coordinates" if horizontal else "which has no pair of horizontal coordinates"
    hint = f"{EXPECTED}; here EPSG:{horizontal}, its horizontal part" if horizontal else EXPECTED
    return CrsError(f"EPSG:{number} ({found.name}) is a {kind} system, {told}.", hint)


def same_datum(one: Crs, other: Crs) -> bool:
    """Say whether two systems rest on the same datum, so that between them nothing but the projection differs."""
    return datum(one) == datum(other)


@lru_cache(maxsize=1024)
def datum(crs: Crs) -> str:
    """Return the name of the datum that a system rests on, as in the EPSG register; ``GCJ-02`` for the shifted ones."""
    if crs.epsg is None:
        return "GCJ-02"
    found = pyproj.CRS.from_epsg(crs.epsg)
    geodetic = found.geodetic_crs or found
    return geodetic.datum.name if geodetic.datum is not None else geodetic.name
