"""The servers that ours is measured against, on the same PostGIS, tables and fields; each only where it is found."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from gisgrid.layers import LAYERS, Layer, layer
from tests.serving import GISGRID, Server, served

LAYERS_MEASURED = ("grids", "buildings", "manhole_covers", "cameras")
"""The layers that every side serves."""

MARTIN_MISSING = "tiles against Martin: there is no martin (`cargo install martin`)"
TIPG_MISSING = "tiles against tipg: set BENCH_TIPG_PYTHON to a Python that has tipg and uvicorn"

_MARTIN_TYPES = {"text": "text", "integer": "int4", "number": "float8", "date": "date"}
_PORT_OF_MARTIN = 'exec "$0" --config "$1" --listen-addresses 127.0.0.1:"$2" 2>/dev/null'
_MOST_FEATURES = "1000000"


def martin_program() -> str | None:
    """Return where Martin is, None without it."""
    return shutil.which("martin")


def tipg_program() -> str | None:
    """Return a Python that has tipg, None where there is none."""
    return os.environ.get("BENCH_TIPG_PYTHON") or (sys.executable if importlib.util.find_spec("tipg") else None)


class Side(NamedTuple):
    """A server, and where it has the tiles of the list."""

    server: Server
    paths: Sequence[str]


@contextmanager
def ours(url: str, *, cache_bytes: int) -> Iterator[Server]:
    """Serve our tiles with a cache of so many bytes, 0 for none."""
    environment = {"GISGRID_DATABASE_URL": url, "GISGRID_DEPLOYMENT": "shibei", "GISGRID_TILES__CACHE_BYTES": str(cache_bytes)}
    with served([GISGRID, "serve", "--port"], environment) as server:
        yield server


def our_path(name: str, address: str) -> str:
    """Return where we serve a tile of a layer; ``address`` is z/x/y."""
    return f"/tiles/{name}/{address}.mvt"


@contextmanager
def martin(url: str, folder: Path, *, cache_mb: int) -> Iterator[Server | None]:
    """Serve the layers by Martin, one source for each zoom at which their fields change; None without the program."""
    program = martin_program()
    if program is None:
        yield None
        return
    tables = {
        _source(name, zoom): _martin_table(layer(name), zoom)
        for name in LAYERS_MEASURED
        for zoom in {_band(layer(name), zoom) for zoom in range(23)}
    }
    postgres = {"connection_string": url, "auto_publish": False, "pool_size": 4, "tables": tables}
    config = folder / "bench-martin.json"
    config.write_text(json.dumps({"cache_size_mb": cache_mb, "postgres": postgres}), encoding="utf-8")
    with served(["sh", "-c", _PORT_OF_MARTIN, program, str(config)], {}) as server:
        yield server


def martin_path(name: str, address: str) -> str:
    """Return where Martin serves a tile of a layer with the fields that ours has."""
    return f"/{_source(name, _band(layer(name), int(address.split('/', maxsplit=1)[0])))}/{address}"


def _source(name: str, zoom: int) -> str:
    return f"{name}_{zoom}"


def _band(item: Layer, zoom: int) -> int:
    """Return the zoom from which on tiles have the fields that they have at ``zoom``."""
    fields = item.tile_fields(zoom)
    return next(first for first in range(zoom + 1) if item.tile_fields(first) == fields)


def _martin_table(item: Layer, zoom: int) -> dict[str, object]:
    properties = {field.name: _MARTIN_TYPES[field.type] for field in item.tile_fields(zoom)}
    place = {"schema": "gisgrid", "table": item.id, "srid": 3857, "geometry_column": "geom_3857", "geometry_type": item.geometry.upper()}
    return {**place, "id_column": "id", "extent": 4096, "buffer": 64, "clip_geom": True, "properties": properties}


@contextmanager
def tipg(url: str) -> Iterator[Server | None]:
    """Serve the layers by tipg; None where no Python has it."""
    program = tipg_program()
    if program is None:
        yield None
        return
    command = [program, "-m", "uvicorn", "tipg.main:app", "--log-level", "error", "--no-access-log", "--port"]
    with served(command, _tipg_environment(url)) as server:
        yield server


def _tipg_environment(url: str) -> Mapping[str, str]:
    return {
        "DATABASE_URL": url,
        "TIPG_DB_SCHEMAS": '["gisgrid"]',
        "TIPG_DB_TABLES": json.dumps([f"gisgrid.{item.id}" for item in LAYERS]),
        "TIPG_TILE_BUFFER": "64",
        "TIPG_MAX_FEATURES_PER_TILE": _MOST_FEATURES,
    }


def tipg_path(name: str, address: str) -> str:
    """Return where tipg serves a tile of a layer with the fields that ours has."""
    fields = ",".join(field.name for field in layer(name).tile_fields(int(address.split("/", maxsplit=1)[0])))
    return f"/collections/gisgrid.{name}/tiles/WebMercatorQuad/{address}?geom-column=geom_3857&properties={fields}&limit={_MOST_FEATURES}"
