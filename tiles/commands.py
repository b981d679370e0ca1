"""The commands of ``gisgrid tiles``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.db import Database, open_database
from gisgrid.deployment import load_deployment
from gisgrid.progress import duration, progress_bar
from gisgrid.settings import load_settings
from tiles.archives import Exported, ExportOptions, export
from tiles.limits import Limits
from tiles.matrix import MATRIX_SETS
from tiles.options import parse_bounds, parse_variant, parse_zooms
from tiles.shapes import Refreshed, refresh
from tiles.warming import WarmOptions, warm

app = typer.Typer(help="Tiles: fill the cache of a server, write archives, simplify areas ahead.", no_args_is_help=True)

LayersOption = Annotated[
    str | None, typer.Option("--layers", help="Layers in each tile, with commas, from the bottom up.", show_default="all public ones")
]
ZoomsOption = Annotated[str | None, typer.Option("--zooms", help="Zooms, as in 10-14.", show_default="from the first that is drawn to 14")]
BoundsOption = Annotated[
    str | None,
    typer.Option("--bounds", help="Only tiles that meet west,south,east,north, degrees on the map.", show_default="where the data are"),
]
DatumOption = Annotated[str, typer.Option("--datum", help="Base map to fit: wgs84, or gcj02 for Amap and Tencent.")]
FilterOption = Annotated[str | None, typer.Option("--filter", help="Only features that fit a CQL2 filter.")]
FilterLangOption = Annotated[str, typer.Option("--filter-lang", help="How the filter is written: cql2-text or cql2-json.")]


@app.callback()
def tiles() -> None:
    """Tiles: fill the cache of a server, write archives, simplify areas ahead."""


@app.command("export")
def export_command(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .pmtiles or .mbtiles.", show_default=False)],
    *,
    layers: LayersOption = None,
    zooms: ZoomsOption = None,
    bounds: BoundsOption = None,
    datum: DatumOption = "wgs84",
    filter_text: FilterOption = None,
    filter_lang: FilterLangOption = "cql2-text",
    name: Annotated[str | None, typer.Option("--name", help="What the archive calls itself.", show_default="the file's name")] = None,
    connections: Annotated[int, typer.Option("--connections", min=1, max=64, help="Tiles that are made at a time.")] = 4,
    restart: Annotated[bool, typer.Option("--restart", help="Begin anew even where an earlier run was broken off.")] = False,
) -> None:
    """Write the tiles of a region into one file: the same bytes as over HTTP, all of one moment; a run that was killed is gone on with."""
    settings = load_settings()
    variant = parse_variant(layers, datum, filter_text, filter_lang)
    first, last = parse_zooms(zooms, variant.layer_ids)
    box = None if bounds is None else parse_bounds(bounds)
    options = ExportOptions(
        variant, first, last, box, name or target.stem, Limits(settings.tiles.max_features, settings.tiles.max_bytes), connections
    )
    console = Console(stderr=True, highlight=False)
    database, deployment = open_database(settings), load_deployment(settings.deployment)
    _build(database)
    with progress_bar("Writing", unit="tiles") as progress:
        done = export(database, deployment, target, options, restart=restart, progress=progress, tell=console.print)
    console.print(_summary(target, done))


@app.command("build")
def build_command() -> None:
    """Simplify areas for small scales now; a server does so by itself a moment after they have changed."""
    done = _build(open_database(load_settings()))
    rest = "" if done.is_complete else " Some areas were changed meanwhile: run it again."
    Console(highlight=False).print(f"{done.written:,} shapes of areas were made, {done.removed:,} removed.{rest}")


def _build(database: Database) -> Refreshed:
    with database.connect() as connection:
        return refresh(connection, wait=True)


@app.command("warm")
def warm_command(
    *,
    url: Annotated[str, typer.Option("--url", help="Address of the server.")] = "http://127.0.0.1:8000",
    layers: LayersOption = None,
    zooms: ZoomsOption = None,
    bounds: BoundsOption = None,
    tms: Annotated[str, typer.Option("--tms", help=f"Tile matrix set: {' or '.join(MATRIX_SETS)}.")] = "WebMercatorQuad",
    datum: DatumOption = "wgs84",
    filter_text: FilterOption = None,
    filter_lang: FilterLangOption = "cql2-text",
) -> None:
    """Ask a running server for every tile of a region, each of its workers by itself, so that the first visitors need not wait."""
    names = ",".join(parse_variant(layers, datum, filter_text, filter_lang).layer_ids)
    asked = {"tms": tms, "datum": datum, "filter": filter_text, "filter-lang": filter_lang if filter_text else None}
    parameters = {name: value for name, value in asked.items() if value and value not in ("WebMercatorQuad", "wgs84")}
    options = WarmOptions(
        names, parameters, None if zooms is None else parse_zooms(zooms, ()), None if bounds is None else parse_bounds(bounds)
    )
    with progress_bar("Warming", unit="tiles") as progress:
        done = warm(url, options, progress=progress)
    console = Console(stderr=True, highlight=False)
    console.print(
        f"{done.tiles:,} tiles, {done.empty:,} of them empty, {done.size / 1e6:,.1f} MB, in {duration(done.seconds)}"
        f" from {done.found} of {done.workers} workers"
    )


def _summary(target: Path, done: Exported) -> str:
    found = f", {done.found:,} of them by an earlier run" if done.found else ""
    same = f", {done.tiles - done.distinct:,} the same as others" if done.distinct < done.tiles else ""
    return f"{target}: {done.tiles:,} tiles{same}{found}; {done.file_bytes / 1e6:,.1f} MB in {duration(done.seconds)}"
