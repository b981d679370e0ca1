"""A cold tile against Martin on the same tables and fields: neither side has anything cached."""

from __future__ import annotations

import http.client
import json
import shutil
from pathlib import Path

from gisgrid.layers import Layer, layer
from gisgrid.settings import Settings
from tests.bench.measure import Result, compare, seconds
from tests.serving import GISGRID, Server, served
from tiles import tile_at

_ZOOM = 16  # all fields of all layers are in the tiles from here on
_LAYERS = ("grids", "buildings", "manhole_covers", "cameras")
_MARTIN_TYPES = {"text": "text", "integer": "int4", "number": "float8", "date": "date"}

Box = tuple[float, float, float, float]


def cold_against_martin(settings: Settings, bounds: Box, most: int, rounds: int, folder: Path) -> Result | None:
    """Compare the milliseconds a tile takes, over distinct tiles asked for one after the other; None without Martin."""
    program = shutil.which("martin")
    if program is None:
        return None
    config = folder / "bench-martin.json"
    config.write_text(json.dumps(_martin_config(settings.database_url or "")), encoding="utf-8")
    addresses = [f"{z}/{x}/{y}" for z, x, y in _tiles(bounds)][:: max(1, len(_tiles(bounds)) // most)]
    martin = ["sh", "-c", f'exec "{program}" --config "{config}" --listen-addresses 127.0.0.1:"$0" 2>/dev/null']
    environment = {"GISGRID_DATABASE_URL": settings.database_url or "", "GISGRID_DEPLOYMENT": settings.deployment}
    with served([GISGRID, "serve", "--port"], environment) as ours, served(martin, {}) as theirs:
        result = compare(
            lambda: _milliseconds(ours, [f"/tiles/{name}/{address}.mvt" for name in _LAYERS for address in addresses]),
            lambda: _milliseconds(theirs, [f"/{name}/{address}" for name in _LAYERS for address in addresses]),
            rounds,
        )
    return Result(f"cold tile, zoom {_ZOOM}, {len(_LAYERS)} layers", "Martin, same fields", *result[:2], "ms", *result[2:], "at most 0.8")


def _martin_config(url: str) -> dict[str, object]:
    tables = {name: _martin_table(layer(name)) for name in _LAYERS}
    return {"cache_size_mb": 0, "postgres": {"connection_string": url, "auto_publish": False, "pool_size": 4, "tables": tables}}


def _martin_table(item: Layer) -> dict[str, object]:
    properties = {field.name: _MARTIN_TYPES[field.type] for field in item.tile_fields(_ZOOM)}
    place = {"schema": "gisgrid", "table": item.id, "srid": 3857, "geometry_column": "geom_3857", "geometry_type": item.geometry.upper()}
    return {**place, "id_column": "id", "extent": 4096, "buffer": 64, "clip_geom": True, "properties": properties}


def _tiles(bounds: Box) -> list[tuple[int, int, int]]:
    west, south, east, north = bounds
    first, last = tile_at(west, north, _ZOOM), tile_at(east, south, _ZOOM)
    return [(_ZOOM, x, y) for x in range(first.x, last.x + 1) for y in range(first.y, last.y + 1)]


def _milliseconds(server: Server, paths: list[str]) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        return 1000 * seconds(lambda: _get_all(connection, paths)) / len(paths)
    finally:
        connection.close()


def _get_all(connection: http.client.HTTPConnection, paths: list[str]) -> None:
    for path in paths:
        connection.request("GET", path, headers={"accept-encoding": "gzip"})
        response = connection.getresponse()
        response.read()
        if response.status not in {200, 204}:
            raise RuntimeError(f"{path}: {response.status}")
