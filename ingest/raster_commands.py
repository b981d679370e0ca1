"""The commands ``gisgrid rasters``: what is served, and how to end that. ``gisgrid ingest`` loads."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.db.rasters import list_rasters, remove_raster
from gisgrid.rasters import Raster
from gisgrid.services.rasters import throw_away
from gisgrid.settings import load_settings
from ingest.report import print_plain

app = typer.Typer(
    help="Rasters that are served: list, remove. `gisgrid ingest` loads them, `gisgrid coverage` makes one.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.command(name="list")
def list_them(*, as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False) -> None:
    """List the rasters that are served."""
    with open_database(load_settings()).connect() as connection:
        found = list_rasters(connection)
    if as_json:
        sys.stdout.write(json.dumps([_document(raster) for raster in found], ensure_ascii=False, indent=2) + "\n")
        return
    console = Console(highlight=False)
    if not found:
        console.print("There are no rasters yet. `gisgrid ingest FILE.tif` loads one.", soft_wrap=True)
    elif console.is_terminal:
        console.print(_table(found, plain=False))
    else:
        print_plain([_table(found, plain=True)], console)


@app.command()
def remove(raster_id: Annotated[str, typer.Argument(metavar="ID", help="Name of the raster.", show_default=False)]) -> None:
    """Serve a raster no longer, and remove its file; what it was made from stays."""
    settings = load_settings()
    with open_database(settings).connect() as connection:
        file = remove_raster(connection, raster_id)
    throw_away(settings.home, file)
    sys.stdout.write(f"{raster_id} is served no longer.\n")


def _table(found: list[Raster], *, plain: bool) -> Table:
    table = Table(box=None if plain else box.SIMPLE_HEAD, pad_edge=not plain)
    for heading in ("id", "kind", "crs", "title"):
        table.add_column(heading, no_wrap=plain, overflow="fold")
    for heading in ("cells", "cell_m", "bands", "MB"):
        table.add_column(heading, justify="right", no_wrap=True)
    for raster in found:
        facts = raster.facts
        size = f"{facts.width:,} x {facts.height:,}"
        numbers = (size, f"{facts.cell_m:.3g}", str(len(facts.bands)), f"{raster.size / 1e6:,.1f}")
        table.add_row(raster.id, raster.kind, facts.crs[:20], raster.title, *numbers)
    return table


def _document(raster: Raster) -> dict[str, Any]:
    facts = raster.facts._asdict()
    del facts["ring"]
    bands = [band._asdict() for band in raster.facts.bands]
    about = {**raster._asdict(), "captured_on": _text(raster.captured_on), "recorded_at": _text(raster.recorded_at)}
    return {**about, "facts": {**facts, "bands": bands, "bounds": list(raster.facts.bounds)}}


def _text(value: object) -> str | None:
    return None if value is None else str(value)
