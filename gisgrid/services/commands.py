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
from gisgrid.services.documents import as_document, neighbour_document
from gisgrid.services.history import AreasThen, parse_instant
from gisgrid.services.options import AsOfOption, CrsOption, LatArgument, LonArgument, coordinates_of, system_of
from gisgrid.services.read_model import POINT_LAYERS, ReadModel
from gisgrid.settings import load_settings
from gisgrid.types import Location

_INCLUDES = (*POINT_LAYERS, "building")
_NEIGHBOURS = 5


def locate(
    lon: LonArgument,
    lat: LatArgument,
    *,
    crs: CrsOption = None,
    accuracy_m: Annotated[float | None, typer.Option("--accuracy-m", help="Radius of the position's uncertainty, metres.")] = None,
    as_of: AsOfOption = None,
    include: Annotated[str, typer.Option(help=f"What else to show, with commas: {', '.join(_INCLUDES)}.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON, as GET /locate gives it.")] = False,
) -> None:
    """Say in which grid, community, street and district a point lies, and who is responsible."""
    settings = load_settings()
    system = system_of(crs, settings)
    included = _included(include)
    instant = None if as_of is None else parse_instant(as_of)
    first, second = coordinates_of(system, lon, lat)
    model = ReadModel.load(open_database(settings), settings)
    then = None if instant is None else model.areas_at(instant)
    location = model.locate(first, second, system, accuracy_m, as_of=instant)
    document = {"input": dict(zip(system.axes, (first, second), strict=True)) | {"crs": system.name}, **as_document(location)}
    around = {name: _around(model, name, location) for name in included}
    document |= {"data_version": model.version, "database": "up", **around, **(then.as_document() if then else {})}
    if as_json:
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        Console().print(_table(location, then))
        for name, found in around.items():
            Console().print(_around_table(name, found if isinstance(found, list) else [found] if found else []))


def _included(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in _INCLUDES:
            raise ParameterError("include", f"there is no {name!r} to include.", f"any of {', '.join(_INCLUDES)}")
    return names


def _around(model: ReadModel, name: str, location: Location) -> Any:
    """Return the building at a point or None, or the nearest features of a layer, as documents."""
    if name == "building":
        return model.building_at(location.lon, location.lat)
    return [neighbour_document(found) for found in model.nearest(name, location.lon, location.lat, _NEIGHBOURS)]


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


def _around_table(name: str, features: list[dict[str, Any]]) -> Table:
    table = Table(title=name.replace("_", " "), title_justify="left", box=None, pad_edge=False)
    for heading in ("code", "name", "distance"):
        table.add_column(heading)
    for feature in features:
        fields = feature.get("properties", feature)
        table.add_row(feature["code"], str(fields.get("name") or fields.get("address") or "-"), f"{feature['distance_m']:,.2f} m")
    return table
