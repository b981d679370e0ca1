"""Which coordinate systems put a file's numbers into the city: for files that do not say what theirs is."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType
from pyproj.exceptions import CRSError

from gisgrid.crs.offset import EAST, NORTH, SOUTH, WEST
from gisgrid.deployment import Deployment
from gisgrid.types import Bounds
from ingest.positions.plane import metres

Coordinates = NDArray[np.float64]
"""Pairs of numbers as in the file, shape (n, 2), the first axis first."""

_WEB_MERCATOR = "3857"
_USUAL = ("4549", "4528", "4510", "4499", _WEB_MERCATOR)
# Frames in force before those that they replaced, which give nearly the same numbers; national ones before those of all the world.
_IN_FORCE = (
    *(
        "CGCS2000",
        "TWD97",
        "KGD2002",
        "JGD2011",
        "VN-2000",
        "GDM2000",
        "PRS92",
        "SRGI2013",
        "GDA2020",
        "NZGD2000",
        "SIRGAS 2000",
        "POSGAR 2007",
    ),
    *("MAGNA-SIRGAS", "Mexico ITRF2008", "NAD83(2011)", "NAD83(CSRS)", "RGF93", "SWEREF99", "CH1903+", "ETRF2000-PL", "RDN2008", "GR96"),
    *("HTRS96", "TUREF", "ISN2016", "IRENET95", "Hartebeesthoek94", "UCS-2000", "GSK-2011", "KSA-GRF17", "ETRS89 /", "NAD83 /", "WGS 84 /"),
)
_MOST_TRIED = 120
_PROBES = 64
_LEAST_PROBED = 0.25
_WIDEST_DEG = 15.0
_BEYOND_DEGREES = 1_000.0
_SLACK_DEG = 0.5
_CGCS2000_ZONES = {zone: 4491 + zone - 13 for zone in range(13, 24)} | {zone: 4513 + zone - 25 for zone in range(25, 46)}
_SAME_M = 500.0
_LEAST_SHARE = 0.5
_MOST = 4
_MOST_SAME = 4


class Likely(NamedTuple):
    """A coordinate system that puts ``inside`` of ``total`` sampled positions into the deployment's bounds.

    ``name`` is what a description says (``wgs84``, ``EPSG:4528``), ``title`` the system's own name; ``is_swapped`` says
    that the first number is the northing or latitude. ``same`` names other systems in which the same numbers lie
    within some hundred metres of there, so that the bounds cannot tell them apart. ``zone`` is the zone number that
    eastings begin with, if they do.
    """

    name: str
    title: str
    is_swapped: bool
    inside: int
    total: int
    same: tuple[str, ...] = ()
    zone: int | None = None

    @property
    def share(self) -> float:
        """The share of the sample inside the bounds, 0 to 1."""
        return self.inside / self.total if self.total else 0.0


class _Candidate(NamedTuple):
    name: str
    title: str
    proj: pyproj.Proj | None
    zone: int | None = None


_DEGREES = _Candidate("wgs84", "WGS 84 or CGCS2000, degrees", None)


def likely_systems(coordinates: Coordinates, deployment: Deployment, *, only_usual: bool = False) -> list[Likely]:
    """Return the systems that put most of ``coordinates`` (n x 2, as in the file) into the deployment's bounds, the likeliest first.

    Tried are degrees, Web Mercator and the projected systems of the EPSG register that are meant for the deployment's
    place, each also with its axes exchanged; at bounds wider than a system can serve only those that any numbers may be in. Datums are
    not told apart: they differ by less than a bounds' margin.
    An empty list says that nothing usual fits. With ``only_usual`` the register is not searched, which takes half a second the first time:
    tried are degrees, Web Mercator, UTM and the systems that are usual in Qingdao.
    """
    sample = coordinates[np.isfinite(coordinates).all(axis=1)] if len(coordinates) else np.empty((0, 2))
    found: list[tuple[Likely, Coordinates]] = []
    for candidate in _candidates(sample, deployment.box, only_usual=only_usual):
        for is_swapped in (False, True):
            pairs = sample[:, ::-1] if is_swapped else sample
            if not _is_promising(candidate, pairs, deployment.box):
                continue
            lonlat = _lonlat(candidate, pairs)
            inside = within(lonlat, deployment.box)
            one = Likely(candidate.name, candidate.title, is_swapped, int(inside.sum()), len(sample), zone=candidate.zone)
            if one.share >= _LEAST_SHARE:
                found.append((one, np.where(inside[:, None], lonlat, np.nan)))
    found.sort(key=lambda pair: -pair[0].inside)  # stable: candidates come in the order of preference
    return _merged(found)[:_MOST]


def _candidates(sample: Coordinates, box: Bounds, *, only_usual: bool) -> Iterator[_Candidate]:
    """Yield what to try ``sample`` with, in the order of preference."""
    yield _DEGREES
    if not len(sample) or float(np.median(np.abs(sample).max(axis=1))) < _BEYOND_DEGREES:
        return  # no map's numbers are so small
    if only_usual:
        yield from _usual(box)
    elif max(box.east - box.west, box.north - box.south) > _WIDEST_DEG:
        yield from _anywhere(box, sample)
    else:
        yield from _registered(box)


def _is_promising(candidate: _Candidate, pairs: Coordinates, box: Bounds) -> bool:
    """Return whether enough of some of ``pairs`` lie in ``box`` to look at all of them."""
    some = pairs[:: max(1, len(pairs) // _PROBES)]
    return bool(len(some)) and float(within(_lonlat(candidate, some), box).mean()) >= _LEAST_PROBED


def within(lonlat: Coordinates, box: Bounds) -> NDArray[np.bool_]:
    """Return which of ``lonlat`` (n x 2, degrees) lie in ``box``."""
    with np.errstate(invalid="ignore"):
        return np.asarray(
            (lonlat[:, 0] >= box.west) & (lonlat[:, 0] <= box.east) & (lonlat[:, 1] >= box.south) & (lonlat[:, 1] <= box.north)
        )


def _merged(found: list[tuple[Likely, Coordinates]]) -> list[Likely]:
    """Return the candidates with those that mean the same places listed under the first of them."""
    kept: list[tuple[Likely, Coordinates]] = []
    for one, lonlat in found:
        for position, (other, there) in enumerate(kept):
            if _is_same(lonlat, there):
                kept[position] = (other._replace(same=(*other.same, one.name)), there)
                break
        else:
            kept.append((one, lonlat))
    return [one for one, _ in kept]


def _is_same(one: Coordinates, other: Coordinates) -> bool:
    both = np.isfinite(one).all(axis=1) & np.isfinite(other).all(axis=1)
    if not both.any():
        return False
    origin = (float(other[both][0, 0]), float(other[both][0, 1]))
    apart = metres(one[both], origin) - metres(other[both], origin)
    return bool(np.hypot(apart[:, 0], apart[:, 1]).max() < _SAME_M)


def _lonlat(candidate: _Candidate, pairs: Coordinates) -> Coordinates:
    if candidate.proj is None:
        return pairs
    lon, lat = candidate.proj(pairs[:, 0], pairs[:, 1], inverse=True)
    result = np.column_stack([lon, lat])
    result[~np.isfinite(result).all(axis=1)] = np.nan
    # Far outside its zone an inverse comes back at some place or other; the right one leads to the same numbers.
    again = np.column_stack(candidate.proj(result[:, 0], result[:, 1]))
    with np.errstate(invalid="ignore"):
        result[~(np.abs(again - pairs) < 1.0).all(axis=1)] = np.nan
    return result


@lru_cache(maxsize=8)
def _registered(box: Bounds) -> tuple[_Candidate, ...]:
    """Return the systems of the register to try for a deployment's bounds, in the order of preference: 0.5 s, once."""
    area = AreaOfInterest(box.west, box.south, box.east, box.north)
    found = query_crs_info(auth_name="EPSG", pj_types=PJType.PROJECTED_CRS, area_of_interest=area)
    ordered = sorted((info for info in found if not info.deprecated), key=lambda info: _preference(info, box))
    return _built([info.code for info in ordered[:_MOST_TRIED]])


@lru_cache(maxsize=8)
def _usual(box: Bounds) -> tuple[_Candidate, ...]:
    return _built([*_USUAL, _utm(box)])


def _anywhere(box: Bounds, sample: Coordinates) -> tuple[_Candidate, ...]:
    """Return what numbers in half the world may be in: the zone that eastings begin with, Web Mercator, UTM in the middle."""
    first = np.median(np.abs(sample), axis=0) // 1e6
    zones = [str(_CGCS2000_ZONES[int(zone)]) for zone in first if zone in _CGCS2000_ZONES]
    return _built([*zones, _WEB_MERCATOR, _utm(box)])


def _utm(box: Bounds) -> str:
    zone = int(((box.west + box.east) / 2.0 + 180.0) // 6.0) % 60 + 1
    return f"{327 if box.south + box.north < 0.0 else 326}{zone:02d}"


def _preference(info: Any, box: Bounds) -> tuple[int, int, int, float, int]:
    """Return what systems are sorted by: the usual ones, those meant for the whole place, frames in force, small areas of use."""
    usual = _USUAL.index(info.code) if info.code in _USUAL else len(_USUAL)
    west, south, east, north = info.area_of_use.bounds if info.area_of_use is not None else (-180.0, -90.0, 180.0, 90.0)
    in_force = next((rank for rank, name in enumerate(_IN_FORCE) if info.name.startswith(name)), len(_IN_FORCE))
    if west > east:  # over the date line
        west, east = (west - 360.0, east) if box.west < 0.0 else (west, east + 360.0)
    lon, lat = (box.west + box.east) / 2.0, (box.south + box.north) / 2.0
    holds_all = west - _SLACK_DEG <= box.west and box.east <= east + _SLACK_DEG and south - _SLACK_DEG <= box.south
    holds_all &= box.north <= north + _SLACK_DEG
    holds_middle = west <= lon <= east and south <= lat <= north
    return usual, 2 - holds_all - holds_middle, in_force, (east - west) * (north - south), int(info.code)


def _built(codes: list[str]) -> tuple[_Candidate, ...]:
    return tuple(one for code in dict.fromkeys(codes) if (one := _projected(code)) is not None)


def _projected(code: str) -> _Candidate | None:
    try:
        crs = pyproj.CRS.from_epsg(int(code))
        proj = pyproj.Proj(crs)
    except CRSError:
        return None  # a few systems of the register have no projection that PROJ can compute alone
    return _Candidate(f"EPSG:{code}", crs.name, proj, _zone(crs))


def _zone(crs: pyproj.CRS) -> int | None:
    """Return the zone number that eastings of a transverse Mercator system begin with, as in 40,500,000."""
    parameters = crs.coordinate_operation.params if crs.coordinate_operation is not None else []
    false_easting = next((float(one.value) for one in parameters if one.name == "False easting"), 0.0)
    zone, rest = divmod(false_easting, 1e6)
    return int(zone) if zone >= 1.0 and rest == 5e5 else None


def likely_text(coordinates: Coordinates, deployment: Deployment) -> str:
    """Return sentences that list the likely systems of ``coordinates`` with numbers, for the error about a file without one."""
    found = likely_systems(coordinates, deployment)
    if not found:
        return _nothing_fits(coordinates, deployment)
    text = f"Likely: {'; '.join(_one_text(one) for one in found)}."
    if any(one.name == "wgs84" for one in found) and is_in_shifted_box(deployment.box):
        text += " Degrees in gcj02 (Chinese web maps, phones) or bd09 (Baidu) look the same; ask where the positions come from."
    return text


def _one_text(one: Likely) -> str:
    text = f"{one.name} ({one.title}) - {one.inside:,} of {one.total:,} sampled positions inside the bounds"
    if one.is_swapped:
        text += ', with axis_order = "yx", for its axes are the other way round'
    if one.zone is not None:
        text += f"; eastings begin with the zone number {one.zone}"
    if one.same:
        more = f" and {len(one.same) - _MOST_SAME} more" if len(one.same) > _MOST_SAME else ""
        text += f"; nearly the same numbers in {', '.join(one.same[:_MOST_SAME])}{more}"
    return text


def _nothing_fits(coordinates: Coordinates, deployment: Deployment) -> str:
    finite = coordinates[np.isfinite(coordinates).all(axis=1)] if len(coordinates) else coordinates
    if not len(finite):
        return "It has no position to judge by."
    return (
        f"No usual system puts its numbers ({range_text(finite)}) inside the bounds of {deployment.id!r}: "
        "they may be in a local system of the city, or of another place."
    )


def range_text(coordinates: Coordinates) -> str:
    """Return from where to where the numbers go, both axes."""
    low, high = coordinates.min(axis=0), coordinates.max(axis=0)
    return f"{low[0]:,.6g} to {high[0]:,.6g} and {low[1]:,.6g} to {high[1]:,.6g}"


def is_in_shifted_box(box: Bounds) -> bool:
    """Return whether GCJ-02 differs from WGS 84 in ``box``."""
    return box.west >= WEST and box.east <= EAST and box.south >= SOUTH and box.north <= NORTH
