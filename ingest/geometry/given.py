"""Geometries as a file has them: points out of columns, WKT, and what the reader could not build as it stood."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from ingest import checks, values
from ingest.description import Coordinates
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries, RawBatch

_NUMBER = r"(-?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)"
_POSITION = re.compile(rf"{_NUMBER}[ ,]\s*{_NUMBER}")  # in WKT and in GeoJSON


def as_built(raw: RawBatch, findings: Findings) -> Geometries:
    """Return the geometries that the reader built, None where there is none; what it could not build is rejected."""
    why = "The geometry cannot be built; a ring may have too few points."
    findings.reject(checks.UNREADABLE_GEOMETRY, raw.unbuilt, "", lambda i: raw.unbuilt_reasons.get(i, why))
    geom = raw.geom if raw.geom is not None else np.full(raw.size, None, dtype=object)
    if raw.closed is not None:
        findings.repair(checks.RING_CLOSED, raw.closed, "", raw.as_read.get, texts(geom, raw.closed))
    return geom


def first_places(raw: RawBatch) -> Geometries:
    """Return the first position of geometries that could not be built, None for other rows: where on the ground they are meant to be."""
    points = np.full(raw.size, None, dtype=object)
    for position, text in raw.as_read.items():
        if raw.unbuilt[position] and (found := _POSITION.search(text)):
            x, y = float(found[1]), float(found[2])
            points[position] = shapely.Point(x, y) if math.isfinite(x + y) else None
    return points


def turned(geom: Geometries) -> Geometries:
    """Return the geometries with x and y exchanged, heights kept."""
    result = geom.copy()
    tall = shapely.has_z(geom)
    result[~tall] = shapely.transform(geom[~tall], lambda xy: xy[:, ::-1])
    result[tall] = shapely.transform(geom[tall], lambda xyz: xyz[:, [1, 0, 2]], include_z=True)
    return result


def from_columns(coordinates: Coordinates, columns: list[pa.Array], findings: Findings) -> Geometries:
    """Return the points (or WKT geometries) that columns of text hold, None where there is none or it is no number."""
    if coordinates.wkt is not None:
        return _from_wkt(coordinates.columns[0], columns[0], findings)
    parsed = [values.numbers(text) for text in columns]
    empty = np.logical_or.reduce([values.mask_of(text.is_null()) for text in columns])
    findings.reject(checks.NO_GEOMETRY, empty, coordinates.columns[0], lambda _: f"{' or '.join(coordinates.columns)} is blank.")
    for name, text, one in zip(coordinates.columns, columns, parsed, strict=True):
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


def _from_wkt(column: str, text: pa.Array, findings: Findings) -> Geometries:
    """Return the geometries of WKT, or of hexadecimal WKB; an SRID that PostGIS puts before either is left off, for ``crs`` rules."""
    bare = pc.replace_substring_regex(text, pattern=r"^(?i:SRID)=[0-9]+;", replacement="")
    is_wkb = values.mask_of(pc.match_substring_regex(bare, pattern="^0[01][0-9A-Fa-f]{8,}$"))
    written = np.array(bare.to_pylist(), dtype=object)
    geom = _read(written, is_wkb, "ignore")
    unbuilt = shapely.is_missing(geom) & ~values.mask_of(text.is_null())
    if unbuilt.any():
        closed = np.zeros(findings.size, dtype=bool)
        mended = _read(written[unbuilt], is_wkb[unbuilt], "fix")
        closed[unbuilt] = shapely.area(mended) > 0
        geom[closed] = mended[closed[unbuilt]]
        findings.repair(checks.RING_CLOSED, closed, column, lambda i: written[i], texts(geom, closed))
        unbuilt &= ~closed
    findings.reject(checks.UNREADABLE_GEOMETRY, unbuilt, column, lambda i: f"{column} {written[i][:80]!r} is no WKT that can be read.")
    return geom


def _read(written: Geometries, is_wkb: Mask, on_invalid: Literal["ignore", "fix"]) -> Geometries:
    """Return what texts of WKB and WKT say, None for what cannot be built; with "fix", rings are closed."""
    geom = np.full(len(written), None, dtype=object)
    for read, which in ((shapely.from_wkb, is_wkb), (shapely.from_wkt, ~is_wkb)):
        geom[which] = _without_curves(partial(read, on_invalid=on_invalid), written[which])
    return geom


def _without_curves(read: Callable[[Geometries], Geometries], written: Geometries) -> Geometries:
    """Return what ``read`` makes of ``written``, None for curves: for one of them it refuses the whole array."""
    try:
        return read(written)
    except NotImplementedError:
        if len(written) == 1:
            return np.array([None], dtype=object)
        return np.concatenate([_without_curves(read, written[at : at + 1]) for at in range(len(written))])
