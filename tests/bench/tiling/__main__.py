"""``make bench-tiles``: everything that is promised of the tiles, measured and proved in one run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gisgrid.settings import load_settings
from tests.bench.report import show
from tests.bench.tiling.run import Sizes, run


def main(quick: Annotated[bool, typer.Option(help="Small samples and one round: shows that it runs, not how fast.")] = False) -> None:
    """Measure, print the tables, and write them to ``bench-tiles.txt`` in the home folder."""
    settings = load_settings()
    report = run(settings, Sizes.quick() if quick else Sizes(), Console(stderr=True, highlight=False).print)
    show(report, settings.home / "bench-tiles.txt")
    if not quick and not report.holds:
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
