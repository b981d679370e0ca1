"""The command ``gisgrid ingest``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.db import open_database
from gisgrid.deployment import load_deployment
from gisgrid.progress import progress_bar
from gisgrid.settings import load_settings
from ingest.pipeline import run
from ingest.report import LayerReport, findings_table, summary_table, verdict


def ingest(
    sources: Annotated[Path, typer.Argument(help="Source description, a TOML file.", show_default=False)],
    layer: Annotated[list[str] | None, typer.Option(help="Only sources of this layer; may be given more than once.")] = None,
    root: Annotated[Path | None, typer.Option(help="Folder that paths are relative to.", show_default="folder of the description")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Read and check everything, write nothing; needs no database.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Load source files into PostGIS: read, check, repair what can be repaired, keep rejected rows with the reason.

    Exit code 0 also when rows were rejected: they are listed and kept. 2 when a file or the description cannot be used, 1 when
    the database cannot be reached.
    """
    settings = load_settings()
    deployment = load_deployment(settings.deployment)
    database = None if dry_run else open_database(settings)
    with progress_bar("Ingest") as progress:
        reports = run(database, deployment, sources, root=root, layers=layer or None, dry_run=dry_run, progress=progress)
    if as_json:
        sys.stdout.write(_json(reports) + "\n")
        return
    console = Console()
    console.print(summary_table(reports))
    if any(report.reasons for report in reports):
        console.print(findings_table(reports))
    console.print(verdict(reports))


def _json(reports: list[LayerReport]) -> str:
    return json.dumps({"sources": [report.as_json() for report in reports]}, ensure_ascii=False, indent=2)
