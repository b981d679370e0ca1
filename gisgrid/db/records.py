"""What a load is told and what it tells: plain records, without SQL, that readers of runs and writers of them share."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

Severity = Literal["info", "warning", "error"]


class Counts(NamedTuple):
    """The rows of one run: read from the file, loaded, of these repaired, and rejected.

    ``report`` is kept as JSON (warned, reasons, notes, encoding and so on); ``timings`` are seconds by step.
    """

    read: int
    loaded: int
    repaired: int
    rejected: int
    report: dict[str, Any]
    timings: Mapping[str, float] = MappingProxyType({})


class RunRecord(NamedTuple):
    """What an earlier run recorded about a source."""

    id: int
    file_hash: str
    source_hash: str
    counts: Counts


class Delivery(NamedTuple):
    """What is to be loaded: which source, into which layer, from which file, and the hashes that recognise it again.

    With ``partial`` the rows that are not in it stay. ``settings`` (as JSON), ``columns`` (the file's own, in order) and
    ``crs`` (what its coordinates were taken for) are recorded with the run.
    """

    source_id: str
    layer: str
    path: str
    file_hash: str
    source_hash: str
    partial: bool = False
    settings: Mapping[str, Any] = MappingProxyType({})
    columns: tuple[str, ...] = ()
    crs: str | None = None


class Reject(NamedTuple):
    """One row that is not loaded: its number in the file, the check, and what the row said.

    ``ewkb`` is its place in WGS 84, as hexadecimal EWKB; ``wkb`` the geometry as in the file, in the file's own coordinate
    system (ISO WKB, with Z if it has any). Each is None where there is none or it cannot be built.
    """

    row_number: int
    code: str
    message: str
    field: str
    raw: dict[str, Any]
    ewkb: str | None
    wkb: bytes | None = None


class Held(NamedTuple):
    """A staged row whose key a row of another source holds; ``values`` are the staged ones, ``ewkb`` its place (hexadecimal, WGS 84).

    ``source_id`` is the source that holds it. ``release_source`` makes that let go, so that the next to deliver the row takes it over.
    """

    row_number: int
    values: dict[str, Any]
    ewkb: str | None
    source_id: str


class Repair(NamedTuple):
    """One value that was mended before its row was loaded; ``ewkb`` is the row's place (hexadecimal, WGS 84)."""

    row_number: int
    feature_code: str | None
    code: str
    field: str
    before: str | None
    after: str | None
    ewkb: str | None


class Issue(NamedTuple):
    """Something doubtful in data that was loaded; ``ewkb`` is its place (hexadecimal, WGS 84), None where it has none."""

    layer: str
    feature_code: str | None
    code: str
    severity: Severity
    message: str
    ewkb: str | None


class Written(NamedTuple):
    """How many rows of a layer's table were really changed, and how many were found as they are delivered."""

    inserted: int
    updated: int
    retired: int
    unchanged: int = 0
