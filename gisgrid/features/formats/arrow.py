"""Features as Arrow record batches, from the CSV text of PostgreSQL's COPY: no value passes through Python one by one."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv

from gisgrid.layers import Field

ID = "id"
"""The column of the features' ids."""

GEOMETRY = "geometry"
"""The column of geometries, as well-known binary, x before y."""

_TYPES = {"text": pa.string(), "integer": pa.int64(), "number": pa.float64(), "date": pa.date32()}
_WKB = {"ARROW:extension:name": "geoarrow.wkb"}

Batch = Any
Schema = Any
"""pyarrow tells no types."""


def schema_of(fields: Sequence[Field]) -> Schema:
    """Return the schema of features with ``fields``: their id first, their geometry last.

    Fields carry their titles as GDAL reads them, so that QGIS shows the Chinese ones.
    """
    columns = [pa.field(ID, pa.int64(), nullable=False)]
    columns += [pa.field(field.name, _TYPES[field.type], metadata=_titles(field)) for field in fields]
    return pa.schema([*columns, pa.field(GEOMETRY, pa.binary(), metadata=_WKB)])


def _titles(field: Field) -> dict[str, str]:
    comment = f"{field.title_en} ({field.unit})" if field.unit else field.title_en
    return {"GDAL:OGR:alternative_name": field.title_zh, "GDAL:OGR:comment": comment}


def batches(blocks: Iterable[bytes], schema: Schema) -> Iterator[Batch]:
    """Yield a record batch for each block of whole CSV rows without header.

    Missing values are empty, empty texts are quoted, geometries are hexadecimal. Columns are in the order of ``schema``.
    """
    for block in blocks:
        yield _batch(block, schema)


def _batch(block: bytes, schema: Schema) -> Batch:
    # One chunk of a column for the whole block, however long a row is.
    reading = csv.ReadOptions(column_names=schema.names, block_size=len(block) + 1, use_threads=False)
    table = csv.read_csv(pa.BufferReader(block), reading, _PARSING, _conversion(schema)).combine_chunks()
    columns = [column.chunk(0) for column in table.columns]
    columns[-1] = _from_hex(columns[-1])
    return pa.RecordBatch.from_arrays(columns, schema=schema)


_PARSING = csv.ParseOptions(newlines_in_values=True)


@lru_cache(maxsize=64)
def _conversion(schema: Schema) -> Any:
    types = {field.name: pa.string() if field.name == GEOMETRY else field.type for field in schema}
    return csv.ConvertOptions(
        column_types=types, null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False, check_utf8=False
    )


def _from_hex(texts: Any) -> Any:
    """Return an array of bytes from one of hexadecimal texts, all of it at once."""
    valid, offsets, data = texts.buffers()
    places = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    content = unhexlify(memoryview(data)[places[0] : places[-1]]) if data is not None else b""
    halves = ((places - places[0]) // 2).astype(np.int32)
    parts = [valid, pa.py_buffer(halves), pa.py_buffer(content)]
    return pa.Array.from_buffers(pa.binary(), len(texts), parts, texts.null_count)
