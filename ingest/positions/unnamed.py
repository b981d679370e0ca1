"""Files that do not say what coordinate system they are in: their first positions, and what those may be."""

from __future__ import annotations

import numpy as np
import shapely

from gisgrid.deployment import Deployment
from ingest import geometry, mapping
from ingest.description import Source
from ingest.findings import Findings
from ingest.positions.likely import Coordinates, likely_systems, likely_text
from ingest.readers import Reader
from ingest.readers.batch import Geometries, RawBatch

_ENOUGH = 1_000


def hint_for_unnamed(source: Source, reader: Reader, deployment: Deployment) -> str:
    """Return what to write in the description of a file without a known coordinate system: the likely ones, with numbers.

    Reads the first rows of the file; raises SourceError when it turns out to be broken.
    """
    first = next(iter(reader.batches()), None)
    pairs = _positions(source, first) if first is not None else np.empty((0, 2))
    likely = likely_systems(pairs, deployment)
    example = likely[0].name if likely else "EPSG:4528"
    others = "" if likely else " (or wgs84, cgcs2000, gcj02, bd09, another EPSG number)"
    return f'{likely_text(pairs, deployment)} Write crs = "{example}"{others} in the description, once you know.'


def _positions(source: Source, raw: RawBatch) -> Coordinates:
    """Return some positions of a batch, spread over it, in the file's own order of axes."""
    geom = _geometries(source, mapping.select(source, raw))
    box = shapely.bounds(geom)
    box = box[np.isfinite(box).all(axis=1)]
    box = box[:: max(1, len(box) // _ENOUGH)][:_ENOUGH]
    return np.asarray(box[:, :2] / 2.0 + box[:, 2:] / 2.0)  # halves first: coordinates of 1.8e308 are rubbish, not overflow


def _geometries(source: Source, raw: RawBatch) -> Geometries:
    findings = Findings(raw.size)
    if source.coordinates is None:
        return geometry.as_built(raw, findings)
    return geometry.from_columns(source.coordinates, mapping.coordinate_texts(source, raw, findings), findings)
