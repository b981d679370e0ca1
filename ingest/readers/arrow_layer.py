"""A layer of a file that GDAL opens, as a stream of Arrow batches in which a feature that raises costs itself alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyogrio.raw import open_arrow

from gisgrid.errors import SourceError
from ingest.findings import Mask
from ingest.readers.batch import BATCH_ROWS, Geometries
from ingest.readers.wkb import wkt_of

_T = TypeVar("_T")
_MAX_NOTES = 20
_MAX_BROKEN_IN_A_ROW = 50
_NOT_READ = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FieldError,
    pyogrio.errors.CRSError,
    pa.ArrowException,
    UnicodeDecodeError,
    OSError,
    RuntimeError,
)


class Piece(NamedTuple):
    """Features from place ``start`` (from 0) on: an Arrow batch of them, or None and the reason for one that cannot be read."""

    start: int
    batch: pa.RecordBatch | None
    reason: str = ""


class ArrowLayer:
    """One layer; ``options`` are the driver's for opening the file. ``notes`` collects what GDAL remarks on."""

    def __init__(self, path: Path, layer: str | None, options: dict[str, Any]) -> None:
        self.path = path
        self.notes: list[str] = []
        self._options = options
        self.name = self._choose(layer)
        self.info = self.call(lambda: pyogrio.read_info(path, layer=self.name, force_feature_count=_can_count(path), **options))

    def _choose(self, layer: str | None) -> str:
        names = [str(name) for name, _ in self.call(lambda: pyogrio.list_layers(self.path))]
        if not names:
            raise SourceError(f"{self.path} holds no layer.", "Check that the file is whole.")
        if layer is None and len(names) > 1:
            raise SourceError(f"{self.path} holds several layers.", f"Write inner_layer = one of: {', '.join(names)}.")
        if layer is not None and layer not in names:
            raise SourceError(f"{self.path} has no layer {layer!r}.", f"Layers: {', '.join(names)}.")
        return layer or names[0]

    def call(self, work: Callable[[], _T]) -> _T:
        """Return ``work()``, keeping the library's remarks as notes; its errors become SourceError."""
        try:
            return self._noting(work)
        except _NOT_READ as error:
            raise SourceError(
                f"{self.path} cannot be read: {_shortened(error)}.", "Check that the file is whole and what its ending says."
            ) from error

    def _noting(self, work: Callable[[], _T]) -> _T:
        with warnings.catch_warnings(record=True) as remarks:
            warnings.simplefilter("always")
            try:
                return work()
            finally:
                for remark in map(str, (remark.message for remark in remarks)):
                    if remark not in self.notes and len(self.notes) < _MAX_NOTES:
                        self.notes.append(remark)

    def pieces(self, **selection: Any) -> Iterator[Piece]:
        """Yield all features in the order of the file; ``selection`` is what pyogrio's open_arrow takes (columns, return_fids).

        Raises SourceError when so many features in a row cannot be read that the file itself is damaged.
        """
        position = 0
        while True:
            try:
                for batch in self._stream(position, BATCH_ROWS, selection):
                    yield Piece(position, batch)
                    position += batch.num_rows
                return
            except _NOT_READ:
                for piece in self._around(position, selection):
                    yield piece
                    position = piece.start + (piece.batch.num_rows if piece.batch is not None else 1)

    def _around(self, position: int, selection: dict[str, Any]) -> Iterator[Piece]:
        """Yield features one by one, or in smaller batches, until the one that cannot be read is passed."""
        size, broken = BATCH_ROWS, 0
        while True:
            try:
                batch = self._first(position, size, selection)
            except _NOT_READ as error:
                if size > 1:
                    size = max(1, size // 8)
                    continue
                broken += 1
                if broken > _MAX_BROKEN_IN_A_ROW:
                    message = f"{self.path} is damaged: from feature {position - broken + 2:,} on nothing can be read: {_shortened(error)}."
                    raise SourceError(message, "Ask for the file again; nothing was loaded from it.") from error
                yield Piece(position, None, f"The feature cannot be read: {_shortened(error)}.")
                position += 1
                continue
            if batch is not None:
                yield Piece(position, batch)
            if batch is None or broken:
                return
            position += batch.num_rows

    def _first(self, position: int, size: int, selection: dict[str, Any]) -> pa.RecordBatch | None:
        with closing(self._stream(position, size, selection)) as stream:
            return next(stream, None)

    def _stream(self, skip: int, size: int, selection: dict[str, Any]) -> Generator[pa.RecordBatch, None, None]:
        """Yield batches of features after the first ``skip``, empty ones left out; raises what pyogrio raises."""
        opened: AbstractContextManager[Any] = open_arrow(
            self.path, layer=self.name, use_pyarrow=True, batch_size=size, skip_features=skip, **selection, **self._options
        )
        _, stream = self._noting(opened.__enter__)
        try:
            while (batch := self._noting(lambda: next(stream, None))) is not None:
                if batch.num_rows:
                    yield batch
        finally:
            self._noting(lambda: opened.__exit__(None, None, None))


class Built(NamedTuple):
    """Geometries (None where a row has none), which could not be built and which had rings closed; by position, why, and
    the WKT of these.
    """

    geom: Geometries
    unbuilt: Mask
    closed: Mask
    reasons: dict[int, str]
    as_read: dict[int, str]


def build(wkb: Any) -> Built:
    """Return the geometries of an array of WKB, rings closed where that makes a polygon."""
    geom = _from_wkb(wkb)
    unbuilt = shapely.is_missing(geom) & np.array([value is not None for value in wkb], dtype=bool)
    closed = np.zeros(len(geom), dtype=bool)
    reasons: dict[int, str] = {}
    as_read: dict[int, str] = {}
    for position in np.flatnonzero(unbuilt).tolist():
        as_read[position] = wkt_of(wkb[position]) or wkb[position].hex()
        try:
            shapely.from_wkb(wkb[position])
        except (shapely.errors.GEOSException, NotImplementedError, TypeError, ValueError) as error:
            reasons[position] = f"The geometry cannot be built: {_shortened(error)}."
        mended = shapely.from_wkb(wkb[position], on_invalid="fix") if "closed" in reasons.get(position, "") else None
        if mended is not None and mended.area > 0:
            geom[position], unbuilt[position], closed[position] = mended, False, True
            del reasons[position]
    return Built(geom, unbuilt, closed, reasons, as_read)


def _from_wkb(wkb: Any) -> Geometries:
    """Return geometries, None for what cannot be built; for one curve shapely refuses the whole array."""
    try:
        return np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), dtype=object)
    except NotImplementedError:
        if len(wkb) == 1:
            return np.array([None], dtype=object)
        return np.concatenate([_from_wkb(wkb[at : at + 1]) for at in range(len(wkb))])


def _can_count(path: Path) -> bool:
    """Say whether counting features is cheap: an extract of OpenStreetMap would be read whole."""
    return not path.name.lower().endswith((".pbf", ".osm"))


def _shortened(error: Exception) -> str:
    """Return the library's message on one line, without its advice for programmers."""
    return re.split(r"[;\n]", str(error))[0].strip().rstrip(".")
