"""The load of a raster: a GeoTIFF checked to its last cell, made quick to serve, and put into service whole or not at all."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gisgrid.db.loading import Loading
from gisgrid.db.rasters import loaded_raster, put_raster
from gisgrid.db.records import Counts, Delivery, Written
from gisgrid.deployment import Deployment
from gisgrid.errors import GisgridError
from gisgrid.progress import Progress
from gisgrid.rasters import Kind, raster_folder
from gisgrid.rasters.cog import crs_name
from gisgrid.services.rasters import About, made, throw_away
from ingest.description import RasterSource
from ingest.raster_checks import Survey, opened, require, require_values, survey
from ingest.raster_jobs import RASTERS
from ingest.report import LayerReport, RunStatus

_RULES_VERSION = 1
"""Raised when files are made otherwise, so that those that were loaded before are made again."""


@dataclass(frozen=True)
class RasterJob:
    """One raster whose file can be used, as far as that shows without reading its cells."""

    source: RasterSource
    path: Path
    kind: Kind
    delivery: Delivery


def open_raster_job(source: RasterSource, folder: Path, deployment: Deployment) -> RasterJob:
    """Look at a raster's file (relative to ``folder``) and return what is to be loaded; raises SourceError when it cannot be used."""
    path = folder / source.path
    with opened(source, path) as dataset:
        kind = require(source, path, dataset, deployment)
        parts = [path, *(part for part in map(Path, dataset.files) if part.suffix in (".tfw", ".xml", ".msk") and part.is_file())]
        columns = tuple(name or f"band {number}" for number, name in enumerate(dataset.descriptions, 1))
        crs = crs_name(dataset.crs)
    settings = {"deployment": deployment.id, "source": source.model_dump(mode="json", exclude_defaults=True)}
    rules = f"{_RULES_VERSION}\n{kind}\n{source.model_dump_json()}\n{deployment.model_dump_json()}"
    delivery = Delivery(
        source.id, RASTERS, str(path), _hash(parts), hashlib.sha256(rules.encode()).hexdigest(), settings=settings, columns=columns, crs=crs
    )
    return RasterJob(source, path, kind, delivery)


def check_raster(job: RasterJob, progress: Progress) -> LayerReport:
    """Read every cell of a raster and write nothing; raises SourceError when it cannot be used."""
    start = time.perf_counter()
    with opened(job.source, job.path) as dataset:
        evidence = _described(job, dataset, _checked(job, dataset, progress))
    return _report(job, "checked", start, Written(0, 0, 0), evidence)


def load_raster(loading: Loading, job: RasterJob, home: Path, progress: Progress) -> LayerReport:
    """Load one raster, unless it is served as it is; what was served under its id before stays when it is refused.

    The file lies in ``home``. Raises SourceError when it cannot be used or written, DatabaseError when the database refuses.
    """
    start = time.perf_counter()
    before = loaded_raster(loading.connection, job.source.id)
    same = before is not None and (before.source_file_hash, before.source_hash) == (job.delivery.file_hash, job.delivery.source_hash)
    if before is not None and same and (raster_folder(home) / before.raster.file).is_file():
        report = _report(job, "unchanged", start, Written(0, 0, 0, 1), ())
        loading.record_unchanged(job.delivery, _counts(report))
        return report
    try:
        return _load(loading, job, home, progress)
    except GisgridError as error:
        loading.record_failed(job.delivery, str(error))
        raise


def _load(loading: Loading, job: RasterJob, home: Path, progress: Progress) -> LayerReport:
    start = time.perf_counter()
    source, info = job.source, loading.connection.info
    loading.begin(job.delivery)
    with opened(source, job.path) as dataset:
        evidence = _described(job, dataset, _checked(job, dataset, progress))
        about = About(source.id, job.kind, source.title or source.id, source.attribution, source.captured_on)
        address = f"{info.host}:{info.port}/{info.dbname}"
        with made(home, address, about, dataset) as ready, loading.ending(job.delivery) as ending:
            old = put_raster(loading.connection, ready.raster, ending.run_id)
            written = Written(1, 0, 0) if old is None else Written(0, 1, 0)
            report = _report(job, "loaded", start, written, evidence, run_id=ending.run_id)
            ending.end(_counts(report), written)
            ready.put_in_place()
    if old != ready.raster.file:
        throw_away(home, old)
    return report


def failed_raster(job: RasterJob, error: GisgridError) -> LayerReport:
    """Return the report of a raster that could not be loaded."""
    return _report(job, "failed", time.perf_counter(), Written(0, 0, 0), (), error=str(error))


def _checked(job: RasterJob, dataset: Any, progress: Progress) -> Survey:
    progress(job.source.id, 0, 0)
    found = survey(job.path, dataset, lambda done, total: progress(f"{job.source.id} (cells)", done, total))
    require_values(job.source, job.kind, job.path, dataset.nodata, found)
    return found


def _described(job: RasterJob, dataset: Any, found: Survey) -> tuple[str, ...]:
    bands = f"{dataset.count} band{'s' if dataset.count > 1 else ''} of {dataset.dtypes[0]}"
    empty = found.cells - found.valid
    share = f" {100.0 * empty / found.cells:.2g} % of the cells hold no value." if empty else ""
    return (f"Taken for {job.kind}: {dataset.width:,} x {dataset.height:,} cells, {bands}.{share}",)


def _report(
    job: RasterJob,
    status: RunStatus,
    start: float,
    written: Written,
    evidence: tuple[str, ...],
    *,
    run_id: int | None = None,
    error: str | None = None,
) -> LayerReport:
    delivery, is_bad = job.delivery, int(status == "failed")
    return LayerReport(
        layer=RASTERS,
        source_id=delivery.source_id,
        path=delivery.path,
        status=status,
        read=1,
        loaded=1 - is_bad,
        repaired=0,
        rejected=is_bad,
        warned=0,
        seconds=time.perf_counter() - start,
        reasons={},
        inserted=written.inserted,
        updated=written.updated,
        unchanged=written.unchanged,
        crs=delivery.crs,
        run_id=run_id,
        error=error,
        evidence=evidence,
        columns=delivery.columns,
        settings=dict(delivery.settings),
    )


def _counts(report: LayerReport) -> Counts:
    names = ("seconds", "inserted", "updated", "unchanged", "crs", "evidence")
    whole = report.as_json()
    return Counts(report.read, report.loaded, 0, report.rejected, {name: whole[name] for name in names}, report.timings)


def _hash(parts: list[Path]) -> str:
    """Return the SHA-256 over the contents of a GeoTIFF and of what belongs to it beside it."""
    digest = hashlib.sha256()
    for part in parts:
        with part.open("rb") as file:
            digest.update(f"{part.suffix.lower()}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
