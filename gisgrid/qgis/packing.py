"""Writing a project into a file: ``.qgz``, which is a zip of it, or ``.qgs``."""

from __future__ import annotations

import zipfile
from pathlib import Path

from gisgrid.errors import UsageError

_LONG_AGO = (1980, 1, 1, 0, 0, 0)


def write_project(document: str, target: Path) -> None:
    """Write a project's XML to ``target``; the same project gives the same bytes.

    Raises UsageError when the name ends in neither ``.qgz`` nor ``.qgs``, or when the file cannot be written.
    """
    if target.suffix not in {".qgz", ".qgs"}:
        raise UsageError(f"{target.name} is no name of a project of QGIS.", "It must end in .qgz or .qgs.")
    draft = target.with_name(f".{target.name}.draft")
    try:
        if target.suffix == ".qgs":
            draft.write_text(document, encoding="utf-8")
        else:
            with zipfile.ZipFile(draft, "w") as archive:
                entry = zipfile.ZipInfo(f"{target.stem}.qgs", _LONG_AGO)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, document.encode())
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UsageError(f"{target} cannot be written: {error.strerror or error}.", "Name a file in a folder that exists.") from error
