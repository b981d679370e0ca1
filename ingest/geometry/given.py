"""Geometries as a file has them: points out of columns, WKT, and what the reader could not build as it stood."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import shapely

from ingest import checks, values
from ingest.description import Coordinates
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries, RawBatch


def as_built(raw: RawBatch, findings: Findings) -> Geometries:
    """Return the geometries that the reader built, None where there is none; what it could not build is rejected."""
    why = "The geometry cannot be built; a ring may have too few points."
    findings.reject(checks.UNREADABLE_GEOMETRY, raw.unbuilt, "", lambda i: raw.unbuilt_reasons.get(i, why))
    geom = raw.geom if raw.geom is not None else np.full(raw.size, None, dtype=object)
    if raw.closed is not None:
        findings.repair(checks.RING_CLOSED, raw.closed, "", lambda _: None, texts(geom, raw.closed))
    return geom


def turned(geom: Geometries) -> Geometries:
    """Return the geometries with x and y exchanged, heights kept."""
    return np.asarray(shapely.transform(geom, lambda xyz: xyz[:, [1, 0, *range(2, xyz.shape[1])]], include_z=True), dtype=object)


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
