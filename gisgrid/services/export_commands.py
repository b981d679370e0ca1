"""``gisgrid export``: a layer, or a part of it, as a file."""

from __future__ import annotations

import glob
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from gisgrid.cql2 import parse
from gisgrid.crs import parse_crs
from gisgrid.db import open_database
from gisgrid.db.features.streaming import Cut, SnapshotReader
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.features import Box, FeatureQuery, Sort
from gisgrid.features.formats import BY_WORD, FORMATS, FileFormat, format_of_suffix
from gisgrid.layers import LAYERS, Layer, layer
from gisgrid.services.exports import Export, chunks, write
from gisgrid.settings import load_settings
from gisgrid.types import Bounds

# Nobody waits longer for a file than a day.
_TIMEOUT_S = 86_400.0
_STANDARD_OUTPUT = "-"
_BOX = "four numbers: west,south,east,north in degrees"
SYSTEMS = (4326, 4490, 3857, 4549, 4528)
"""The coordinate systems that files are written in, by their EPSG numbers."""


def export(
    layer_id: Annotated[str, typer.Argument(metavar="LAYER", help=f"One of {', '.join(one.id for one in LAYERS if one.public)}.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="File to write; its name says the format. - writes to the standard output.")],
    *,
    format_: Annotated[str | None, typer.Option("--format", help=f"Format, where the name does not say it: {', '.join(BY_WORD)}.")] = None,
    filter_: Annotated[str | None, typer.Option("--filter", help="Only features for which this CQL2 text is true.")] = None,
    bbox: Annotated[str | None, typer.Option("--bbox", help="Only features that meet this box: west,south,east,north in degrees.")] = None,
    fields: Annotated[str | None, typer.Option("--fields", help="Which fields to write, with commas.", show_default="all")] = None,
    sort: Annotated[str, typer.Option("--sort", help="Fields to sort by, with commas; - before one for descending.")] = "",
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Most features.")] = None,
    crs: Annotated[str, typer.Option("--crs", help=f"Coordinate system: {', '.join(f'EPSG:{n}' for n in SYSTEMS)}.")] = "EPSG:4326",
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark, for spreadsheets.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if there is one.")] = False,
) -> None:
    """Write a layer, or a part of it, to a GeoJSON, CSV, FlatGeobuf, GeoParquet or GeoPackage file.

    The file is of one moment, and takes its name when it is whole.
    """
    chosen = _public_layer(layer_id)
    file_format = _format(out, format_)
    if bom and file_format.word != "csv":
        raise ParameterError("bom", f"has no meaning in {file_format.word}.", "it with CSV only")
    query = FeatureQuery(
        chosen,
        box=_box(bbox),
        filter=None if filter_ is None else parse(filter_),
        fields=_fields(chosen, fields),
        sort=_sorts(chosen, sort),
        srid=_srid(crs),
    )
    asked = Export(query, file_format, Cut(limit), bom)
    begun = time.monotonic()
    with SnapshotReader(open_database(load_settings()), _TIMEOUT_S) as reader:
        if out == _STANDARD_OUTPUT:
            _to_standard_output(reader, asked)
            return
        size = _to_file(reader, asked, Path(out), overwrite=overwrite)
        count = reader.rows - (file_format.word == "csv")
    told = f"{count:,} features of {chosen.id} in {out}: {size / 1e6:,.1f} MB, {time.monotonic() - begun:.1f} s."
    Console(highlight=False, soft_wrap=True).print(told, markup=False)


def _public_layer(layer_id: str) -> Layer:
    found = layer(layer_id)
    if not found.public:
        raise ParameterError("LAYER", f"{layer_id} is not written to files.", "a layer that anybody may see")
    return found


def _format(out: str, named: str | None) -> FileFormat:
    if named is not None:
        if named not in BY_WORD:
            raise ParameterError("format", f"{named[:40]!r} is not known.", f"one of {', '.join(BY_WORD)}")
        found = BY_WORD[named]
    elif out == _STANDARD_OUTPUT:
        raise ParameterError("format", "is not said by a name.", f"--format with one of {', '.join(BY_WORD)}")
    else:
        found = format_of_suffix(Path(out).suffix)
    if out == _STANDARD_OUTPUT and not found.is_streamed:
        streamed = ", ".join(one.word for one in FORMATS if one.is_streamed)
        raise ParameterError("OUT", f"{found.title} cannot be written to the standard output.", f"a file, or one of {streamed}")
    return found


def _box(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise ParameterError("bbox", f"{text[:60]!r} is no box.", _BOX) from None
    if not (max(abs(west), abs(east)) <= 180.0 and -90.0 <= south <= north <= 90.0):
        raise ParameterError("bbox", f"{text[:60]!r} is no place on earth.", _BOX)
    return Box(Bounds(west, south, east, north))


def _fields(chosen: Layer, text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(chosen.field(name.strip()).name for name in text.split(","))


def _sorts(chosen: Layer, text: str) -> tuple[Sort, ...]:
    keys = [key.strip() for key in text.split(",") if key.strip()]
    return tuple(Sort(chosen.field(key.removeprefix("-")).name, key.startswith("-")) for key in keys)


def _srid(text: str) -> int:
    number = parse_crs(text).epsg
    if number not in SYSTEMS:
        raise CrsError(f"files are not written in {text}.", f"one of {', '.join(f'EPSG:{one}' for one in SYSTEMS)}")
    return number


def _to_standard_output(reader: SnapshotReader, asked: Export) -> None:
    for chunk in chunks(reader, asked):
        sys.stdout.buffer.write(chunk)
    sys.stdout.buffer.flush()


def _to_file(reader: SnapshotReader, asked: Export, path: Path, *, overwrite: bool) -> int:
    """Write beside the place of the file, and put it there when it is whole; return its size in bytes."""
    if path.exists() and not overwrite:
        raise SourceError(f"{path} is there already.", "Give another name, or --overwrite.")
    draft = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        write(reader, asked, draft)
        size = draft.stat().st_size
        draft.replace(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be written: {error.strerror or error}.", "Is the folder there, and is there room?") from error
    finally:
        # What SQLite leaves beside a file that was not finished goes too.
        for left in path.parent.glob(f"{glob.escape(draft.name)}*"):
            left.unlink(missing_ok=True)
    return size
