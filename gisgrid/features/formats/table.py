"""The file formats that a collection can be had in."""

from __future__ import annotations

from typing import NamedTuple

from gisgrid.errors import ParameterError


class FileFormat(NamedTuple):
    """A file format: the word that names it, the end of file names with its dot, its media type.

    One that ``is_streamed`` is sent while it is written; the others are written to a file first, because their beginning is
    written last.
    """

    word: str
    suffix: str
    media: str
    title: str
    is_streamed: bool = True


FORMATS: tuple[FileFormat, ...] = (
    FileFormat("geojson", ".geojson", "application/geo+json", "GeoJSON"),
    FileFormat("geojsonseq", ".geojsons", "application/geo+json-seq", "GeoJSON text sequence"),
    FileFormat("csv", ".csv", "text/csv", "CSV"),
    FileFormat("parquet", ".parquet", "application/vnd.apache.parquet", "GeoParquet"),
    FileFormat("fgb", ".fgb", "application/flatgeobuf", "FlatGeobuf", is_streamed=False),
    FileFormat("gpkg", ".gpkg", "application/geopackage+sqlite3", "GeoPackage", is_streamed=False),
)
"""Every format, in the order in which they are listed."""

BY_WORD = {one.word: one for one in FORMATS}
"""The format that each word names."""

_MORE_SUFFIXES = {".json": "geojson", ".geojsonl": "geojsonseq", ".geojsonseq": "geojsonseq", ".geoparquet": "parquet"}


def format_of_suffix(suffix: str) -> FileFormat:
    """Return the format of files whose names end in ``suffix`` (with its dot, in any case); raises ParameterError for none."""
    wanted = suffix.lower()
    for one in FORMATS:
        if wanted == one.suffix or _MORE_SUFFIXES.get(wanted) == one.word:
            return one
    raise ParameterError("format", f"a name that ends in {suffix[:20]!r} names none.", f"one of {', '.join(one.suffix for one in FORMATS)}")
