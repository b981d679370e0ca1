"""A whole collection as a file: from a query to the bytes of a format, in bounded memory and from one snapshot."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from gisgrid.db.features.statement import given_fields
from gisgrid.db.features.streaming import ALL, Cut, SnapshotReader, csv_statement, geojson_statement, table_statement
from gisgrid.errors import TooLargeError
from gisgrid.features import FeatureQuery
from gisgrid.features.formats import FileFormat, frames
from gisgrid.features.formats.arrow import Batch, Schema, batches, schema_of
from gisgrid.features.formats.gdal import Target, write_file
from gisgrid.features.formats.geoparquet import geoparquet


class Export(NamedTuple):
    """What is to be written: what ``query`` finds, or the part ``cut`` of it, in ``format``; CSV with ``bom`` for spreadsheets.

    ``links`` are the links of a GeoJSON document of an API, a JSON array; other formats have no place for them.
    """

    query: FeatureQuery
    format: FileFormat
    cut: Cut = ALL
    bom: bool = False
    links: bytes = b""


class Bounds(NamedTuple):
    """What a file may cost: its longest in bytes, and of how many features it still gets an index that is made in memory."""

    most_bytes: int | None = None
    most_indexed: int | None = None


def chunks(reader: SnapshotReader, export: Export) -> Iterator[bytes]:
    """Yield a file of a format that is streamed. Raises as ``reader`` does, ParameterError for a filter that does not fit."""
    query, word = export.query, export.format.word
    if word == "geojson":
        return frames.geojson(reader.blocks(geojson_statement(query, export.cut, ",")), export.links)
    if word == "geojsonseq":
        return reader.blocks(geojson_statement(query, export.cut, frames.RECORD_SEPARATOR))
    if word == "csv":
        return frames.csv(reader.blocks(csv_statement(query, export.cut)), bom=export.bom)
    schema = schema_of(given_fields(query))
    return geoparquet(_batches(reader, export, schema), schema, query.srid)


def write(reader: SnapshotReader, export: Export, path: Path, bounds: Bounds | None = None) -> None:
    """Write a file of any format to ``path``, where nothing is yet.

    Raises as ``chunks`` does, and TooLargeError when the file grows beyond its bound.
    """
    bounds = bounds or Bounds()
    if export.format.is_streamed:
        with path.open("xb") as out:
            for chunk in chunks(reader, export):
                out.write(chunk)
        return
    most = bounds.most_indexed
    # An index puts the features into an order of its own.
    is_indexed = not export.query.sort and (most is None or not reader.has_more_than(export.query, most))
    schema = schema_of(given_fields(export.query))
    target = Target(path, export.format.word, export.query.srid, is_indexed)
    write_file(_bounded(_batches(reader, export, schema), path, bounds.most_bytes), schema, export.query.layer, target)


def _batches(reader: SnapshotReader, export: Export, schema: Schema) -> Iterator[Batch]:
    return batches(reader.blocks(table_statement(export.query, export.cut)), schema)


def _bounded(batches: Iterable[Batch], path: Path, most_bytes: int | None) -> Iterator[Batch]:
    """Yield batches as long as the file that they are written to is not too long."""
    for batch in batches:
        if most_bytes is not None and path.exists() and os.stat(path).st_size > most_bytes:
            raise TooLargeError(f"The file grows beyond {most_bytes:,} bytes.", "Ask for fewer features, or for a format that is streamed.")
        yield batch
