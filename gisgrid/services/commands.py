"""``gisgrid locate``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.errors import ParameterError
from gisgrid.services.answers import INCLUDES, Beside, Place, locate_document
from gisgrid.services.history import AreasThen, parse_instant
from gisgrid.services.options import AsOfOption, CrsOption, LatArgument, LonArgument, coordinates_of, system_of
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import load_settings
from gisgrid.types import Location


def locate(
    lon: LonArgument,
    lat: LatArgument,
    *,
    crs: CrsOption = None,
    accuracy_m: Annotated[float | None, typer.Option("--accuracy-m", help="Radius of the position's uncertainty, metres.")] = None,
    as_of: AsOfOption = None,
    include: Annotated[str, typer.Option(help=f"What else to show, with commas: {', '.join(INCLUDES)}.")] = "",
    sight: Annotated[bool, typer.Option("--sight", help="Say of each camera whether it sees the point.")] = False,
    target_height_m: Annotated[float, typer.Option("--target-height-m", help="Height of what is to be seen, metres above ground.")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, as GET /locate gives it.")] = False,
) -> None:
    """Say in which grid, community, street and district a point lies, and who is responsible."""
    settings = load_settings()
    system = system_of(crs, settings)
    beside = Beside(_included(include, sight), sight, target_height_m)
    instant = None if as_of is None else parse_instant(as_of)
    first, second = coordinates_of(system, lon, lat)
    model = ReadModel.load(open_database(settings), settings)
    place = Place(*model.to_wgs84(first, second, system), system, accuracy_m)
    then = None if instant is None else model.areas_at(instant, beside.features)
    sources = then or model.snapshot
    document: dict[str, Any] = {"input": dict(zip(system.axes, (first, second), strict=True)) | {"crs": system.name}}
    document |= locate_document(sources, place, beside) | {"data_version": model.version, "database": "up", "stale": False}
    document |= then.as_document() if then else {}
    # Features come with their fields as JSON text already.
    document = orjson.loads(orjson.dumps(document))
    if as_json:
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
        return
    Console().print(_table(sources.locator.locate(place.lon, place.lat, accuracy_m), then))
    for name in beside.names:
        Console().print(_beside_table(name, document[name]))


def _included(text: str, sight: bool) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in INCLUDES:
            raise ParameterError("include", f"there is no {name!r} to include.", f"any of {', '.join(INCLUDES)}")
    if sight and "cameras" not in names:
        raise ParameterError("sight", "asks about cameras, which are not asked for.", "--include cameras beside it")
    return names


def _table(location: Location, then: AreasThen | None) -> Table:
    """Return the answer for a person, one line for each thing worth knowing."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_row("status", location.status)
    for level in ("grid", "community", "street", "district"):
        ref = getattr(location, level)
        table.add_row(level, f"{ref.code}  {ref.name}" if ref else "-")
    unit, nearest = location.responsible_unit, location.nearest
    table.add_row("responsible unit", f"{unit.code}  {unit.name}  (of the {unit.level})" if unit else "-")
    if nearest:
        table.add_row("nearest grid", f"{nearest.code}  {nearest.name}  {nearest.distance_m:,.2f} m away")
    elif location.distance_to_edge_m is not None:
        table.add_row("to the edge", f"{location.distance_to_edge_m:,.2f} m")
    if len(location.candidates) > 1 or (location.candidates and nearest):
        listed = ", ".join(f"{found.code} ({found.distance_m:,.2f} m)" for found in location.candidates)
        table.add_row("in doubt between", listed)
    table.add_row("WGS 84", f"{location.lon:.8f} {location.lat:.8f}")
    if then:
        since, until = (time.strftime("%Y-%m-%d %H:%M:%S%z") if time else "now" for time in then.period[1:])
        table.add_row("as of", f"{then.instant:%Y-%m-%d %H:%M:%S%z}: generation {then.period.generation}, served {since} to {until}")
    return table


def _beside_table(name: str, found: Any) -> Table:
    """Return what was included for a person: features, the building, or the covers that a report may concern."""
    features = found["candidates"] if name == "cover" else found if isinstance(found, list) else [found] if found else []
    table = Table(title=name.replace("_", " "), title_justify="left", box=None, pad_edge=False)
    for heading in ("code", "name", "distance"):
        table.add_column(heading)
    for feature in features:
        fields = feature.get("properties", feature)
        sight = [f"{feature['sight']['state']}: {feature['sight']['reason']}"] if "sight" in feature else []
        table.add_row(feature["code"], str(fields.get("name") or fields.get("address") or "-"), f"{feature['distance_m']:,.2f} m", *sight)
    return table
