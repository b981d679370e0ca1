"""``gisgrid match``: which manhole cover a report is about."""

from __future__ import annotations

import sys
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.matching import DEFAULT_ACCURACY_M, CoverMatch, cover_match_document
from gisgrid.services.answers import CoverHints, Place, cover_match
from gisgrid.services.history import parse_instant
from gisgrid.services.options import AsOfOption, CrsOption, LatArgument, LonArgument, coordinates_of, system_of
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import load_settings

_LAYER = "manhole_covers"


def match(
    lon: LonArgument,
    lat: LatArgument,
    *,
    crs: CrsOption = None,
    text: Annotated[str, typer.Option("--text", help="What the report says, in Chinese.")] = "",
    kind: Annotated[str | None, typer.Option("--kind", help="Kind of the cover, as sewage or 污水井盖; several with commas.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="State that is reported, as broken or 破损.")] = None,
    owner_code: Annotated[str | None, typer.Option("--owner-code", help="Code of the owner.")] = None,
    accuracy_m: Annotated[
        float | None,
        typer.Option("--accuracy-m", help="Radius of the position's uncertainty, metres.", show_default=f"{DEFAULT_ACCURACY_M:g}"),
    ] = None,
    as_of: AsOfOption = None,
    limit: Annotated[int, typer.Option("--limit", help="Most candidates to name.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, as GET /manhole_covers/match gives it.")] = False,
) -> None:
    """Say which manhole cover a report at a point is about, how sure that is, and why."""
    settings = load_settings()
    system = system_of(crs, settings)
    instant = None if as_of is None else parse_instant(as_of)
    first, second = coordinates_of(system, lon, lat)
    model = ReadModel.load(open_database(settings), settings)
    place = Place(*model.to_wgs84(first, second, system), system, accuracy_m)
    then = None if instant is None else model.areas_at(instant, (_LAYER,))
    found = cover_match(then or model.snapshot, place, CoverHints(text, kind, state, owner_code), limit)
    if as_json:
        document = {
            "input": dict(zip(system.axes, (first, second), strict=True)) | {"crs": system.name},
            "point": place.as_document(),
            **cover_match_document(found),
            **{"data_version": model.version, "database": "up", "stale": False},
            **(then.as_document() if then else {}),
        }
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
        return
    console = Console()
    console.print(_answer(found))
    if found.candidates:
        console.print(_candidates(found))


def _answer(found: CoverMatch) -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("status", found.status)
    table.add_row("reason", found.reason)
    table.add_row("kinds named", ", ".join(found.kinds_named) or "-")
    return table


def _candidates(found: CoverMatch) -> Table:
    """Return the candidates for a person: how likely each is, and the factors that make it so."""
    table = Table(title="candidates", title_justify="left", box=None, pad_edge=False)
    for heading in ("code", "name", "score", "because"):
        table.add_column(heading)
    for cover in found.candidates:
        recorded = cover.neighbour.properties
        name = recorded.get("class_name") or recorded.get("kind") or "-"
        because = "\n".join(f"{part.name} {part.value:.3g}: {part.why}" for part in cover.parts if part.value != 1.0)
        table.add_row(str(recorded.get("code")), str(name), f"{cover.score:.1%}", because)
    table.add_row("-", "none of those recorded", f"{found.none_score:.1%}", "")
    return table
