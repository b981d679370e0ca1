"""What an editor sends: a feature, or changes to one, as GeoJSON; read strictly, so that nothing is lost on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NamedTuple

import orjson
import shapely

from gisgrid.errors import BodyError, RefusedError
from gisgrid.features.query import SRID
from gisgrid.layers import Field, FieldType, Layer

Value = str | int | float | date | None
"""A value of a field."""

_MEMBERS = ("type", "id", "geometry", "properties")
# What an answer holds beside a feature, which a client may send back with it.
_PASSED_OVER = ("links", "bbox", "timeStamp")
_LONGEST = 10_000
_INTEGER = 2**31
_SHOWN = 60


class Draft(NamedTuple):
    """What a feature is to be: its fields by name, and its geometry as WKB in the system ``srid``, x before y.

    What is not in ``fields`` was not sent; ``geometry`` is None where none was sent, or null was (``has_geometry``).
    """

    id: object
    fields: dict[str, Value]
    geometry: bytes | None
    has_geometry: bool
    srid: int


def read_feature(layer: Layer, body: bytes, srid: int = SRID, *, north_first: bool = False) -> Draft:
    """Return the whole feature that a body holds: a GeoJSON Feature with coordinates in the system ``srid``, as ``north_first`` says.

    Raises BodyError when it is no GeoJSON Feature, RefusedError that names the field for what the layer does not take.
    """
    document = _object(body)
    if document.get("type") != "Feature":
        raise BodyError("The body is not a GeoJSON Feature.", 'Send {"type": "Feature", "geometry": ..., "properties": {...}}.')
    if "geometry" not in document or "properties" not in document:
        raise BodyError("The Feature lacks its geometry or its properties.", "Both must be there; without a value they are null.")
    return _draft(layer, document, srid, north_first)


def read_patch(layer: Layer, body: bytes, srid: int = SRID, *, north_first: bool = False) -> Draft:
    """Return the changes that a JSON Merge Patch (RFC 7396) makes to a feature; errors as ``read_feature``."""
    document = _object(body)
    if document.get("type", "Feature") != "Feature":
        raise BodyError("A feature stays a Feature.", "Leave `type` out.")
    if "properties" in document and document["properties"] is None:
        raise BodyError("`properties` is null.", "Name the fields to be emptied, each with null.")
    return _draft(layer, document, srid, north_first)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BodyError(f"The body is not JSON: {error}.", "Send JSON in UTF-8.") from error
    if not isinstance(document, dict):
        raise BodyError("The body is not a JSON object.", "Send a GeoJSON Feature.")
    for name in document:
        if name not in _MEMBERS and name not in _PASSED_OVER:
            raise BodyError(f"A feature has no member {name[:_SHOWN]!r}.", f"It has {', '.join(_MEMBERS)}; fields are in properties.")
    return document


def _draft(layer: Layer, document: Mapping[str, Any], srid: int, north_first: bool) -> Draft:
    given = document.get("properties")
    if given is not None and not isinstance(given, dict):
        raise BodyError("`properties` is not an object.", 'Send {"field": value, ...}.')
    known = {field.name: field for field in layer.fields}
    fields: dict[str, Value] = {}
    for name, value in (given or {}).items():
        if name not in known:
            raise RefusedError(name[:_SHOWN], f"{layer.id} has no field {name[:_SHOWN]!r}.", f"Its fields: {', '.join(known)}.")
        fields[name] = _value(known[name], value)
    geometry = document.get("geometry")
    shape = None if geometry is None else _geometry(layer, geometry, north_first)
    return Draft(document.get("id"), fields, None if shape is None else shapely.to_wkb(shape), "geometry" in document, srid)


def _value(field: Field, value: object) -> Value:
    if value is None:
        return None
    try:
        return _READERS[field.type](value)
    except (TypeError, ValueError) as error:
        shown = orjson.dumps(value, default=str).decode()[:_SHOWN]
        raise RefusedError(field.name, f"{field.name} cannot be {shown}.", f"Expected is {error}, or null.") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or "\0" in value or len(value) > _LONGEST:
        raise ValueError(f"a text of at most {_LONGEST:,} characters, without NUL")
    return value


def _integer(value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not -_INTEGER <= value < _INTEGER:
        raise ValueError("a whole number")
    return value


def _number(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        raise ValueError("a number")
    return float(value)


def _date(value: object) -> date:
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("a date as 2026-11-22")


_READERS: dict[FieldType, Callable[[object], Value]] = {"text": _text, "integer": _integer, "number": _number, "date": _date}


_TAKEN = {"Point": ("Point",), "MultiLineString": ("LineString", "MultiLineString"), "MultiPolygon": ("Polygon", "MultiPolygon")}
"""The types of GeoJSON that a layer takes; one part is as good as several."""


def _geometry(layer: Layer, value: object, north_first: bool) -> shapely.Geometry:
    kind = value.get("type", layer.geometry) if isinstance(value, dict) else None
    if not isinstance(value, dict) or not _fits(kind, layer):
        shown = str(kind)[:_SHOWN] if kind else "no geometry"
        raise RefusedError("geometry", f"The geometry is {shown}.", f"Expected is a GeoJSON geometry of type {layer.geometry}.")
    try:
        coordinates = value["coordinates"]
        if kind == "Point":
            return shapely.Point(_position(coordinates, north_first))
        parts = coordinates if kind == layer.geometry else [coordinates]
        if layer.geometry == "MultiLineString":
            return shapely.MultiLineString([_line(positions, north_first) for positions in _list(parts)])
        return shapely.MultiPolygon([_polygon(rings, north_first) for rings in _list(parts)])
    except (KeyError, TypeError, ValueError) as error:
        raise RefusedError("geometry", f"The coordinates are not those of a {kind}: {error}.", "See RFC 7946, section 3.1.") from None


def _fits(kind: object, layer: Layer) -> bool:
    return kind in _TAKEN.get(layer.geometry, ())


def _line(positions: object, north_first: bool) -> list[tuple[float, float]]:
    found = [_position(position, north_first) for position in _list(positions)]
    if len(set(found)) < 2:
        raise ValueError("a line has at least two positions that are not the same")
    return found


def _polygon(rings: object, north_first: bool) -> tuple[list[tuple[float, float]], list[list[tuple[float, float]]]]:
    shell, *holes = [_ring(ring, north_first) for ring in _list(rings)] or [[]]
    if not shell:
        raise ValueError("a polygon has no ring")
    return shell, holes


def _ring(ring: object, north_first: bool) -> list[tuple[float, float]]:
    positions = [_position(position, north_first) for position in _list(ring)]
    if len(positions) < 4 or positions[0] != positions[-1]:
        raise ValueError("a ring has at least four positions, the last of which is the first")
    return positions


def _position(position: object, north_first: bool) -> tuple[float, float]:
    numbers = _list(position)
    if len(numbers) != 2:
        raise ValueError("a position has two numbers; heights are not kept" if len(numbers) == 3 else "a position has two numbers")
    first, second = (_number(number) for number in numbers)
    return (second, first) if north_first else (first, second)


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("a list is expected")
    return value
