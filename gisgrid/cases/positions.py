"""Where a case is: the position that was reported, held against the place that its address or its component names.

A position with the wrong name of its coordinate system lies 463 m (GCJ-02 taken for WGS 84) to 1,259 m (BD-09) off, which is what
the readings below look for; what none of them explains is for a person to settle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from gisgrid.cases.drafts import SaidPosition
from gisgrid.cases.said import Said
from gisgrid.crs import BD09, GCJ02, WGS84, Crs, accuracy_at_m, to_wgs84
from gisgrid.errors import ParameterError
from gisgrid.locator.straight import GEOD
from gisgrid.types import Bounds

Origin = Literal["position", "address", "component", "person"]
"""What a place was taken from: the reported position, the address, the component's own place, or somebody who settled it."""

POSITION_M = 30.0
"""How far off a position may be that does not say it, metres: a phone in a street."""

ROUGHLY = 2.0
"""A position agrees roughly with an address up to so many times their uncertainties; beyond it contradicts."""

SURE = 0.5
"""An address contradicts a position only when its place is at least this probable."""

_HELPFUL = 0.3
"""An address that is less probable explains no other reading of a position; it makes a question of it."""

_SYSTEMS = (WGS84, GCJ02, BD09)
_SLACK_M = 5.0
_SAME_M = 1.0


class Anchor(NamedTuple):
    """A place that something else names, degrees, WGS 84: within ``uncertainty_m`` metres of it with probability ``confidence``."""

    lon: float
    lat: float
    uncertainty_m: float
    confidence: float
    origin: Origin
    name: str


class Reread(NamedTuple):
    """A way to read coordinates: the system (and whether the two were exchanged), and the place that this makes, WGS 84."""

    crs: str
    swapped: bool
    lon: float
    lat: float


class PositionReading(NamedTuple):
    """What a position was said to be in, what it was read as, and how far apart the two are (metres, None: not comparable)."""

    said: str | None
    used: str
    swapped: bool
    moved_m: float | None

    def as_document(self) -> dict[str, object]:
        """Return the reading as answers have it."""
        moved = None if self.moved_m is None else round(self.moved_m, 1)
        return {"said": self.said, "used": self.used, "swapped": self.swapped, "moved_m": moved}


class Candidate(NamedTuple):
    """A place where the case may be instead, with what speaks for it."""

    lon: float
    lat: float
    origin: Origin
    why: Said
    uncertainty_m: float | None = None


class Fix(NamedTuple):
    """Where a case is taken to be, degrees, WGS 84, and how that came about.

    ``uncertainty_m`` is None where a position does not say how exact it is. ``question`` is what a person has to settle, None when
    nothing is open; ``candidates`` are the places to choose from, ``distance_m`` how far position and address are apart.
    """

    lon: float
    lat: float
    uncertainty_m: float | None
    origin: Origin
    reading: PositionReading | None = None
    distance_m: float | None = None
    question: Said | None = None
    candidates: tuple[Candidate, ...] = ()
    reasons: tuple[Said, ...] = ()


def find_place(said: SaidPosition | None, anchors: Sequence[Anchor], bounds: Bounds) -> Fix | None:
    """Return where a case is; None when nothing says so. ``anchors`` has the surest first, ``bounds`` holds the city, degrees.

    Raises ParameterError for a position that cannot be here under the system that it names, when nothing else says where the case is.
    """
    if said is None:
        return _of_anchor(anchors[0]) if anchors else None
    taken = _as_said(said, bounds, must=not anchors)
    if not anchors:
        return None if taken is None else Fix(taken.lon, taken.lat, said.accuracy_m, "position", reading=_reading(said, taken, taken))
    return _compared(said, taken, anchors, bounds)


def readings(said: SaidPosition, bounds: Bounds) -> list[Reread]:
    """Return the ways to read coordinates that make a place within ``bounds``: each system, and longitude and latitude exchanged."""
    return [found for found in _ways(said) if _is_within(found, bounds)]


def distance_m(lon: float, lat: float, to_lon: float, to_lat: float) -> float:
    """Return the distance on the ground between two places in degrees, WGS 84, metres."""
    return float(GEOD.inv(lon, lat, to_lon, to_lat)[2])


def _ways(said: SaidPosition) -> Iterator[Reread]:
    first, second = said.first, said.second
    systems: Sequence[Crs] = _SYSTEMS
    if said.crs is not None:
        systems = [said.crs] if said.crs.is_projected else [said.crs, *(one for one in _SYSTEMS if not _is_same(one, said.crs))]
    for swapped, pair in ((False, (first, second)), (True, (second, first))):
        for system in systems:
            try:
                lon, lat = to_wgs84(system, *pair)
            except ParameterError:
                continue
            yield Reread(system.name, swapped, lon, lat)


def _is_same(one: Crs, other: Crs) -> bool:
    return one == other or (one == WGS84 and not other.is_projected and other not in _SYSTEMS)


def _as_said(said: SaidPosition, bounds: Bounds, *, must: bool) -> Reread | None:
    """Return the place as it was said; None where that cannot be, or raises when it ``must``."""
    if said.crs is None:
        if must:
            raise ParameterError(
                "crs", "no coordinate system is given, and no address by which it could be told.", "wgs84, gcj02, bd09 or EPSG:n"
            )
        return None
    own = next(_ways(said), None)
    if own is not None and not own.swapped and own.crs == said.crs.name and _is_within(own, bounds):
        return own
    if must:
        found = [way for way in readings(said, bounds) if way.crs == said.crs.name]
        to_wgs84(said.crs, said.first, said.second)
        first, second = said.crs.axes
        hint = f"{first} {said.first}, {second} {said.second} look exchanged." if found else "that place is far from here."
        raise ParameterError(first, hint, f"{first} and {second} of a place in this city, in the system that crs names")
    return None


def _compared(said: SaidPosition, taken: Reread | None, anchors: Sequence[Anchor], bounds: Bounds) -> Fix:
    """Return the place of a position that can be held against something."""
    fit = _misfit(said, taken, anchors) if taken is not None else None
    if taken is not None and fit is not None and fit[0] <= 1.0:
        return _position(said, taken, taken, fit[1])
    others = [way for way in readings(said, bounds) if taken is None or distance_m(way.lon, way.lat, taken.lon, taken.lat) > _SAME_M]
    fits = sorted((_misfit(said, way, anchors)[0], way) for way in others)
    fitting = [way for misfit, way in fits if misfit <= 1.0]
    if len(fitting) == 1 and anchors[0].confidence >= _HELPFUL:
        return _reread(said, taken, fitting[0], anchors)
    if taken is not None and fit is not None and fit[0] <= ROUGHLY:
        return _position(said, taken, taken, fit[1])
    return _contradicting(said, taken, anchors, fitting)


def _misfit(said: SaidPosition, way: Reread, anchors: Sequence[Anchor]) -> tuple[float, float]:
    """Return how badly a place fits the best of the anchors, 1 for as far off as both allow, and the distance to it in metres."""
    allowed = (POSITION_M if said.accuracy_m is None else said.accuracy_m) + _SLACK_M
    found = [(distance_m(way.lon, way.lat, one.lon, one.lat), one.uncertainty_m) for one in anchors]
    return min((distance / (allowed + uncertainty), distance) for distance, uncertainty in found)


def _position(said: SaidPosition, taken: Reread, used: Reread, apart_m: float | None) -> Fix:
    return Fix(used.lon, used.lat, said.accuracy_m, "position", _reading(said, taken, used), apart_m)


def _reading(said: SaidPosition, taken: Reread | None, used: Reread) -> PositionReading:
    moved = 0.0 if taken == used else None if taken is None else distance_m(taken.lon, taken.lat, used.lon, used.lat)
    return PositionReading(None if said.crs is None else said.crs.name, used.crs, used.swapped, moved)


def _reread(said: SaidPosition, taken: Reread | None, used: Reread, anchors: Sequence[Anchor]) -> Fix:
    apart_m = _misfit(said, used, anchors)[1]
    reading = _reading(said, taken, used)
    named = f"{reading.said}" if reading.said else "没有说明"
    exchanged = ("，经纬度互换", ", longitude and latitude exchanged") if used.swapped else ("", "")
    away = "" if reading.moved_m is None else f"，相差 {reading.moved_m:.0f} 米"
    off = "" if reading.moved_m is None else f", {reading.moved_m:.0f} m away"
    words = Said(
        f"坐标标注为 {named}，与{_zh(anchors[0])}不符；按 {used.crs} 读取{exchanged[0]}则相符{away}。",
        f"The position is labelled {reading.said or 'with no system'} and contradicts the {anchors[0].origin}; "
        f"read as {used.crs}{exchanged[1]} it fits{off}.",
    )
    return Fix(used.lon, used.lat, said.accuracy_m, "position", reading, apart_m, reasons=(words,))


def _contradicting(said: SaidPosition, taken: Reread | None, anchors: Sequence[Anchor], fitting: Sequence[Reread]) -> Fix:
    anchor = anchors[0]
    if taken is None:
        ways = tuple(_candidate(said, way) for way in fitting)
        question = Said(
            "上报的坐标不在本市范围内，或没有说明坐标系：请在地图上指出位置。",
            "The reported position is not in this city, or names no coordinate system: show the place on the map.",
        )
        return _of_anchor(anchor)._replace(question=question, candidates=(_anchor_candidate(anchor), *ways))
    apart_m = _misfit(said, taken, anchors)[1]
    fix = _position(said, taken, taken, apart_m)
    if anchor.confidence < SURE and not fitting:
        words = Said(
            f"地址只能大致确定，与坐标相距 {apart_m:.0f} 米；采用坐标。",
            f"The address is not clear, {apart_m:.0f} m from the position; the position is taken.",
        )
        return fix._replace(reasons=(words,))
    question = Said(
        f"坐标与{_zh(anchor)}相距 {apart_m:.0f} 米，无法用坐标系标注错误解释：以哪个为准？",
        f"Position and {anchor.origin} are {apart_m:.0f} m apart, and no wrong coordinate system explains it: which of them holds?",
    )
    said_one = Candidate(taken.lon, taken.lat, "position", Said("上报的坐标", "the position as it was reported"), said.accuracy_m)
    return fix._replace(question=question, candidates=(said_one, _anchor_candidate(anchor), *(_candidate(said, way) for way in fitting)))


def _candidate(said: SaidPosition, way: Reread) -> Candidate:
    swapped = ("，经纬度互换", ", exchanged") if way.swapped else ("", "")
    why = Said(f"坐标按 {way.crs} 读取{swapped[0]}", f"the position read as {way.crs}{swapped[1]}")
    return Candidate(way.lon, way.lat, "position", why, said.accuracy_m)


def _anchor_candidate(anchor: Anchor) -> Candidate:
    return Candidate(
        anchor.lon,
        anchor.lat,
        anchor.origin,
        Said(f"{_zh(anchor)}：{anchor.name}", f"the {anchor.origin}: {anchor.name}"),
        anchor.uncertainty_m,
    )


def _of_anchor(anchor: Anchor) -> Fix:
    return Fix(anchor.lon, anchor.lat, anchor.uncertainty_m, anchor.origin)


def _zh(anchor: Anchor) -> str:
    return "部件" if anchor.origin == "component" else "地址"


def _is_within(found: Reread, box: Bounds) -> bool:
    return box.west <= found.lon <= box.east and box.south <= found.lat <= box.north


def conversion_m(said: SaidPosition | None, fix: Fix) -> float | None:
    """Return how far off a place may be for having been converted, metres; None where nobody knows or nothing was."""
    if said is None or said.crs is None or fix.origin != "position":
        return None
    return accuracy_at_m(said.crs, fix.lon, fix.lat)
