"""A locator of what PostGIS serves now, and ``gisgrid locator``, which keeps it in a file for scripts without a database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import Database, open_database, reading
from gisgrid.layers import AREA_LAYERS
from gisgrid.locator import About, AreaIndex, Locator, Summary, describe
from gisgrid.settings import Settings, load_settings

app = typer.Typer(help="The areas in one file, for scripts that have no database.", no_args_is_help=True)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="File that `gisgrid locator save` has made.", show_default=False)]


def open_locator(source: Settings | str | None = None) -> Locator:
    """Return a locator of the areas and responsible units that PostGIS serves now, all read in one snapshot.

    ``source`` is the settings, or the address of a database (``postgresql://…``); by default the settings of this process.
    ``about`` of the locator tells the version of the data. Raises DatabaseError when the database cannot be read.
    """
    settings = load_settings() if source is None or isinstance(source, str) else source
    database = Database(source) if isinstance(source, str) else open_database(settings)
    with reading.snapshot(database) as connection:
        version = reading.read_position(connection).version
        roles = reading.read_roles(connection)
        tables = {level: reading.read_areas(connection, level) for level in AREA_LAYERS}
    indices = {level: AreaIndex(table) for level, table in tables.items()}
    return Locator.from_indices(indices, roles, settings.doubt_m, About(version, datetime.now(UTC)))


@app.command()
def save(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write; one that is there is replaced.", show_default=False)],
) -> None:
    """Write the areas and responsible units that are served now, ready to look up points in, to one file."""
    open_locator().save(target)
    summary = describe(target)
    said = f"{_plain(summary.areas)}; version {summary.about.data_version} of the data, {target.stat().st_size / 1e6:,.1f} MB"
    Console(highlight=False, soft_wrap=True).print(f"{target}: {said}")


@app.command()
def show(
    file: FileArgument,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Say what a file of a locator holds: areas by level, where they are, version of the data, when it was made."""
    summary = describe(file)
    # What cannot be opened is no answer either.
    Locator.open(file)
    console = Console(highlight=False, soft_wrap=True)
    if as_json:
        console.print(orjson.dumps(_document(summary), option=orjson.OPT_INDENT_2).decode(), markup=False)
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _document(summary).items():
        table.add_row(name.replace("_", " "), _plain(value))
    console.print(table)


def _document(summary: Summary) -> dict[str, object]:
    made_at, bounds = summary.about.made_at, summary.bounds
    return {
        "areas": summary.areas,
        "responsible_units": summary.roles,
        "bounds": None if bounds is None else bounds._asdict(),
        "data_version": summary.about.data_version,
        "made_at": None if made_at is None else made_at.isoformat(),
        "gisgrid": summary.gisgrid,
        "doubt_m": summary.doubt_m,
    }


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part:,}" if isinstance(part, int) else f"{name} {part}" for name, part in value.items())
    return "-" if value is None else str(value)
