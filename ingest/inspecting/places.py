"""Where the rows of a sample are: which columns hold positions, and in which coordinate system they can be."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyproj
import shapely

from gisgrid.crs.offset import EAST, NORTH, SOUTH, WEST
from gisgrid.crs.systems import parse_crs
from gisgrid.deployment import Deployment
from ingest import values
from ingest.inspecting.columns import Column, in_degrees
from ingest.inspecting.names import best_match, mentions
from ingest.inspecting.sample import Boxes, Positions, Sample, are_degrees, middles
from ingest.inspecting.tables import guesses
from ingest.positions.likely import Likely, likely_systems

_WKT = re.compile(r"^\s*(SRID=\d+;)?\s*(MULTI)?(POINT|POLYGON|LINESTRING|GEOMETRYCOLLECTION)\s*(Z|M|ZM)?\s*(\(|EMPTY)", re.IGNORECASE)
_LEAST_NAME = 55
_SURE_SHARE = 0.9

WORLD = (-180.0, -90.0, 180.0, 90.0)
"""Bounds of a deployment of which nothing is known yet."""


class Place(NamedTuple):
    """Where rows are: the ``coordinates`` of a source (empty where the file has geometries) and the extents of the rows."""

    coordinates: dict[str, str]
    boxes: Boxes
    kind: str

    @property
    def positions(self) -> Positions:
        """The middle of each row that has a place, shape (n, 2)."""
        return middles(self.boxes[np.isfinite(self.boxes).all(axis=1)])


class System(NamedTuple):
    """What is known of a coordinate system: ``crs`` to write in a description (None: the file says it, or nobody knows).

    ``is_known`` says that rows can be loaded with it. ``remarks`` say why, or what it can be. ``is_swapped`` says that
    the first coordinate is the latitude or northing; ``carried`` is the EPSG code that the file says.
    """

    crs: str | None
    is_known: bool
    remarks: tuple[str, ...]
    is_swapped: bool = False
    carried: str | None = None

    @property
    def name(self) -> str | None:
        """The system that rows would be read in: the one to write, or the one that the file says; None when none is known."""
        return (self.crs or self.carried) if self.is_known else None


def find_place(sample: Sample) -> Place | None:
    """Return where the rows of ``sample`` are, by their geometries or by columns; None when nothing says."""
    if sample.shapes is not None and sample.shapes.kind:
        return Place({}, sample.shapes.boxes, sample.shapes.kind)
    if (wkt := _wkt_column(sample)) is not None:
        return _from_wkt(sample, wkt)
    for first, second in (("lon", "lat"), ("x", "y")):
        pair = _pair(sample, first, second)
        if pair is not None:
            positions = np.column_stack([numbers_of(sample, column) for column in pair])
            seen = positions[np.isfinite(positions).all(axis=1)]
            names = ("lon", "lat") if are_degrees(seen) else ("x", "y")
            return Place(dict(zip(names, (column.name for column in pair), strict=True)), np.hstack([positions, positions]), "point")
    return None


def _wkt_column(sample: Sample) -> Column | None:
    return next((c for c in sample.usable if c.kind == "text" and all(_WKT.match(text) for text in c.examples)), None)


def _from_wkt(sample: Sample, column: Column) -> Place:
    text = values.as_text(values.one_chunk(sample.table.column(column.name)))
    bare = pc.replace_substring_regex(text, pattern=r"^\s*SRID=\d+;", replacement="")
    geom = shapely.from_wkt(bare.to_numpy(zero_copy_only=False), on_invalid="ignore")
    there = geom[~shapely.is_missing(geom)]
    family = "polygon" if len(there) and "Polygon" in there[0].geom_type else "point"
    return Place({"wkt": column.name}, shapely.bounds(geom), family)


def _pair(sample: Sample, first: str, second: str) -> tuple[Column, Column] | None:
    east, north = _best(sample, first), _best(sample, second)
    if east is None or north is None or east.name == north.name:
        return None
    return east, north


def _best(sample: Sample, key: str) -> Column | None:
    words = guesses().coordinates[key]
    limit = {"lon": 180.0, "lat": 90.0}.get(key, np.inf)
    found = [(best_match(column.name, words).score, column) for column in sample.usable if _can_be(column, limit)]
    score, column = max(found, key=lambda pair: pair[0], default=(0.0, None))
    return column if score >= _LEAST_NAME else None


def _can_be(column: Column, limit: float) -> bool:
    """Say whether most values of a column can be coordinates up to ``limit``; a few rows may hold rubbish."""
    return (column.is_numeric or column.is_angle) and column.median is not None and abs(column.median) <= limit


def named_like_places(sample: Sample) -> list[Column]:
    """Return the columns that have the name of a coordinate and no numbers."""
    words = [word for key in ("lon", "lat") for word in guesses().coordinates[key]]
    return [c for c in sample.usable if c.kind == "text" and best_match(c.name, words).score >= _LEAST_NAME]


def no_place(sample: Sample) -> str:
    """Return why no column could be taken for a coordinate, in words."""
    odd = named_like_places(sample)
    if not odd:
        return "no column looks like coordinates"
    needs = "coordinates must be plain numbers, such as decimal degrees, or have the marks of degrees and minutes (120°22'15\"E)"
    return f"{odd[0].name} holds texts such as {odd[0].examples[0]}: {needs}"


def numbers_of(sample: Sample, column: Column) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the numbers of a column, NaN where a row has none; degrees with minutes and seconds as decimal degrees."""
    text, _ = values.cleaned(values.as_text(values.one_chunk(sample.table.column(column.name))))
    found = in_degrees(text, "," if column.decimal_comma else None)
    return np.asarray(found.values.to_numpy(zero_copy_only=False), dtype=np.float64)


def find_system(sample: Sample, place: Place, deployment: Deployment, declared: str | None, names: str) -> System:
    """Return what is known of the coordinate system of ``place``; ``names`` are the names of the file and its columns.

    ``declared`` is what the user says, if anything; it wins. Raises CrsError when it is no coordinate system.
    """
    if declared is not None:
        return System(parse_crs(declared).name, True, ("as you said",))
    seen = place.positions
    if sample.contents.crs:
        return _carried(sample.contents.crs, seen, deployment)
    for name, words in guesses().systems.items():
        if (word := mentions(names, words)) is not None and are_degrees(seen):
            return System(name, True, (f'the names say "{word}"',))
    return _by_numbers(seen, deployment)


def _carried(carried: str, seen: Positions, deployment: Deployment) -> System:
    """Return what the system that a file carries comes to: one with an EPSG number needs no word in the description."""
    try:
        crs = pyproj.CRS.from_user_input(carried).to_2d()
        number = crs.to_epsg()
    except pyproj.exceptions.CRSError:
        return _unknown(f"the file says {carried[:60]!r}, which is no system that is known", seen, deployment)
    if number:
        return System(None, True, (f"the file says EPSG:{number} ({crs.name})",), carried=f"EPSG:{number}")
    return _unknown(f"the file says {crs.name!r}, which has no EPSG number", seen, deployment)


def _unknown(remark: str, seen: Positions, deployment: Deployment) -> System:
    found = _by_numbers(seen, deployment)
    return found._replace(remarks=(remark, *found.remarks))


def _by_numbers(seen: Positions, deployment: Deployment) -> System:
    """Return what the numbers alone say, with the deployment's bounds as the place where they must be."""
    if not len(seen):
        return System(None, False, ("no row has a position",))
    likely = likely_systems(seen[:10_000], deployment) if deployment.bounds != WORLD else []
    if are_degrees(seen):
        return _degrees(seen, likely[0] if likely else None)
    if not likely:
        (west, south), (east, north) = np.nanpercentile(seen, 1, axis=0), np.nanpercentile(seen, 99, axis=0)
        where = f"the numbers are {west:.10g} to {east:.10g} and {south:.10g} to {north:.10g}"
        return System(None, False, (f"{where}, in no usual system near {deployment.id!r}; ask who made the file",))
    first = likely[0]
    is_sure = len(likely) == 1 and first.share >= _SURE_SHARE
    return System(first.name, is_sure, tuple(_say(one, deployment) for one in likely), first.is_swapped)


def _say(one: Likely, deployment: Deployment) -> str:
    text = f"{one.name} ({one.title}) puts {one.share:.0%} of the rows into the bounds of {deployment.id!r}"
    if one.is_swapped:
        text += " with the axes the other way round"
    return text + (f"; so do {', '.join(one.same)}" if one.same else "")


def _degrees(seen: Positions, likely: Likely | None) -> System:
    is_swapped = likely.is_swapped if likely else bool(np.median(np.abs(seen[:, 1])) > 90)
    lon, lat = np.median(seen[:, ::-1] if is_swapped else seen, axis=0)
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        return System("wgs84", True, ("degrees, and outside China there is no shifted system",), is_swapped)
    return System(
        "wgs84",
        False,
        (
            "They are degrees: wgs84 or cgcs2000 from surveys and GPS, gcj02 from Chinese phones and web maps (AMap, Tencent), bd09 from "
            "Baidu. The numbers cannot tell, and a wrong one moves everything by 500 to 1,300 m: ask who made the file",
        ),
        is_swapped,
    )
