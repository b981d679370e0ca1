"""The commands about runs of the past: a list, one run's report again, its bad rows as a file, and letting a source go."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.db.runs import Run, list_runs, release_source
from gisgrid.deployment import load_deployment
from gisgrid.errors import NotFoundError
from gisgrid.settings import load_settings
from ingest.load_command import require_html, tell, write_page
from ingest.past import find_run, rejects_of, repairs_of, report_of, status_of
from ingest.rejects import Saved, save_rejects, save_repairs
from ingest.report import counted, print_plain

_RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="Number of a run, `last`, or the id of a source (its last run).")]
_OutOption = Annotated[Path, typer.Option("--output", "-o", help="File to write: .csv, .xlsx or .gpkg.", show_default=False)]
_OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")]
_ROOMY = 110
_ROOMY = 110
_JsonOption = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


def runs(
    *,
    source: Annotated[str | None, typer.Option(help="Only runs of the source with this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Most runs to list.")] = 20,
    as_json: _JsonOption = False,
) -> None:
    """List the last runs, newest first: what came of each, and those that were interrupted."""
    with open_database(load_settings()).connect() as connection:
        found = list_runs(connection, source_id=source, limit=limit)
    if as_json:
        sys.stdout.write(json.dumps([_as_json(run) for run in found], ensure_ascii=False, indent=2, default=str) + "\n")
        return
    console = _out()
    if not found:
        console.print("Nothing has been loaded yet." if source is None else f"No source {source} was ever loaded.")
        return
    if console.is_terminal and console.width >= _ROOMY:
        console.print(_table(found, plain=False))
    else:
        print_plain([_table(found, plain=True)], console)
    for run in found:
        if run.status == "failed":
            console.print(f"run {run.id}, {run.source_id}: {run.report.get('error', 'failed')}")


def show(
    run: _RunArgument,
    *,
    report: Annotated[Path | None, typer.Option(help="Write the HTML report (and JSON beside it) to this file too.")] = None,
    as_json: _JsonOption = False,
) -> None:
    """Show the report of one run again."""
    require_html(report)
    settings = load_settings()
    database = open_database(settings)
    found = report_of(database, find_run(database, run))
    if report is not None:
        write_page(found, load_deployment(found.deployment or settings.deployment), database, report, is_wanted=True)
    errors = tell(found, report, as_json=as_json)
    if not as_json:
        for error in errors:
            _out().print(error)


def rejects(run: _RunArgument, out: _OutOption, *, overwrite: _OverwriteOption = False) -> None:
    """Write the rejected rows of a run to a file, in the source's own columns with the reasons, to be mended and sent again.

    The values are those of the file, in .csv as well: a cell that begins with "=" is a formula for a spreadsheet that opens
    it; in .xlsx every text is marked as text.
    """
    database = open_database(load_settings())
    found = find_run(database, run)
    _say(found, "rejected", out, save_rejects(found, lambda: rejects_of(database, found), out, overwrite=overwrite))


def repairs(run: _RunArgument, out: _OutOption, *, overwrite: _OverwriteOption = False) -> None:
    """Write what was repaired in a run to a file: row, check, field, code, the value before and after, and the place."""
    database = open_database(load_settings())
    found = find_run(database, run)
    _say(found, "repaired", out, save_repairs(lambda: repairs_of(database, found), out, overwrite=overwrite))


def release(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Id of a source.")],
    *,
    retire: Annotated[bool, typer.Option("--retire", help="Retire the rows as well (but never areas).")] = False,
) -> None:
    """Let go of what a source has loaded: its rows stay and belong to nobody, the next source that delivers them takes them."""
    with open_database(load_settings()).connect() as connection:
        released = release_source(connection, source, retire=retire)
    if not released:
        raise NotFoundError(f"Source {source!r} holds no rows.", "`gisgrid ingest runs` lists the sources that were loaded.")
    for layer, rows in released.items():
        _out().print(f"{layer}: {counted(rows, 'row')} let go{' and retired' if retire else ''}.")


def _out() -> Console:
    return Console(highlight=False, markup=False, soft_wrap=True)


def _say(run: Run, what: str, out: Path, saved: Saved) -> None:
    if not saved.rows:
        reason = f": {run.report['error']}" if run.report.get("error") else "."
        _out().print(f"Run {run.id} of {run.source_id} has no {what} rows{reason}")
        return
    _out().print(f"{out}: {counted(saved.rows, f'{what} row')} of {run.source_id}, run {run.id}.")
    for note in saved.notes:
        _out().print(note)


def _as_json(run: Run) -> dict[str, Any]:
    return {**run._asdict(), "outcome": status_of(run)}


def _table(found: list[Run], *, plain: bool) -> Table:
    table = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=not plain)
    for heading in ("run", "started", "source", "outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("read", "loaded", "rejected", "repaired", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for run in found:
        seconds = f"{(run.finished_at - run.started_at).total_seconds():.1f}" if run.finished_at else "-"
        counts = (f"{count:,}" for count in (run.rows_read, run.rows_loaded, run.rows_rejected, run.rows_repaired))
        table.add_row(str(run.id), f"{run.started_at.astimezone():%Y-%m-%d %H:%M:%S}", run.source_id, status_of(run), *counts, seconds)
    return table
