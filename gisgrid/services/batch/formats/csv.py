"""CSV in and out: rows are taken over as they stand; only what an answer needs is read out of them.

Where every row has as many cells as the header and quotation marks come in pairs, Arrow reads a piece; any other piece is
read by the csv module, row by row. Both come to the same rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from gisgrid.errors import SourceError
from gisgrid.services.batch.columns import MORE
from gisgrid.services.batch.formats.base import Decoder, Encoder, InputOptions, Output, Piece, Rows
from gisgrid.services.batch.formats.cells import content_of, csv_cells
from gisgrid.services.batch.formats.csv_rows import Record, blocks, csv_text, delimiter_of, read_records, record_ends
from gisgrid.services.batch.formats.encodings import Utf8Stream, encoded, output_encoding, start_of_text


@dataclass(frozen=True)
class CsvDialect:
    """How a CSV text is written."""

    delimiter: str = ","
    line_end: str = "\n"
    encoding: str = "utf-8"


class CsvInput:
    """A CSV stream whose header has been read. All its columns are text."""

    def __init__(self, raw: BinaryIO, options: InputOptions, delimiter: str | None = None, size: int = 0) -> None:
        self._raw, self._name, self._piece_bytes = raw, options.name, options.piece_bytes
        self._stream = Utf8Stream(raw, options.name, options.encoding)
        self._head = self._stream.read(options.piece_bytes)
        self.size = size
        chosen = delimiter or delimiter_of(self._head)
        header = self._header(chosen)
        self.columns, self.header_text = header.cells, header.text.lstrip("\r\n")
        line_end = "\r\n" if self._head.lstrip(b"\r\n").partition(b"\n")[0].endswith(b"\r") else "\n"
        self.dialect = CsvDialect(chosen, line_end, output_encoding(self._stream.encoding))
        self.schema = pa.schema([*((name, pa.string()) for name in self.columns), (MORE, pa.string())])

    def _header(self, delimiter: str) -> Record:
        """Return the header; ``_begin`` and ``_line`` are then where the rows begin."""
        last = self._head.rfind(b"\n") + 1 or len(self._head)
        try:
            text = self._head[:last].decode()
        except UnicodeDecodeError as error:
            raise SourceError(f"{self._name} is not in utf-8: {error.reason}.", "Name its encoding.") from error
        header = next((row for row in read_records(text, delimiter, self._name) if any(cell.strip() for cell in row.cells)), None)
        if header is None:
            raise SourceError(f"{self._name} is empty.", "Give a CSV file with a line of column names and rows below it.")
        begin = text.index(header.text) + len(header.text)
        begin += len(text[begin:]) - len(text[begin:].removeprefix("\r").removeprefix("\n"))
        self._begin = len(text[:begin].encode())
        self._line = text.count("\n", 0, begin)
        return header

    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield blocks of whole rows, each with the number of lines before it."""
        stream: _Ahead | Utf8Stream = _Ahead(self._head[self._begin :], self._stream)
        end = start or self._begin
        if start:
            self._raw.seek(0)
            stream = Utf8Stream(self._raw, self._name, self._stream.encoding)
            stream.skip(start)
        for block, _, line in blocks(stream, self._name, self._piece_bytes, self.dialect.delimiter, self._line):
            end += len(block)
            yield Piece((line, block), end, self._raw.tell() if self.size else end)

    def decoder(self, needed: Sequence[int] | None, *, with_text: bool) -> Decoder:
        """Return what makes rows of a block."""
        places = tuple(range(len(self.columns))) if needed is None else tuple(sorted(set(needed)))
        return CsvDecoder(tuple(self.columns), places, self.dialect.delimiter, self._name, with_text)


class _Ahead:
    """A stream some of which has been read ahead."""

    def __init__(self, ahead: bytes, stream: Utf8Stream) -> None:
        self._ahead, self._stream = ahead, stream

    def read(self, size: int) -> bytes:
        part, self._ahead = self._ahead[:size], self._ahead[size:]
        return part + self._stream.read(size - len(part)) if len(part) < size else part


@dataclass(frozen=True)
class CsvDecoder:
    """Makes rows of a block: the columns at ``places``, and with ``with_text`` each row as it stands."""

    columns: tuple[str, ...]
    places: tuple[int, ...]
    delimiter: str
    name: str
    with_text: bool

    def __call__(self, content: tuple[int, bytes]) -> Rows:
        """Return the rows of a block; raises SourceError for text that is not UTF-8 or no CSV."""
        line, block = content
        return self._quick(block) or self._slow(block, line)

    def _quick(self, block: bytes) -> Rows | None:
        """Return the rows by Arrow; None for a block in which a row is not like the others."""
        if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
            return None
        texts = self._texts(block)
        if texts is None:
            return None
        try:
            table = self._parse(block)
        except pa.ArrowInvalid:
            return None
        if table.num_rows != len(texts):
            return None
        columns = [table.column(str(place)).combine_chunks() for place in self.places]
        return self._rows([column.chunk(0) if isinstance(column, pa.ChunkedArray) else column for column in columns], texts)

    def _texts(self, block: bytes) -> pa.Array | None:
        """Return each row as it stands; None when it takes the csv module to tell where rows end."""
        data = np.frombuffer(block, np.uint8)
        ends = record_ends(data, ord(self.delimiter))
        if ends is None or block.count(b'"') % 2:
            return None
        last = [] if block.endswith(b"\n") else [len(block)]
        offsets = np.concatenate([[0], ends + 1, last]).astype(np.int32)
        texts = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(block))
        try:
            texts.validate(full=True)
        except pa.ArrowInvalid:
            raise SourceError(f"{self.name} is not in utf-8.", "Name its encoding.") from None
        texts = pc.ascii_rtrim(texts, "\r\n")
        blank = pc.equal(pc.binary_length(texts), 0)
        return texts.filter(pc.invert(blank)) if pc.any(blank).as_py() else texts

    def _parse(self, block: bytes) -> pa.Table:
        names = [str(place) for place in range(len(self.columns))]
        has_quotes = b'"' in block
        return pa.csv.read_csv(
            pa.BufferReader(block),
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=len(block) + 1, column_names=names),
            parse_options=pa.csv.ParseOptions(
                delimiter=self.delimiter, quote_char='"' if has_quotes else False, newlines_in_values=has_quotes
            ),
            convert_options=pa.csv.ConvertOptions(
                include_columns=[str(place) for place in self.places],
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=False,
            ),
        )

    def _slow(self, block: bytes, line: int) -> Rows:
        """Return the rows by the csv module."""
        try:
            text = block.decode()
        except UnicodeDecodeError as error:
            raise SourceError(f"{self.name} is not in utf-8: {error.reason}.", "Name its encoding.") from error
        width, wrong, beyond, cells, texts = len(self.columns), {}, {}, [], []
        for number, record in enumerate(read_records(text, self.delimiter, self.name, line)):
            row, excess = record.cells, record.cells[width:]
            if any(excess):
                wrong[number] = f"the row has {len(row)} fields, the header {width}"
            if excess:
                beyond[number] = csv_text(excess, self.delimiter) if self.with_text else orjson.dumps(excess).decode()
            cells.append([*row[:width], *[""] * (width - len(row))])
            if self.with_text:
                texts.append(self._regular(record, cells[-1]))
        columns = [pa.array([row[place] for row in cells], pa.string()) for place in self.places]
        return self._rows(columns, pa.array(texts, pa.string()), wrong, beyond, len(cells))

    def _regular(self, record: Record, cells: list[str]) -> str:
        """Return a row as text to which more cells can be added: as it stands where that is safe."""
        if len(record.cells) == len(cells) and '"' not in record.text:
            return record.text
        return csv_text(cells, self.delimiter)

    def _rows(
        self,
        columns: list[pa.Array],
        texts: pa.Array,
        wrong: dict[int, str] | None = None,
        beyond: dict[int, str] | None = None,
        count: int = -1,
    ) -> Rows:
        names = [self.columns[place] for place in self.places]
        if self.with_text:
            return Rows(pa.RecordBatch.from_arrays(columns, names), wrong or {}, texts, beyond or {})
        count = len(texts) if count < 0 else count
        more = pa.array([(beyond or {}).get(row) for row in range(count)], pa.string()) if beyond else pa.nulls(count, pa.string())
        return Rows(pa.RecordBatch.from_arrays([*columns, more], [*names, MORE]), wrong or {})


@dataclass(frozen=True)
class CsvEncoder:
    """Makes CSV of rows and their answers: the row as it stands, or else its columns, then the answer."""

    dialect: CsvDialect

    def __call__(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Return the lines of a piece in the encoding of the file."""
        if not answers.num_rows:
            return b""
        delimiter = self.dialect.delimiter
        cells = [csv_cells(column, name, delimiter) for name, column in zip(answers.schema.names, answers.columns, strict=True)]
        if rows.text is None:
            table = rows.table
            cells = [*(csv_cells(column, "", delimiter) for column in table.columns), *cells]
        else:
            cells = [rows.text, *cells]
        if rows.beyond:
            cells[-1] = _with_more(cells[-1], rows.beyond, delimiter)
        cells[-1] = pc.binary_join_element_wise(cells[-1], "", self.dialect.line_end)
        return encoded(content_of(pc.binary_join_element_wise(*cells, delimiter)), self.dialect.encoding)


def _with_more(cells: pa.Array, beyond: dict[int, str] | object, delimiter: str) -> pa.Array:
    assert isinstance(beyond, dict)
    return pa.array([cell + delimiter + beyond[row] if row in beyond else cell for row, cell in enumerate(cells.to_pylist())])


def csv_output(source: CsvDialect, header: str, names: Sequence[str]) -> Output:
    """Return how to write CSV whose header is a text followed by the names of the added columns."""
    encoder: Encoder = CsvEncoder(source)
    more = csv_text(names, source.delimiter)
    line = f"{header}{source.delimiter if header else ''}{more}{source.line_end}"
    return Output(encoder, start_of_text(source.encoding) + encoded(line.encode(), source.encoding))
