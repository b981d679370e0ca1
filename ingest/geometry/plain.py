"""Coordinates that are numbers, and two of them: what is empty or not finite goes, heights and measures are dropped."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries

_LARGEST = 1e300  # numbers near the largest float are how some software writes "nothing"
_LOWEST_M, _HIGHEST_M = -500.0, 9_000.0


def finite(geom: Geometries, findings: Findings) -> Mask:
    """Reject empty geometries and those with NaN, infinite or absurdly large coordinates; return which are usable."""
    there = ~shapely.is_missing(geom)
    empty = there & shapely.is_empty(geom)
    findings.reject(checks.EMPTY_GEOMETRY, empty, "", lambda i: f"The geometry is an empty {geom[i].geom_type}.")
    coordinates, owner = shapely.get_coordinates(geom, return_index=True)
    odd = np.zeros(len(geom), dtype=bool)
    odd[owner[~_are_numbers(coordinates).all(axis=1)]] = True
    findings.reject(checks.NOT_FINITE, odd & ~empty, "", lambda i: f"A coordinate is {_odd_one(geom[i])}; it must be a number.")
    return np.asarray(there & ~empty & ~odd)


def _are_numbers(coordinates: NDArray[np.float64]) -> Mask:
    return np.asarray(np.abs(coordinates) < _LARGEST)


def _odd_one(geom: shapely.Geometry) -> str:
    coordinates = shapely.get_coordinates(geom)
    return f"{coordinates[~_are_numbers(coordinates)][0]:g}"


def two_dimensional(geom: Geometries, usable: Mask, findings: Findings) -> Geometries:
    """Return the geometries without heights and measures."""
    tall = usable & (shapely.has_z(geom) | shapely.has_m(geom))
    if not tall.any():
        return geom
    flat = geom.copy()
    flat[tall] = shapely.force_2d(geom[tall])
    rubbish = _absurd_heights(geom, tall)
    before, after = texts(geom, tall), texts(flat, tall)
    findings.repair(checks.Z_RUBBISH, rubbish, "", before, after)
    findings.repair(checks.Z_DROPPED, tall & ~rubbish, "", before, after)
    return flat


def _absurd_heights(geom: Geometries, tall: Mask) -> Mask:
    coordinates, owner = shapely.get_coordinates(geom[tall], include_z=True, return_index=True)
    heights = coordinates[:, 2]
    absurd = np.zeros(len(geom), dtype=bool)
    # A missing height is NaN, and no rubbish: the row may have measures, or its other corners heights.
    absurd[np.flatnonzero(tall)[owner[(heights < _LOWEST_M) | (heights > _HIGHEST_M)]]] = True
    return absurd
