"""Tables in and out: Arrow streams and files, and Parquet. Columns keep their names, order and types."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from gisgrid.errors import SourceError
from gisgrid.services.batch.columns import field_of
from gisgrid.services.batch.formats.base import Decoder, InputOptions, Output, Piece, Rows

_PIECE_BYTES = 128 << 20
# Values of a column that are encoded in one go. As many as pyarrow takes by itself cost a tenth more.
_AT_ONCE = 1 << 16
_FILE_MAGIC = b"ARROW1"
_STREAM_MAGIC = b"\xff\xff\xff\xff"
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class TableInput:
    """Record batches that come one after the other; ``end`` of a piece is the number of rows up to there, ``rows`` of all (0: unknown)."""

    dialect: object = "table"

    def __init__(
        self, schema: pa.Schema, batches: Iterator[pa.RecordBatch], size: int, piece_rows: int, *, rows: int = 0, raw: Any = None
    ) -> None:
        self.schema, self._batches, self.size, self.rows, self._raw = schema, batches, size, rows, raw
        self._piece_rows = piece_rows

    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield record batches of at most ``piece_rows`` rows; those before ``start`` are read and left out."""
        end = 0
        for batch in self._batches:
            count = max(1, min(self._piece_rows, batch.num_rows * _PIECE_BYTES // max(batch.nbytes, 1)))
            for first in range(0, batch.num_rows, count):
                part = batch.slice(first, count)
                end += part.num_rows
                if end > start:
                    yield Piece(part, end, self._read(end))

    def _read(self, end: int) -> int:
        if self.rows and self.size:
            return self.size * end // self.rows
        return self._raw.tell() if self._raw is not None and self.size else end

    def decoder(self, needed: Sequence[int] | None, *, with_text: bool) -> Decoder:  # noqa: ARG002
        """Return what takes a record batch as it is: all its columns, for they have to be written again."""
        return take_table


def take_table(batch: pa.RecordBatch) -> Rows:
    """Return a record batch as rows."""
    return Rows(batch)


def open_arrow(raw: BinaryIO, options: InputOptions, size: int = 0) -> TableInput:
    """Open an Arrow IPC stream, or an IPC file, which is spooled to a temporary file where the stream cannot go back.

    Raises SourceError for what is neither.
    """
    head = raw.read(len(_FILE_MAGIC))
    try:
        if head == _FILE_MAGIC:
            reader = pa.ipc.open_file(_seekable(raw, head))
            groups = (reader.get_batch(number) for number in range(reader.num_record_batches))
            return TableInput(reader.schema, groups, size, options.piece_rows, raw=raw)
        if head and not head.startswith(_STREAM_MAGIC):
            raise SourceError(
                f"{options.name} is no Arrow stream or file: it begins with neither's mark.", "Write it with an Arrow IPC writer."
            )
        stream = pa.ipc.open_stream(pa.PythonFile(_again(raw, head), mode="r"))
        return TableInput(stream.schema, iter(_guarded(stream, options.name)), size, options.piece_rows, raw=raw)
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{options.name} is no Arrow stream or file: {error}.", "Write it with an Arrow IPC writer.") from error


def _guarded(batches: Iterator[pa.RecordBatch], name: str) -> Iterator[pa.RecordBatch]:
    try:
        yield from batches
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{name} breaks off: {error}.", "Send it again.") from error


def open_parquet(raw: BinaryIO, options: InputOptions, size: int = 0) -> TableInput:
    """Open a Parquet file; one that comes as a stream is spooled to a temporary file first, for its end has to be read first.

    Raises SourceError for what is no Parquet.
    """
    try:
        file = pq.ParquetFile(_seekable(raw), pre_buffer=False)
        schema = file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise SourceError(f"{options.name} is no Parquet file: {error}.", "Give a whole Parquet file.") from error
    batches = _guarded(file.iter_batches(options.piece_rows), options.name)
    return TableInput(schema, batches, size, options.piece_rows, rows=file.metadata.num_rows)


def _seekable(raw: BinaryIO, head: bytes = b"") -> pa.NativeFile:
    if raw.seekable():
        raw.seek(0)
        return pa.PythonFile(raw, mode="r")
    with tempfile.NamedTemporaryFile() as spool:
        spool.write(head)
        shutil.copyfileobj(raw, spool, 1 << 20)
        spool.flush()
        # Open it again before its name goes, so that it lives as long as what reads it.
        return pa.OSFile(spool.name)


def _again(raw: BinaryIO, head: bytes) -> Any:
    if raw.seekable():
        raw.seek(0)
        return raw
    return _Joined(head, raw)


class _Joined:
    """A stream whose first bytes have been read already."""

    closed = False

    def __init__(self, head: bytes, raw: BinaryIO) -> None:
        self._head, self._raw = head, raw

    def read(self, size: int = -1) -> bytes:
        part, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return part + self._raw.read(size - len(part) if size >= 0 else -1) if size < 0 or len(part) < size else part

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Leave the stream open: whoever opened it closes it."""


@dataclass(frozen=True)
class TableEncoder:
    """Puts the added columns beside those of the input; ``plain_text`` makes text of dictionaries."""

    schema: pa.Schema

    def __call__(self, rows: Rows, answers: pa.RecordBatch) -> pa.RecordBatch:
        """Return one record batch of all the columns."""
        columns = [*rows.table.columns, *answers.columns]
        fitting = (
            column if column.type == field.type else column.cast(field.type) for column, field in zip(columns, self.schema, strict=True)
        )
        return pa.RecordBatch.from_arrays(list(fitting), schema=self.schema)


@dataclass(frozen=True)
class StreamEncoder:
    """Makes messages of an Arrow IPC stream."""

    table: TableEncoder

    def __call__(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Return the message of one record batch, or of none if it has no rows."""
        batch = self.table(rows, answers)
        if not batch.num_rows:
            return b""
        start = len(self.table.schema.serialize())
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, self.table.schema) as writer:
            writer.write_batch(batch)
        return bytes(memoryview(sink.getvalue())[start : -len(_END_OF_STREAM)])


def joined_schema(schema: pa.Schema, columns: Sequence[str], names: Sequence[str], *, plain_text: bool) -> pa.Schema:
    """Return the input's columns followed by the added ones, called ``names``."""
    added = []
    for column, name in zip(columns, names, strict=True):
        kind = field_of(column).type
        added.append(pa.field(name, pa.string() if plain_text and pa.types.is_dictionary(kind) else kind))
    metadata = {key: value for key, value in (schema.metadata or {}).items() if key != b"pandas"}
    return pa.schema([*schema, *added], metadata=metadata or None)


def stream_output(schema: pa.Schema) -> Output:
    """Return how to write an Arrow IPC stream: added text as plain strings, which every reader of streams knows."""
    return Output(StreamEncoder(TableEncoder(schema)), schema.serialize().to_pybytes(), _END_OF_STREAM)


def file_output(schema: pa.Schema) -> Output:
    """Return how to write an Arrow IPC file (Feather 2)."""
    return Output(TableEncoder(schema), writer=lambda target: pa.ipc.new_file(target, schema))


def parquet_output(schema: pa.Schema) -> Output:
    """Return how to write Parquet, a row group a piece: the added text by dictionary, the numbers as they are.

    Snappy for words and whole numbers; positions and distances do not repeat, so that none compresses them.
    """
    return Output(TableEncoder(schema), writer=lambda target: ParquetWriter(target, schema))


class ParquetWriter:
    """Writes record batches as row groups."""

    def __init__(self, target: BinaryIO, schema: pa.Schema) -> None:
        # A dictionary of numbers that hardly repeat, and the least and greatest word of every column of words, take longer than
        # all the rest of the writing.
        numbers = {field.name for field in schema if pa.types.is_floating(field.type) or pa.types.is_integer(field.type)}
        words = {field.name for field in schema if pa.types.is_dictionary(field.type)}
        measures = {field.name for field in schema if pa.types.is_floating(field.type)}
        self._writer = pq.ParquetWriter(
            target,
            schema,
            compression={name: "none" if name in measures else "snappy" for name in schema.names},
            use_dictionary=[name for name in schema.names if name not in numbers],
            write_statistics=[name for name in schema.names if name not in words],
            write_batch_size=_AT_ONCE,
        )

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Write a record batch as one row group."""
        self._writer.write_table(pa.Table.from_batches([batch]), row_group_size=max(batch.num_rows, 1))

    def close(self) -> None:
        """Write what a Parquet file ends with."""
        self._writer.close()
