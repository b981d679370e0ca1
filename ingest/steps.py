"""One batch through the steps: map, check, repair. Rows in, rows to load and rejected rows out; no database here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyproj
import shapely

from gisgrid.crs import Crs, parse_crs
from gisgrid.db.loading import Reject
from gisgrid.deployment import Deployment
from gisgrid.errors import CrsError, SourceError
from gisgrid.types import Bounds
from ingest import checks, geometry, mapping, optics, rules
from ingest.checks import CHECKS
from ingest.description import Source
from ingest.findings import Findings
from ingest.mapping import Mapped
from ingest.readers import Contents, RawBatch, Reader, open_source
from ingest.readers.batch import Geometries
from ingest.report import Tally
from ingest.targets import Target, target

_WGS84_SRID = 4326
_MERCATOR_LAT = 85.06  # the tables take no place beyond it: tiles have none
_REPAIRS = frozenset(check.code for check in CHECKS.values() if check.severity == "repair")
_WARNINGS = frozenset(check.code for check in CHECKS.values() if check.severity == "warn")


@dataclass(frozen=True)
class Opened:
    """A source whose file is open, with all that its rows are judged by."""

    source: Source
    path: Path
    target: Target
    reader: Reader
    crs: Crs | None
    deployment: Deployment


class Outcome(NamedTuple):
    """What came of one batch: the rows to load (as ``LayerLoad.stage`` takes them) and those rejected."""

    rows: pa.Table
    rejects: list[Reject]


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


def process(opened: Opened, duplicates: rules.Duplicates, tally: Tally) -> Iterator[Outcome]:
    """Yield what comes of each batch of the file, adding it to ``tally``."""
    for raw in opened.reader.batches():
        yield one_batch(opened, mapping.select(opened.source, raw), duplicates, tally)


def one_batch(opened: Opened, raw: RawBatch, duplicates: rules.Duplicates, tally: Tally) -> Outcome:
    """Map, check and repair one batch; every row of ``raw`` is either among the rows to load or rejected."""
    mapped = mapping.map_fields(opened.source, opened.target, raw, is_recoded=opened.reader.contents.is_recoded)
    rules.fill_scheme(mapped, opened.source, opened.deployment)
    rules.check(mapped, opened.target, opened.deployment)
    geom = _geometries(opened, mapped)
    duplicates.check(mapped)
    _count(tally, mapped.findings)
    return Outcome(_rows(opened, mapped, geom), list(_rejects(mapped, geom)))


def _geometries(opened: Opened, mapped: Mapped) -> Geometries | None:
    goal, crs, raw, findings = opened.target, opened.crs, mapped.raw, mapped.findings
    if goal.geometry is None or crs is None:
        return None
    if opened.source.coordinates is not None:
        columns = mapping.Columns(raw, findings)
        given = geometry.from_columns(
            opened.source.coordinates, [columns.text(name) for name in opened.source.coordinates.columns], findings
        )
    else:
        given = raw.geom if raw.geom is not None else np.full(raw.size, None, dtype=object)
        findings.reject(
            checks.UNREADABLE_GEOMETRY, raw.unbuilt, "", lambda _: "The geometry cannot be built; a ring may have too few points."
        )
    place = geometry.Place(crs, goal.geometry, _bounds(opened.deployment), opened.reader.contents.is_geojson)
    return geometry.check(given, place, findings)


def _bounds(deployment: Deployment) -> Bounds:
    box = deployment.box
    return box._replace(south=max(box.south, -_MERCATOR_LAT), north=min(box.north, _MERCATOR_LAT))


def _count(tally: Tally, findings: Findings) -> None:
    tally.read += findings.size
    tally.rejected += len(findings.reasons)
    tally.repaired += findings.rows_with(_REPAIRS)
    tally.warned += findings.rows_with(_WARNINGS)
    tally.reasons.update(findings.counts())


def _rows(opened: Opened, mapped: Mapped, geom: Geometries | None) -> pa.Table:
    """Return the rows that are not rejected, with the columns that the staging table has."""
    good = ~mapped.findings.rejected
    fields = optics.complete(mapped.fields) if opened.target.id == "cameras" else mapped.fields
    columns = {name: column.filter(pa.array(good)) for name, column in fields.items()}
    columns["row_number"] = pa.array(mapped.raw.numbers[good])
    if geom is not None:
        columns["geom"] = pa.array(_ewkb(geom[good]), pa.string())
    return pa.table(columns)


def _ewkb(geom: Geometries) -> Any:
    return shapely.to_wkb(shapely.set_srid(geom, _WGS84_SRID), hex=True, include_srid=True)


def _rejects(mapped: Mapped, geom: Geometries | None) -> Iterator[Reject]:
    """Yield the rejected rows in the order of the file, with the raw values and the place where there is one."""
    positions = sorted(mapped.findings.reasons)
    if not positions:
        return
    raw_rows = mapped.raw.rows(positions)
    for position, raw in zip(positions, raw_rows, strict=True):
        reasons = mapped.findings.reasons[position]
        message = " ".join(dict.fromkeys(reason.message for reason in reasons))
        place = geom[position] if geom is not None and geom[position] is not None else None
        ewkb = str(_ewkb(np.array([place], dtype=object))[0]) if place is not None else None
        first = reasons[0]
        yield Reject(int(mapped.raw.numbers[position]), first.code, message, first.field, _plain(raw), ewkb)


def _plain(raw: dict[str, Any]) -> dict[str, Any]:
    """Return raw values as JSON can hold them: text without NUL, NaN and dates as text."""
    return {str(name).replace("\0", ""): _plain_value(value) for name, value in raw.items()}


def _plain_value(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "")
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    return str(value).replace("\0", "")
