"""From GeoJSON features, already parsed, to batches; each that is wrong is one broken row with its reason."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import shapely

from ingest.findings import Mask
from ingest.readers.batch import Geometries, RawBatch

GEOMETRIES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"})
_EXCERPT_CHARS = 2_000
_BIG = 2**63
_HUGE = 1e300
_NUMBERS = frozenset({int, float})
_PREFIXES = re.compile(r"^\w+Exception: (Error parsing JSON: '\[[\w.]+\] )?")


def unreadable(raw: str, reason: str) -> Unreadable:
    """Return a place holder for a feature that could not even be parsed."""
    return Unreadable(raw[:_EXCERPT_CHARS], reason)


class Unreadable:
    """A feature that is no JSON: its text, and why."""

    def __init__(self, raw: str, reason: str) -> None:
        self.raw = raw
        self.reason = reason


def columns_of(items: Sequence[Any], known: dict[str, None]) -> None:
    """Add the names of the properties of ``items`` to ``known``."""
    for item in items:
        if isinstance(item, dict):
            if isinstance(item.get("properties"), dict):
                known.update(dict.fromkeys(item["properties"]))
            if "id" in item:
                known["id"] = None


def feature_batch(first: int, items: Sequence[Any]) -> RawBatch:
    """Return the batch of ``items``, the first of which is row ``first`` of the file.

    Columns are those that these items have; a feature's ``id`` is a column too unless a property is called so.
    """
    size = len(items)
    reasons, extras = dict[int, str](), dict[int, list[str]]()
    rows: list[dict[str, Any]] = []
    shapes: list[Any] = []
    for position, item in enumerate(items):
        reason = _wrong(item)
        if reason is not None:
            reasons[position] = reason
            extras[position] = [item.raw if isinstance(item, Unreadable) else json.dumps(item, ensure_ascii=False)[:_EXCERPT_CHARS]]
            rows.append({})
            shapes.append(None)
            continue
        row = item.get("properties") or {}
        rows.append({"id": item["id"], **row} if "id" in item else row)
        shapes.append(item.get("geometry"))
    names = dict[str, None]()
    for row in rows:
        names.update(dict.fromkeys(row))
    table = pa.table([_column([row.get(name) for row in rows]) for name in names], names=list(names))
    geom, unbuilt, closed, as_read = _built(shapes)
    broken, failed = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    broken[list(reasons)] = True
    failed[list(unbuilt)] = True
    return RawBatch(np.arange(first, first + size), table, geom, broken, failed, reasons, unbuilt, extras, closed, as_read)


def _wrong(item: Any) -> str | None:
    """Return why an entry is not a feature; None when it is one."""
    if isinstance(item, Unreadable):
        return item.reason
    if not isinstance(item, dict):
        return f"It is {_kind(item)}, not a Feature."
    if item.get("type") != "Feature":
        return f"Its type is {item['type']!r}, not 'Feature'." if "type" in item else "It has no type, so it is not a Feature."
    properties = item.get("properties")
    return None if properties is None or isinstance(properties, dict) else f"Its properties are {_kind(properties)}, not an object."


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list", dict: "an object"}
    return names[type(value)]


def _column(values: list[Any]) -> pa.Array:
    """Return values of JSON as a column: numbers and booleans as they are, all else (and any mixture) as text."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {str}:
        return pa.array(values, pa.string())
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(value is None or -_BIG <= value < _BIG for value in values):
        return pa.array(values, pa.int64())
    if kinds == {float} or (kinds == {int, float} and all(value is None or abs(value) < 2**53 for value in values)):
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else json.dumps(value, ensure_ascii=False)


def _built(shapes: list[Any]) -> tuple[Geometries, dict[int, str], Mask, dict[int, str]]:
    """Return geometries, by position why one cannot be built, which had rings closed, and by position what was not built as it is."""
    geom: Geometries = np.full(len(shapes), None, dtype=object)
    closed = np.zeros(len(shapes), dtype=bool)
    reasons: dict[int, str] = {}
    as_read: dict[int, str] = {}
    points: list[int] = []
    others: list[int] = []
    for position, shape in enumerate(shapes):
        if shape is None:
            continue
        if _is_plain_point(shape):
            points.append(position)
        elif not isinstance(shape, dict) or str(shape.get("type")) not in GEOMETRIES:
            reasons[position] = f"Its geometry is {json.dumps(shape, ensure_ascii=False)[:80]}, which is none that GeoJSON has."
            as_read[position] = json.dumps(shape, ensure_ascii=False)
        else:
            others.append(position)
    _build_points(shapes, points, geom)
    if others:
        geom[others] = shapely.from_geojson([_dumped(shapes[position]) for position in others], on_invalid="ignore")
    for position in (position for position in others if geom[position] is None):
        geom[position], reason = _again(shapes[position])
        as_read[position] = _dumped(shapes[position])
        closed[position] = geom[position] is not None
        if reason:
            reasons[position] = reason
    return geom, reasons, closed, as_read


def _build_points(shapes: list[Any], points: list[int], geom: Geometries) -> None:
    for width in (2, 3):
        chosen = [position for position in points if len(shapes[position]["coordinates"]) == width]
        if chosen:
            geom[chosen] = shapely.points(np.array([shapes[position]["coordinates"] for position in chosen], dtype=float))


def _is_plain_point(shape: Any) -> bool:
    if not isinstance(shape, dict) or shape.get("type") != "Point":
        return False
    place = shape.get("coordinates")
    if not isinstance(place, list) or not 2 <= len(place) <= 3:
        return False
    return _NUMBERS.issuperset(map(type, place)) and max(place) < _HUGE and min(place) > -_HUGE


def _dumped(shape: Any) -> str:
    try:
        return orjson.dumps(shape).decode()
    except orjson.JSONEncodeError:  # a whole number of more than 64 bits
        return json.dumps(shape)


def _again(shape: dict[str, Any]) -> tuple[Any, str | None]:
    """Build one geometry with its rings closed; return it, or None and why it cannot be built."""
    try:
        return shapely.from_geojson(_dumped(shape)), None
    except shapely.errors.GEOSException as error:
        reason = _PREFIXES.sub("", str(error).strip().splitlines()[0]).rstrip("'.")
    if "closed" in reason and shape.get("type") in {"Polygon", "MultiPolygon"}:
        try:
            mended = shapely.from_geojson(_dumped({"type": shape["type"], "coordinates": _with_closed_rings(shape["coordinates"])}))
        except shapely.errors.GEOSException:
            mended = None
        if mended is not None and mended.area > 0 and math.isfinite(mended.area):
            return mended, None
    return None, f"The geometry cannot be built: {reason}."


def _with_closed_rings(nested: Any) -> Any:
    """Return the coordinates with the first position of each ring repeated at its end where it is not there."""
    if not isinstance(nested, list) or not nested or not isinstance(nested[0], list) or not nested[0]:
        return nested
    if isinstance(nested[0][0], list):
        return [_with_closed_rings(part) for part in nested]
    return nested if nested[0] == nested[-1] else [*nested, nested[0]]
