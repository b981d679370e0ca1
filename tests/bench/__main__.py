"""``make bench``: every speed as a ratio to a reference measured in the same run, on the sample district."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from gisgrid.settings import load_settings
from tests.bench.report import table
from tests.bench.run import Sizes, run


def main(
    quick: Annotated[bool, typer.Option(help="A small sample and few rounds: shows that it runs, not how fast.")] = False,
    scale: Annotated[float, typer.Option(help="Size of the sample district.")] = 1.0,
) -> None:
    """Measure and print the table of ratios."""
    sizes = Sizes.quick() if quick else Sizes(scale=scale)
    results, missing = run(load_settings(), sizes)
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(table(results))
    for what in missing:
        console.print(f"Not measured: {what}")


if __name__ == "__main__":
    typer.run(main)
