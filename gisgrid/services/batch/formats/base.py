"""What all formats of files have in common: pieces of an input, rows, and what makes them into pieces of an output.

An input cuts its stream into pieces, one after the other; that is quick. What takes time is done to each piece by itself, in
threads or other processes: its decoder makes rows of it, the engine answers them, and the output's encoder makes them into what is
written. Decoders and encoders are values that can be sent to another process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, BinaryIO, NamedTuple, Protocol

import pyarrow as pa

Content = Any
"""What a piece holds: bytes, or an Arrow record batch."""


class Piece(NamedTuple):
    """A part of an input: its content, the place behind it from which reading can go on, and the bytes of the source read so far."""

    content: Content
    end: int
    read: int


class Rows(NamedTuple):
    """Rows of a piece: the columns asked for, what is known to be wrong with a row, and how the rows stand in the input.

    ``text`` is each row as it is written there, without what separates rows; None where rows are not text. ``beyond`` is what
    is to be written behind the row and its answer.
    """

    table: pa.RecordBatch
    wrong: Mapping[int, str] = {}
    text: pa.Array | None = None
    beyond: Mapping[int, str] = {}


Decoder = Callable[[Content], Rows]
Encoder = Callable[[Rows, pa.RecordBatch], Any]


class InputOptions(NamedTuple):
    """How to read an input: ``name`` is what messages call it, ``piece_bytes`` about how large pieces of text are to be.

    ``piece_rows`` is how many rows a piece of a table has at most, and with that a row group of what is written: few enough to
    stay in memory, enough for a column to be worth writing.
    """

    name: str = "the input"
    encoding: str | None = None
    piece_bytes: int = 2 << 20
    piece_rows: int = 1 << 18


class Input(Protocol):
    """An input that has been opened: the columns are known, and where the rows begin."""

    schema: pa.Schema
    """Names and types of its columns, as ``decoder`` gives them."""
    size: int
    """Bytes of the source, 0 when unknown."""

    @property
    def dialect(self) -> object:
        """What has to be equal in an output for rows to be taken over as they stand."""
        ...

    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield the pieces from a place on that was the ``end`` of one; 0 is the first row."""
        ...

    def decoder(self, needed: Sequence[int] | None, *, with_text: bool) -> Decoder:
        """Return what makes rows of a piece: of all columns, or of those needed; the text only when it is wanted."""
        ...


class Output(NamedTuple):
    """How rows are written: what comes first and last, and what makes rows into what comes between.

    ``encoder`` returns bytes, or record batches for ``writer``. ``lead`` bytes are left out of the first piece of all.
    """

    encoder: Encoder
    header: bytes = b""
    footer: bytes = b""
    lead: int = 0
    writer: Callable[[BinaryIO], Any] | None = None
