"""Polygons that a layer can store: valid, with outer rings counterclockwise and no corner twice in a row."""

from __future__ import annotations

import numpy as np
import shapely

from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries

_POLYGON = 3
_LEAST_AREA_DEG2 = 1e-15  # some ten square millimetres


def areas(geom: Geometries, usable: Mask, findings: Findings, *, is_geojson: bool) -> Geometries:
    """Return polygons as valid MultiPolygons whose outer rings run counterclockwise; repairs are told in WGS 84."""
    single = _without_repeats(geom, usable, findings)
    result, invalid, usable = _valid(single, usable, findings)
    oriented = result.copy()
    oriented[usable] = shapely.orient_polygons(result[usable])
    if is_geojson:
        turned = usable & ~invalid
        turned[turned] = ~shapely.equals_exact(oriented[turned], result[turned])
        findings.repair(checks.RING_ORDER, turned, "", texts(result, turned), texts(oriented, turned))
    stored = oriented.copy()
    stored[usable] = _as_multi(oriented[usable])
    return stored


def _without_repeats(geom: Geometries, usable: Mask, findings: Findings) -> Geometries:
    """Take out corners that are where the corner before them is."""
    coordinates, owner = shapely.get_coordinates(geom, return_index=True)
    # Where one ring ends and the next begins two equal corners are no mistake; the few that are found are looked at again.
    again = (coordinates[1:] == coordinates[:-1]).all(axis=1) & (owner[1:] == owner[:-1])
    candidates = np.unique(owner[1:][again])
    candidates = candidates[usable[candidates]]
    if not len(candidates):
        return geom
    result = geom.copy()
    result[candidates] = _thinned(geom[candidates])
    fewer = np.zeros(len(geom), dtype=bool)
    fewer[candidates] = shapely.get_num_coordinates(result[candidates]) < shapely.get_num_coordinates(geom[candidates])
    findings.repair(checks.REPEATED_CORNER, fewer, "", texts(geom, fewer), texts(result, fewer))
    return result


def _thinned(geom: Geometries) -> Geometries:
    """Return polygons without repeated corners; those of which too few would be left as they are."""
    try:
        return np.asarray(shapely.remove_repeated_points(geom))
    except shapely.GEOSException:
        return np.concatenate([_thinned(geom[at : at + 1]) for at in range(len(geom))]) if len(geom) > 1 else geom


def _valid(geom: Geometries, usable: Mask, findings: Findings) -> tuple[Geometries, Mask, Mask]:
    """Return the polygons made valid, which of them were not, and which are usable still: those with an area."""
    result = geom.copy()
    invalid = usable & ~shapely.is_valid(geom)
    if invalid.any():
        result[invalid] = _made_valid(geom[invalid])
    lost = usable & ~(shapely.area(result) > _LEAST_AREA_DEG2)
    findings.reject(checks.LOST_GEOMETRY, lost, "", lambda i: f"{_reason(geom[i])}; no area is left when it is made valid.")
    result[lost] = geom[lost]
    mended = invalid & ~lost
    findings.repair(checks.INVALID_GEOMETRY, mended, "", texts(geom, mended), texts(result, mended))
    return result, invalid, usable & ~lost


def _made_valid(geom: Geometries) -> Geometries:
    """Return valid polygons, empty ones where nothing can be made of them."""
    try:
        return np.asarray(shapely.make_valid(geom, method="structure", keep_collapsed=False))
    except shapely.GEOSException:
        if len(geom) > 1:
            return np.concatenate([_made_valid(geom[at : at + 1]) for at in range(len(geom))])
        return np.array([shapely.Polygon()], dtype=object)


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
