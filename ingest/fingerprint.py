"""Recognising a file and its description again: hashes over contents, not over times or names."""

from __future__ import annotations

import hashlib
from pathlib import Path

from gisgrid.deployment import Deployment
from ingest.description import Source
from ingest.readers.table import table_hash

RULES_VERSION = 2
"""Raised when checks or repairs change, so that files that were loaded by older rules are loaded again."""

_SIDECARS = {
    ".shp": (".shx", ".dbf", ".prj", ".cpg"),
    ".tab": (".dat", ".map", ".id", ".ind"),
    ".mif": (".mid",),
    ".dbf": (".cpg",),
    ".gml": (".xsd",),
}


def parts(path: Path) -> list[Path]:
    """Return the files that make up the source at ``path``: itself, and what of a shapefile or MapInfo table lies beside it."""
    if path.is_dir():
        return sorted(part for part in path.rglob("*") if part.is_file())
    endings = _SIDECARS.get(path.suffix.lower(), ())
    return [
        path,
        *(part for ending in endings for part in (path.with_suffix(ending), path.with_suffix(ending.upper())) if part.is_file()),
    ]


def file_hash(path: Path) -> str:
    """Return the SHA-256 over the endings and contents of all parts of a file."""
    digest = hashlib.sha256()
    for part in parts(path):
        with part.open("rb") as file:
            digest.update(f"{part.suffix.lower()}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()


def content_hash(source: Source, path: Path) -> str:
    """Return a hash of what ``source`` reads: the file at ``path``, or the rows of its table, in whatever order these are.

    Raises SourceError when the database of the table cannot be reached.
    """
    if source.connection is not None and source.table is not None:
        return hashlib.sha256(table_hash(source.connection, source.table).encode()).hexdigest()
    return file_hash(path)


def source_hash(source: Source, deployment: Deployment) -> str:
    """Return the SHA-256 over all that decides what becomes of a file: its description, the deployment, the rules' version."""
    text = f"{RULES_VERSION}\n{source.model_dump_json()}\n{deployment.model_dump_json()}"
    return hashlib.sha256(text.encode()).hexdigest()
