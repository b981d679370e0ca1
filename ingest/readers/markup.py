"""KML, GML, GPX and OpenStreetMap XML made ready for GDAL: in UTF-8, and known to be well-formed to the end."""

from __future__ import annotations

import codecs
import re
import xml.parsers.expat
from pathlib import Path

from gisgrid.errors import SourceError
from ingest.readers.encoding import Decided, Told, codec
from ingest.readers.survey import survey
from ingest.readers.workspace import RECODED, Workspace

_PROLOG = re.compile(r"""^\s*<\?xml[^>]*?\bencoding\s*=\s*["']([\w.:-]+)["'][^>]*\?>""")
_ANY_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
_BLOCK = 1 << 20
_UTF8 = {"utf-8", "utf-8-sig", "ascii"}


def ready_markup(path: Path, declared: str | None, workspace: Workspace) -> tuple[Path, Decided]:
    """Return the file that GDAL is to read in the place of ``path``, and what the text was decided to be in.

    What is not UTF-8 is written anew as UTF-8. Raises SourceError that names line and column when the XML is not whole.
    """
    with path.open("rb") as file:
        head = file.read(1000).decode("latin-1")
    named = _PROLOG.match(head)
    decided = survey(path, declared, Told(codec(named[1], path), "its XML declaration") if named else None).decided
    says_utf8 = named is None or codec(named[1], path) in _UTF8
    problem = None if decided.codec not in _UTF8 or not says_utf8 else _problem(path)
    if decided.codec in _UTF8 and says_utf8 and problem is None:
        return path, decided
    if problem is not None and "invalid token" not in problem:
        raise _broken(path, problem)
    copy = _recoded(path, decided.codec, workspace)
    problem = _problem(copy)
    if problem is not None:
        raise _broken(path, problem)
    return copy, decided


def _broken(path: Path, problem: str) -> SourceError:
    return SourceError(f"{path} is not whole XML: {problem}.", "Ask for the file again; nothing was loaded from it.")


def _problem(path: Path) -> str | None:
    """Return where and why the XML is not well-formed; None when it is."""
    parser = xml.parsers.expat.ParserCreate()
    try:
        with path.open("rb") as file:
            parser.ParseFile(file)
    except xml.parsers.expat.ExpatError as error:
        return str(error)
    return None


def _recoded(path: Path, encoding: str, workspace: Workspace) -> Path:
    """Write the file as UTF-8 into the workspace, with what lies beside it under the same name."""
    folder = workspace.folder / RECODED
    folder.mkdir(exist_ok=True)
    copy = folder / path.name
    with path.open(encoding=encoding, errors="replace", newline="") as source, copy.open("w", encoding="utf-8", newline="") as target:
        first = source.read(_BLOCK).removeprefix(codecs.BOM_UTF8.decode())
        target.write('<?xml version="1.0" encoding="UTF-8"?>' + _ANY_PROLOG.sub("", first, count=1))
        while block := source.read(_BLOCK):
            target.write(block)
    for beside in path.parent.glob(f"{path.stem}.xsd"):
        (folder / beside.name).symlink_to(beside.resolve())
    return copy
