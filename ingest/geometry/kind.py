"""Types of geometry: the one that a layer takes, out of what a file has."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from gisgrid.layers import GeometryType
from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries

_POINT, _POLYGON, _MULTIPOINT, _MULTIPOLYGON, _COLLECTION = 0, 3, 4, 6, 7
_SINGLE = {"Point": _POINT, "MultiPolygon": _POLYGON}
_MULTI = {"Point": _MULTIPOINT, "MultiPolygon": _MULTIPOLYGON}
_FAMILIES = np.array(["point", "line", "line", "polygon", "point", "line", "polygon", "collection"])


def families(geom: Geometries) -> tuple[NDArray[np.str_], NDArray[np.int64]]:
    """Return whether each geometry that there is is a point, line, polygon or collection (of one part or many), and its position."""
    types = shapely.get_type_id(geom)
    positions = np.flatnonzero(types >= 0)
    return _FAMILIES[types[positions]], positions


def of_type(geom: Geometries, usable: Mask, wanted: GeometryType, findings: Findings) -> tuple[Geometries, Mask]:
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
    findings.repair(checks.SINGLE_PART, reduced, "", texts(geom, reduced), texts(result, reduced))
    wrong = usable & ~fine & ~reduced
    findings.reject(checks.WRONG_GEOMETRY, wrong, "", lambda i: f"The geometry is a {_described(geom[i])}, the layer takes a {wanted}.")
    return result, usable & ~wrong


def _described(geom: shapely.Geometry) -> str:
    parts = shapely.get_num_geometries(geom)
    return f"{geom.geom_type} of {parts} parts" if parts > 1 else str(geom.geom_type)


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
