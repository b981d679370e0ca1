"""``gisgrid geocode``: what places addresses mean."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.services.geocoding.answers import MOST_PLACES, Document, checked_address, geocode_document
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import load_settings


def geocode(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS...", help="Addresses, crossings, names of places; - reads lines.")],
    *,
    limit: Annotated[int, typer.Option("--limit", min=1, max=MOST_PLACES, help="Most places for one address.")] = 5,
    explain: Annotated[bool, typer.Option("--explain", help="Tell how each address was read, and what was found.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a line of JSON for each address, as GET /geocode gives it.")] = False,
) -> None:
    """Find the places that addresses mean: where, how exact, how sure, in which grid. For files: `gisgrid batch --address`."""
    settings = load_settings()
    lines = [line for line in sys.stdin.read().splitlines() if line.strip()] if addresses == ["-"] else addresses
    texts = [checked_address(line, "ADDRESS") for line in lines]
    snapshot = ReadModel.load(open_database(settings), settings).snapshot
    console = Console(highlight=False)
    for text in texts:
        found = geocode_document(snapshot, text, explain=explain, limit=limit)
        if as_json:
            sys.stdout.write(orjson.dumps({"query": text, **found, "data_version": snapshot.version}).decode() + "\n")
        else:
            _show(console, text, found)


def _show(console: Console, text: str, found: Document) -> None:
    for step in found.get("steps", ()):
        console.print(escape(step), soft_wrap=True)
    places = [place for place in (found["best"], *found["alternatives"]) if place is not None]
    table = Table(title=escape(text), title_justify="left", caption=_caption(found), caption_justify="left")
    for name in ("address", "level", "match", "lon", "lat", "within m", "confidence", "grid"):
        table.add_column(name, justify="right" if name in ("lon", "lat", "within m", "confidence") else "left", overflow="fold")
    for place in places:
        numbers = (f"{place['lon']:.6f}", f"{place['lat']:.6f}", f"{place['uncertainty_m']:.0f}", f"{place['confidence']:.2f}")
        grid = place["grid"]["code"] if place["grid"] else "none"
        table.add_row(escape(place["address"]), place["level"], place["match_type"], *numbers, grid)
    console.print(table)


def _caption(found: Document) -> str | None:
    """Return what else is to be said: that nothing was found, a hint that moved nothing, what was left out or not understood."""
    said = [] if found["best"] else ["nothing is known of it"]
    said += [f"hint: {found['hint']}"] if found["hint"] else []
    said += [f"left out: {', '.join(found['dropped'])}"] if found["dropped"] else []
    said += [f"not understood: {' '.join(found['not_understood'])}"] if found["not_understood"] else []
    return escape("; ".join(said)) or None
