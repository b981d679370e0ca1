"""What a batch of rows can be asked for: its parameters, declared once, and a parser from them and the headers to what is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from api.asgi import Scope, header
from api.lookup_params import LOCATE_PARAMETERS, MAX_ACCURACY_M
from api.media import UnsupportedMediaError, choose_format, parse_content_type
from api.params import Parameter, parse_query, parse_ranged, parse_word
from gisgrid.services import parse_instant
from gisgrid.services.batch import ADDED, SHARES, BatchPlan, make_plan
from gisgrid.services.batch.formats import TEXT_FORMATS

_COLUMN = {"type": "string"}

_DECLARED = (
    Parameter("crs", "Coordinate system of all rows, or of those that do not say it in `crs_column`.", _COLUMN, "gcj02"),
    Parameter("crs_column", "Column that names each row's coordinate system.", _COLUMN, None),
    Parameter("lon", "Column of the longitude, or easting.", {**_COLUMN, "default": "lon"}, None),
    Parameter("lat", "Column of the latitude, or northing.", {**_COLUMN, "default": "lat"}, None),
    Parameter("columns", f"Columns to add, with commas, by default all: {', '.join((*ADDED, *SHARES))}.", _COLUMN, "status,grid"),
    Parameter("keep", "Columns of the input to keep, with commas; by default all.", _COLUMN, None),
    LOCATE_PARAMETERS["accuracy_m"]._replace(description="Radius of all positions' uncertainty, metres.", example=None),
    Parameter("accuracy_column", "Column of each position's uncertainty, metres.", _COLUMN, None),
    LOCATE_PARAMETERS["as_of"],
    Parameter("encoding", "Encoding of the text; by default the charset of the Content-Type, else it is found out.", _COLUMN, None),
)
STREAM_PARAMETERS = {parameter.name: parameter for parameter in _DECLARED}
"""The parameters of a batch of rows."""


class AskedStream(NamedTuple):
    """A batch of rows as it was asked for; ``instant`` is None for now."""

    plan: BatchPlan
    input_format: str
    output_format: str
    encoding: str | None
    keep: tuple[str, ...] | None
    is_gzip: bool
    instant: datetime | None


def parse_stream(scope: Scope, default_crs: str | None) -> AskedStream:
    """Return what a request's query and headers ask for, before anything of its body is read.

    Raises ParameterError and CrsError for the parameters, UnsupportedMediaError and NotAcceptableError for the headers.
    """
    media = parse_content_type(header(scope, b"content-type"))
    coding = header(scope, b"content-encoding").strip().lower()
    is_gzip = parse_coding(coding, media.format)
    output = choose_format(header(scope, b"accept"), media.format)
    values = parse_query(scope["query_string"], STREAM_PARAMETERS)
    for name, value in values.items():
        parse_word(name, value)
    accuracy = values.get("accuracy_m")
    expected = f"metres from 0 to {MAX_ACCURACY_M:.0f}"
    plan = make_plan(
        values.get("crs", default_crs),
        lon=values.get("lon", "lon"),
        lat=values.get("lat", "lat"),
        crs_column=values.get("crs_column"),
        accuracy_m=None if accuracy is None else parse_ranged("accuracy_m", accuracy, 0.0, MAX_ACCURACY_M, expected),
        accuracy_column=values.get("accuracy_column"),
        columns=_listed(values, "columns"),
    )
    instant = parse_instant(values["as_of"]) if "as_of" in values else None
    encoding = values.get("encoding", media.charset)
    return AskedStream(plan, media.format, output, encoding, _listed(values, "keep"), is_gzip, instant)


def parse_coding(coding: str, format_: str) -> bool:
    """Return whether a body is compressed with gzip; raises UnsupportedMediaError for a coding that is not taken."""
    if coding in {"", "identity"}:
        return False
    if coding == "gzip" and format_ in TEXT_FORMATS:
        return True
    raise UnsupportedMediaError(f"The Content-Encoding {coding[:60]!r} is not taken.", "Send text plain or as gzip, tables plain.")


def _listed(values: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    if name not in values:
        return None
    return tuple(word.strip() for word in values[name].split(",") if word.strip())
