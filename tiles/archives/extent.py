"""Where the rows of layers are: the box of all of them, and whether there are any in a tile."""

from __future__ import annotations

import math
from typing import Any

import psycopg

from gisgrid.layers import Layer
from gisgrid.types import Bounds
from tiles.request import Datum, Variant
from tiles.tile import MERCATOR_EDGE_M, TileId

_GEOMETRY: dict[Datum, str] = {"wgs84": "geom_3857", "gcj02": "geom_gcj02"}
_BOX = """SELECT ST_XMin(box), ST_YMin(box), ST_XMax(box), ST_YMax(box)
FROM (SELECT ST_Extent({geom}) AS box FROM gisgrid.{id}) AS extent WHERE box IS NOT NULL"""
_ANY = "EXISTS (SELECT FROM gisgrid.{id} WHERE geom_3857 && ST_MakeEnvelope(%(west)s, %(south)s, %(east)s, %(north)s, 3857))"
# GCJ-02 moves a place by less than a kilometre on the ground, and the web map square stretches that below 60 degrees to twice as much.
_GCJ02_MARGIN_M = 2_000.0


def box_of(connection: psycopg.Connection[Any], layers: tuple[Layer, ...], datum: Datum) -> Bounds | None:
    """Return the box of all rows of ``layers`` as they are drawn, EPSG:3857 metres; None when there are none."""
    texts = [_BOX.format(id=layer.id, geom=_GEOMETRY[datum]) for layer in layers]
    rows = [row for text in texts if (row := connection.execute(text.encode()).fetchone())]
    if not rows:
        return None
    west, south, east, north = zip(*rows, strict=True)
    return Bounds(min(west), min(south), max(east), max(north))


def occupied_query(variant: Variant, layers: tuple[Layer, ...], inside: TileId, zoom: int) -> tuple[str, dict[str, float]]:
    """Return the question whether tiles of ``zoom`` in the tile ``inside`` may hold anything: SQL, and what is bound to it.

    A whole tile of ``zoom`` is looked at around it, which is more than any buffer and than simplified shapes leave their own.
    Filters are not looked at.
    """
    west, south, east, north = inside.bounds_m
    margin = 2 * MERCATOR_EDGE_M / (1 << zoom) + (_GCJ02_MARGIN_M if variant.datum == "gcj02" else 0.0)
    text = "SELECT " + " OR ".join(_ANY.format(id=layer.id) for layer in layers)
    return text, {"west": west - margin, "south": south - margin, "east": east + margin, "north": north + margin}


def common(first: Bounds, second: Bounds) -> Bounds | None:
    """Return what two boxes have in common, None when that is nothing."""
    box = Bounds(max(first.west, second.west), max(first.south, second.south), min(first.east, second.east), min(first.north, second.north))
    return box if box.west <= box.east and box.south <= box.north else None


def to_metres(degrees: Bounds) -> Bounds:
    """Return a box in degrees as one in EPSG:3857 metres, cut to the web map square."""
    return Bounds(_x(degrees.west), _y(degrees.south), _x(degrees.east), _y(degrees.north))


def to_degrees(metres: Bounds) -> Bounds:
    """Return a box in EPSG:3857 metres as one in degrees, to the seven decimals that archives hold."""
    (west, south), (east, north) = (
        (x / MERCATOR_EDGE_M * 180.0, math.degrees(math.atan(math.sinh(y / MERCATOR_EDGE_M * math.pi))))
        for x, y in ((metres.west, metres.south), (metres.east, metres.north))
    )
    return Bounds(*(round(value, 7) for value in (west, south, east, north)))


def _x(lon: float) -> float:
    return lon / 180.0 * MERCATOR_EDGE_M


def _y(lat: float) -> float:
    limited = min(max(lat, -85.06), 85.06)
    y = math.asinh(math.tan(math.radians(limited))) / math.pi * MERCATOR_EDGE_M
    return min(max(y, -MERCATOR_EDGE_M), MERCATOR_EDGE_M)
