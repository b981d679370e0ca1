"""The command ``gisgrid ingest load``, which also runs when ``gisgrid ingest`` is given a source description."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.db import Database, open_database
from gisgrid.deployment import Deployment, load_deployment
from gisgrid.errors import GisgridError, UsageError
from gisgrid.progress import progress_bar
from gisgrid.settings import load_settings
from ingest.past import with_places
from ingest.pipeline import run
from ingest.report import IngestReport, print_report, read_outlines, report_path, to_json, write_report

logger = logging.getLogger(__name__)


def load(
    sources: Annotated[Path, typer.Argument(help="Source description, a TOML file; or one GeoTIFF.", show_default=False)],
    *,
    layer: Annotated[list[str] | None, typer.Option(help="Only sources of this layer; may be given more than once.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Only the source with this id; may be given more than once.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that paths are relative to.", show_default="folder of the description")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing; needs no database.")] = False,
    partial: Annotated[bool, typer.Option("--partial", help="Keep rows that a source delivered before and does not now.")] = False,
    accept_crs: Annotated[bool, typer.Option("--accept-crs", help="Load positions that look shifted all the same.")] = False,
    activate: Annotated[bool, typer.Option("--activate", help="Put new areas into service at once, if nothing is wrong.")] = False,
    force: Annotated[bool, typer.Option("--force", help="With --activate: in spite of topology errors.")] = False,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Give up at once when another ingest is at work.")] = False,
    report: Annotated[Path | None, typer.Option(help="Where to write the HTML report.", show_default="reports in GISGRID_HOME")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors (and JSON, with --json).")] = False,
) -> None:
    """Load source files: read, check, repair what can be repaired, keep rejected rows with the reason. This is the default.

    Exit code 0 also when rows were rejected: they are listed and kept. 2 when a file or the description cannot be used (other
    sources are loaded all the same), 1 when the database cannot be reached.
    """
    require_html(report)
    if quiet:
        logging.getLogger().setLevel(logging.ERROR)
    settings = load_settings()
    deployment = load_deployment(settings.deployment)
    database = None if dry_run else open_database(settings)
    with progress_bar("Ingest", quiet=quiet) as progress:
        found = run(
            database,
            deployment,
            sources,
            root=root,
            layers=layer or None,
            sources=source or None,
            dry_run=dry_run,
            partial=partial,
            accept_crs=accept_crs,
            activate=activate,
            force=force,
            wait=not no_wait,
            progress=progress,
            home=settings.home,
        )
    page = write_page(found, deployment, database, report or report_path(found, settings.home), is_wanted=report is not None)
    errors = tell(found, page, as_json=as_json, quiet=quiet)
    for error in errors:
        Console(stderr=True, highlight=False, markup=False).print(f"gisgrid: {error}", soft_wrap=True, style="red")
    if errors:
        raise typer.Exit(2)


def write_page(report: IngestReport, deployment: Deployment, database: Database | None, path: Path, *, is_wanted: bool) -> Path | None:
    """Write the HTML report and return where it is.

    Nobody asked for the one that every run leaves (``is_wanted`` false): when it cannot be written a warning says so.
    """
    try:
        whole = with_places(database, report) if database else report
        write_report(whole, path, deployment, read_outlines(database, report.generation) if database else ())
    except GisgridError as error:
        if is_wanted:
            raise
        logger.warning("%s", error.message)
        return None
    return path


def require_html(path: Path | None) -> None:
    """Raise UsageError for a report that would not be called what it is; the JSON beside it has the ending .json."""
    if path is not None and path.suffix.lower() not in {".html", ".htm"}:
        raise UsageError(f"{path} does not end in .html.", "The report is a page of HTML; JSON is written beside it.")


def tell(report: IngestReport, page: Path | None, *, as_json: bool, quiet: bool = False) -> list[str]:
    """Print a report on standard output (as JSON, for people, or not at all) and return why sources failed."""
    if as_json:
        sys.stdout.write(to_json(report))
    elif not quiet:
        print_report(report, Console(highlight=False), page)
    return [source.error or "It failed." for source in report.sources if source.status == "failed"]
