"""The formats of batch files: which there are, and which one a file is in."""

from __future__ import annotations

import gzip
from pathlib import PurePath
from typing import BinaryIO, cast

from gisgrid.errors import ParameterError
from gisgrid.services.batch.formats.base import Input, InputOptions
from gisgrid.services.batch.formats.csv import CsvInput
from gisgrid.services.batch.formats.json import JsonInput
from gisgrid.services.batch.formats.ndjson import NdjsonInput
from gisgrid.services.batch.formats.tables import open_arrow, open_parquet

FORMATS = ("csv", "tsv", "ndjson", "json", "arrow", "arrow-stream", "parquet")
"""The formats by name; each is input and output."""

_ENDINGS = {
    "": "csv",
    ".csv": "csv",
    ".dat": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".json": "json",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".arrows": "arrow-stream",
    ".parquet": "parquet",
    ".pq": "parquet",
}
TEXT_FORMATS = frozenset(("csv", "tsv", "ndjson", "json"))
_GZIP_MAGIC = b"\x1f\x8b"


def format_of(path: PurePath, named: str | None, option: str) -> tuple[str, bool]:
    """Return the format of a file and whether it is compressed with gzip, by the ending of its name (none: CSV) or as named.

    Raises ParameterError naming the option when neither says it, or the format does not exist.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    is_gzip = bool(suffixes) and suffixes[-1] == ".gz"
    ending = suffixes[-2] if is_gzip and len(suffixes) > 1 else suffixes[-1] if suffixes and not is_gzip else ""
    found = named or _ENDINGS.get(ending)
    if found is None:
        raise ParameterError(option, f"{str(path)!r} does not say its format.", f"one of {', '.join(FORMATS)}")
    if found not in FORMATS:
        raise ParameterError(option, f"there is no format {found!r}.", f"one of {', '.join(FORMATS)}")
    if is_gzip and found not in TEXT_FORMATS:
        raise ParameterError(option, f"{found} is not read or written with gzip around it.", "the plain file: it is compressed within")
    return found, is_gzip


def open_input(raw: BinaryIO, name: str, options: InputOptions, *, is_gzip: bool = False, size: int = 0) -> Input:
    """Open a stream in the format called ``name``; ``size`` is its length in bytes, 0 when unknown.

    Raises SourceError for what is not in that format.
    """
    if is_gzip:
        raw, size = cast(BinaryIO, gzip.GzipFile(fileobj=raw)), 0
    if name in {"csv", "tsv"}:
        return CsvInput(raw, options, "\t" if name == "tsv" else None, size)
    if name == "ndjson":
        return NdjsonInput(raw, options, size)
    if name == "json":
        return JsonInput(raw, options, size)
    return open_parquet(raw, options, size) if name == "parquet" else open_arrow(raw, options, size)
