"""docs/sight.md followed to the letter, one camera and one building at a time: slow, without an index, and with none of the fast code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.affinity import affine_transform

from gisgrid.locator import FootprintTable, PointTable
from gisgrid.sight import LOOPS, STATES, SightIndex
from tests.locator.loops import by_numpy

GEOD = pyproj.Geod(ellps="WGS84")
MM = 0.001


class Verdict(NamedTuple):
    """What the page says of one camera and one place; ``met_m`` is where the blocker is met."""

    state: str
    share: float | None
    blocker_id: int | None = None
    met_m: float | None = None


class Stretch(NamedTuple):
    """A passage through a building, or the part of it below the roof: where it begins and ends, in metres from the camera."""

    begin_m: float
    end_m: float

    @property
    def length_m(self) -> float:
        return self.end_m - self.begin_m


class InTheWay(NamedTuple):
    building_id: int
    met_m: float
    known: bool


class Reference:
    """The rules, over the rows of two tables."""

    def __init__(self, cameras: PointTable, buildings: FootprintTable) -> None:
        self.cameras, self.buildings = cameras, buildings
        self.bounds = shapely.bounds(buildings.geometries)

    def nearest(self, lon: float, lat: float, k: int) -> list[int]:
        """Return the rows of the ``k`` nearest cameras: those of a wide box, measured one and all."""
        size = 0.005
        while True:
            there = np.flatnonzero((np.abs(self.cameras.lon - lon) < size) & (np.abs(self.cameras.lat - lat) < size))
            count = len(there)
            _, _, far = GEOD.inv(np.full(count, lon), np.full(count, lat), self.cameras.lon[there], self.cameras.lat[there])
            # A degree is never less than 70 km here.
            if (far < size * 70_000).sum() >= min(k, len(self.cameras.ids)):
                return [int(there[at]) for at in np.argsort(far, kind="stable")[:k]]
            size *= 2

    def look(self, lon: float, lat: float, row: int, target_m: float = 0.0) -> Verdict:
        camera: dict[str, Any] = dict(zip(self.cameras.fields, self.cameras.rows[row], strict=True))
        at = float(self.cameras.lon[row]), float(self.cameras.lat[row])
        bearing, _, distance = GEOD.inv(*at, lon, lat)
        same_place = distance < 0.5
        share, view_unknown = share_in_view(camera, None if same_place else bearing % 360.0)
        reach = camera["range_m"]
        if reach is not None and distance > reach:
            return Verdict("out_of_range", share)
        if share == 0.0:
            return Verdict("out_of_view", share)
        at_building = lower_is_blocked = False
        unknown_height = False
        if reach is not None and not same_place:
            height = camera["mount_height_m"]
            way, at_building = self.in_the_way(at, (lon, lat), distance, height, target_m)
            if blocker := first(way):
                return Verdict("blocked", share, blocker.building_id, blocker.met_m)
            unknown_height = bool(way)
            if camera["mount_height_source"] == "default" and height is not None:
                lower, _ = self.in_the_way(at, (lon, lat), distance, height * 4 / 5, target_m)
                lower_is_blocked = first(lower) is not None
        if reach is None or unknown_height or view_unknown or camera["status"] != "online" or (share is not None and share < 0.5):
            return Verdict("unknown", share)
        doubts = [
            share != 1.0,
            camera["kind"] == "ptz" and not (camera["field_of_view_deg"] == 360 and camera["field_of_view_source"] != "default"),
            camera["range_source"] == "default" and distance > reach * 4 / 5,
            field_in_doubt(camera, None if same_place else bearing % 360.0),
            lower_is_blocked,
            at_building,
        ]
        return Verdict("probably_sees" if any(doubts) else "sees", share)

    def in_the_way(
        self, camera: tuple[float, float], place: tuple[float, float], distance: float, mount_m: float | None, target_m: float
    ) -> tuple[list[InTheWay], bool]:
        """Return the buildings that block or may, and whether the place is in a building."""
        found, at_building = [], False
        for row in self.around(camera, place):
            shape = metric(self.buildings.geometries[row], camera)
            line = shapely.LineString([(0.0, 0.0), metric(shapely.Point(place), camera).coords[0]])
            roof = roof_m(dict(zip(self.buildings.fields, self.buildings.rows[row], strict=True)))
            covers_place = shape.distance(shapely.Point(line.coords[1])) <= MM
            at_building = at_building or covers_place
            stretches = [below(s, distance, mount_m, target_m, roof) for s in passages(line, shape, distance)]
            met_m = met(shape, [s for s in stretches if s.length_m > MM], roof, mount_m, covers_place)
            if met_m is not None:
                found.append(InTheWay(self.buildings.ids[row], met_m, roof is not None and mount_m is not None))
        return found, at_building

    def around(self, camera: tuple[float, float], place: tuple[float, float]) -> Iterator[int]:
        """Give the rows of the buildings whose box meets that of the line."""
        west, east = sorted((camera[0], place[0]))
        south, north = sorted((camera[1], place[1]))
        slack = 1e-7
        box = self.bounds
        meets = (box[:, 0] <= east + slack) & (box[:, 2] >= west - slack) & (box[:, 1] <= north + slack) & (box[:, 3] >= south - slack)
        yield from np.flatnonzero(meets).tolist()


def share_in_view(camera: dict[str, Any], bearing: float | None) -> tuple[float | None, bool]:
    """Return the share, and whether what decides about the view is not known."""
    field, azimuth = camera["field_of_view_deg"], camera["azimuth_deg"]
    if camera["kind"] == "ptz" or (field is not None and field >= 360):
        return 1.0, False
    if field is None or bearing is None:
        return None, True
    if azimuth is None:
        return float(field) / 360, True
    return share_of_azimuths(azimuth, uncertainty(camera), field, bearing), False


def uncertainty(camera: dict[str, Any]) -> float:
    recorded = camera["azimuth_uncertainty_deg"]
    return 22.5 if recorded is None else float(recorded)


def share_of_azimuths(azimuth: float, spread: float, field: float, bearing: float) -> float:
    """Return the share of the azimuths from which a bearing is at most half of the field away."""
    if spread == 0:
        return float(abs(math.remainder(bearing - azimuth, 360)) <= field / 2)
    width = 0.0
    for turn in (-720, -360, 0, 360, 720):
        # Azimuths that have the bearing in view: half of the field to both sides of it.
        low, high = bearing - field / 2 + turn, bearing + field / 2 + turn
        width += max(0.0, min(high, azimuth + spread) - max(low, azimuth - spread))
    share = width / (2 * spread)
    return 1.0 if share > 1 - 1e-9 else 0.0 if share < 1e-9 else share


def field_in_doubt(camera: dict[str, Any], bearing: float | None) -> bool:
    """Say whether four fifths of an assumed field of view would not have the bearing in view of every azimuth."""
    if camera["field_of_view_source"] != "default" or camera["kind"] == "ptz":
        return False
    field = camera["field_of_view_deg"] * 4 / 5
    if field >= 360:
        return False
    if bearing is None or camera["azimuth_deg"] is None:
        return True
    return share_of_azimuths(camera["azimuth_deg"], uncertainty(camera), field, bearing) < 1.0


def roof_m(building: dict[str, Any]) -> float | None:
    if (building["height_m"] or 0) > 0:
        return float(building["height_m"])
    if (building["floors"] or 0) > 0:
        return 3.0 * float(building["floors"])
    return None


def metric(shape: shapely.Geometry, origin: tuple[float, float]) -> shapely.Geometry:
    """Return a shape in metres east and north of a place; what is straight in degrees stays so."""
    lon, lat = origin
    step = 1e-3
    east = GEOD.inv(lon - step / 2, lat, lon + step / 2, lat)[2] / step
    north = GEOD.inv(lon, lat - step / 2, lon, lat + step / 2)[2] / step
    return affine_transform(shape, [east, 0, 0, north, -lon * east, -lat * north])


def passages(line: shapely.LineString, shape: shapely.Geometry, distance: float) -> list[Stretch]:
    """Return the stretches of the line inside a footprint, from the camera on; past a corner both of its edges must be inside."""
    x, y = line.coords[1]
    aside = -y / line.length, x / line.length
    corners = shapely.get_coordinates(shape) @ np.array(aside)
    half = MM if (np.abs(corners) <= MM).any() else 0.0
    left, right = (affine_transform(line, [1, 0, 0, 1, side * aside[0], side * aside[1]]) for side in (half, -half))
    scale = distance / line.length
    found = []
    for a, b in product(pieces(left, shape), pieces(right, shape)):
        begin, end = max(a.begin_m, b.begin_m), min(a.end_m, b.end_m)
        if begin < end:
            found.append(Stretch(begin * scale, end * scale))
    return sorted(found)


def pieces(line: shapely.LineString, shape: shapely.Geometry) -> list[Stretch]:
    """Return the stretches of an edge of the line in a footprint, those that follow each other as one."""
    cut = shapely.line_merge(line.intersection(shape))
    return [Stretch(*sorted(line.project(shapely.Point(p.coords[at])) for at in (0, -1))) for p in shapely.get_parts(cut) if p.length > 0.0]


def below(stretch: Stretch, distance: float, mount_m: float | None, target_m: float, roof: float | None) -> Stretch:
    """Return the part of a stretch in which the line is lower than the roof; all of it where a height is not known."""
    if roof is None or mount_m is None:
        return stretch
    begin, end = (mount_m + (target_m - mount_m) * at / distance for at in stretch)
    if begin < roof and end < roof:
        return stretch
    if begin >= roof and end >= roof:
        return Stretch(stretch.end_m, stretch.end_m)
    at_roof = stretch.begin_m + stretch.length_m * (roof - begin) / (end - begin)
    return Stretch(at_roof, stretch.end_m) if begin >= roof else Stretch(stretch.begin_m, at_roof)


def met(shape: shapely.Geometry, stretches: list[Stretch], roof: float | None, mount_m: float | None, covers_place: bool) -> float | None:
    """Return how far from the camera its line meets a building that blocks, None when it does not block."""
    camera = shapely.Point(0.0, 0.0)
    low_mount = roof is None or mount_m is None or mount_m <= roof
    if shape.distance(camera) <= 1.0 and low_mount:
        if shape.boundary.distance(camera) > 2.0:
            return None
        inside = 0.0
        for stretch in stretches:
            inside += stretch.length_m
            if inside > 2.0:
                return stretch.begin_m
        return None
    return stretches[0].begin_m if stretches and not covers_place else None


def first(way: list[InTheWay]) -> InTheWay | None:
    known = [each for each in way if each.known]
    nearest = min((each.met_m for each in known), default=0.0)
    return min((each for each in known if each.met_m <= nearest + MM), key=lambda each: each.building_id, default=None)


def disagreements(
    cameras: PointTable, buildings: FootprintTable, targets: NDArray[np.float64], k: int = 5, target_m: float = 0.0
) -> list[str]:
    """Return what ``SightIndex`` says otherwise than the page, a line each: for targets (lon, lat) and the ``k`` nearest cameras."""
    sight, reference = SightIndex(cameras, buildings), Reference(cameras, buildings)
    rows = np.array([reference.nearest(lon, lat, k) for lon, lat in targets.tolist()]).reshape(len(targets), -1)
    with by_numpy(LOOPS):
        many = sight.look_many(targets[:, 0], targets[:, 1], rows, target_m)
    assert LOOPS.load()
    found = []
    for place, (lon, lat) in enumerate(targets.tolist()):
        one = sight.look(lon, lat, rows[place].tolist(), target_m)
        for at, row in enumerate(rows[place].tolist()):
            expected = reference.look(lon, lat, row, target_m)
            blocker = one[at].blocked_by
            alone = Verdict(one[at].state, one[at].share, blocker and blocker.building_id, blocker and blocker.distance_m)
            state = STATES[many.state[place, at]]
            share = float(many.share[place, at])
            building, met_m = int(many.building[place, at]), float(many.met_m[place, at])
            blocked = state == "blocked"
            in_arrays = Verdict(
                state, None if math.isnan(share) else share, buildings.ids[building] if blocked else None, met_m if blocked else None
            )
            found += [
                f"({lon}, {lat}) from camera {cameras.ids[row]}: {name} {given}, expected {expected}"
                for name, given in (("look", alone), ("look_many", in_arrays))
                if not agree(given, expected)
            ]
    return found


def agree(given: Verdict, expected: Verdict) -> bool:
    """Say whether two verdicts are one: shares to a millionth, places to a centimetre."""
    if (given.state, given.blocker_id) != (expected.state, expected.blocker_id):
        return False
    numbers = ((given.share, expected.share, 1e-6), (given.met_m, expected.met_m, 0.01))
    return all((a is None) == (b is None) and (a is None or b is None or abs(a - b) <= within) for a, b, within in numbers)
