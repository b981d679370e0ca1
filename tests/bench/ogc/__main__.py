"""``make bench-ogc``: everything that is promised of reading features, measured and proved in one run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gisgrid.settings import load_settings
from tests.bench.ogc.run import Sizes, run
from tests.bench.report import show


def main(quick: Annotated[bool, typer.Option(help="Small samples and one round: shows that it runs, not how fast.")] = False) -> None:
    """Measure, print the tables, and write them to ``bench-ogc.txt`` in the home folder."""
    settings = load_settings()
    report = run(settings, Sizes.quick() if quick else Sizes(), Console(stderr=True, highlight=False).print)
    show(report, settings.home / "bench-ogc.txt")
    if not quick and not report.holds:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
