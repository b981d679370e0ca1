"""The whole ingest: every source of a description, read, checked and loaded; what came of each is reported."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gisgrid.db import Database
from gisgrid.db.loading import Counts, Delivery, LayerLoad, Loading, Reject, RunRecord, Written, open_loading
from gisgrid.deployment import Deployment
from gisgrid.errors import GisgridError, SourceError
from gisgrid.progress import Progress, silent
from ingest.checks import CHECKS, HELD_BY_OTHER_SOURCE
from ingest.description import Source, load_description
from ingest.duplicates import Duplicates
from ingest.fingerprint import file_hash, source_hash
from ingest.report import LayerReport, Tally
from ingest.steps import Opened, prepare, process
from ingest.targets import TARGETS, target

__all__ = ["LayerReport", "run"]

logger = logging.getLogger(__name__)


class _Job(NamedTuple):
    """One source to be loaded, and what is known of it before."""

    opened: Opened
    delivery: Delivery


def run(
    database: Database | None,
    deployment: Deployment,
    sources_path: Path,
    *,
    root: Path | None = None,
    layers: Iterable[str] | None = None,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> list[LayerReport]:
    """Load every source of the description at ``sources_path`` (only those of ``layers``, if given); return what came of each.

    Paths in the description are relative to ``root``, by default the description's folder. Each source is one
    transaction; areas of all levels become visible together at the end. Files that were loaded before, by the same
    description, are left alone. With ``dry_run`` nothing is written and ``database`` is not needed.
    Raises SourceError for a description or file that cannot be used (found before anything is loaded, as far as that can be
    told without reading it), DatabaseError when the database is down or refuses; the layer at hand is then rolled back.
    """
    sources = _chosen(sources_path, layers)
    folder = root if root is not None else sources_path.parent
    jobs = [_job(source, folder / source.path, deployment) for source in sources]
    report = progress or silent
    if dry_run or database is None:
        return [_dry(job, report) for job in jobs]
    with open_loading(database) as loading:
        return _load_all(loading, jobs, report)


def _chosen(sources_path: Path, layers: Iterable[str] | None) -> list[Source]:
    """Return the sources to load, in the order of the layers; raises SourceError when there is none for a layer asked for."""
    sources = load_description(sources_path).sources
    order = list(TARGETS)
    wanted = order if layers is None else [target(layer).id for layer in layers]
    present = {source.layer for source in sources}
    if layers is not None and (absent := [layer for layer in wanted if layer not in present]):
        raise SourceError(f"{sources_path} has no source for {', '.join(absent)}.", f"It has: {', '.join(sorted(present))}.")
    return sorted((source for source in sources if source.layer in wanted), key=lambda source: order.index(source.layer))


def _job(source: Source, path: Path, deployment: Deployment) -> _Job:
    opened = prepare(source, path, deployment)
    return _Job(opened, Delivery(source.id, source.layer, str(path), file_hash(path), source_hash(source, deployment)))


def _dry(job: _Job, progress: Progress) -> LayerReport:
    start = time.perf_counter()
    tally = Tally()
    progress(job.delivery.layer, 0, job.opened.reader.contents.total)
    for _ in process(job.opened, Duplicates(job.opened.target.key), tally):
        progress(job.delivery.layer, tally.read, job.opened.reader.contents.total)
    _require_rows(job, tally)
    return _report(job, "checked", tally, Written(0, 0, 0), time.perf_counter() - start)


def _load_all(loading: Loading, jobs: list[_Job], progress: Progress) -> list[LayerReport]:
    """Load what is not loaded yet, areas together; return the reports in the order of the jobs."""
    earlier = {job.delivery.source_id: _same_run(loading, job.delivery) for job in jobs}
    # A level is a partition as a whole: if one of its sources is new, all of them are read.
    stale = {job.opened.target.level for job in jobs if job.opened.target.level and earlier[job.delivery.source_id] is None}
    reports: list[LayerReport] = []
    for job in jobs:
        run_before = earlier[job.delivery.source_id]
        if run_before is not None and job.opened.target.level not in stale:
            reports.append(_unchanged(loading, job, run_before))
        else:
            reports.append(_load(loading, job, progress))
    return _published(loading.publish_areas(), reports, stale=bool(stale))


def _same_run(loading: Loading, delivery: Delivery) -> RunRecord | None:
    """Return the run that loaded this very file by this very description, if its rows are still there."""
    found = loading.last_run(delivery)
    if found is None or (found.file_hash, found.source_hash) != (delivery.file_hash, delivery.source_hash):
        return None
    return found


def _published(changed: bool, reports: list[LayerReport], *, stale: bool) -> list[LayerReport]:
    """Return the reports with areas called unchanged when what they brought is what is served already."""
    if changed or not stale:
        return reports
    return [
        replace(report, status="unchanged", inserted=0) if target(report.layer).level and report.status == "loaded" else report
        for report in reports
    ]


def _unchanged(loading: Loading, job: _Job, before: RunRecord) -> LayerReport:
    start = time.perf_counter()
    loading.record_unchanged(job.delivery, before.counts)
    counts = before.counts
    tally = Tally(counts.read, counts.repaired, counts.rejected, counts.report.get("warned", 0))
    tally.reasons.update(counts.report.get("reasons", {}))
    return _report(job, "unchanged", tally, Written(0, 0, 0), time.perf_counter() - start)


def _load(loading: Loading, job: _Job, progress: Progress) -> LayerReport:
    start = time.perf_counter()
    with _recorded(loading, job.delivery), loading.layer(job.delivery, job.opened.target.level) as load:
        tally = _stage(load, job, progress)
        load.is_refused = tally.loaded == 0
        written = Written(0, 0, 0) if load.is_refused else load.merge()
        same = not any(written)
        report = _report(job, "unchanged" if same else "loaded", tally, written, time.perf_counter() - start)
        load.counts = Counts(tally.read, tally.loaded, tally.repaired, tally.rejected, _kept(report))
    if load.is_refused:
        raise _nothing_left(job, report)
    logger.debug("%s: %d read, %d loaded, %d rejected", job.delivery.source_id, report.read, report.loaded, report.rejected)
    return report


def _nothing_left(job: _Job, report: LayerReport) -> SourceError:
    """Return the error for a delivery without one good row: it would empty the layer, so it is taken for a mistake."""
    code, count = next(iter(report.reasons.items()))
    return SourceError(
        f"All {report.read:,} rows of {job.delivery.path} (source {job.delivery.source_id!r}) were rejected, {count:,} of them because: "
        f"{CHECKS[code].description}",
        f"Is {job.opened.deployment.id!r} the right GISGRID_DEPLOYMENT, and is the description right? What was loaded before stays; the "
        "rejected rows are in gisgrid.ingest_rejects.",
    )


@contextmanager
def _recorded(loading: Loading, delivery: Delivery) -> Iterator[None]:
    """Record a failed run when the block raises; the first error is what counts."""
    try:
        yield
    except GisgridError as error:
        loading.record_failed(delivery, str(error))
        raise


def _stage(load: LayerLoad, job: _Job, progress: Progress) -> Tally:
    """Stage all batches of one source, and take out what others hold."""
    tally = Tally()
    progress(job.delivery.layer, 0, job.opened.reader.contents.total)
    for outcome in process(job.opened, Duplicates(job.opened.target.key), tally):
        if outcome.rows.num_rows:
            load.stage(outcome.rows)
        load.reject(outcome.rejects)
        progress(job.delivery.layer, tally.read, job.opened.reader.contents.total)
    _require_rows(job, tally)
    held = [_held(row, job.opened) for row in load.held_by_others()]
    load.reject(held)
    tally.rejected += len(held)
    if held:
        tally.reasons[HELD_BY_OTHER_SOURCE.code] += len(held)
    return tally


def _held(row: tuple[int, dict[str, Any], str | None], opened: Opened) -> Reject:
    number, values, ewkb = row
    key = " ".join(str(values.get(name, "")) for name in opened.target.key)
    message = f"{key!r} was loaded from another source than {opened.source.id!r}, which keeps it."
    return Reject(number, HELD_BY_OTHER_SOURCE.code, message, opened.target.key[-1], values, ewkb)


def _require_rows(job: _Job, tally: Tally) -> None:
    if tally.read == 0:
        why = "no row that `where` takes" if job.opened.source.where else "no rows"
        raise SourceError(
            f"{job.delivery.path} has {why} (source {job.delivery.source_id!r}).",
            "What was loaded from it before stays; ask for the file again.",
        )


def _kept(report: LayerReport) -> dict[str, Any]:
    """Return what the record of a run keeps of its report beside the counts."""
    names = ("warned", "reasons", "seconds", "inserted", "updated", "retired", "unchanged", "crs", "encoding", "notes")
    whole = report.as_json()
    return {name: whole[name] for name in names}


def _report(job: _Job, status: Any, tally: Tally, written: Written, seconds: float) -> LayerReport:
    contents = job.opened.reader.contents
    return LayerReport(
        layer=job.delivery.layer,
        source_id=job.delivery.source_id,
        path=job.delivery.path,
        status=status,
        read=tally.read,
        loaded=tally.loaded,
        repaired=tally.repaired,
        rejected=tally.rejected,
        warned=tally.warned,
        seconds=seconds,
        reasons=dict(tally.reasons.most_common()),
        inserted=written.inserted,
        updated=written.updated,
        retired=written.retired,
        unchanged=written.unchanged,
        crs=job.opened.crs.name if job.opened.crs else None,
        encoding=contents.encoding,
        notes=tuple(contents.notes),
        examples=tally.examples,
        spots=tally.spots,
    )
