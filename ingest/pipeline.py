"""The whole ingest: every source of a description, read, checked and loaded; what came of each is reported."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from gisgrid.db import Database
from gisgrid.db.loading import Loading, open_loading
from gisgrid.db.records import RunRecord
from gisgrid.deployment import Deployment
from gisgrid.errors import SourceError
from gisgrid.paths import default_home
from gisgrid.progress import Progress, silent
from ingest.checks import UNKNOWN_FEATURE
from ingest.description import RasterSource, Source
from ingest.dry_run import DryRun
from ingest.load import Job, Options, failed, load, open_job, unchanged
from ingest.publish import Published, publish
from ingest.raster_jobs import RASTERS, Rasters, description_of
from ingest.report import IngestReport, LayerReport
from ingest.targets import TARGETS, target

__all__ = ["IngestReport", "LayerReport", "run"]


def run(
    database: Database | None,
    deployment: Deployment,
    sources_path: Path,
    *,
    root: Path | None = None,
    layers: Collection[str] | None = None,
    sources: Collection[str] | None = None,
    dry_run: bool = False,
    partial: bool = False,
    accept_crs: bool = False,
    activate: bool = False,
    force: bool = False,
    wait: bool = True,
    progress: Progress | None = None,
    home: Path | None = None,
) -> IngestReport:
    """Load the sources and rasters of the description at ``sources_path`` and return what came of each.

    Paths in the description are relative to ``root``, by default the description's folder. ``layers`` and ``sources``
    (ids) choose among the sources. Each source is one transaction; one that is refused is reported as failed and leaves what it
    loaded before, and the others go on. Files that were loaded before, by the same description, are left alone. Areas of
    all levels go into one draft, which is checked and, with ``activate`` or when no areas are served yet, put into service in
    one transaction; errors are in the way of that unless ``force`` is given. ``partial`` keeps rows that are not delivered,
    ``accept_crs`` takes positions that look like another coordinate system's. With ``dry_run`` nothing is written and
    ``database`` is not needed. Another ingest is waited for, or not with ``wait`` false. The files of rasters go into a folder in ``home``,
    by default GISGRID_HOME's own default. ``sources_path`` may be a GeoTIFF: then that is the only raster, with all keys by default.

    Raises SourceError for a description or file that cannot be used (found before anything is loaded, as far as that can be
    told without reading it), DatabaseError when the database is down or lost.
    """
    started_at, start = dt.datetime.now(dt.UTC), time.perf_counter()
    folder = root if root is not None else sources_path.parent
    options = Options(partial, accept_crs)
    chosen, rasters = _chosen(sources_path, layers, sources)
    jobs = [open_job(source, folder, deployment, options) for source in chosen]
    tell = progress or silent
    cells = Rasters(rasters, folder, deployment, home or default_home(), tell)
    if dry_run or database is None:
        trial = DryRun(deployment)
        reports = [_tried(job, lambda job: trial.check(job, tell)) for job in jobs]
        of_rasters = cells.checked()
        published = Published(None, trial.issues())
    else:
        with open_loading(database, wait=wait) as loading:
            loading.require_deployment(deployment)
            reports = _loaded(loading, jobs, tell)
            published = _published(loading, deployment, reports, wanted=activate, force=force)
            of_rasters = cells.loaded(loading)
    return IngestReport(
        sources=(*_settled(reports, published), *of_rasters),
        issues=published.issues,
        generation=published.generation,
        activated=published.activated,
        refusal=published.refusal,
        dry_run=dry_run or database is None,
        deployment=deployment.id,
        started_at=started_at,
        seconds=time.perf_counter() - start,
        settings={"description": str(sources_path), "partial": partial, "accept_crs": accept_crs, "activate": activate, "force": force},
    )


def _chosen(path: Path, layers: Collection[str] | None, ids: Collection[str] | None) -> tuple[list[Source], list[RasterSource]]:
    """Return what to load: sources in the order of the layers, and rasters; raises SourceError for a layer or id that there is none of."""
    found = description_of(path)
    order = list(TARGETS)
    wanted = layers and [layer if layer == RASTERS else target(layer).id for layer in layers]
    items: list[tuple[str, Source | RasterSource]] = [(source.layer, source) for source in found.sources]
    items += [(RASTERS, raster) for raster in found.rasters]
    for names, present in ((wanted, [layer for layer, _ in items]), (ids, [item.id for _, item in items])):
        if names and (absent := [name for name in names if name not in present]):
            raise SourceError(f"{path} has no source for {', '.join(absent)}.", f"It has: {', '.join(sorted(set(present)))}.")
    chosen = [item for layer, item in items if (not layers or layer in layers) and (not ids or item.id in ids)]
    sources = [item for item in chosen if isinstance(item, Source)]
    return sorted(sources, key=lambda source: order.index(source.layer)), [item for item in chosen if isinstance(item, RasterSource)]


def _tried(job: Job, work: Callable[[Job], LayerReport]) -> LayerReport:
    """Return the report of one source; a source that cannot be used fails alone."""
    try:
        return work(job)
    except SourceError as error:
        return failed(job, error)


def _loaded(loading: Loading, jobs: list[Job], progress: Progress) -> list[LayerReport]:
    """Load what is not loaded yet; return the reports in the order of the jobs."""
    earlier = {job.delivery.source_id: _same_run(loading, job) for job in jobs}
    # A level is a partition as a whole: if one of its sources is new, all of them are read.
    stale = {job.opened.target.level for job in jobs if job.opened.target.level and earlier[job.delivery.source_id] is None}

    def work(job: Job) -> LayerReport:
        before = earlier[job.delivery.source_id]
        if before is not None and job.opened.target.level not in stale:
            return unchanged(loading, job, before)
        return load(loading, job, progress)

    return [_tried(job, work) for job in jobs]


def _same_run(loading: Loading, job: Job) -> RunRecord | None:
    """Return the run that loaded this very file by this very description, if its rows are still there.

    Not one that rejected names of what was not there: it may be there now.
    """
    found = loading.last_run(job.delivery)
    if found is None or (found.file_hash, found.source_hash) != (job.delivery.file_hash, job.delivery.source_hash):
        return None
    return None if UNKNOWN_FEATURE.code in found.counts.report.get("reasons", {}) else found


def _published(loading: Loading, deployment: Deployment, reports: list[LayerReport], *, wanted: bool, force: bool) -> Published:
    """Publish the draft, unless a source of areas failed: half of a delivery is thrown away."""
    if broken := [report.source_id for report in reports if report.status == "failed" and target(report.layer).level]:
        loading.discard_areas()
        return Published(None, refusal=f"The areas stay as they were, for these sources failed: {', '.join(broken)}.")
    return publish(loading, deployment, wanted=wanted, force=force)


def _settled(reports: list[LayerReport], published: Published) -> list[LayerReport]:
    """Return the reports with areas called what they have become: loaded, still a draft, or unchanged."""
    if published.activated:
        return [replace(report, status="loaded") if report.status == "draft" else report for report in reports]
    if published.is_served:
        return [
            replace(report, status="unchanged", inserted=0, unchanged=report.loaded) if report.status == "draft" else report
            for report in reports
        ]
    return reports
