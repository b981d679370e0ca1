"""DBF tables, read from their bytes: what a field says is never rounded, cut or dropped on the way."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gisgrid.errors import SourceError
from ingest.readers.batch import BATCH_ROWS, Contents, RawBatch
from ingest.readers.encoding import DESCRIPTION, Decided, Sample, Told, codec, decide
from ingest.readers.text import decode
from ingest.values import as_text

_LANGUAGES = {0x4D: "gb18030", 0x4F: "big5", 0x78: "big5", 0x7A: "gb18030", 0x13: "cp932", 0x7B: "cp932", 0x79: "cp949", 0x4E: "cp949"}
_LANGUAGES |= {0x03: "cp1252", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x01: "cp437", 0x02: "cp850", 0xC8: "cp1250", 0xC9: "cp1251"}
_LANGUAGES |= {0xCA: "cp1254", 0xCB: "cp1253", 0x65: "cp866", 0x7C: "cp874", 0x50: "cp874", 0x64: "cp852", 0x26: "cp866", 0x6A: "cp737"}
_HEAD = struct.Struct("<B3xIHH17xB2x")
_FIELD = struct.Struct("<11sc4xBB14x")
_DELETED = b"*"
_CHUNK_BYTES = 64 << 20
_NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$"
_LOGICAL = {**dict.fromkeys("TtYy", True), **dict.fromkeys("FfNn", False)}
_Bytes = np.ndarray[Any, np.dtype[np.bytes_]]


class Field(NamedTuple):
    """One field of a record: its name as bytes, its type's letter, where it lies, and its decimals."""

    name: bytes
    type: str
    start: int
    width: int
    decimals: int


class Chunk(NamedTuple):
    """Some records: ``rows`` are their places in the file from 0, deleted ones left out; ``columns`` one array a field."""

    rows: np.ndarray[Any, np.dtype[np.int64]]
    columns: list[pa.Array]


class Dbf:
    """An opened DBF file; ``notes`` tells what was left out, and what its text was decided to be in.

    ``declared`` is the encoding in the description, ``told`` what another file says of it (else its .cpg and its
    language byte), ``chars`` the places of the fields that hold text, where their type does not tell.

    Raises SourceError for a file that is not one, whose header contradicts itself, or that ends before its last record.
    """

    def __init__(self, path: Path, declared: str | None, told: Told | None = None, chars: frozenset[int] | None = None) -> None:
        self.path = path
        self.notes: list[str] = []
        self._chars = chars
        with path.open("rb") as file:
            head = file.read(_HEAD.size)
            if len(head) < _HEAD.size:
                raise self._damaged("it ends in its header")
            version, self.records, self._start, self._size, language = _HEAD.unpack(head)
            fields = list(self._fields(file.read(max(0, self._start - _HEAD.size))))
        if version & 0x07 not in {3, 0, 2, 5} or not fields:
            raise self._damaged("its header makes no sense")
        if 1 + sum(field.width for field in fields) > self._size:
            raise self._damaged("its fields are wider than its records")
        self._check_length()
        self.fields = [field for field in fields if field.type in "CNFDLI" and (field.type != "I" or field.width == 4)]
        if left_out := [field for field in fields if field not in self.fields]:
            shown = ", ".join(f"{field.name.decode('ascii', 'replace')} (type {field.type})" for field in left_out)
            self.notes.append(f"Fields left out, for their values are not text in this file: {shown}.")
        self.decided = self._decide(Told(codec(declared, path), DESCRIPTION) if declared else told or _told(path, language))
        self.encoding = self.decided.codec
        if self.decided.note:
            self.notes.append(self.decided.note)
        self.names = tuple(field.name.decode(self.encoding, "replace") for field in self.fields)

    def _damaged(self, why: str) -> SourceError:
        return SourceError(f"{self.path} cannot be read as DBF: {why}.", "Ask for the file again.")

    def _fields(self, described: bytes) -> Iterator[Field]:
        start = 1
        for offset in range(0, len(described) - _FIELD.size + 1, _FIELD.size):
            if described[offset] in {0x0D, 0}:
                return
            name, letter, width, decimals = _FIELD.unpack_from(described, offset)
            kind = letter.decode("latin-1")
            if kind == "C":
                width, decimals = width + 256 * decimals, 0
            yield Field(name.split(b"\0")[0].strip(), kind, start, width, decimals)
            start += width

    def _check_length(self) -> None:
        there = max(0, self.path.stat().st_size - self._start) // self._size
        if there < self.records:
            raise SourceError(
                f"{self.path} is cut off: its header promises {self.records:,} records, but it ends after {there:,}.",
                "Ask for the file again; nothing was loaded from it.",
            )
        if there > self.records:
            self.notes.append(f"{self.path.name} holds {there - self.records:,} records more than its header says; they are not read.")

    def _decide(self, told: Told | None) -> Decided:
        sample = Sample({field.name: None for field in self.fields if not field.name.isascii()})
        texts = [field for at, field in enumerate(self.fields) if field.type == "C" and (self._chars is None or at in self._chars)]
        for _, records in self._raw():
            if sample.is_full:
                break
            codes = records.view(np.uint8).reshape(len(records), self._size)
            foreign = records[(codes >= 0x80).any(axis=1)]
            for field in texts:
                sample.add(np.unique(_bytes(foreign, field)).tolist())
        return decide(self.path, sample.pieces, told)

    def _raw(self) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[Any]]]]:
        """Yield the place of the first record and the records, as one long text each, a chunk at a time."""
        step = max(1, min(BATCH_ROWS, _CHUNK_BYTES // self._size))
        with self.path.open("rb") as file:
            file.seek(self._start)
            for start in range(0, self.records, step):
                yield start, np.fromfile(file, dtype=np.dtype(("V", self._size)), count=min(step, self.records - start))

    def count(self) -> int:
        """Return the number of records that are not marked as deleted."""
        return sum(int((_flags(records) != _DELETED[0]).sum()) for _, records in self._raw())

    def chunks(self) -> Iterator[Chunk]:
        """Yield the records in the order of the file, without those marked as deleted."""
        deleted = 0
        for start, records in self._raw():
            kept = _flags(records) != _DELETED[0]
            deleted += int((~kept).sum())
            yield Chunk(start + np.flatnonzero(kept), [self._column(records[kept], field) for field in self.fields])
        if deleted:
            self.notes.append(f"{deleted:,} records of {self.path.name} are marked as deleted and left out.")

    def _column(self, records: np.ndarray[Any, np.dtype[Any]], field: Field) -> pa.Array:
        if field.width == 0:
            return pa.nulls(len(records), pa.string())
        if field.type == "I":
            return pa.array(_bytes(records, field, "<i4"))
        raw = _bytes(records, field)
        if field.type == "C":
            text = decode(pa.array(np.strings.rstrip(raw, b" \0"), pa.binary()), self.encoding)
            return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)
        text = decode(pa.array(np.strings.strip(raw, b" \0"), pa.binary()), "latin-1")
        return _CONVERT[field.type](pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text))


def _flags(records: np.ndarray[Any, np.dtype[Any]]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the first byte of each record, which says whether it is deleted."""
    return records.view(np.uint8).reshape(len(records), -1)[:, 0]


def _bytes(records: np.ndarray[Any, np.dtype[Any]], field: Field, kind: str | None = None) -> Any:
    """Return one field of each record, as bytes or as the type named."""
    layout = np.dtype(
        {"names": ["it"], "formats": [kind or f"S{field.width}"], "offsets": [field.start], "itemsize": records.dtype.itemsize}
    )
    return np.ascontiguousarray(records.view(layout)["it"])


def _numbers(text: pa.Array) -> pa.Array:
    """Return numbers; as text where one of them is none, such as "68,500" or "****", so that a check sees it as it is."""
    for kind in (pa.int64(), pa.float64()):
        try:
            return pc.cast(text, kind)
        except pa.ArrowInvalid:
            continue
    shaped = pc.match_substring_regex(text, pattern=_NUMBER)
    return pc.if_else(shaped, as_text(pc.cast(pc.if_else(shaped, text, pa.scalar(None, pa.string())), pa.float64())), text)


def _dates(text: pa.Array) -> pa.Array:
    """Return dates written as 20200131, and those only: as text in ISO form where one of them is something else."""
    text = pc.if_else(pc.equal(text, "00000000"), pa.scalar(None, pa.string()), text)
    stamps = pc.strptime(pc.if_else(pc.match_substring_regex(text, pattern=r"^\d{8}$"), text, ""), "%Y%m%d", "s", error_is_null=True)
    sure = pc.fill_null(pc.equal(pc.strftime(stamps, format="%Y%m%d"), text), False)
    dates = pc.cast(pc.if_else(sure, stamps, pa.scalar(None, stamps.type)), pa.date32())
    return dates if dates.null_count == text.null_count else pc.coalesce(pc.cast(dates, pa.string()), text)


def _logicals(text: pa.Array) -> pa.Array:
    values = text.to_pylist()
    if all(value in _LOGICAL or value in {None, "?"} for value in values):
        return pa.array([_LOGICAL.get(value) for value in values], pa.bool_())
    return text


_CONVERT = {"N": _numbers, "F": _numbers, "D": _dates, "L": _logicals}


def sidecar(path: Path, ending: str) -> Path | None:
    """Return the file beside ``path`` that has its name and another ending, in small or capital letters."""
    return next((p for p in (path.with_suffix(ending), path.with_suffix(ending.upper())) if p.is_file()), None)


def _told(path: Path, language: int) -> Told | None:
    """Return what a file says of its encoding: in a .cpg beside it, or by the DBF's language byte."""
    cpg = sidecar(path, ".cpg")
    name = cpg.read_bytes()[:100].decode("ascii", "replace").strip() if cpg else ""
    if name:
        return Told(codec(name, cpg or path), f"its .cpg ({name})")
    return Told(_LANGUAGES[language], f"its language byte (0x{language:02X})") if language in _LANGUAGES else None


class DbfReader:
    """A DBF file on its own: a table without places."""

    def __init__(self, path: Path, encoding: str | None) -> None:
        self._dbf = Dbf(path, encoding)
        self.contents = Contents(
            self._dbf.names, encoding=self._dbf.encoding, total=self._dbf.records, is_recoded=True, notes=self._dbf.notes
        )

    def batches(self) -> Iterator[RawBatch]:
        """Yield the records in the order of the file."""
        for chunk in self._dbf.chunks():
            none = np.zeros(len(chunk.rows), dtype=bool)
            if len(chunk.rows):
                yield RawBatch(chunk.rows + 1, pa.table(chunk.columns, names=list(self._dbf.names)), None, none, none.copy())
