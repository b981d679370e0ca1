"""``make bench-locate``: everything that is promised of the locator, measured and proved in one run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gisgrid.settings import load_settings
from tests.bench.__main__ import table
from tests.bench.locating.run import Report, Sizes, run


def main(quick: Annotated[bool, typer.Option(help="Small samples and one round: shows that it runs, not how fast.")] = False) -> None:
    """Measure, print the tables, and write them to ``bench-locate.txt`` in the home folder."""
    settings = load_settings()
    progress = Console(stderr=True, highlight=False)
    report = run(settings, Sizes.quick() if quick else Sizes(), progress.print)
    console = Console(record=True, highlight=False)
    if not console.is_terminal:
        console.width = 170
    console.print(table(report.results))
    console.print(proofs(report))
    for what in report.missing:
        console.print(f"Not measured: {what}")
    settings.home.mkdir(parents=True, exist_ok=True)
    (settings.home / "bench-locate.txt").write_text(console.export_text(), encoding="utf-8")
    if not quick and not all(proof.holds for proof in report.proofs):
        raise typer.Exit(1)


def proofs(report: Report) -> Table:
    """Return what must hold as a table, one row each."""
    shown = Table(title="What must hold", title_justify="left")
    for heading in ("what", "found", "to reach", "holds"):
        shown.add_column(heading)
    for proof in report.proofs:
        shown.add_row(proof.work, proof.found, proof.goal, "yes" if proof.holds else "NO")
    return shown


if __name__ == "__main__":
    typer.run(main)
