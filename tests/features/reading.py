"""Files read back by programs that are not ours, as one simple thing: features by their ids."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import geopandas
import pandas
import psycopg
import pyogrio
import shapely
from psycopg import sql

from gisgrid.db import Database
from gisgrid.layers import Layer


class Feature(NamedTuple):
    """The fields of a feature by name, None where one is missing, and its place."""

    fields: dict[str, Any]
    place: Any


Features = dict[int, Feature]
"""Features by id, in the order of the file."""


def stored(database: Database, layer: Layer, condition: str = "true") -> Features:
    """Return what PostGIS has of a layer."""
    names = [field.name for field in layer.fields]
    columns = sql.SQL(", ").join(map(sql.Identifier, names))
    text = "SELECT id, ST_AsBinary(geom), {} FROM gisgrid.{} WHERE " + condition + " ORDER BY id"
    with database.connect() as connection:
        rows = connection.execute(sql.SQL(text).format(columns, sql.Identifier(layer.id))).fetchall()
    return {
        row[0]: Feature(dict(zip(names, row[2:], strict=True)), None if row[1] is None else shapely.from_wkb(bytes(row[1]))) for row in rows
    }


def as_text(features: Features) -> Features:
    """Return features with their dates as texts."""
    return {id: Feature({k: _iso(v) for k, v in one.fields.items()}, one.place) for id, one in features.items()}


def _iso(value: Any) -> Any:
    return value.isoformat()[:10] if isinstance(value, date) else value


def read(word: str, content: bytes, folder: Path, layer: Layer) -> Features:
    """Return what a file in the format ``word`` has, dates as texts."""
    path = folder / f"read.{word}"
    path.write_bytes(content)
    return _READERS[word](path, layer)


def _geojson(path: Path, _: Layer) -> Features:
    return _features(json.loads(path.read_text("utf-8"))["features"])


def _geojsonseq(path: Path, _: Layer) -> Features:
    head, *texts = path.read_text("utf-8").split("\x1e")
    assert head == ""
    assert all(text.endswith("\n") for text in texts)
    return _features([json.loads(text) for text in texts])


def _features(documents: list[dict[str, Any]]) -> Features:
    places = [one["geometry"] and shapely.geometry.shape(one["geometry"]) for one in documents]
    return {one["id"]: Feature(one["properties"], place) for one, place in zip(documents, places, strict=True)}


def _csv(path: Path, layer: Layer) -> Features:
    rows = csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline=""))
    found = {}
    for row in rows:
        if layer.geometry == "Point":
            place = shapely.Point(*(float(row.pop(name)) for name in (("lon", "lat") if "lon" in row else ("x", "y"))))
        else:
            text = row.pop("WKT")
            place = shapely.from_wkt(text) if text else None
        id = int(row.pop("id"))
        found[id] = Feature({name: _typed(layer, name, text) for name, text in row.items()}, place)
    return found


def _typed(layer: Layer, name: str, text: str) -> Any:
    if not text:
        return None
    kind = layer.field(name).type
    return int(text) if kind == "integer" else float(text) if kind == "number" else text


def _parquet(path: Path, _: Layer) -> Features:
    return _frame(geopandas.read_parquet(path).set_index("id"))


def _fgb(path: Path, _: Layer) -> Features:
    return _frame(pyogrio.read_dataframe(path, datetime_as_string=True).set_index("id"))


def _gpkg(path: Path, _: Layer) -> Features:
    return _frame(pyogrio.read_dataframe(path, fid_as_index=True, datetime_as_string=True))


def _frame(frame: Any) -> Features:
    places = frame.pop(frame.geometry.name)
    rows = frame.astype(object).to_dict("records")
    pairs = zip(frame.index, rows, places, strict=True)
    return {int(id): Feature({name: _plain(value) for name, value in row.items()}, place) for id, row, place in pairs}


def _plain(value: Any) -> Any:
    if value is None or value is pandas.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    return value[:10] if isinstance(value, str) and value.endswith("T00:00:00") else _iso(value)


_READERS: dict[str, Callable[[Path, Layer], Features]] = {
    "geojson": _geojson,
    "geojsonseq": _geojsonseq,
    "csv": _csv,
    "parquet": _parquet,
    "fgb": _fgb,
    "gpkg": _gpkg,
}


def ogrinfo_count(content: bytes, path: Path) -> int:
    """Return how many features Debian's GDAL finds in a file; ``path`` is where to put it."""
    path.write_bytes(content)
    told = subprocess.run(["ogrinfo", "-ro", "-so", "-al", str(path)], capture_output=True, text=True, check=True)
    assert "ERROR" not in told.stderr, told.stderr
    assert "Warning" not in told.stderr, told.stderr
    return int(next(line for line in told.stdout.splitlines() if line.startswith("Feature Count:")).split()[-1])


def execute(database: Database, statement: str, args: tuple[object, ...] = ()) -> None:
    """Run a statement on its own connection."""
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(statement.encode(), args)
