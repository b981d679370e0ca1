"""A layer of a file that GDAL opens, as a stream of Arrow batches in which a feature that raises costs itself alone."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyogrio import raw

from gisgrid.errors import SourceError
from ingest.findings import Mask
from ingest.readers.batch import BATCH_ROWS, Geometries
from ingest.readers.wkb import wkt_of

_T = TypeVar("_T")
_MAX_NOTES = 20
_MAX_BROKEN_IN_A_ROW = 100
_SMALL = 1_000
_EXCEPTION = re.compile(r"^\w+Exception: ")  # the class in GEOS
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
    """Features from place ``start`` (from 0) on: an Arrow batch of them, or None, the reason and the id of one that cannot be read."""

    start: int
    batch: pa.RecordBatch | None
    reason: str = ""
    fid: int = -1


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

        Raises SourceError when a feature cannot be read and the format has no way around it, or when so many in a row
        cannot be read that the file itself is damaged.
        """
        position = 0
        try:
            for batch in self._stream(selection):
                yield Piece(position, batch)
                position += batch.num_rows
            return
        except _NOT_READ as error:
            failure = error
        yield from self._one_by_one(position, selection, failure)

    def _one_by_one(self, position: int, selection: dict[str, Any], failure: Exception) -> Iterator[Piece]:
        """Yield the features from ``position`` on by their ids, in small batches, and singly around those that cannot be read."""
        if not self.info["capabilities"]["random_read"]:
            raise self._damaged(position, failure)
        fids = self._fids(failure)
        size, broken = _SMALL, 0
        while position < len(fids):
            chosen = fids[position : position + size]
            try:
                batch = self._noting(partial(self._by_id, chosen, selection))
            except _NOT_READ as error:
                if len(chosen) > 1:
                    size = 1
                    continue
                broken += 1
                if broken > _MAX_BROKEN_IN_A_ROW:
                    raise self._damaged(position - broken + 1, error) from error
                yield Piece(position, None, f"The feature cannot be read: {_shortened(error)}.", int(chosen[0]))
                position += 1
                continue
            yield Piece(position, batch)
            position += batch.num_rows
            broken, size = 0, min(_SMALL, size * 2)

    def _damaged(self, position: int, error: Exception) -> SourceError:
        return SourceError(
            f"{self.path} is damaged: from feature {position + 1:,} on nothing can be read: {_shortened(error)}.",
            "Ask for the file again; nothing was loaded from it.",
        )

    def _fids(self, failure: Exception) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Return the ids of all features in the order of the file."""
        if self.path.suffix.lower() == ".fgb":  # its ids are places in the file
            return np.arange(int(self.info["features"]))
        try:
            parts = [batch.column(0).to_numpy() for batch in self._stream({"columns": [], "read_geometry": False, "return_fids": True})]
        except _NOT_READ:
            raise self._damaged(0, failure) from failure
        return np.concatenate([np.empty(0, dtype=np.int64), *parts])

    def _by_id(self, fids: np.ndarray[Any, np.dtype[np.int64]], selection: dict[str, Any]) -> pa.RecordBatch:
        """Return the features with some ids, laid out as the stream has them."""
        chosen = {**selection, "return_fids": True}
        meta, found, geometry, fields = raw.read(self.path, layer=self.name, fids=fids, **chosen, **self._options)
        columns = [pa.array(values, from_pandas=True) for values in fields]
        names = [str(name) for name in meta["fields"]]
        if selection.get("return_fids"):
            columns, names = [pa.array(found), *columns], ["fid", *names]
        if geometry is not None:
            columns, names = [*columns, pa.array(geometry, pa.binary())], [*names, "geometry"]
        return pa.RecordBatch.from_arrays(columns, names=names)

    def _stream(self, selection: dict[str, Any]) -> Iterator[pa.RecordBatch]:
        """Yield batches of features, empty ones left out; raises what pyogrio raises."""
        opened: AbstractContextManager[Any] = raw.open_arrow(
            self.path, layer=self.name, use_pyarrow=True, batch_size=BATCH_ROWS, **selection, **self._options
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
            reasons[position] = f"The geometry cannot be built: {_EXCEPTION.sub('', _shortened(error))}."
        mended = shapely.from_wkb(wkb[position], on_invalid="fix") if "closed" in reasons.get(position, "") else None
        if mended is not None and mended.area > 0:
            geom[position], unbuilt[position], closed[position] = mended, False, True
            del reasons[position]
    return Built(geom, unbuilt, closed, reasons, as_read)


@np.errstate(invalid="ignore")  # NaN is for the checks
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
    return re.split(r"[;\n]", str(error)[:1000])[0].strip().rstrip(".")[:200]
