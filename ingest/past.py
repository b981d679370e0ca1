"""Runs of the past: which one is meant, and its report again from what the database has kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import NamedTuple, TypeVar, cast

from gisgrid.db import Database
from gisgrid.db.records import Issue, Reject, Repair
from gisgrid.db.runs import Run, list_runs, read_issues, read_rejects, read_repairs, read_run
from gisgrid.errors import NotFoundError
from ingest.report import Example, IngestReport, LayerReport, RunStatus, Spot, Tally

_ALL = 1_000_000
_BATCH = 1_000
_Item = TypeVar("_Item")


def find_run(database: Database, text: str) -> Run:
    """Return the run that ``text`` means: its number, ``last``, or the id of a source, whose last run it is then.

    Runs that found everything unchanged are passed over, for the rows are those of the run that loaded them. Raises
    NotFoundError that says what there is.
    """
    with database.connect() as connection:
        if text.isascii() and text.isdigit():
            return read_run(connection, int(text))
        source_id = None if text == "last" else text
        for limit in (100, _ALL):
            for run in list_runs(connection, source_id=source_id, limit=limit):
                if run.status != "unchanged":
                    return run
        known = dict.fromkeys(run.source_id for run in list_runs(connection, limit=_ALL))
    if source_id is None:
        raise NotFoundError("Nothing has been loaded yet.", "`gisgrid ingest SOURCES.toml` loads.")
    raise NotFoundError(f"No source {source_id!r} was ever loaded.", f"Sources: {', '.join(known) or 'none yet'}.")


def rejects_of(database: Database, run: Run) -> Iterator[Reject]:
    """Yield the rejected rows of a run, on a connection of its own, in bounded memory."""
    with database.connect() as connection:
        yield from read_rejects(connection, run.id)


def repairs_of(database: Database, run: Run) -> Iterator[Repair]:
    """Yield the repairs of a run, as ``rejects_of``."""
    with database.connect() as connection:
        yield from read_repairs(connection, run.id)


def issues_of(database: Database, run: Run) -> Iterator[Issue]:
    """Yield the issues of the rows that a run loaded, as ``rejects_of``."""
    with database.connect() as connection:
        yield from read_issues(connection, run.id)


def status_of(run: Run) -> str:
    """Return what became of a run; one without an end was interrupted, or goes on."""
    return run.status if run.finished_at is not None else "interrupted"


def report_of(database: Database, run: Run) -> IngestReport:
    """Return the report of one run, as its ingest told it; the topology of areas belongs to their generation, not to a run."""
    end = run.finished_at or run.started_at
    return IngestReport(
        (source_report(database, run),),
        deployment=run.settings.get("deployment", ""),
        started_at=run.started_at,
        seconds=(end - run.started_at).total_seconds(),
    )


def source_report(database: Database, run: Run) -> LayerReport:
    """Return what became of the rows of one run, with places from the rows that the database has kept."""
    found, told = _recalled(database, run), run.report
    return LayerReport(
        layer=run.layer,
        source_id=run.source_id,
        path=run.path or "",
        status=cast("RunStatus", run.status),
        read=run.rows_read,
        loaded=run.rows_loaded,
        repaired=run.rows_repaired,
        rejected=run.rows_rejected,
        warned=run.rows_warned,
        seconds=told.get("seconds", 0.0),
        reasons=told.get("reasons", {}),
        inserted=run.rows_inserted,
        updated=run.rows_updated,
        retired=run.rows_retired,
        unchanged=run.rows_unchanged,
        crs=run.crs,
        encoding=told.get("encoding"),
        notes=tuple(told.get("notes", ())),
        run_id=run.id,
        error=told.get("error"),
        timings=dict(run.timings),
        examples=found.examples,
        spots=found.spots,
        evidence=tuple(told.get("evidence", ())),
        columns=tuple(run.source_columns),
        settings=dict(run.settings),
    )


def with_places(database: Database, report: IngestReport) -> IngestReport:
    """Return ``report`` with examples and places of sources that were unchanged, from the run that loaded them."""
    return replace(report, sources=tuple(_with_places(database, source) for source in report.sources))


def _with_places(database: Database, source: LayerReport) -> LayerReport:
    if source.status != "unchanged" or not source.reasons or source.spots:
        return source
    found = _recalled(database, find_run(database, source.source_id))
    return replace(source, examples=found.examples, spots=found.spots)


class _Kept(NamedTuple):
    examples: dict[str, tuple[Example, ...]]
    spots: tuple[Spot, ...]


def _recalled(database: Database, run: Run) -> _Kept:
    tally = Tally()
    for rejects in _batches(rejects_of(database, run)):
        tally.add(rejects)
    for repairs in _batches(repairs_of(database, run)):
        tally.add((), repairs)
    for issues in _batches(issues_of(database, run)):
        tally.add((), (), issues)
    return _Kept(tally.examples, tally.spots)


def _batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, _BATCH)):
        yield batch
