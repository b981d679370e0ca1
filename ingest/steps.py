"""One batch through the steps: map, check, repair. Rows in, rows to load and rejected rows out; no database here."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyproj

from gisgrid.crs import Crs, parse_crs
from gisgrid.deployment import Deployment
from gisgrid.errors import CrsError, SourceError
from gisgrid.types import Bounds
from ingest import classes, geometry, mapping, place_names, rules
from ingest.description import Source
from ingest.duplicates import Duplicates
from ingest.findings import Findings
from ingest.geometry import Mixture
from ingest.mapping import Mapped
from ingest.outcomes import Outcome, Seen, outcome
from ingest.place_names import ThingsNamed
from ingest.positions import District, hint_for_unnamed
from ingest.readers import RawBatch, Reader, open_source
from ingest.readers.batch import Geometries
from ingest.report import Tally
from ingest.targets import Target, target

__all__ = ["Opened", "Outcome", "Seen", "one_batch", "prepare", "process"]

_MERCATOR_LAT = 85.06  # the tables take no place beyond it: tiles have none


@dataclass(frozen=True)
class Opened:
    """A source whose file is open, with all that its rows are judged by.

    ``known_parents`` are the codes that areas and buildings may name as the area they lie in: those delivered and those
    loaded before; None when that is not known. ``things`` are those that other names may be given to. ``district`` is
    the ground that rows should lie on, None when that is not known.
    """

    source: Source
    path: Path
    target: Target
    reader: Reader
    crs: Crs | None
    deployment: Deployment
    known_parents: Collection[str] | None = None
    things: ThingsNamed | None = None
    district: District | None = None


def prepare(source: Source, path: Path, deployment: Deployment) -> Opened:
    """Open a source's file and make sure that it can be loaded at all, before any row is read.

    Raises SourceError that names the file when it is missing, empty or unreadable, lacks columns that the description
    names, has no geometry where the layer needs one, or has no coordinate system that is known.
    """
    goal = target(source.layer)
    reader = open_source(source, path)
    mapping.require_columns(source, reader.contents, str(path))
    classes.require(source, deployment)
    rules.require(source, goal, deployment)
    crs = None
    if goal.geometry is not None:
        if not reader.contents.has_geometry and source.coordinates is None:
            raise SourceError(
                f"{path} has no geometry (source {source.id!r}).",
                'Name its columns: coordinates = { lon = "...", lat = "..." } (or x and y).',
            )
        crs = _crs(source, reader, path, deployment)
    return Opened(source, path, goal, reader, crs, deployment)


def _crs(source: Source, reader: Reader, path: Path, deployment: Deployment) -> Crs:
    """Return the coordinate system that the description declares, or else the one that the file carries."""
    contents = reader.contents
    text = source.crs or _code_of(contents.crs)
    if text is None:
        carried = f" a name that is known (it says {contents.crs[:60]!r})" if contents.crs else " its coordinate system"
        raise SourceError(
            f"{path} does not say{carried}, and source {source.id!r} declares none.",
            hint_for_unnamed(source, reader, deployment),
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
    """Yield what comes of each batch of the file, adding it to ``tally``.

    The last may be without rows: it holds what is to say of the file as a whole.
    """
    mixture = Mixture()
    for raw in opened.reader.batches():
        result = one_batch(opened, mapping.select(opened.source, raw), duplicates, tally)
        if result.seen is not None:
            mixture.add(result.seen.geom)
        yield result
    if (remark := mixture.remark(opened.target.id)) is not None:
        tally.reasons[remark.code] += 1
        tally.add((), (), (remark,))
        yield Outcome(pa.table({}), [], [], [remark], None)


@np.errstate(invalid="ignore", over="ignore")  # NaN and absurd coordinates are what the checks look for
def one_batch(opened: Opened, raw: RawBatch, duplicates: Duplicates, tally: Tally) -> Outcome:
    """Map, check and repair one batch; every row of ``raw`` is either among the rows to load or rejected."""
    mapped = mapping.map_fields(opened.source, opened.target, raw, opened.deployment, is_recoded=opened.reader.contents.is_recoded)
    rules.check(mapped, opened.target, opened.deployment, opened.known_parents)
    if opened.things is not None:
        place_names.resolve(mapped, opened.things)
    as_given = _as_given(opened, mapped)
    seen = geometry.turned(as_given) if as_given is not None and opened.source.axis_order == "yx" else as_given
    geom = None if seen is None else _stored(opened, mapped, seen)
    duplicates.check(mapped, geom)
    result = outcome(opened.target, mapped, as_given, seen, geom)
    _count(tally, mapped.findings)
    tally.add(result.rejects, result.repairs, result.issues)
    return result


def _as_given(opened: Opened, mapped: Mapped) -> Geometries | None:
    """Return the geometries as the file has them; None for a layer without any."""
    raw, findings = mapped.raw, mapped.findings
    if opened.target.geometry is None:
        return None
    if opened.source.coordinates is not None:
        texts = mapping.coordinate_texts(opened.source, raw, findings)
        return geometry.from_columns(opened.source.coordinates, texts, findings)
    return geometry.as_built(raw, findings)


def _stored(opened: Opened, mapped: Mapped, seen: Geometries) -> Geometries | None:
    if opened.target.geometry is None or opened.crs is None:
        return None
    place = geometry.Place(opened.crs, opened.target.geometry, _bounds(opened.deployment), opened.reader.contents.is_geojson)
    geom = geometry.check(seen, place, mapped.findings)
    if mapped.raw.unbuilt.any():
        geom = geometry.with_places(geom, mapped.raw, place, is_turned=opened.source.axis_order == "yx")
    if opened.district is not None:
        opened.district.check(geom, mapped.findings)
    return geom


def _bounds(deployment: Deployment) -> Bounds:
    box = deployment.box
    return box._replace(south=max(box.south, -_MERCATOR_LAT), north=min(box.north, _MERCATOR_LAT))


def _count(tally: Tally, findings: Findings) -> None:
    tally.read += findings.size
    tally.rejected += len(findings.reasons)
    tally.repaired += int(findings.repaired.sum())
    tally.warned += int(findings.warned.sum())
    tally.reasons.update(findings.counts())
