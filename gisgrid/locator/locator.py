"""From a point to the areas that it lies in, with how sure that is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from numpy.typing import ArrayLike

from gisgrid.crs import CGCS2000, WGS84, Crs, parse_crs, to_wgs84
from gisgrid.errors import ParameterError
from gisgrid.locator import files
from gisgrid.locator.areas import AreaIndex, AreaTable
from gisgrid.locator.arrays import Buffer
from gisgrid.locator.boundary import Boundary
from gisgrid.locator.chunks import in_pieces
from gisgrid.locator.columns import Columns
from gisgrid.locator.doubt import Doubt, Doubtful
from gisgrid.locator.edges import Flags, Floats, Ints, Longs
from gisgrid.locator.files import About, Contents
from gisgrid.locator.ground import METRES_PER_DEGREE_LAT_LEAST, metres_per_degree
from gisgrid.locator.hierarchy import Chain, Hierarchy
from gisgrid.locator.levels import area_numbers
from gisgrid.locator.others import OtherAreas, Others
from gisgrid.locator.raster import OUTSIDE
from gisgrid.types import LEVELS, AreaRef, Bounds, Level, Location, ResponsibleUnit, Status

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pandas import DataFrame

Roles = Mapping[tuple[Level, str], ResponsibleUnit]
"""The responsible unit that was named for an area, by level and code."""

DEFAULT_DOUBT_M = 0.5
_SLACK_M = 1e-6

_EMPTY = AreaTable([], [], [], np.empty(0, dtype=object))


class Located(NamedTuple):
    """The answers for many points, arrays of their shape.

    ``number`` is the grid's number (-1: none), see ``Locator.grid_codes``; ``on_edge`` whether the point is on an edge;
    ``in_doubt`` whether ``locate`` may name a second candidate, or the point is in no grid; ``distance_to_edge_m`` the
    distance to the boundary of the grid, NaN where there is none; None when it was not asked for.
    """

    number: Ints
    on_edge: Flags
    in_doubt: Flags
    distance_to_edge_m: Floats | None


class Locator:
    """An index of the areas of a city: a value, never changed, that any number of threads may ask.

    Make one with ``from_areas``, ``from_frames`` or ``open``. Positions are longitude and latitude in degrees, WGS 84, in that order.
    ``about`` tells the version of the data and when they were read, where that is known.
    """

    def __init__(self, hierarchy: Hierarchy, boundary: Boundary, roles: Roles, doubt_m: float, about: About | None = None) -> None:
        self._hierarchy, self._boundary = hierarchy, boundary
        self.about = about or About()
        self._grids = hierarchy.grids
        self._farthest_lat = self._grids.farthest_lat
        self._doubt_m, self._doubt_deg = doubt_m, _reach_deg(self._farthest_lat, doubt_m)
        self._roles = roles
        # Not a method of this one: in a circle of references what an edit has replaced would wait for the collector.
        self._doubt = Doubt(self._grids, boundary, partial(_reach_deg, self._farthest_lat))
        self._chains = tuple(hierarchy.chain_of_grid(number) for number in range(len(self._grids)))
        self._units = tuple(self._unit(ref, chain) if chain else None for ref, chain in zip(self._grids.refs, self._chains, strict=True))

    @classmethod
    def from_areas(cls, levels: Mapping[Level, AreaTable], roles: Roles | None = None, doubt_m: float = DEFAULT_DOUBT_M) -> Locator:
        """Return a locator of the areas of each level; a level may be missing or empty.

        ``doubt_m`` is the distance within which a neighbouring grid is named as a candidate in every answer, metres.

        >>> import numpy as np, shapely
        >>> grids = AreaTable(["01", "02"], ["West", "East"], [None, None],
        ...                   np.array([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]))
        >>> locator = Locator.from_areas({"grid": grids})
        >>> locator.locate(0.5, 0.5).grid, locator.locate(1.0, 0.5).status
        (AreaRef(code='01', name='West'), 'edge')
        """
        return cls.from_indices({level: AreaIndex(table) for level, table in levels.items()}, roles, doubt_m)

    @classmethod
    def from_indices(
        cls,
        levels: Mapping[Level, AreaIndex],
        roles: Roles | None = None,
        doubt_m: float = DEFAULT_DOUBT_M,
        about: About | None = None,
        *,
        before: Locator | None = None,
    ) -> Locator:
        """Return a locator on indices made before, so that a change of one level builds only that one anew.

        With ``before``, a locator of the same places at another time, what has not changed since is taken over from it: after an edit of
        a few areas (``AreaIndex.replaced``) that costs a tenth. The answers are the same.
        """
        hierarchy = Hierarchy({level: levels[level] if level in levels else AreaIndex(_EMPTY) for level in LEVELS})
        grids = hierarchy.grids
        boundary = Boundary(grids) if before is None else Boundary.after(before._boundary, before._grids, grids)
        return cls(hierarchy, boundary, roles or {}, doubt_m, about)

    @classmethod
    def from_geodataframe(
        cls,
        frame: GeoDataFrame,
        *,
        level: Level = "grid",
        code: str = "code",
        name: str = "name",
        parent: str = "parent_code",
        crs: str | None = None,
        roles: Roles | None = None,
        doubt_m: float = DEFAULT_DOUBT_M,
    ) -> Locator:
        """Return a locator of the areas of one level in a GeoDataFrame; see ``from_frames``."""
        return cls.from_frames({level: frame}, code=code, name=name, parent=parent, crs=crs, roles=roles, doubt_m=doubt_m)

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[Level, GeoDataFrame],
        *,
        code: str = "code",
        name: str = "name",
        parent: str = "parent_code",
        crs: str | None = None,
        roles: Roles | None = None,
        doubt_m: float = DEFAULT_DOUBT_M,
    ) -> Locator:
        """Return a locator of the areas in GeoDataFrames of polygons, one frame for each level.

        ``code``, ``name`` and ``parent`` are the columns of an area's code, its name, and the code of the area above it; the
        last two may be absent under these names. Geometries may be in any coordinate system that the frame names; ``crs``
        says what they are in where it does not, or where it is wrong (GCJ-02 kept as if it were WGS 84).

        Raises CrsError without a coordinate system, ParameterError for a level or a column that is not there, and SourceError, naming
        the rows, for codes that are missing or there twice and for geometries that are no polygons.
        """
        for level in frames:
            if level not in LEVELS:
                raise ParameterError("level", f"there is no level {level!r}.", f"any of {', '.join(LEVELS)}")
        # pandas and geopandas take half a second to import, and only scripts have use for them.
        from gisgrid.locator.tables import area_table  # noqa: PLC0415

        tables = {level: area_table(frame, code, name, parent, crs) for level, frame in frames.items()}
        return cls.from_areas(tables, roles, doubt_m)

    @classmethod
    def open(cls, path: str | PathLike[str]) -> Locator:
        """Return the locator in a file that ``save`` made, mapped into memory, so that processes share it.

        It answers what the one that was saved does, bit for bit.

        Raises SourceError for a file that is missing, cut, damaged, of another kind, or made by another version of gisgrid.
        """
        return cls(*files.read(Path(path)))

    @classmethod
    def from_bytes(cls, buffer: Buffer) -> Locator:
        """Return the locator that ``to_bytes`` made into bytes, which it goes on using; raises SourceError as ``open``."""
        return cls(*files.from_bytes(buffer))

    def save(self, path: str | PathLike[str]) -> None:
        """Write the locator to a file, which appears whole or not at all; raises SourceError when it cannot be written."""
        files.write(self._contents(), Path(path))

    def to_bytes(self) -> bytearray:
        """Return what ``save`` writes, to be sent to another process."""
        return files.to_bytes(self._contents())

    def fingerprint(self) -> str:
        """Return what tells whether two locators answer alike: a hash of areas, units and doubt, not of when they were read."""
        found = blake2b(repr((self._doubt_m, sorted(self._roles.items()))).encode(), digest_size=16)
        for level, index in self._hierarchy.levels.items():
            found.update(repr((level, index.refs, index.parent_codes)).encode())
            edges = index.edges
            for part in (edges.x1, edges.y1, edges.x2, edges.y2, edges.area):
                found.update(np.ascontiguousarray(part).data)
        return found.hexdigest()

    def __reduce__(self) -> tuple[Any, ...]:
        return Locator.from_bytes, (self.to_bytes(),)

    def _contents(self) -> Contents:
        return Contents(self._hierarchy, self._boundary, self._roles, self._doubt_m, self.about)

    def with_roles(self, roles: Roles) -> Locator:
        """Return a locator of the same areas with other responsible units; cheap."""
        return Locator(self._hierarchy, self._boundary, roles, self._doubt_m, self.about)

    @property
    def bounds(self) -> Bounds | None:
        """The box around all grids, degrees, WGS 84; None when none has a shape."""
        return files.bounds_of(self._grids)

    @overload
    def codes(self, lon: float, lat: float, *, crs: str | Crs, level: Level = "grid") -> str | None: ...
    @overload
    def codes(self, lon: Any, lat: Any = None, *, crs: str | Crs | None = None, level: Level = "grid") -> Any: ...
    def codes(self, lon: Any, lat: Any = None, *, crs: str | Crs | None = None, level: Level = "grid") -> Any:
        """Return the code of the area of ``level`` for each position, None (or null) where there is none.

        ``lon`` and ``lat`` are two numbers (a code comes out), NumPy arrays of any shape or lists (an array of objects), pandas
        Series (a Series with the index of the first) or Arrow arrays (a dictionary-encoded array); or ``lon`` alone holds
        points: a GeoSeries, a shapely point, or an array of them. ``crs`` is their coordinate system (``wgs84``, ``cgcs2000``,
        ``gcj02``, ``bd09``, ``EPSG:n``), easting and northing in a projected one; only a GeoSeries that says its own needs none.

        Raises CrsError without a coordinate system, ParameterError for what holds no positions. A single number that is no
        position is an error; in arrays it is a position in no area.

        >>> import numpy as np, shapely
        >>> locator = Locator.from_areas({"grid": AreaTable(["01"], ["West"], [None], np.array([shapely.box(0, 0, 1, 1)]))})
        >>> locator.codes(0.5, 0.5, crs="wgs84"), locator.codes([0.5, 1.5], [0.5, 0.5], crs="wgs84").tolist()
        ('01', ['01', None])
        """
        from gisgrid.locator.positions import positions_of  # noqa: PLC0415

        if level not in LEVELS:
            raise ParameterError("level", f"there is no level {level!r}.", f"any of {', '.join(LEVELS)}")
        x, y, put = positions_of(lon, lat, crs)
        number = area_numbers(self._hierarchy, level, self._grids.covering_many(x, y).number, x, y)
        return put(number, [ref.code for ref in self._hierarchy.levels[level].refs])

    def locate_frame(
        self,
        frame: DataFrame,
        *,
        columns: Sequence[str] | None = None,
        crs: str | Crs | None = None,
        lon: str = "lon",
        lat: str = "lat",
        accuracy_m: float | str | None = None,
    ) -> GeoDataFrame:
        """Return the rows of a frame with what ``locate`` says of each in more columns: the same rows, order and index.

        ``frame`` is a GeoDataFrame of points in any coordinate system, or a DataFrame with columns ``lon`` and ``lat`` (easting
        and northing in a projected system) and ``crs`` given, which gets points in WGS 84 as its geometry. A ``crs`` that is
        given wins over the GeoDataFrame's own (GCJ-02 kept as if it were WGS 84). ``accuracy_m`` is the radius of the
        positions' uncertainty, metres, or the name of a column of it.

        The added columns are those of ``columns.ADDED_COLUMNS``, with an accuracy also ``SHARE_COLUMNS``; or those named in
        ``columns``. One that the frame has already gets the prefix ``gisgrid_``. A row without a position has the status
        ``no_coordinates``, one whose position cannot be meant ``invalid``, and ``reason`` says why; no row is dropped.

        Raises CrsError without a coordinate system, ParameterError for a column that is not there.
        """
        from gisgrid.locator import frames  # noqa: PLC0415

        names = (lon, lat)
        return frames.locate_frame(self._columns, frame, columns=columns, crs=crs, names=names, accuracy_m=accuracy_m)

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self)

    def grid_codes(self) -> list[str]:
        """Return the codes of the grids by number, ascending."""
        return [ref.code for ref in self._grids.refs]

    def grid_codes_at(self, lon: ArrayLike, lat: ArrayLike) -> list[str | None]:
        """Return the code of the grid of each point of one-dimensional arrays, None where there is none."""
        codes = [*self.grid_codes(), None]
        return [codes[number] for number in self.grid_indices(lon, lat).tolist()]

    def grid_indices(self, first: ArrayLike, second: ArrayLike, crs: str | Crs = WGS84, *, parallel: bool = True) -> Ints:
        """Return the number of the grid of each point, -1 where there is none (or what it has is no position); the same shape out.

        ``first`` and ``second`` are longitude and latitude in ``crs``, easting and northing in a projected one, by default degrees,
        WGS 84. Long arrays go to a few threads unless ``parallel`` is False; the answers are the same. Raises CrsError for an unknown
        system.
        """
        system = crs if isinstance(crs, Crs) else parse_crs(crs)
        x, y = _floats(first, second)
        number, on_edge = np.empty(x.shape, np.int32), np.zeros(x.shape, bool)
        flat_x, flat_y, flat_number, flat_edge = x.reshape(-1), y.reshape(-1), number.reshape(-1), on_edge.reshape(-1)

        def work(piece: slice) -> None:
            lon, lat = flat_x[piece], flat_y[piece]
            if system not in (WGS84, CGCS2000):
                lon, lat = to_wgs84(system, lon, lat)
            self._grids.cover(lon, lat, flat_number[piece], flat_edge[piece])

        in_pieces(work, x.size, parallel=parallel)
        return number

    def locate_many(self, lon: ArrayLike, lat: ArrayLike, *, distances: bool = True, accuracy_m: ArrayLike | None = None) -> Located:
        """Return for arrays of points (degrees, WGS 84) what ``locate`` says of each; ``distances`` costs the most.

        With ``accuracy_m``, metres, one for all or one for each (NaN where none is given), ``in_doubt`` marks the rows whose
        circle leaves their grid, and some more to be safe; what is no distance is marked too. All others have one
        candidate, whose share is 1. It needs the distances, which are then returned in any case.
        """
        x, y = _floats(lon, lat)
        number, on_edge = self._grids.covering_many(x, y)
        in_doubt = on_edge | (number < 0)
        if not distances and accuracy_m is None:
            in_doubt |= ~self._grids.plain_around_many(x, y, *self._doubt_deg)
            return Located(number, on_edge, in_doubt, None)
        distance = self._boundary.distances_m(number.ravel(), x.ravel(), y.ravel()).reshape(x.shape)
        reach = self._doubt_m if accuracy_m is None else _reaches(accuracy_m, self._doubt_m)
        # Said so that NaN counts as doubt.
        in_doubt |= ~(distance > reach + _SLACK_M)
        if self._crowded.any():
            in_doubt |= self._crowded[number]
        return Located(number, on_edge, in_doubt, distance)

    def locate(self, lon: float, lat: float, accuracy_m: float | None = None) -> Location:
        """Return where a point lies: degrees, WGS 84; ``accuracy_m`` is the radius of its uncertainty, metres.

        A point that PostGIS's arithmetic puts in no grid although it is on the edge of some is ``outside`` like any other,
        with those grids as candidates at distance 0: the code is the one that ``ST_Covers`` gives, always.
        """
        lon, lat = float(lon), float(lat)
        numbers, on_edge = self._grids.covering(lon, lat)
        reach_m = self._reach_m(accuracy_m)
        if not numbers:
            return self._outside(lon, lat, reach_m, accuracy_m or None)
        number = numbers[0]
        ref, chain, unit = self._grids.refs[number], self._chains[number], self._units[number]
        if chain is None:
            chain = self._hierarchy.chain_at(lon, lat, self._grids.parent_codes[number])
            unit = self._unit(ref, chain)
        distance_m = self._boundary.distance_m(number, lon, lat)
        status: Status = "edge" if on_edge else "inside"
        if distance_m > reach_m and not on_edge and not self._crowded_list[number]:
            doubtful = self._doubt.certain(number, circle=bool(accuracy_m))
        else:
            doubtful = self._doubt.around(lon, lat, numbers, reach_m, accuracy_m or None)
        candidates, outside_share = doubtful
        return Location(lon, lat, status, *chain, ref, distance_m, on_edge, candidates, None, unit, outside_share)

    def outside_many(self, lon: Floats, lat: Floats) -> list[Location | None]:
        """Return for points that are in no grid what ``locate`` says; None for those that it must be asked about.

        Those lie in an area of another level, within doubt of a grid, or far away.
        """
        number, distance, sure = self.nearest_outside_many(lon, lat)
        answers: list[Location | None] = []
        for is_sure, k, far, x, y in zip(sure.tolist(), number.tolist(), distance.tolist(), lon.tolist(), lat.tolist(), strict=True):
            nearest = self._doubt.alone(k)._replace(distance_m=far) if is_sure else None
            answers.append(Location(x, y, "outside", None, None, None, None, far, False, (), nearest, None) if nearest else None)
        return answers

    def nearest_outside_many(self, lon: Floats, lat: Floats) -> tuple[Longs, Floats, Flags]:
        """Return for points that are in no grid the number of the nearest one, how far it is in metres, and whether that is all.

        Where it is not (the third is False), ``locate`` must be asked: an area of another level covers the point, it is within doubt
        of a grid, or far away.
        """
        number, distance = self._boundary.nearest_many(lon, lat, self._grids.is_clear_many(lon, lat))
        with np.errstate(invalid="ignore"):
            return number, distance, self._hierarchy.is_in_none_many(lon, lat) & (distance > self._doubt_m)

    def others_many(self, number: Ints, lon: Floats, lat: Floats) -> Others:
        """Return for points, each in grid ``number`` and on no edge, the other grids that ``locate`` names as candidates."""
        return self._others.within(self._doubt_m, self._doubt_deg, number, lon, lat)

    @cached_property
    def _others(self) -> OtherAreas:
        return OtherAreas(self._grids)

    def inside(self, number: int) -> Location | None:
        """Return the answer for points well inside grid ``number``, with position and distance left open (NaN).

        None when the areas above the grid depend on the point.
        """
        chain = self._chains[number]
        if chain is None:
            return None
        nan, alone = math.nan, (self._doubt.alone(number),)
        return Location(nan, nan, "inside", *chain, self._grids.refs[number], nan, False, alone, None, self._units[number])

    def well_inside(self, lon: float, lat: float) -> tuple[int, float] | None:
        """Return the number of the grid that a point lies in, and the distance to its edge in metres, where that is all there is to say.

        The answer of ``locate`` is then that of ``inside`` with this position and distance. None near an edge, and where the areas
        above the grid depend on the point: there ``locate`` must be asked.
        """
        numbers, on_edge = self._grids.covering(lon, lat)
        if not numbers or on_edge:
            return None
        number = numbers[0]
        distance_m = self._boundary.distance_m(number, lon, lat)
        if distance_m <= self._doubt_m or self._crowded_list[number] or self._chains[number] is None:
            return None
        return number, distance_m

    def _outside(self, lon: float, lat: float, reach_m: float, radius_m: float | None) -> Location:
        chain = self._hierarchy.chain_at(lon, lat, None)
        unit = self._unit(None, chain)
        found = self._boundary.nearest(lon, lat, is_clear=self._grids.cell_value(lon, lat) == OUTSIDE)
        candidates, outside_share = Doubtful((), None if radius_m is None else 1.0)
        if not found:
            return Location(lon, lat, "outside", *chain, None, None, False, candidates, None, unit, outside_share)
        number, distance_m = found[0]
        nearest = self._doubt.alone(number)._replace(distance_m=distance_m)
        if distance_m <= reach_m:
            candidates, outside_share = self._doubt.around(lon, lat, (), reach_m, radius_m)
        return Location(lon, lat, "outside", *chain, None, distance_m, False, candidates, nearest, unit, outside_share)

    @cached_property
    def _crowded(self) -> Flags:
        """Flags the grids within which there may be another one, and one entry more, for points in none."""
        return np.append(self._boundary.coverage.crowded, False)

    @cached_property
    def _crowded_list(self) -> list[bool]:
        crowded: list[bool] = self._crowded.tolist()
        return crowded

    def _reach_m(self, accuracy_m: float | None) -> float:
        """Return the distance within which grids are candidates; raises ParameterError for what is no distance."""
        if accuracy_m is None:
            return self._doubt_m
        if not 0.0 <= accuracy_m < math.inf:
            raise ParameterError("accuracy_m", f"{accuracy_m} is not a distance.", "metres, 0 or more")
        return max(self._doubt_m, accuracy_m)

    def _unit(self, grid: AreaRef | None, chain: Chain) -> ResponsibleUnit | None:
        """Return the unit named for the grid, else for the smallest area around it for which one is named."""
        named: tuple[tuple[Level, AreaRef | None], ...] = (
            ("grid", grid),
            ("community", chain.community),
            ("street", chain.street),
            ("district", chain.district),
        )
        for level, ref in named:
            unit = self._roles.get((level, ref.code)) if ref else None
            if unit is not None:
                return unit
        return None


def _reaches(accuracy_m: ArrayLike, doubt_m: float) -> Floats:
    """Return within how many metres of each position there is doubt; NaN for accuracies that are no distance."""
    radius = np.asarray(accuracy_m, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        wrong = (radius < 0.0) | np.isinf(radius)
    return np.where(wrong, np.nan, np.fmax(radius, doubt_m))


def _floats(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.ascontiguousarray(lon, dtype=np.float64), np.ascontiguousarray(lat, dtype=np.float64)
    # ascontiguousarray makes one dimension of none.
    x, y = x.reshape(np.shape(lon)), y.reshape(np.shape(lat))
    if x.shape != y.shape:
        x, y = (np.ascontiguousarray(part) for part in np.broadcast_arrays(x, y))
    return x, y


def _reach_deg(farthest_lat: float, reach_m: float) -> tuple[float, float]:
    """Return at least as many degrees of longitude and latitude as make ``reach_m`` metres nearer to the equator than ``farthest_lat``."""
    per_lon, _ = metres_per_degree(min(farthest_lat + reach_m / METRES_PER_DEGREE_LAT_LEAST, 89.9))
    return 1.001 * reach_m / per_lon, 1.001 * reach_m / METRES_PER_DEGREE_LAT_LEAST
