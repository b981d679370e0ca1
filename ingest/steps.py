"""One batch through the steps: map, check, repair. Rows in, rows to load and rejected rows out; no database here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyproj
import shapely

from gisgrid.crs import Crs, parse_crs
from gisgrid.db.records import Issue, Reject, Repair
from gisgrid.deployment import Deployment
from gisgrid.errors import CrsError, SourceError
from gisgrid.types import Bounds
from ingest import geometry, mapping, optics, rules
from ingest.description import Source
from ingest.duplicates import Duplicates
from ingest.findings import Findings, Mask
from ingest.mapping import Mapped
from ingest.readers import Contents, RawBatch, Reader, open_source
from ingest.readers.batch import Geometries
from ingest.report import Tally
from ingest.targets import Target, target

_WGS84_SRID = 4326
_MERCATOR_LAT = 85.06  # the tables take no place beyond it: tiles have none
_NAMED = "community_code"  # where a building says which area it lies in; areas name their parent


@dataclass(frozen=True)
class Opened:
    """A source whose file is open, with all that its rows are judged by."""

    source: Source
    path: Path
    target: Target
    reader: Reader
    crs: Crs | None
    deployment: Deployment


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


def prepare(source: Source, path: Path, deployment: Deployment) -> Opened:
    """Open a source's file and make sure that it can be loaded at all, before any row is read.

    Raises SourceError that names the file when it is missing, empty or unreadable, lacks columns that the description
    names, has no geometry where the layer needs one, or has no coordinate system that is known.
    """
    goal = target(source.layer)
    reader = open_source(source, path)
    mapping.require_columns(source, reader.contents, str(path))
    crs = None
    if goal.geometry is not None:
        if not reader.contents.has_geometry and source.coordinates is None:
            raise SourceError(
                f"{path} has no geometry (source {source.id!r}).",
                'Name its columns: coordinates = { lon = "...", lat = "..." } (or x and y).',
            )
        crs = _crs(source, reader.contents, path)
    return Opened(source, path, goal, reader, crs, deployment)


def _crs(source: Source, contents: Contents, path: Path) -> Crs:
    """Return the coordinate system that the description declares, or else the one that the file carries."""
    text = source.crs or _code_of(contents.crs)
    if text is None:
        carried = f" a name that is known (it says {contents.crs[:60]!r})" if contents.crs else " its coordinate system"
        raise SourceError(
            f"{path} does not say{carried}, and source {source.id!r} declares none.",
            'Write crs = "EPSG:4528" (or wgs84, cgcs2000, gcj02, bd09, another EPSG number) in the description.',
        )
    try:
        return parse_crs(text)
    except CrsError as error:
        told = "declared" if source.crs else "in the file"
        raise SourceError(
            f"The coordinate system {told} cannot be used ({path}): {text}.", f'Write crs = "EPSG:n". {error.hint}'
        ) from error


def _code_of(carried: str | None) -> str | None:
    """Return the EPSG code of the system that a file carries (WKT, or a code), without heights; None when it has none."""
    if carried is None:
        return None
    try:
        code = pyproj.CRS.from_user_input(carried).to_2d().to_epsg()
    except pyproj.exceptions.CRSError:
        return None
    return f"EPSG:{code}" if code else None


def process(opened: Opened, duplicates: Duplicates, tally: Tally) -> Iterator[Outcome]:
    """Yield what comes of each batch of the file, adding it to ``tally``."""
    for raw in opened.reader.batches():
        yield one_batch(opened, mapping.select(opened.source, raw), duplicates, tally)


def one_batch(opened: Opened, raw: RawBatch, duplicates: Duplicates, tally: Tally) -> Outcome:
    """Map, check and repair one batch; every row of ``raw`` is either among the rows to load or rejected."""
    mapped = mapping.map_fields(opened.source, opened.target, raw, is_recoded=opened.reader.contents.is_recoded)
    rules.fill_scheme(mapped, opened.source, opened.deployment)
    rules.check(mapped, opened.target, opened.deployment)
    given = _given(opened, mapped)
    geom = None if given is None else _checked(opened, mapped, given)
    duplicates.check(mapped, geom)
    outcome = _outcome(opened, mapped, given, geom)
    _count(tally, mapped.findings)
    tally.add(outcome.rejects, outcome.repairs, outcome.issues)
    return outcome


def _given(opened: Opened, mapped: Mapped) -> Geometries | None:
    """Return the geometries as the file has them, x or longitude first; None for a layer without any."""
    raw, findings = mapped.raw, mapped.findings
    if opened.target.geometry is None or opened.crs is None:
        return None
    if opened.source.coordinates is not None:
        columns = mapping.Columns(raw, findings)
        texts = [columns.text(name) for name in opened.source.coordinates.columns]
        return geometry.from_columns(opened.source.coordinates, texts, findings)
    return geometry.as_built(raw, findings)


def _checked(opened: Opened, mapped: Mapped, given: Geometries) -> Geometries:
    goal, crs = opened.target, opened.crs
    if goal.geometry is None or crs is None:
        return given
    place = geometry.Place(crs, goal.geometry, _bounds(opened.deployment), opened.reader.contents.is_geojson)
    return geometry.check(given, place, mapped.findings)


def _bounds(deployment: Deployment) -> Bounds:
    box = deployment.box
    return box._replace(south=max(box.south, -_MERCATOR_LAT), north=min(box.north, _MERCATOR_LAT))


def _count(tally: Tally, findings: Findings) -> None:
    tally.read += findings.size
    tally.rejected += len(findings.reasons)
    tally.repaired += int(findings.repaired.sum())
    tally.warned += int(findings.warned.sum())
    tally.reasons.update(findings.counts())


def _outcome(opened: Opened, mapped: Mapped, given: Geometries | None, geom: Geometries | None) -> Outcome:
    good = ~mapped.findings.rejected
    places = _Places(geom)
    return Outcome(
        _rows(opened, mapped, good, places),
        list(_rejects(mapped, given, places)),
        list(_repairs(mapped, places)),
        list(_issues(opened, mapped, places)),
        None if given is None else Seen(given, _codes(mapped), _named(opened, mapped)),
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
        if self._geom is None or self._geom[position] is None:
            return None
        return str(_ewkb(self._geom[position : position + 1])[0])


def _rows(opened: Opened, mapped: Mapped, good: Mask, places: _Places) -> pa.Table:
    """Return the rows that are not rejected, with the columns that the staging table has."""
    fields = optics.complete(mapped.fields) if opened.target.id == "cameras" else mapped.fields
    columns = {name: column.filter(pa.array(good)) for name, column in fields.items()}
    columns["row_number"] = pa.array(mapped.raw.numbers[good])
    if (geom := places.all(good)) is not None:
        columns["geom"] = geom
    return pa.table(columns)


def _ewkb(geom: Geometries) -> Any:
    return shapely.to_wkb(shapely.set_srid(geom, _WGS84_SRID), hex=True, include_srid=True)


def _codes(mapped: Mapped) -> pa.Array:
    """Return the code that each row is known by: its own, or for a role that of its area."""
    return mapped.fields["code" if "code" in mapped.fields else "area_code"]


def _named(opened: Opened, mapped: Mapped) -> pa.Array | None:
    return mapped.fields.get("parent_code" if opened.target.level else _NAMED)


def _rejects(mapped: Mapped, given: Geometries | None, places: _Places) -> Iterator[Reject]:
    """Yield the rejected rows in the order of the file, with the raw values, the place and the geometry of the file where there is one."""
    positions = sorted(mapped.findings.reasons)
    if not positions:
        return
    as_given = [None] * len(positions) if given is None else shapely.to_wkb(given[positions], output_dimension=4, flavor="iso").tolist()
    for position, raw, wkb in zip(positions, mapped.raw.rows(positions), as_given, strict=True):
        reasons = mapped.findings.reasons[position]
        message = " ".join(dict.fromkeys(reason.message for reason in reasons))
        first = reasons[0]
        yield Reject(int(mapped.raw.numbers[position]), first.code, message, first.field, _plain(raw), places.one(position), wkb)


def _repairs(mapped: Mapped, places: _Places) -> Iterator[Repair]:
    codes = _codes(mapped)
    for position, mend in mapped.findings.repairs():
        yield Repair(int(mapped.raw.numbers[position]), codes[position].as_py(), *mend, places.one(position))


def _issues(opened: Opened, mapped: Mapped, places: _Places) -> Iterator[Issue]:
    codes = _codes(mapped)
    for position, word in mapped.findings.warnings():
        yield Issue(opened.target.id, codes[position].as_py(), word.code, "warning", word.message, places.one(position))


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """Return raw values as JSON can hold them: text without NUL, NaN and dates as text."""
    return {str(name).replace("\0", ""): _plain_value(value) for name, value in raw.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value).replace("\0", "")
