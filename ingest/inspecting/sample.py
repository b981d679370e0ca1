"""The first rows of one part of a file, and what they show."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import shapely

from ingest.description import Source
from ingest.inspecting.columns import Column, profile
from ingest.inspecting.parts import Part
from ingest.readers import Contents, RawBatch, open_source
from ingest.readers.batch import Geometries

SAMPLE_ROWS = 100_000
"""Reading stops with the batch that brings this many rows: enough to tell a key from a value that comes twice."""

_METRES_A_DEGREE = 111_320.0

Positions = np.ndarray[Any, np.dtype[np.float64]]
"""Positions as in the file, shape (n, 2), the first coordinate first; NaN where a row has none."""
Boxes = np.ndarray[Any, np.dtype[np.float64]]
"""Extents as in the file, shape (n, 4): west, south, east, north."""


class Shapes(NamedTuple):
    """The geometries of a sample, in the file's own coordinates.

    ``kinds`` counts them by type, ``missing`` have none or cannot be built. ``boxes`` are their extents, an (n, 4) array of
    west, south, east, north as the file has them. ``median_area`` is that of polygons, in square metres; for degrees an estimate.
    """

    kinds: dict[str, int]
    missing: int
    has_z: bool
    boxes: Boxes
    median_area: float = 0.0

    @property
    def centres(self) -> Positions:
        """The middles of the boxes, shape (n, 2)."""
        return middles(self.boxes)

    @property
    def kind(self) -> str:
        """``point``, ``polygon``, ``line`` or ``mixed``, for most of them; empty when there are none."""
        families: Counter[str] = Counter()
        for name, count in self.kinds.items():
            families[_family(name)] += count
        if not families:
            return ""
        family, count = families.most_common(1)[0]
        return family if count >= 0.8 * families.total() else "mixed"


class Sample(NamedTuple):
    """The first rows of a part: what the file says of itself, its columns, its shapes; ``is_whole`` when these are all rows."""

    part: Part
    contents: Contents
    rows: int
    is_whole: bool
    columns: tuple[Column, ...]
    shapes: Shapes | None
    table: pa.Table

    @property
    def usable(self) -> tuple[Column, ...]:
        """The columns that a rule can name: with a name, and no other of that name beside it."""
        names = [column.name for column in self.columns]
        return tuple(column for column in self.columns if column.name and names.count(column.name) == 1)

    def column(self, name: str) -> Column:
        """Return the column called ``name``, the first one when several are."""
        return next(column for column in self.columns if column.name == name)


def read_sample(part: Part, encoding: str | None = None) -> Sample:
    """Return the first rows of ``part``.

    Raises SourceError as loading the file would, when it is missing, empty, broken or in an encoding that nothing tells.
    """
    reader = open_source(_probe(part, encoding), part.file)
    batches: list[RawBatch] = []
    rows, is_whole = 0, True
    for batch in reader.batches():
        if rows >= SAMPLE_ROWS:
            is_whole = False
            break
        batches.append(batch)
        rows += batch.size
    table = _joined([batch.table for batch in batches])
    columns = tuple(profile(name, table.column(number)) for number, name in enumerate(table.column_names))
    return Sample(part, reader.contents, rows, is_whole, columns, _shapes(batches), table)


def _probe(part: Part, encoding: str | None) -> Source:
    """Return a source that opens ``part``; what its rows become is not known yet, so it fills nothing from them."""
    given = {name: value for name, value in part.keys().items() if value is not None and name != "member"}
    nothing = {"code": {"constant": "-"}, "name": {"constant": "-"}}
    keys = {"id": "inspect", "layer": "organizations", "path": str(part.file), "encoding": encoding, "fields": nothing}
    return Source.model_validate(keys | given)


def _joined(tables: list[pa.Table]) -> pa.Table:
    if not tables:
        return pa.table({})
    schema = tables[0].schema
    return pa.concat_tables([table.cast(schema) if table.schema != schema else table for table in tables])


def _shapes(batches: list[RawBatch]) -> Shapes | None:
    arrays = [batch.geom for batch in batches if batch.geom is not None]
    if not arrays:
        return None
    geom = np.concatenate(arrays)
    there = geom[~(shapely.is_missing(geom) | shapely.is_empty(geom))]
    names = Counter(geometry.geom_type for geometry in there)
    boxes = shapely.bounds(there).reshape(-1, 4)
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    missing = len(geom) - len(there)
    return Shapes(dict(names.most_common()), missing, bool(shapely.has_z(there).any()), boxes, _median_area(there, middles(boxes)))


def middles(boxes: Boxes) -> Positions:
    """Return the middles (n, 2) of boxes (n, 4: west, south, east, north)."""
    return boxes[:, :2] * 0.5 + boxes[:, 2:] * 0.5  # halved first: rubbish coordinates may be as large as numbers can be


def _median_area(geom: Geometries, centres: Positions) -> float:
    areas = shapely.area(geom)
    areas = areas[areas > 0]
    if not len(areas) or not len(centres):
        return 0.0
    median = float(np.median(areas))
    return median * _METRES_A_DEGREE**2 * np.cos(np.radians(np.median(centres[:, 1]))) if are_degrees(centres) else median


def are_degrees(centres: Positions) -> bool:
    """Say whether nearly all of the positions (n, 2) can be degrees, in either order of the axes."""
    if not len(centres):
        return False
    return float((np.abs(centres) <= 180).all(axis=1).mean()) > 0.9


def _family(name: str) -> str:
    for family, words in (("point", "POINT"), ("polygon", "POLYGON"), ("line", "LINE")):
        if words in name.upper():
            return family
    return "mixed"
