"""The load of one source: read, checked, compared with what is known, staged and merged in one transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from gisgrid.db.evidence import Known
from gisgrid.db.loading import LayerLoad, Loading
from gisgrid.db.records import Counts, Delivery, Held, Reject, RunRecord, Written
from gisgrid.deployment import Deployment
from gisgrid.errors import GisgridError, SourceError
from gisgrid.progress import Progress
from ingest.checks import CHECKS, DELIVERY_REFUSED, HELD_BY_OTHER_SOURCE
from ingest.description import Source
from ingest.duplicates import Duplicates
from ingest.fingerprint import content_hash, source_hash
from ingest.outcomes import InFile, as_in_file
from ingest.place_names import ThingsNamed
from ingest.positions import Sampler, Surroundings, compare, district_of
from ingest.readers import Contents, RawBatch, Reader
from ingest.report import LayerReport, RunStatus, Tally
from ingest.steps import Opened, prepare, process

logger = logging.getLogger(__name__)

_NOTHING = Written(0, 0, 0)


class Options(NamedTuple):
    """How every source is loaded: ``partial`` keeps rows that are not delivered, ``accept_crs`` takes positions that look wrong."""

    partial: bool = False
    accept_crs: bool = False


@dataclass(frozen=True)
class Job:
    """One source whose file is open, ready to be loaded."""

    opened: Opened
    delivery: Delivery

    @property
    def total(self) -> int:
        """Rows in the file, 0 when only reading can tell."""
        return self.opened.reader.contents.total


@dataclass
class _Work:
    """What is gathered while a source is read."""

    tally: Tally = field(default_factory=Tally)
    sampler: Sampler = field(default_factory=Sampler)
    timings: dict[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    start: float = field(default_factory=time.perf_counter)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to the step called ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[name] = self.timings.get(name, 0.0) + time.perf_counter() - start


class _Timed:
    """A reader that notes how long reading takes."""

    def __init__(self, reader: Reader, work: _Work) -> None:
        self.contents: Contents = reader.contents
        self._reader, self._work = reader, work

    def batches(self) -> Iterator[RawBatch]:
        batches = self._reader.batches()
        while True:
            with self._work.step("read"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def open_job(source: Source, folder: Path, deployment: Deployment, options: Options) -> Job:
    """Open a source's file (relative to ``folder``) and return what is to be loaded.

    Raises SourceError when the file cannot be used at all.
    """
    told = {"partial": source.partial or options.partial, "accept_crs": source.accept_crs or options.accept_crs}
    source = source.model_copy(update=told)
    path = folder / source.path
    opened = prepare(source, path, deployment)
    delivery = Delivery(
        source.id,
        source.layer,
        str(path) if source.path else source.where_from,
        content_hash(source, path),
        source_hash(source, deployment),
        source.partial,
        {"deployment": deployment.id, "source": source.model_dump(mode="json", exclude_defaults=True, exclude={"connection"})},
        opened.reader.contents.columns,
        opened.crs.name if opened.crs else None,
    )
    return Job(opened, delivery)


def check(job: Job, progress: Progress, known: Surroundings, keep: Callable[[pa.Table], None]) -> LayerReport:
    """Take one source through all checks and write nothing; positions are compared with what is ``known``.

    ``keep`` is given the rows that are fit to be loaded, batch by batch. Raises SourceError when the file turns out to be
    broken; a delivery that would be refused is reported as failed.
    """
    work = _Work()
    for outcome in _outcomes(_placed(job, known), work, progress):
        keep(outcome.rows)
    _require_rows(job, work.tally)
    refusal = _judged(job, work, known) or _nothing_left(job, work.tally)
    return _report(job, "failed" if refusal else "checked", work, _NOTHING, refusal)


def load(loading: Loading, job: Job, progress: Progress) -> LayerReport:
    """Load one source in one transaction; what was loaded before stays when the delivery is refused, which is reported as failed.

    Raises SourceError when the file turns out to be broken, DatabaseError when the database is lost or refuses.
    """
    work = _Work()
    try:
        with loading.layer(job.delivery, job.opened.target.level) as run:
            known = Known(loading.connection, loading.draft)
            refusal = _stage(run, known, _placed(job, known), work, progress)
            run.is_refused = refusal is not None
            with work.step("merge"):
                written = _NOTHING if refusal else run.merge()
            report = replace(_report(job, _status(job, refusal, written), work, written, refusal), run_id=run.run_id)
            run.counts = Counts(report.read, report.loaded, report.repaired, report.rejected, _kept(report), report.timings)
    except GisgridError as error:
        loading.record_failed(job.delivery, str(error))
        raise
    logger.debug("%s: %d read, %d loaded, %d rejected", job.delivery.source_id, report.read, report.loaded, report.rejected)
    return report


def unchanged(loading: Loading, job: Job, before: RunRecord) -> LayerReport:
    """Record that the file was seen again as it was loaded; return the counts of the run that loaded it."""
    work = _Work()
    loading.record_unchanged(job.delivery, before.counts)
    counts = before.counts
    work.tally = Tally(counts.read, counts.repaired, counts.rejected, counts.report.get("warned", 0))
    work.tally.reasons.update(counts.report.get("reasons", {}))
    return _report(job, "unchanged", work, _NOTHING._replace(unchanged=counts.loaded))


def failed(job: Job, error: GisgridError) -> LayerReport:
    """Return the report of a source that could not be loaded."""
    return _report(job, "failed", _Work(), _NOTHING, error)


def _outcomes(job: Job, work: _Work, progress: Progress) -> Iterator[Any]:
    """Yield what comes of each batch, with progress told and positions sampled."""
    duplicates = Duplicates(job.opened.target.key)
    opened = replace(job.opened, reader=_Timed(job.opened.reader, work))
    progress(job.delivery.source_id, 0, job.total)
    outcomes = process(opened, duplicates, work.tally)
    while True:
        with work.step("read and check"):
            outcome = next(outcomes, None)
        if outcome is None:
            return
        work.sampler.add(outcome.seen)
        yield outcome
        progress(job.delivery.source_id, work.tally.read, job.total)


def _placed(job: Job, known: Surroundings) -> Job:
    """Return the job with what its rows are held against: the ground of the district, the communities there are, and what has a name."""
    goal = job.opened.target
    communities = known.codes("community") if "community_code" in goal.all_fields else None
    things = ThingsNamed(known.named) if goal.id == "place_names" else None
    return replace(job, opened=replace(job.opened, district=district_of(known, goal), known_parents=communities, things=things))


def _stage(run: LayerLoad, known: Known, job: Job, work: _Work, progress: Progress) -> SourceError | None:
    """Stage all batches of one source and return why it is refused, None when it is not."""
    for outcome in _outcomes(job, work, progress):
        with work.step("stage"):
            if outcome.rows.num_rows:
                run.stage(outcome.rows)
            run.reject(outcome.rejects)
            run.repair(outcome.repairs)
            run.issue(outcome.issues)
    _require_rows(job, work.tally)
    with work.step("compare positions"):
        refusal = _judged(job, work, known)
    if refusal is None:
        _take_out_held(run, job, work.tally)
    return refusal or _nothing_left(job, work.tally)


def _judged(job: Job, work: _Work, known: Surroundings) -> SourceError | None:
    """Compare the sampled positions with what is known; return the refusal when they cannot be right and nobody vouches for them."""
    verdict = compare(work.sampler, job.opened, known)
    work.evidence = verdict.sentences
    if not verdict.refused:
        return None
    if not job.opened.source.accept_crs:
        return SourceError(verdict.message, verdict.hint)
    work.evidence = (f"Accepted all the same: {verdict.message}", *verdict.sentences)
    logger.warning("%s Accepted all the same.", verdict.message)
    return None


def _take_out_held(run: LayerLoad, job: Job, tally: Tally) -> None:
    """Reject the rows whose key another source holds."""
    held = {row.row_number: row for row in run.held_by_others()}
    if not held:
        return
    tally.rejected += len(held)
    tally.reasons[HELD_BY_OTHER_SOURCE.code] += len(held)
    # What is staged are the layer's fields; the owner of the file knows his own columns, so these are read once more.
    for raw in job.opened.reader.batches():
        rejects = [_held(held[found.row_number], found, job.opened) for found in as_in_file(raw, held)]
        run.reject(rejects)
        tally.add(rejects)


def _held(row: Held, found: InFile, opened: Opened) -> Reject:
    key = " ".join(str(row.values.get(name, "")) for name in opened.target.key)
    message = f"{key!r} was loaded from source {row.source_id!r}, which keeps it until `gisgrid ingest release {row.source_id}`."
    return Reject(row.row_number, HELD_BY_OTHER_SOURCE.code, message, opened.target.key[-1], found.raw, row.ewkb, found.wkb)


def _require_rows(job: Job, tally: Tally) -> None:
    if tally.read == 0:
        why = "no row that `where` takes" if job.opened.source.where else "no rows"
        raise SourceError(
            f"{job.delivery.path} has {why} (source {job.delivery.source_id!r}).",
            "What was loaded from it before stays; ask for the file again.",
        )


def _nothing_left(job: Job, tally: Tally) -> SourceError | None:
    """Return the error for a delivery without one good row: it would empty the layer, so it is taken for a mistake."""
    if tally.loaded:
        return None
    code, count = tally.reasons.most_common(1)[0]
    return SourceError(
        f"All {tally.read:,} rows of {job.delivery.path} (source {job.delivery.source_id!r}) were rejected, {count:,} of them because: "
        f"{CHECKS[code].description}",
        f"Is {job.opened.deployment.id!r} the right GISGRID_DEPLOYMENT, and is the description right? What was loaded before stays; the "
        "rejected rows are in gisgrid.ingest_rejects.",
    )


def _status(job: Job, refusal: SourceError | None, written: Written) -> RunStatus:
    if refusal is not None:
        return "failed"
    if job.opened.target.level is not None:
        return "draft"
    return "loaded" if any((written.inserted, written.updated, written.retired)) else "unchanged"


def _kept(report: LayerReport) -> dict[str, Any]:
    """Return what the record of a run keeps of its report beside the counts."""
    names = ("warned", "reasons", "seconds", "inserted", "updated", "retired", "unchanged", "crs", "encoding", "notes")
    whole = report.as_json()
    return {name: whole[name] for name in (*names, "evidence", "examples", "error") if whole[name] is not None}


def _report(job: Job, status: RunStatus, work: _Work, written: Written, error: GisgridError | None = None) -> LayerReport:
    contents, tally, timings = job.opened.reader.contents, work.tally, work.timings
    if status == "failed" and tally.loaded:
        tally.reasons[DELIVERY_REFUSED.code] += tally.loaded
        tally.rejected = tally.read
    if "read" in timings:
        timings["check"] = max(0.0, timings.pop("read and check") - timings["read"])
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
        seconds=time.perf_counter() - work.start,
        reasons=dict(tally.reasons.most_common()),
        inserted=written.inserted,
        updated=written.updated,
        retired=written.retired,
        unchanged=written.unchanged,
        crs=job.delivery.crs,
        encoding=contents.encoding,
        notes=tuple(contents.notes),
        timings={name: round(seconds, 3) for name, seconds in timings.items()},
        examples=tally.examples,
        spots=tally.spots,
        evidence=work.evidence,
        columns=contents.columns,
        settings=dict(job.delivery.settings),
        error=str(error) if error else None,
    )
