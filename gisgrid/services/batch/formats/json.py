"""One JSON document in and out: an array of objects, or an object with such an array as ``points``; read without holding it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import orjson
from numpy.typing import NDArray

from gisgrid.crs import Crs, parse_crs
from gisgrid.errors import SourceError
from gisgrid.services.batch.formats.base import Decoder, InputOptions, Output, Piece
from gisgrid.services.batch.formats.encodings import Utf8Stream
from gisgrid.services.batch.formats.ndjson import JsonEncoder, ObjectDecoder, read_object, schema_of

_LONGEST = 32 << 20
_HINT = 'Give an array of objects, or {"points": [...]}.'
_LEVEL = np.zeros(256, np.int8)
_LEVEL[[ord("{"), ord("[")]] = 1
_LEVEL[[ord("}"), ord("]")]] = -1


class JsonInput:
    """A JSON document whose beginning has been read: ``crs`` is the coordinate system that it names before its points, if any."""

    dialect: object = "json"

    def __init__(self, raw: BinaryIO, options: InputOptions, size: int = 0) -> None:
        self._raw, self._name, self._piece_bytes, self.size = raw, options.name, options.piece_bytes, size
        self._stream = Utf8Stream(raw, options.name, options.encoding or "utf-8")
        head = self._stream.read(options.piece_bytes)
        self._begin, self._is_wrapped, self.crs = _begin(head, options.name)
        self._first = self._arrays(head[self._begin :], self._stream, len(head) < options.piece_bytes)
        self._head = next(self._first, b"")
        members = [row.members for row in map(read_object, split_elements(self._head)) if row.members is not None]
        self.schema = schema_of(members)

    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield the elements of the array, some thousands at a time, with the commas between them."""
        blocks, end = self._first, self._begin
        if start:
            self._raw.seek(0)
            stream = Utf8Stream(self._raw, self._name, self._stream.encoding)
            stream.skip(start)
            blocks, end = self._arrays(b"", stream, False), start
        elif self._head:
            end += len(self._head)
            yield Piece(self._head, end, end)
        for block in blocks:
            end += len(block)
            yield Piece(block, end, self._raw.tell() if self.size else end)

    def decoder(self, needed: Sequence[int] | None, *, with_text: bool) -> Decoder:
        """Return what makes rows of some elements."""
        return ObjectDecoder(split_elements, self.schema, None if needed is None else tuple(needed), with_text)

    def _arrays(self, left: bytes, stream: Utf8Stream, is_last: bool) -> Iterator[bytes]:
        """Yield parts of the array that end where an element ends; raises SourceError where the document breaks off."""
        while True:
            cuts, closing = element_ends(left)
            if closing is not None:
                yield left[:closing]
                self._check_tail(left[closing + 1 :], stream)
                return
            if is_last:
                raise SourceError(f"{self._name} breaks off within its array.", "The file is not whole.")
            end = int(cuts[-1]) + 1 if cuts.size else 0
            if not end and len(left) > _LONGEST:
                raise SourceError(f"{self._name} has an element of more than {_LONGEST >> 20} MiB.", _HINT)
            if end:
                yield left[:end]
            left = left[end:]
            asked = max(self._piece_bytes - len(left), self._piece_bytes // 4)
            part = stream.read(asked)
            left, is_last = left + part, len(part) < asked

    def _check_tail(self, tail: bytes, stream: Utf8Stream) -> None:
        """Raise SourceError for what stands behind the array and would be lost."""
        tail = (tail + stream.read(1 << 16)).strip()
        if tail != (b"}" if self._is_wrapped else b""):
            raise SourceError(f"{self._name} goes on behind its array: {tail[:60].decode('utf-8', 'replace')}", _HINT)


def _begin(head: bytes, name: str) -> tuple[int, bool, Crs | None]:
    """Return where the array's elements begin, whether the array is a member of an object, and the system named before it."""
    text = head.lstrip()
    begin = len(head) - len(text)
    if text.startswith(b"["):
        return begin + 1, False, None
    place = head.find(b'"points"') if text.startswith(b"{") else -1
    opening = head.find(b"[", place)
    if place < 0 or opening < 0 or head[place + 8 : opening].strip() != b":":
        raise SourceError(f"{name} is no JSON array of objects.", _HINT)
    try:
        before: dict[str, Any] = orjson.loads(head[:place].rstrip().rstrip(b",") + b"}")
    except orjson.JSONDecodeError as error:
        raise SourceError(f"{name} is not JSON: {error.msg}.", _HINT) from error
    unknown = before.keys() - {"crs"}
    if unknown:
        raise SourceError(f"{name} has a member {min(unknown)!r} beside its points, which would be lost.", 'Only "crs" may stand there.')
    return opening + 1, True, parse_crs(before["crs"]) if "crs" in before else None


def element_ends(text: bytes) -> tuple[NDArray[np.int64], int | None]:
    """Return where the commas between the elements of an array are, in text that begins within it, and where it is closed if it is."""
    data = np.frombuffer(bytearray(text), np.uint8)
    quotes = np.flatnonzero(data == ord('"'))
    if b"\\" in text:
        quotes = quotes[~_escaped(data, quotes)]
    marks = np.flatnonzero((_LEVEL.take(data) != 0) | (data == ord(",")))
    # Within a text, marks are characters like any others.
    marks = marks[np.searchsorted(quotes, marks) % 2 == 0]
    depth = np.cumsum(_LEVEL.take(data.take(marks)), dtype=np.int64)
    closed = np.flatnonzero(depth < 0)
    if closed.size:
        first = int(closed[0])
        marks, depth, closing = marks[:first], depth[:first], int(marks[first])
    else:
        closing = None
    return marks[(depth == 0) & (data.take(marks) == ord(","))], closing


def _escaped(data: NDArray[np.uint8], quotes: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which quotation marks follow an odd number of backslashes."""
    slashes = np.flatnonzero(data == ord("\\"))
    starts = slashes[np.diff(slashes, prepend=-2) != 1]
    ends = slashes[np.diff(slashes, append=data.size + 1) != 1]
    run = np.searchsorted(ends, quotes - 1)
    at_end = run < ends.size
    run = np.minimum(run, ends.size - 1)
    escaped: NDArray[np.bool_] = at_end & (ends[run] == quotes - 1) & ((ends[run] - starts[run]) % 2 == 0)
    return escaped


def split_elements(block: bytes) -> list[bytes]:
    """Return the elements in a part of an array; between two commas there is always one, however empty."""
    cuts, _ = element_ends(block)
    starts, ends = [0, *(cuts + 1).tolist()], [*cuts.tolist(), len(block)]
    elements = [block[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    # Behind the last comma of a part comes the next part; an array without elements has none.
    return elements if elements[-1] else elements[:-1]


def json_output(columns: Sequence[str], names: Sequence[str]) -> Output:
    """Return how to write an array of objects, one a line."""
    return Output(JsonEncoder(tuple(columns), tuple(names), before=",\n", after=""), b"[", b"\n]\n", lead=1)
