"""The command ``gisgrid sample``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from gisgrid.progress import progress_bar
from ingest.sample.generate import DEFAULT_SEED, generate


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="New or empty folder, or one that holds a sample.", show_default=False)],
    seed: Annotated[int, typer.Option(help="Another seed makes another district.")] = DEFAULT_SEED,
    scale: Annotated[float, typer.Option(help="Size of the district: 1 is 65.4 km², 940 grids, 47,000 buildings; 0.02 to 20.")] = 1.0,
) -> None:
    """Make the files of a sample district, in the messy forms that real departments hand over.

    The same seed and scale give the same files; a folder that holds them already is left alone.
    """
    console = Console()
    started = time.perf_counter()
    with progress_bar("Sample", unit="steps") as progress:
        result = generate(directory, seed, scale, progress)
    if not result.written:
        console.print(f"{directory}: unchanged (seed {seed}, scale {scale:g}).")
        return
    console.print(_table(result.manifest))
    console.print(f"{directory}: written in {time.perf_counter() - started:.1f} s (seed {seed}, scale {scale:g}).")


def _table(manifest: dict[str, Any]) -> Table:
    table = Table("file", "rows", "bad", "to reject", "to repair", "to warn", title="Sample district")
    for column in table.columns[1:]:
        column.justify = "right"
    for file, entry in manifest["rows"].items():
        fates = (str(entry.get(fate, 0)) for fate in ("rejected", "repaired", "warned"))
        table.add_row(file, f"{entry['rows']:,}", str(entry["bad"]), *fates)
    return table
