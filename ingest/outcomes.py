"""What came of one batch, in the words of the database: rows to load, rejected rows, repairs and issues, each with its place."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

import pyarrow as pa
import shapely

from gisgrid.db.records import Issue, Reject, Repair
from ingest import optics
from ingest.findings import Mask, storable
from ingest.mapping import Mapped
from ingest.readers.batch import Geometries, RawBatch
from ingest.targets import Target

_EWKB_FLAG_AND_SRID = b"\x20" + (4326).to_bytes(4, "little")  # "the number of the coordinate system follows", and the number
_NAMED = "community_code"  # where a building says which area it lies in; areas name their parent


class Seen(NamedTuple):
    """Where the rows of a batch are by the file itself, rejected rows included: what shifted coordinates are recognised by.

    ``geom`` is in the file's coordinate system (x or longitude first), None where there is none; ``code`` is null where it is
    unknown. ``named`` is the code of the area that a row says it lies in (the community of a building, the parent of an
    area), None for layers without such a field.
    """

    geom: Geometries
    code: pa.Array
    named: pa.Array | None


class Outcome(NamedTuple):
    """What came of one batch: the rows to load (as ``LayerLoad.stage`` takes them), those rejected, what was mended in the
    rows to load and what is doubtful about them. ``seen`` is None for layers without geometry.
    """

    rows: pa.Table
    rejects: list[Reject]
    repairs: list[Repair]
    issues: list[Issue]
    seen: Seen | None


def outcome(target: Target, mapped: Mapped, as_given: Geometries | None, seen: Geometries | None, geom: Geometries | None) -> Outcome:
    """Return what came of the batch ``mapped``, when all checks have looked at it.

    Geometries are those of the file as it has them (``as_given``), with x or longitude first (``seen``), and as they are
    stored, in WGS 84 (``geom``); all None for a layer without geometry.
    """
    places = _Places(geom)
    return Outcome(
        _rows(target, mapped, places),
        list(_rejects(mapped, as_given, places)),
        list(_repairs(mapped, places)),
        list(_issues(target, mapped, places)),
        None if seen is None else Seen(seen, _codes(mapped), mapped.fields.get("parent_code" if target.level else _NAMED)),
    )


class _Places:
    """The places of a batch's rows as hexadecimal EWKB."""

    def __init__(self, geom: Geometries | None) -> None:
        self._geom = geom

    def all(self, rows: Mask) -> pa.Array | None:
        """Return the places of ``rows``; None for a layer without geometry."""
        return None if self._geom is None else pa.array(_ewkb(self._geom[rows]), pa.string())

    def one(self, position: int) -> str | None:
        """Return the place of one row, None where it has none."""
        return None if self._geom is None else _ewkb(self._geom[position : position + 1])[0]


def _ewkb(geom: Geometries) -> list[str | None]:
    """Return geometries of two dimensions in WGS 84 as hexadecimal EWKB."""
    # GEOS writes hexadecimal text, and clones geometries to set their system, ten times more slowly than this.
    return [
        None if wkb is None else (wkb[:4] + _EWKB_FLAG_AND_SRID + wkb[5:]).hex()
        for wkb in shapely.to_wkb(geom, output_dimension=2, byte_order=1).tolist()
    ]


def _rows(target: Target, mapped: Mapped, places: _Places) -> pa.Table:
    """Return the rows that are not rejected, with the columns that the staging table has."""
    good = ~mapped.findings.rejected
    fields = optics.complete(mapped.fields) if target.id == "cameras" else mapped.fields
    columns = {name: column.filter(pa.array(good)) for name, column in fields.items()}
    columns["row_number"] = pa.array(mapped.raw.numbers[good])
    if (geom := places.all(good)) is not None:
        columns["geom"] = geom
    return pa.table(columns)


def _codes(mapped: Mapped) -> pa.Array:
    """Return the code that each row is known by: its own, or for a role that of its area."""
    return mapped.fields["code" if "code" in mapped.fields else "area_code"]


def _rejects(mapped: Mapped, as_given: Geometries | None, places: _Places) -> Iterator[Reject]:
    """Yield the rejected rows in the order of the file, with the raw values, the place, and the geometry of the file."""
    positions = sorted(mapped.findings.reasons)
    if not positions:
        return
    for position, raw, one in zip(positions, mapped.raw.rows(positions), _wkb(as_given, positions), strict=True):
        reasons = mapped.findings.reasons[position]
        message = " ".join(dict.fromkeys(reason.message for reason in reasons))
        first = reasons[0]
        yield Reject(int(mapped.raw.numbers[position]), first.code, message, first.field, _plain(raw), places.one(position), one)


class InFile(NamedTuple):
    """One row as its file has it: number, values of its columns, and geometry as ISO WKB in the file's coordinate system."""

    row_number: int
    raw: dict[str, Any]
    wkb: bytes | None


def as_in_file(raw: RawBatch, numbers: Container[int]) -> Iterator[InFile]:
    """Yield the rows of a batch whose number is among ``numbers``, as they can be kept with the record of a run."""
    positions = [position for position, number in enumerate(raw.numbers.tolist()) if number in numbers]
    wkb = _wkb(raw.geom, positions)
    for position, values, one in zip(positions, raw.rows(positions), wkb, strict=True):
        yield InFile(int(raw.numbers[position]), _plain(values), one)


def _wkb(geom: Geometries | None, positions: list[int]) -> list[bytes | None]:
    if geom is None or not positions:
        return [None] * len(positions)
    found: list[bytes | None] = shapely.to_wkb(geom[positions], output_dimension=4, flavor="iso").tolist()
    return found


def _repairs(mapped: Mapped, places: _Places) -> Iterator[Repair]:
    codes = _codes(mapped)
    for position, mend in mapped.findings.repairs():
        yield Repair(int(mapped.raw.numbers[position]), codes[position].as_py(), *mend, places.one(position))


def _issues(target: Target, mapped: Mapped, places: _Places) -> Iterator[Issue]:
    codes = _codes(mapped)
    for position, word in mapped.findings.warnings():
        yield Issue(target.id, codes[position].as_py(), word.code, "warning", word.message, places.one(position))


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """Return raw values as JSON in the database can hold them: NUL as its symbol; NaN, dates and others as text."""
    return {storable(str(name)): _plain_value(value) for name, value in raw.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_plain_value(one) for one in value]
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return storable(str(value))
