"""``make bench``: every speed as a ratio to a reference measured in the same run, on the sample district."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gisgrid.settings import load_settings
from tests.bench.measure import Result
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


def table(results: list[Result]) -> Table:
    """Return the report as a table, one row a comparison."""
    shown = Table(title="Ours against the reference, median of the rounds", title_justify="left")
    for heading in ("work", "reference", "ours", "reference's", "unit", "ratio", "range", "to reach"):
        shown.add_column(heading)
    for item in results:
        low, high = item.spread
        shown.add_row(
            item.work,
            item.reference,
            f"{item.ours:,.2f}",
            f"{item.theirs:,.2f}",
            item.unit,
            f"{item.ratio:.2f}",
            f"{low:.2f}-{high:.2f}",
            item.goal,
        )
    return shown


if __name__ == "__main__":
    typer.run(main)
