"""From a point to the areas that it lies in, with how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from hashlib import blake2b
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from gisgrid.errors import ParameterError
from gisgrid.locator import files
from gisgrid.locator.areas import AreaIndex, AreaTable
from gisgrid.locator.arrays import Buffer
from gisgrid.locator.boundary import Boundary
from gisgrid.locator.chunks import side_by_side
from gisgrid.locator.columns import Columns
from gisgrid.locator.files import About
from gisgrid.locator.hierarchy import Hierarchy
from gisgrid.locator.levels import area_numbers
from gisgrid.locator.many import ArrayLocator
from gisgrid.locator.single import Roles
from gisgrid.locator.systems import AnyCrs
from gisgrid.types import LEVELS, Bounds, Level

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from pandas import DataFrame

DEFAULT_DOUBT_M = 0.5

_EMPTY = AreaTable([], [], [], np.empty(0, dtype=object))


class Locator(ArrayLocator):
    """An index of the areas of a city: a value, never changed, that any number of threads may ask.

    Make one with ``from_areas``, ``from_frames`` or ``open``. Positions are longitude and latitude in degrees, WGS 84, in that order.
    ``about`` tells the version of the data and when they were read, where that is known. What it answers about one position is in
    ``PointLocator``, about arrays in ``ArrayLocator``; here is how it is made and kept, and frames.
    """

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
        grids, upper = side_by_side(
            lambda: {level: AreaIndex(table) for level, table in levels.items() if level == "grid"},
            lambda: {level: AreaIndex(table) for level, table in levels.items() if level != "grid"},
        )
        return cls.from_indices(grids | upper, roles, doubt_m)

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
        crs: AnyCrs | None = None,
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
        crs: AnyCrs | None = None,
        roles: Roles | None = None,
        doubt_m: float = DEFAULT_DOUBT_M,
    ) -> Locator:
        """Return a locator of the areas in GeoDataFrames of polygons, one frame for each level.

        ``code``, ``name`` and ``parent`` are the columns of an area's code, its name, and the code of the area above it; the
        last two may be absent under these names. Geometries may be in any coordinate system that the frame names; ``crs``
        says what they are in where it does not, or where it is wrong (GCJ-02 kept as if it were WGS 84): a name as in ``codes``, a
        number in the EPSG register, or a pyproj CRS. Edges stay where they are in their system, to 1 cm.

        Raises CrsError without a coordinate system, ParameterError for a level or a column that is not there, and SourceError, naming
        the rows, for codes that are missing or there twice, for geometries that are missing or no polygons, and for polygons of
        a projected system across the 180th meridian or around a pole; also for a frame without rows.
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
        files.write(self._contents, Path(path))

    def to_bytes(self) -> bytearray:
        """Return what ``save`` writes, to be sent to another process."""
        return files.to_bytes(self._contents)

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

    def __repr__(self) -> str:
        counts = ", ".join(f"{level}={len(index)}" for level, index in self._hierarchy.levels.items() if len(index))
        box = "none" if self.bounds is None else ", ".join(f"{side:.6f}" for side in self.bounds)
        return f"<Locator areas: {counts or 'none'}; bounds: {box}; data version: {self.about.data_version or 'not known'}>"

    def with_roles(self, roles: Roles) -> Locator:
        """Return a locator of the same areas with other responsible units; cheap."""
        return Locator(self._hierarchy, self._boundary, roles, self._doubt_m, self.about)

    @property
    def bounds(self) -> Bounds | None:
        """The box around all grids, degrees, WGS 84; None when none has a shape."""
        return files.bounds_of(self._grids)

    @overload
    def codes(self, lon: float, lat: float, *, crs: AnyCrs, level: Level = "grid") -> str | None: ...
    @overload
    def codes(self, lon: Any, lat: Any = None, *, crs: AnyCrs | None = None, level: Level = "grid") -> Any: ...
    def codes(self, lon: Any, lat: Any = None, *, crs: AnyCrs | None = None, level: Level = "grid") -> Any:
        """Return the code of the area of ``level`` for each position, None (or null) where there is none.

        ``lon`` and ``lat`` are two numbers (a code comes out), NumPy arrays of any shape or lists (an array of objects), pandas
        Series (a Series with the index of the first) or Arrow arrays (a dictionary-encoded array); or ``lon`` alone holds
        points: a GeoSeries, a shapely point, or an array of them. ``crs`` is their coordinate system (``wgs84``, ``cgcs2000``,
        ``gcj02``, ``bd09``, ``EPSG:n``, a number of that register, or a pyproj CRS), easting and northing in a projected one; only
        a GeoSeries that says its own needs none.

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
        number = area_numbers(self._hierarchy, level, self.grid_indices(x, y), x, y)
        return put(number, [ref.code for ref in self._hierarchy.levels[level].refs])

    def locate_frame(
        self,
        frame: DataFrame,
        *,
        columns: Sequence[str] | None = None,
        crs: AnyCrs | None = None,
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

    def prepare(self) -> None:
        """Make now what the first question outside all areas would have to wait for."""
        self._boundary.prepare()

    @cached_property
    def _columns(self) -> Columns:
        return Columns(self)
