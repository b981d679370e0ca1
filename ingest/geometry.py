"""Geometry checks and repairs, on whole columns: from the file's coordinate system to what a layer stores in WGS 84."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray

from gisgrid.crs import Crs, to_wgs84
from gisgrid.layers import GeometryType
from gisgrid.types import Bounds
from ingest import checks, values
from ingest.description import Coordinates
from ingest.findings import Findings, Mask
from ingest.readers.batch import Geometries

_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON, _COLLECTION = 0, 3, 4, 6, 7
_DECIMALS = 9  # a tenth of a millimetre in degrees
_LEAST_AREA_DEG2 = 1e-15  # some ten square millimetres
_SINGLE = {"Point": _POINT, "MultiPolygon": _POLYGON}
_MULTI = {"Point": _MULTIPOINT, "MultiPolygon": _MULTIPOLYGON}


class Place(NamedTuple):
    """What a batch's geometries are judged by: their ``crs``, the type the layer takes, and the deployment's ``bounds``."""

    crs: Crs
    geometry: GeometryType
    bounds: Bounds
    is_geojson: bool = False


def from_columns(coordinates: Coordinates, texts: list[pa.Array], findings: Findings) -> Geometries:
    """Return the points (or WKT geometries) that columns of text hold, None where there is none or it is no number."""
    if coordinates.wkt is not None:
        return _from_wkt(texts[0], findings)
    parsed = [values.numbers(text) for text in texts]
    empty = np.logical_or.reduce([values.mask_of(text.is_null()) for text in texts])
    findings.reject(checks.NO_GEOMETRY, empty, coordinates.columns[0], lambda _: f"{' or '.join(coordinates.columns)} is blank.")
    for name, text, one in zip(coordinates.columns, texts, parsed, strict=True):
        _bad_coordinates(name, text, one.bad & ~empty, findings)
    first, second = (one.values.to_numpy(zero_copy_only=False) for one in parsed)
    known = ~empty & ~parsed[0].bad & ~parsed[1].bad
    geom = np.full(findings.size, None, dtype=object)
    geom[known] = shapely.points(first[known], second[known])
    return geom


def _bad_coordinates(name: str, text: pa.Array, bad: Mask, findings: Findings) -> None:
    odd = bad & values.mask_of(values.is_not_finite(text))
    findings.reject(checks.NOT_FINITE, odd, name, lambda i: f"{name} is {text[i].as_py()}.")
    findings.reject(checks.BAD_COORDINATE, bad & ~odd, name, lambda i: f"{name} {text[i].as_py()!r} is not a number.")


def _from_wkt(text: pa.Array, findings: Findings) -> Geometries:
    geom = shapely.from_wkt(np.array(text.to_pylist(), dtype=object), on_invalid="ignore")
    unbuilt = shapely.is_missing(geom) & ~values.mask_of(text.is_null())
    findings.reject(checks.UNREADABLE_GEOMETRY, unbuilt, "", lambda i: f"The WKT {text[i].as_py()[:80]!r} cannot be read.")
    return np.asarray(geom, dtype=object)


def check(geom: Geometries, place: Place, findings: Findings) -> Geometries:
    """Return what the layer stores for each row, in WGS 84; None where the row is rejected without a place.

    The findings gain every reason and repair. A row that already has a reason to be rejected and no geometry is left alone.
    """
    missing = shapely.is_missing(geom) & ~findings.rejected
    findings.reject(checks.NO_GEOMETRY, missing, "", lambda _: "There is no geometry.")
    usable = _finite(geom, findings)
    plain = _two_dimensional(geom, usable, findings)
    plain, usable = _of_type(plain, usable, place.geometry, findings)
    moved = _in_wgs84(plain, usable, place.crs)
    usable = _inside(moved, plain, usable, place, findings)
    if place.geometry == "Point":
        return moved
    return _areas(moved, usable, findings, is_geojson=place.is_geojson)


def _finite(geom: Geometries, findings: Findings) -> Mask:
    """Reject empty geometries and those with NaN or infinite coordinates; return which are usable."""
    there = ~shapely.is_missing(geom)
    empty = there & shapely.is_empty(geom)
    findings.reject(checks.EMPTY_GEOMETRY, empty, "", lambda _: "The geometry is empty.")
    coordinates, owner = shapely.get_coordinates(geom, return_index=True)
    odd = np.zeros(len(geom), dtype=bool)
    # Numbers near the largest float are how some software writes "nothing".
    odd[owner[~(np.abs(coordinates) < 1e300).all(axis=1)]] = True
    findings.reject(checks.NOT_FINITE, odd & ~empty, "", lambda _: "A coordinate is NaN or infinite.")
    return np.asarray(there & ~empty & ~odd)


def _two_dimensional(geom: Geometries, usable: Mask, findings: Findings) -> Geometries:
    tall = usable & (shapely.has_z(geom) | shapely.has_m(geom))
    if not tall.any():
        return geom
    flat = geom.copy()
    flat[tall] = shapely.force_2d(geom[tall])
    findings.repair(checks.Z_DROPPED, tall, "", _texts(geom, tall), _texts(flat, tall))
    return flat


def _of_type(geom: Geometries, usable: Mask, wanted: GeometryType, findings: Findings) -> tuple[Geometries, Mask]:
    """Take the one point out of a collection of one, the polygons out of a mixed collection; reject other types."""
    types = shapely.get_type_id(geom)
    fine = types == _SINGLE[wanted]
    if wanted == "MultiPolygon":
        fine |= types == _MULTIPOLYGON
    result = geom.copy()
    reduced = np.zeros(len(geom), dtype=bool)
    for position in np.flatnonzero(usable & ~fine & ((types == _MULTI[wanted]) | (types == _COLLECTION))).tolist():
        part = _only_part(geom[position], wanted)
        if part is not None:
            result[position], reduced[position] = part, True
    findings.repair(checks.SINGLE_PART, reduced, "", _texts(geom, reduced), _texts(result, reduced))
    wrong = usable & ~fine & ~reduced
    findings.reject(checks.WRONG_GEOMETRY, wrong, "", lambda i: f"The geometry is a {geom[i].geom_type}, the layer takes {wanted}.")
    return result, usable & ~wrong


def _only_part(geom: shapely.Geometry, wanted: GeometryType) -> shapely.Geometry | None:
    parts = [part for part in _flattened(geom) if shapely.get_type_id(part) == _SINGLE[wanted]]
    if wanted == "MultiPolygon":
        return shapely.multipolygons(parts) if parts else None
    return parts[0] if len(parts) == 1 else None


def _flattened(geom: shapely.Geometry) -> list[shapely.Geometry]:
    parts: list[shapely.Geometry] = []
    for part in shapely.get_parts(geom):
        parts += _flattened(part) if shapely.get_type_id(part) in {_MULTIPOINT, _MULTIPOLYGON, _COLLECTION} else [part]
    return [part for part in parts if not part.is_empty]


def _in_wgs84(geom: Geometries, usable: Mask, crs: Crs) -> Geometries:
    """Return the usable geometries in WGS 84; None for the others and for those that ``crs`` has no place for."""
    result = np.full(len(geom), None, dtype=object)
    given = geom[usable]
    coordinates, owner = shapely.get_coordinates(given, return_index=True)
    try:
        moved, possible = _moved(given, owner, coordinates, crs)
    except shapely.GEOSException:
        # The two ends of a ring came out a hair apart; equal positions are moved once, so that they stay equal.
        distinct, where = np.unique(coordinates, axis=0, return_inverse=True)
        moved, possible = _moved(given, owner, distinct, crs, where)
    positions = np.flatnonzero(usable)[possible]
    result[positions] = moved
    return result


def _moved(
    given: Geometries, owner: NDArray[np.int64], coordinates: NDArray[np.float64], crs: Crs, where: NDArray[np.int64] | None = None
) -> tuple[Geometries, Mask]:
    """Return the geometries that have a place in WGS 84, and which of ``given`` they are."""
    there = np.column_stack(to_wgs84(crs, coordinates[:, 0], coordinates[:, 1]))
    if where is not None:
        there = there[where]
    possible = np.ones(len(given), dtype=bool)
    possible[owner[np.isnan(there).any(axis=1)]] = False
    kept = there[possible[owner]]
    return shapely.transform(given[possible], lambda _: kept), possible


def _inside(moved: Geometries, given: Geometries, usable: Mask, place: Place, findings: Findings) -> Mask:
    """Reject what is outside the world or the deployment's bounds; return which are left."""
    nowhere = usable & shapely.is_missing(moved)
    outside = usable & ~nowhere & ~_within(shapely.bounds(moved), place.bounds)
    swapped = _swapped(given, nowhere | outside, place)
    findings.reject(
        checks.SWAPPED_COORDINATES,
        swapped,
        "",
        lambda i: f"{_where(given[i])} looks swapped: with x and y exchanged it is inside the bounds.",
    )
    findings.reject(checks.OUTSIDE_WORLD, nowhere & ~swapped, "", lambda i: f"{_where(given[i])} cannot be a position in {place.crs}.")
    box = _box_text(place.bounds)
    findings.reject(
        checks.OUTSIDE_BOUNDS,
        outside & ~swapped,
        "",
        lambda i: f"{_where(given[i])} ({place.crs}) is outside the bounds of the deployment: {box}.",
    )
    return np.asarray(usable & ~nowhere & ~outside)


def _within(boxes: NDArray[np.float64], bounds: Bounds) -> Mask:
    with np.errstate(invalid="ignore"):
        inside = (boxes[:, 0] >= bounds.west) & (boxes[:, 1] >= bounds.south) & (boxes[:, 2] <= bounds.east) & (boxes[:, 3] <= bounds.north)
    return np.asarray(inside)


def _swapped(given: Geometries, outside: Mask, place: Place) -> Mask:
    """Return which of the rows ``outside`` would be inside with their axes exchanged."""
    result = np.zeros(len(given), dtype=bool)
    if outside.any():
        turned = shapely.transform(given[outside], lambda xy: xy[:, ::-1])
        moved = _in_wgs84(turned, np.ones(len(turned), dtype=bool), place.crs)
        result[outside] = _within(shapely.bounds(moved), place.bounds)
    return result


def _where(geom: shapely.Geometry) -> str:
    x, y = shapely.get_coordinates(geom)[0].tolist()
    return f"{x:.10g}, {y:.10g}"


def _box_text(bounds: Bounds) -> str:
    return f"longitude {bounds.west:g} to {bounds.east:g}, latitude {bounds.south:g} to {bounds.north:g}"


def _areas(geom: Geometries, usable: Mask, findings: Findings, *, is_geojson: bool) -> Geometries:
    """Return polygons as valid MultiPolygons whose outer rings run counterclockwise."""
    result = geom.copy()
    invalid = usable & ~shapely.is_valid(geom)
    if invalid.any():
        result[invalid] = shapely.make_valid(geom[invalid], method="structure", keep_collapsed=False)
    lost = usable & ~(shapely.area(result) > _LEAST_AREA_DEG2)
    if lost.any():
        findings.reject(checks.LOST_GEOMETRY, lost, "", lambda i: f"{_reason(geom[i])}; no area is left when it is made valid.")
        result[lost] = geom[lost]
        usable = usable & ~lost
    findings.repair(checks.INVALID_GEOMETRY, invalid & ~lost, "", _texts(geom, invalid), _texts(result.copy(), invalid))
    oriented = shapely.orient_polygons(result[usable])
    if is_geojson:
        turned = np.zeros(len(geom), dtype=bool)
        turned[usable] = ~shapely.equals_exact(oriented, result[usable])
        turned &= ~invalid
        after = np.full(len(geom), None, dtype=object)
        after[usable] = oriented
        findings.repair(checks.RING_ORDER, turned, "", _texts(geom, turned), _texts(after, turned))
    result[usable] = _as_multi(oriented)
    return result


def _texts(geom: Geometries, mask: Mask) -> Callable[[int], str | None]:
    """Return a function that gives the WKT of a geometry in ``mask``; all of them are written when the first is asked for."""

    @cache
    def written() -> dict[int, str]:
        texts = shapely.to_wkt(geom[mask], rounding_precision=_DECIMALS, output_dimension=4)
        return dict(zip(np.flatnonzero(mask).tolist(), texts.tolist(), strict=True))

    return lambda position: written().get(position)


def _reason(geom: shapely.Geometry) -> str:
    if geom.is_valid:
        return "The polygon is a mere point"
    return str(shapely.is_valid_reason(geom)).split("[", maxsplit=1)[0]


def _as_multi(geom: Geometries) -> Geometries:
    """Return polygons as MultiPolygons of one part; others as they are."""
    single = shapely.get_type_id(geom) == _POLYGON
    result = geom.copy()
    result[single] = shapely.multipolygons(geom[single], indices=np.arange(int(single.sum())))
    return result
