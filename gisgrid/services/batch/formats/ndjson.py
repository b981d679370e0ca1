"""Lines of JSON objects in and out: an object is taken over as it stands, and gets the answer as members behind its own.

A line that is no object keeps its place: it comes out as an object that holds it as ``gisgrid_more``, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.errors import SourceError
from gisgrid.services.batch.columns import MORE, PLACES, PREFIX
from gisgrid.services.batch.formats.base import Decoder, InputOptions, Output, Piece, Rows
from gisgrid.services.batch.formats.cells import content_of, json_members, json_text, plain
from gisgrid.services.batch.formats.encodings import Utf8Stream

_LONGEST = 32 << 20
_SHOWN = 60
# Within a text such a word is a part of it.
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|\bNaN\b|-?\bInfinity\b', re.DOTALL)


class NdjsonInput:
    """A stream of lines of JSON. Its columns are the members of the first objects, in the order in which they come."""

    dialect: object = "json"

    def __init__(self, raw: BinaryIO, options: InputOptions, size: int = 0) -> None:
        self._raw, self._name, self._piece_bytes, self.size = raw, options.name, options.piece_bytes, size
        self._stream = Utf8Stream(raw, options.name, options.encoding or "utf-8")
        self._first = _lines_of(self._stream, self._name, self._piece_bytes)
        self._head = next(self._first, b"")
        self.schema = schema_of([row.members for row in (read_object(line) for line in rows_in(self._head)) if row.members is not None])

    def pieces(self, start: int) -> Iterator[Piece]:
        """Yield blocks of whole lines."""
        blocks, end = self._first, start
        if start:
            self._raw.seek(0)
            stream = Utf8Stream(self._raw, self._name, self._stream.encoding)
            stream.skip(start)
            blocks = _lines_of(stream, self._name, self._piece_bytes)
        elif self._head:
            end = len(self._head)
            yield Piece(self._head, end, end)
        for block in blocks:
            end += len(block)
            yield Piece(block, end, self._raw.tell() if self.size else end)

    def decoder(self, needed: Sequence[int] | None, *, with_text: bool) -> Decoder:
        """Return what makes rows of a block of lines."""
        return ObjectDecoder(rows_in, self.schema, None if needed is None else tuple(needed), with_text)


def _lines_of(stream: Utf8Stream, name: str, size: int) -> Iterator[bytes]:
    """Yield blocks of whole lines; which lines are together depends on nothing but where reading begins."""
    left, is_last = b"", False
    while not is_last:
        asked = max(size - len(left), size // 4)
        part = stream.read(asked)
        block, is_last = left + part, len(part) < asked
        end = len(block) if is_last else block.rfind(b"\n") + 1
        if not end and len(block) > _LONGEST:
            raise SourceError(f"{name} has a line of more than {_LONGEST >> 20} MiB.", "Write one JSON object a line.")
        if end:
            yield block[:end]
        left = block[end:]


def rows_in(block: bytes) -> list[bytes]:
    """Return the lines of a block that are not blank, without what is around them."""
    return [line for line in map(bytes.strip, block.split(b"\n")) if line]


@dataclass(frozen=True)
class JsonRow:
    """A row of JSON: its members, or None and the reason why it has none; ``text`` is the row as it can be written."""

    text: bytes
    members: dict[str, Any] | None
    reason: str = ""


def read_object(text: bytes) -> JsonRow:
    """Return the row that a text holds; never raises.

    ``NaN`` and ``Infinity`` are no JSON, but many programs write them: they are taken as null and as text.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        plain_text = _NO_NUMBER.sub(_as_json, text)
        if plain_text != text:
            row = read_object(plain_text)
            if row.members is not None:
                return row
        return JsonRow(text, None, f"the row is not JSON: {error.msg} ({_shown(text)})")
    if isinstance(value, dict):
        return JsonRow(text, value)
    return JsonRow(text, None, f"the row is no JSON object: {_shown(text)}")


def _as_json(found: re.Match[bytes]) -> bytes:
    word = found[0]
    if word.startswith(b'"'):
        return word
    return b"null" if word == b"NaN" else b'"' + word + b'"'


def _shown(text: bytes) -> str:
    shown = text[:_SHOWN].decode("utf-8", "replace")
    return shown + ("…" if len(text) > _SHOWN else "")


def schema_of(rows: Sequence[Mapping[str, Any]]) -> pa.Schema:
    """Return the columns that hold the members of objects: numbers, booleans or text; anything else, or a mixture, is JSON text."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, []).append(value)
    return pa.schema([*((name, _type_of(found)) for name, found in values.items()), (MORE, pa.string())])


def _type_of(values: list[Any]) -> pa.DataType:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int}:
        return pa.int64() if all(abs(value) < 1 << 62 for value in values if value is not None) else pa.string()
    if kinds and kinds <= {int, float}:
        return pa.float64()
    return pa.bool_() if kinds == {bool} else pa.string()


@dataclass(frozen=True)
class ObjectDecoder:
    """Makes rows of a piece: ``split`` gives the text of each row."""

    split: Callable[[bytes], list[bytes]]
    schema: pa.Schema
    needed: tuple[int, ...] | None
    with_text: bool

    def __call__(self, content: bytes) -> Rows:
        """Return the rows of a piece; a row that is no JSON object is in ``wrong``."""
        read = [read_object(text) for text in self.split(content)]
        texts = [row.text for row in read]
        wrong = {number: row.reason for number, row in enumerate(read) if row.members is None}
        members: list[dict[str, Any]] = [row.members or {} for row in read]
        if self.needed is not None:
            columns = [needed_column([row.get(self.schema.field(place).name) for row in members]) for place in self.needed]
            table = _table(columns, [self.schema.field(place).name for place in self.needed], len(texts))
            return Rows(table, wrong, self._texts(texts, wrong) if self.with_text else None)
        return Rows(self._table(texts, members, wrong), wrong)

    def _texts(self, texts: list[bytes], wrong: Mapping[int, str]) -> pa.Array:
        kept = [_as_object(text) if number in wrong else text for number, text in enumerate(texts)] if wrong else texts
        return pa.array(kept, pa.binary()).cast(pa.string())

    def _table(self, texts: list[bytes], members: list[dict[str, Any]], wrong: Mapping[int, str]) -> pa.RecordBatch:
        """Return every column, and in the last what fits into none."""
        more: dict[int, Any] = {number: texts[number].decode("utf-8", "replace") for number in wrong}
        columns = []
        for field in list(self.schema)[:-1]:
            values = [row.get(field.name) for row in members]
            columns.append(_column(field, values, more))
        known = set(self.schema.names)
        for number, row in enumerate(members):
            if not row.keys() <= known:
                more.setdefault(number, {}).update({name: value for name, value in row.items() if name not in known})
        last = pa.array([json_text(more[number]) if number in more else None for number in range(len(texts))], pa.string())
        return pa.RecordBatch.from_arrays([*columns, last], schema=self.schema)


def _table(columns: list[pa.Array], names: list[str], count: int) -> pa.RecordBatch:
    if not columns:
        return pa.RecordBatch.from_arrays([pa.nulls(count)], [""])
    return pa.RecordBatch.from_arrays(columns, names)


def needed_column(values: list[Any]) -> pa.Array:
    """Return values of JSON as a column that can be read: numbers as such, and all else as text."""
    if all(type(value) is float or type(value) is int or value is None for value in values):
        try:
            return pa.array(values, pa.float64())
        except (pa.ArrowInvalid, OverflowError):
            pass
    return pa.array([value if isinstance(value, str) or value is None else json_text(value) for value in values], pa.string())


def _column(field: pa.Field, values: list[Any], more: dict[int, Any]) -> pa.Array:
    """Return values as a column of its type; those that do not fit go to ``more``, by row and name."""
    if pa.types.is_string(field.type):
        return pa.array([value if isinstance(value, str) or value is None else json_text(value) for value in values], pa.string())
    fitting = {pa.int64(): (int,), pa.float64(): (int, float), pa.bool_(): (bool,)}[field.type]
    for number, value in enumerate(values):
        if value is not None and (type(value) not in fitting or (field.type == pa.int64() and abs(value) >= 1 << 63)):
            more.setdefault(number, {})[field.name] = value
            values[number] = None
    return pa.array(values, field.type)


def _as_object(text: bytes) -> bytes:
    """Return what is no object as one."""
    return orjson.dumps({MORE: text.decode("utf-8", "replace")})


@dataclass(frozen=True)
class JsonEncoder:
    """Makes JSON objects of rows and their answers, each between ``before`` and ``after``."""

    columns: tuple[str, ...]
    names: tuple[str, ...]
    before: str = ""
    after: str = "\n"

    def __call__(self, rows: Rows, answers: pa.RecordBatch) -> bytes:
        """Return the objects of a piece in UTF-8."""
        if not answers.num_rows:
            return b""
        members = [json_members(column, name, key) for name, key, column in zip(self.columns, self.names, answers.columns, strict=True)]
        added = pc.binary_join_element_wise(*members, ",")
        texts = rows.text if rows.text is not None else _objects(rows.table)
        heads, clash = self._heads(texts, rows)
        if clash:
            lines = added.to_pylist()
            answered = answers.select(range(len(self.columns))).to_pylist()
            for number, taken in clash.items():
                lines[number] = self._one(answered[number], taken)
            added = pa.array(lines, pa.string())
        return content_of(pc.binary_join_element_wise(self.before, heads, added, "}" + self.after, ""))

    def _heads(self, texts: pa.Array, rows: Rows) -> tuple[pa.Array, dict[int, Collection[str]]]:
        """Return each object up to where members can be added, and the members of those that have one of ours already."""
        heads = pc.ascii_rtrim_whitespace(pc.binary_slice(texts.cast(pa.binary()), 0, -1).cast(pa.string()))
        heads = pc.if_else(pc.equal(heads, "{"), heads, pc.binary_join_element_wise(heads, ",", ""))
        return heads, self._clashes(texts) if rows.text is not None else {}

    def _clashes(self, texts: pa.Array) -> dict[int, Collection[str]]:
        found: dict[int, Collection[str]] = {}
        quick = pc.match_substring_regex(texts, '"(?:' + "|".join(self.names) + r')"\s*:')
        for number in pc.indices_nonzero(quick).to_pylist():
            members = orjson.loads(texts[number].as_py())
            if not members.keys().isdisjoint(self.names):
                found[number] = members.keys()
        return found

    def _one(self, answer: dict[str, Any], taken: Collection[str]) -> str:
        """Return an answer as members beside those that an object has already."""
        members = {}
        for name, key in zip(self.columns, self.names, strict=True):
            free = key
            while free in taken:
                free = PREFIX + free
            value = answer[name]
            members[free] = round(value, PLACES[name]) if name in PLACES and value is not None else value
        return orjson.dumps(members).decode()[1:-1]


def _objects(table: pa.RecordBatch) -> pa.Array:
    """Return rows of a table as JSON objects; the members that it keeps in the column for more take their places again."""
    rows = table.to_pylist()
    return pa.array([orjson.dumps(_whole(row), default=plain).decode() for row in rows], pa.string())


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    if row.get(MORE, "") is None:
        del row[MORE]
    return row


def ndjson_output(columns: Sequence[str], names: Sequence[str]) -> Output:
    """Return how to write lines of JSON objects."""
    return Output(JsonEncoder(tuple(columns), tuple(names)))
