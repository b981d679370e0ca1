"""Types of geometry: the one that a layer takes, out of what a file has."""

from __future__ import annotations

import numpy as np
import shapely

from gisgrid.db.records import Issue
from gisgrid.layers import GeometryType
from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries

_POINT, _LINE, _POLYGON, _MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _COLLECTION = 0, 1, 3, 4, 5, 6, 7
_SINGLE = {"Point": _POINT, "MultiLineString": _LINE, "MultiPolygon": _POLYGON}
_MULTI = {"Point": _MULTIPOINT, "MultiLineString": _MULTILINE, "MultiPolygon": _MULTIPOLYGON}
_FAMILIES = ("points", "lines", "polygons", "collections")
_FAMILY_OF_TYPE = np.array([0, 1, 1, 2, 0, 1, 2, 3])
_WORDS = {"Point": "a point", "MultiLineString": "lines", "MultiPolygon": "polygons"}
_JOIN = {"MultiLineString": shapely.multilinestrings, "MultiPolygon": shapely.multipolygons}


class Mixture:
    """Counts the types of geometry in a file: points, lines, polygons (each of one part or of many), collections."""

    def __init__(self) -> None:
        self._counts = np.zeros(len(_FAMILIES), dtype=np.int64)

    def add(self, geom: Geometries) -> None:
        """Count the geometries of a batch; None is not counted."""
        types = shapely.get_type_id(geom)
        self._counts += np.bincount(_FAMILY_OF_TYPE[types[types >= 0]], minlength=len(_FAMILIES))

    def remark(self, layer: str) -> Issue | None:
        """Return the warning that there are several types; None when there are not."""
        if np.count_nonzero(self._counts) < 2:
            return None
        found = ", ".join(f"{count:,} {name}" for name, count in zip(_FAMILIES, self._counts.tolist(), strict=True) if count)
        message = f"The file mixes types of geometry: {found}."
        return Issue(layer, None, checks.MIXED_GEOMETRY.code, "warning", message, None)


def of_type(geom: Geometries, usable: Mask, wanted: GeometryType, findings: Findings) -> tuple[Geometries, Mask]:
    """Take the one point out of a collection of one, the lines or polygons out of a mixed collection; reject other types."""
    types = shapely.get_type_id(geom)
    fine = types == _SINGLE[wanted]
    if wanted in _JOIN:
        fine |= types == _MULTI[wanted]
    result = geom.copy()
    reduced = np.zeros(len(geom), dtype=bool)
    for position in np.flatnonzero(usable & ~fine & ((types == _MULTI[wanted]) | (types == _COLLECTION))).tolist():
        part = _only_part(geom[position], wanted)
        if part is not None:
            result[position], reduced[position] = part, True
    findings.repair(checks.SINGLE_PART, reduced, "", texts(geom, reduced), texts(result, reduced))
    wrong = usable & ~fine & ~reduced
    findings.reject(checks.WRONG_GEOMETRY, wrong, "", lambda i: f"It is a {_described(geom[i])}, the layer takes {_WORDS[wanted]}.")
    return result, usable & ~wrong


def _described(geom: shapely.Geometry) -> str:
    parts = shapely.get_num_geometries(geom)
    return f"{geom.geom_type} of {parts} parts" if parts > 1 else str(geom.geom_type)


def _only_part(geom: shapely.Geometry, wanted: GeometryType) -> shapely.Geometry | None:
    parts = [part for part in _flattened(geom) if shapely.get_type_id(part) == _SINGLE[wanted]]
    if wanted in _JOIN:
        return _JOIN[wanted](parts) if parts else None
    return parts[0] if len(parts) == 1 else None


def _flattened(geom: shapely.Geometry) -> list[shapely.Geometry]:
    parts: list[shapely.Geometry] = []
    for part in shapely.get_parts(geom):
        parts += _flattened(part) if shapely.get_type_id(part) in {_MULTIPOINT, _MULTILINE, _MULTIPOLYGON, _COLLECTION} else [part]
    return [part for part in parts if not part.is_empty]
