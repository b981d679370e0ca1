"""Readers for GeoJSON: whole documents, and sequences of features a line (newline-delimited, or RFC 8142 with record separators)."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import IO, Any

import orjson

from gisgrid.errors import SourceError
from ingest.readers.batch import BATCH_ROWS, Contents, RawBatch
from ingest.readers.features import GEOMETRIES, columns_of, feature_batch, unreadable
from ingest.readers.json_stream import JsonStream
from ingest.readers.survey import survey

_WGS84 = "EPSG:4326"
_BATCH_CHARS = 16 << 20
"""Most characters of JSON in a batch: parsed, they take about ten times as much memory."""
_LOOKED_AT = 20_000
_TAIL_BYTES = 1 << 16
_SEPARATOR = "\x1e"


class _FeatureReader:
    """What both kinds have in common: features in portions, and from the first of them the names of columns."""

    def __init__(self, path: Path, encoding: str | None, wanted: frozenset[str]) -> None:
        self.path = path
        found = survey(path, encoding)
        self._encoding = found.decided.codec
        columns, features = self._columns(wanted)
        self.contents = Contents(
            columns,
            crs=_WGS84,
            encoding=self._encoding.removesuffix("-sig"),
            total=features,
            has_geometry=True,
            is_geojson=True,
            is_recoded=True,
            notes=[found.decided.note] if found.decided.note else [],
        )

    @contextmanager
    def _opened(self) -> Iterator[IO[str]]:
        with self.path.open(encoding=self._encoding, errors="replace", newline="") as file:
            yield file

    def _portions(self) -> Iterator[list[Any]]:
        raise NotImplementedError

    def _columns(self, wanted: frozenset[str]) -> tuple[tuple[str, ...], int]:
        """Return the columns of the first features, and of as many more as it takes to find all that are ``wanted``."""
        known: dict[str, None] = {}
        looked_at, is_all = 0, True
        for portion in self._portions():
            columns_of(portion, known)
            looked_at += len(portion)
            if looked_at >= _LOOKED_AT and wanted <= known.keys():
                is_all = False
                break
        return tuple(known), looked_at if is_all else self._guessed(looked_at)

    def _guessed(self, looked_at: int) -> int:
        return max(looked_at, sum(block.count('"Feature"') for block in self._blocks()))

    def _blocks(self) -> Iterator[str]:
        with self._opened() as file:
            while block := file.read(1 << 20):
                yield block

    def batches(self) -> Iterator[RawBatch]:
        """Yield the features in the order of the file; raises SourceError when it is not JSON from some place on."""
        first = 1
        portions = self._portions()
        while True:
            with _collector_paused():
                portion = next(portions, None)
                batch = feature_batch(first, portion) if portion else None
            if batch is None:
                return
            yield batch
            first += batch.size


class GeoJsonReader(_FeatureReader):
    """A FeatureCollection, a single Feature, or a bare geometry, read as a stream.

    The coordinate system is that of a ``crs`` member, or WGS 84 as RFC 7946 has it. ``wanted`` are columns that the description
    names, looked for beyond the first features. Raises SourceError when the document is none of these.
    """

    def __init__(self, path: Path, encoding: str | None, wanted: frozenset[str] = frozenset()) -> None:
        self._head: dict[str, Any] = {}
        super().__init__(path, encoding, wanted)
        crs = self._head["crs"] if "crs" in self._head else self._crs_at_the_end()
        self.contents.crs = _crs_name(crs)

    def _portions(self) -> Iterator[list[Any]]:
        with self._opened() as file:
            stream = JsonStream(self.path, file)
            yield from _portioned(self._items(stream), stream)

    def _items(self, stream: JsonStream) -> Iterator[Any]:
        if stream.peek() != "{":
            stream.value()
            stream.end()
            raise self._not_geojson("its outermost value is not an object")
        members: dict[str, Any] = {}
        is_collection = False
        for name in stream.members():
            if name == "features" and not is_collection and stream.peek() == "[":
                is_collection = True
                self._head = dict(members)
                yield from stream.items()
            else:
                members[name] = stream.value()
        stream.end()
        if not is_collection:
            self._head = members
            yield self._single(members)

    def _single(self, members: dict[str, Any]) -> Any:
        kind = members.get("type")
        kind = kind if isinstance(kind, str) or kind is None else json.dumps(kind)
        if kind == "Feature":
            return members
        if kind in GEOMETRIES:
            return {"type": "Feature", "properties": {}, "geometry": members}
        if "features" in members:
            raise self._not_geojson("its features are not a list")
        if kind == "FeatureCollection":
            raise self._not_geojson("it has no list of features")
        raise self._not_geojson("it has no type" if kind is None else f"its type is {str(kind)[:40]!r}")

    def _not_geojson(self, why: str) -> SourceError:
        return SourceError(f"{self.path} is not GeoJSON: {why}.", "It must be a FeatureCollection, a Feature or a geometry.")

    def _crs_at_the_end(self) -> Any:
        """Return the ``crs`` member where it follows after the features; WGS 84 where there is none."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - _TAIL_BYTES))
            tail = file.read().decode(self._encoding, "replace")
        start = tail.rfind('"crs"')
        try:
            return json.loads("{" + tail[start:])["crs"] if start >= 0 else {}
        except (ValueError, KeyError):
            return {}


class GeoJsonSeqReader(_FeatureReader):
    """One feature a line, or a record after each U+001E; a line that is no feature is one broken row."""

    def _portions(self) -> Iterator[list[Any]]:
        with self._opened() as file:
            records = self._records(file)
            while chunk := _some(records):
                yield _parsed(chunk)

    def _records(self, file: IO[str]) -> Iterator[str]:
        first = next(file, "")
        if not first.startswith(_SEPARATOR):
            yield from (line.strip() for line in chain([first], file) if line.strip())
            return
        record: list[str] = []
        for line in chain([first], file):
            *ended, rest = line.split(_SEPARATOR)
            for part in ended:
                yield from filter(None, ["".join([*record, part]).strip()])
                record = []
            record.append(rest)
        yield from filter(None, ["".join(record).strip()])


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from looking through millions of parsed values again and again; they hold no cycles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _portioned(items: Iterator[Any], stream: JsonStream) -> Iterator[list[Any]]:
    """Group items into portions, bounded by rows and by characters."""
    portion: list[Any] = []
    start = stream.position
    for item in items:
        portion.append(item)
        if len(portion) >= BATCH_ROWS or stream.position - start >= _BATCH_CHARS:
            yield portion
            portion, start = [], stream.position
    if portion:
        yield portion


def _some(records: Iterator[str]) -> list[str]:
    chunk: list[str] = []
    chars = 0
    for record in records:
        chunk.append(record)
        chars += len(record)
        if len(chunk) >= BATCH_ROWS or chars >= _BATCH_CHARS:
            break
    return chunk


def _parsed(chunk: list[str]) -> list[Any]:
    """Return the features of some records, all at once or, if one of them is wrong, one by one."""
    try:
        items: list[Any] = orjson.loads(f"[{','.join(chunk)}]")
    except orjson.JSONDecodeError:
        items = []
    return items if len(items) == len(chunk) else [_one(record) for record in chunk]


def _one(record: str) -> Any:
    try:
        value = json.loads(record)
    except (ValueError, RecursionError) as error:
        return unreadable(record, f"It is not JSON: {error}.")
    if isinstance(value, dict) and value.get("type") in GEOMETRIES:
        return {"type": "Feature", "properties": {}, "geometry": value}
    return value


def _crs_name(member: Any) -> str | None:
    """Return the name in a ``crs`` member as GeoJSON had it in 2008; null means that it is not known."""
    if member is None:
        return None
    properties = member.get("properties") if isinstance(member, dict) else None
    name = properties.get("name") if isinstance(properties, dict) else None
    if not isinstance(name, str) or "CRS84" in name.upper():
        return _WGS84 if name is None or isinstance(name, str) else None
    return name
