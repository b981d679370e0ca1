"""``gisgrid nearest``."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from gisgrid.db import open_database
from gisgrid.errors import ParameterError
from gisgrid.layers import Layer
from gisgrid.services.answers import NEAREST_LAYERS, NEIGHBOURS, NearestAsked, Place, nearest_documents
from gisgrid.services.history import parse_instant
from gisgrid.services.options import AsOfOption, CrsOption, LatArgument, LonArgument, coordinates_of, system_of
from gisgrid.services.read_model import ReadModel
from gisgrid.settings import load_settings

_NAMES = tuple(found.id for found in NEAREST_LAYERS)
_MOST = 1000


def nearest(
    layer: Annotated[str, typer.Argument(help=f"Layer: {', '.join(_NAMES)}.", show_default=False)],
    lon: LonArgument,
    lat: LatArgument,
    *,
    crs: CrsOption = None,
    k: Annotated[int, typer.Option("--k", "-k", help="How many.")] = NEIGHBOURS,
    radius_m: Annotated[float | None, typer.Option("--radius-m", help="None farther away than this, metres.", show_default=False)] = None,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="FIELD=VALUES", help="Only those with one of these values, with commas; may be repeated."),
    ] = None,
    as_of: AsOfOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the features as JSON.")] = False,
) -> None:
    """Find the features of a layer that are nearest to a point, by distance on the ground."""
    settings = load_settings()
    found = _layer(layer)
    system = system_of(crs, settings)
    asked = NearestAsked(_count(k), _radius(radius_m), _where(found, where or []))
    instant = None if as_of is None else parse_instant(as_of)
    first, second = coordinates_of(system, lon, lat)
    model = ReadModel.load(open_database(settings), settings)
    place = Place(*model.to_wgs84(first, second, system), system)
    then = None if instant is None else model.areas_at(instant, {found.id})
    # Features come with their fields as JSON text already.
    features = orjson.loads(orjson.dumps(nearest_documents(then or model.snapshot, found.id, place, asked)))
    if as_json:
        document: dict[str, Any] = {"input": dict(zip(system.axes, (first, second), strict=True)) | {"crs": system.name}}
        document |= {"point": place.as_document(), "layer": found.id, "features": features}
        document |= {"data_version": model.version, "database": "up", "stale": False} | (then.as_document() if then else {})
        sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())
    else:
        Console().print(_table(found, features))


def _layer(name: str) -> Layer:
    for found in NEAREST_LAYERS:
        if found.id == name:
            return found
    raise ParameterError("LAYER", f"there are no nearest features of layer {name!r}.", f"one of {', '.join(_NAMES)}")


def _count(k: int) -> int:
    if not 1 <= k <= _MOST:
        raise ParameterError("k", f"{k} is out of range.", f"a whole number from 1 to {_MOST}")
    return k


def _radius(radius_m: float | None) -> float | None:
    if radius_m is not None and not 0.0 <= radius_m < float("inf"):
        raise ParameterError("radius_m", f"{radius_m} is no radius.", "metres, 0 or more")
    return radius_m


def _where(found: Layer, texts: list[str]) -> dict[str, set[str]]:
    """Return the values wanted of each field; of a field named more than once all values count."""
    fields = [field.name for field in found.fields]
    wanted: dict[str, set[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals:
            raise ParameterError("where", f"{text[:60]!r} names no values.", "FIELD=VALUE or FIELD=VALUE,VALUE")
        if name.strip() not in fields:
            raise ParameterError("where", f"{found.id} has no field {name.strip()[:60]!r}.", f"any of {', '.join(fields)}")
        wanted.setdefault(name.strip(), set()).update(value.strip() for value in values.split(","))
    return wanted


def _table(found: Layer, features: list[dict[str, Any]]) -> Table:
    """Return the features for a person, the nearest first, with the fields by which one chooses."""
    shown = [name for name in ("kind", "state", "status", "use") if name in {field.name for field in found.fields}]
    table = Table(box=None, pad_edge=False)
    for heading in ("code", "name", *shown, "distance", "bearing"):
        table.add_column(heading)
    for feature in features:
        fields = feature.get("properties", feature)
        bearing = f"{feature['bearing_deg']:.0f}°" if "bearing_deg" in feature else "-"
        name = str(fields.get("name") or fields.get("address") or "-")
        table.add_row(feature["code"], name, *(str(fields[key] or "-") for key in shown), f"{feature['distance_m']:,.2f} m", bearing)
    if not features:
        table.add_row("none")
    return table
