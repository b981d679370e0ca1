"""Bad rows back as a file: rejected rows in the source's own columns with the reasons, to be mended and sent again; and repairs.

A first look through the rows finds the columns and their types, a second writes them, so that memory stays bounded. The file
appears whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import pyarrow as pa
import shapely

from gisgrid.crs import parse_crs
from gisgrid.db.records import Reject, Repair
from gisgrid.db.runs import Run
from gisgrid.errors import CrsError, UsageError
from ingest.row_files import FORMATS, Layout, Rows, write_rows

REASONS = ("gisgrid_row", "gisgrid_check", "gisgrid_field", "gisgrid_reason")
"""Columns after those of the source: number of the row in the file, check, field, and all reasons in words."""

_REPAIRS = ("gisgrid_row", "gisgrid_check", "gisgrid_field", "feature_code", "before", "after")
_TABLES = {".csv", ".tsv", ".txt", ".xlsx", ".xls", ".xlsm", ".ods"}
_SAFE_INTEGER = 2**53


class Saved(NamedTuple):
    """What was written: how many rows, and what whoever gets the file should know."""

    rows: int
    notes: tuple[str, ...] = ()


def save_rejects(run: Run, read: Callable[[], Iterable[Reject]], path: Path, *, overwrite: bool = False) -> Saved:
    """Write the rejected rows of ``run`` to ``path`` (.csv, .xlsx or .gpkg); nothing is written when there are none.

    ``read`` gives them anew each time it is called. The columns are the source's in their order, with the values of the file,
    then ``REASONS``. A .gpkg has the geometry of the file in its own coordinate system, NULL where none can be built; the
    others have it in a column ``wkt``, unless the source has its positions in columns. Raises UsageError when the
    file exists (and ``overwrite`` is not given), cannot be written, or cannot hold a value.
    """
    _require_place(path, overwrite=overwrite)
    found = _look(run, read())
    if not found.rows:
        return Saved(0)
    is_map = path.suffix.lower() == ".gpkg"
    wkt = _free_name("wkt", found.columns) if found.has_geometry and not is_map and not _has_columns_of_place(run) else None
    columns = (*found.columns, *([wkt] if wkt else []), *REASONS)
    types = (*found.types, *([pa.string()] if wkt else []), pa.int64(), *[pa.string()] * 3)

    def rows() -> Iterator[tuple[list[Any], bytes | None]]:
        for reject in read():
            values = [_value(reject.raw.get(name), kind) for name, kind in zip(found.columns, found.types, strict=True)]
            place = [_wkt(reject.wkb)] if wkt else []
            yield [*values, *place, reject.row_number, reject.code, reject.field, reject.message], reject.wkb

    crs, notes = _crs(run) if is_map and found.has_geometry else (None, ())
    notes += write_rows(Rows(columns, types, rows, crs), path, _layout(run))
    return Saved(found.rows, (*notes, *([_resend_wkt(wkt, run)] if wkt else [])))


def save_repairs(read: Callable[[], Iterable[Repair]], path: Path, *, overwrite: bool = False) -> Saved:
    """Write repairs to ``path`` (.csv, .xlsx or .gpkg): row, check, field, code of the feature, the value before and after.

    A .gpkg has the place in WGS 84 as geometry, the others a point in it as ``lon`` and ``lat``. Otherwise as ``save_rejects``.
    """
    _require_place(path, overwrite=overwrite)
    count = sum(1 for _ in read())
    if not count:
        return Saved(0)
    place = () if path.suffix.lower() == ".gpkg" else ("lon", "lat")
    types = (pa.int64(), *[pa.string()] * 5, *[pa.float64()] * len(place))

    def rows() -> Iterator[tuple[list[Any], bytes | None]]:
        for repair in read():
            values = [repair.row_number, repair.code, repair.field, repair.feature_code, repair.before, repair.after]
            geometry = shapely.from_wkb(repair.ewkb) if repair.ewkb else None
            point = shapely.point_on_surface(geometry) if place and geometry is not None else None
            yield (
                [*values, *([point.x, point.y] if point else [None] * len(place))],
                shapely.to_wkb(geometry) if geometry is not None else None,
            )

    return Saved(count, write_rows(Rows((*_REPAIRS, *place), types, rows, "EPSG:4326"), path, Layout()))


def _require_place(path: Path, *, overwrite: bool) -> None:
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path} has no ending that is known.", f"Give a file that ends in {', '.join(FORMATS)}.")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already.", "Somebody may have mended rows in it: give another name, or --overwrite.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent}.", "Make it first, or give another place.")


class _Found(NamedTuple):
    """What a first look through the rejected rows says."""

    rows: int
    columns: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    has_geometry: bool


def _look(run: Run, rejects: Iterable[Reject]) -> _Found:
    """Return how many rows there are, their columns (the source's first), a type that holds each, whether any has geometry."""
    kinds: dict[str, set[str]] = {name: set() for name in run.source_columns if name not in REASONS}
    count, has_geometry = 0, False
    for reject in rejects:
        count += 1
        has_geometry |= reject.wkb is not None
        for name, value in reject.raw.items():
            if value is not None and name not in REASONS:
                kinds.setdefault(name, set()).add(_kind(value))
    return _Found(count, tuple(kinds), tuple(_type(found) for found in kinds.values()), has_geometry)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int" if abs(value) <= _SAFE_INTEGER else "long" if -(2**63) <= value < 2**63 else "text"
    return "float" if isinstance(value, float) else "text"


def _type(kinds: set[str]) -> pa.DataType:
    """Return the type of a column whose values are of ``kinds``: text, where no other holds all of them as they are."""
    if kinds == {"bool"}:
        return pa.bool_()
    if kinds and kinds <= {"int", "long"}:
        return pa.int64()
    return pa.float64() if kinds and kinds <= {"int", "float"} else pa.string()


def _value(value: Any, kind: pa.DataType) -> Any:
    """Return a raw value as a column of type ``kind`` holds it."""
    if value is None or not pa.types.is_string(kind):
        return float(value) if value is not None and pa.types.is_floating(kind) else value
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _wkt(wkb: bytes | None) -> str | None:
    return None if wkb is None else str(shapely.to_wkt(shapely.from_wkb(wkb), rounding_precision=-1))


def _described(run: Run) -> dict[str, Any]:
    """Return the source's description as it was recorded with the run."""
    return dict(run.settings.get("source") or {})


def _has_columns_of_place(run: Run) -> bool:
    """Say whether the source has its positions in columns, not as geometries."""
    return "coordinates" in _described(run) or PurePath(run.path or "").suffix.lower() in _TABLES


def _layout(run: Run) -> Layout:
    """Return how the source's own file is laid out, so that the same description reads what is written."""
    told = _described(run)
    path = PurePath(run.path or "")
    is_text = path.suffix.lower() in {".csv", ".tsv", ".txt"}
    return Layout(
        delimiter=told.get("delimiter") or ("\t" if path.suffix.lower() == ".tsv" else ",") if is_text else ",",
        encoding=told.get("encoding") if is_text else None,
        header_row=told.get("header_row") or 1,
        sheet=told.get("sheet"),
        inner_layer=told.get("inner_layer"),
        title=f"{run.source_id}, run {run.id}",
    )


def _crs(run: Run) -> tuple[str | None, tuple[str, ...]]:
    """Return the name of the coordinate system for a .gpkg, and what to say when it has none there."""
    try:
        found = parse_crs(run.crs) if run.crs else None
    except CrsError:
        found = None
    if found is not None and found.epsg is not None:
        return f"EPSG:{found.epsg}", ()
    told = f"{found.name} has no EPSG number" if found else "the source has no coordinate system"
    return None, (f"The file says no coordinate system, for {told}; its coordinates are as in the source.",)


def _resend_wkt(column: str, run: Run) -> str:
    crs = f' and crs = "{run.crs}"' if run.crs else ""
    return f'To load this file again, give the source coordinates = {{ wkt = "{column}" }}{crs}.'


def _free_name(name: str, taken: Iterable[str]) -> str:
    return f"gisgrid_{name}" if name in set(taken) else name
