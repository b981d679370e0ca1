"""Lines that a layer can store: each of some length, as lines of many parts."""

from __future__ import annotations

import numpy as np
import shapely

from ingest import checks
from ingest.findings import Findings, Mask
from ingest.geometry.text import texts
from ingest.readers.batch import Geometries

_LEAST_LENGTH_DEG = 1e-9  # a tenth of a millimetre


def lines(geom: Geometries, usable: Mask, findings: Findings) -> Geometries:
    """Return lines as MultiLineStrings without parts that go nowhere; those that are nothing else are rejected, and stay as they are."""
    lost = usable & ~(shapely.length(geom) > _LEAST_LENGTH_DEG)
    findings.reject(checks.LOST_GEOMETRY, lost, "", lambda _: "The line has no length.")
    kept = np.flatnonzero(usable & ~lost)
    result = geom.copy()
    parts, owner = shapely.get_parts(geom[kept], return_index=True)
    long = shapely.length(parts) > _LEAST_LENGTH_DEG
    joined = np.empty(len(kept), dtype=object)
    shapely.multilinestrings(parts[long], indices=owner[long], out=joined)
    result[kept] = joined
    fewer = np.zeros(len(geom), dtype=bool)
    fewer[kept[np.unique(owner[~long])]] = True
    findings.repair(checks.REPEATED_CORNER, fewer, "", texts(geom, fewer), texts(result, fewer))
    return result
