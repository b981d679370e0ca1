"""DXF drawings looked through before GDAL reads them, for it passes over what it does not understand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gisgrid.errors import SourceError

_READ_BY_GDAL = {
    "POINT", "LINE", "POLYLINE", "LWPOLYLINE", "CIRCLE", "ELLIPSE", "ARC", "SPLINE", "HELIX", "3DFACE", "SOLID", "TRACE", "HATCH", "INSERT",
    "TEXT", "MTEXT", "ATTRIB", "ATTDEF", "DIMENSION", "LEADER", "MLEADER", "MULTILEADER", "MLINE", "3DSOLID", "REGION", "BODY", "SURFACE",
}  # fmt: skip
_PARTS = {"VERTEX", "SEQEND", "SECTION", "ENDSEC"}


def check_drawing(path: Path) -> list[str]:
    """Return notes on what is in the drawing that cannot be read.

    Raises SourceError when the text is not pairs of a group code and a value, or ends before its end mark.
    """
    entities: Counter[str] = Counter()
    is_inside, last = False, ""
    for number, code, value in _pairs(path):
        if not code.lstrip("-").isdigit():
            raise SourceError(f"{path} is damaged: line {number:,} is not a group code of DXF.", "Ask for the file again.")
        if code == "2" and last == "SECTION":
            is_inside = value == "ENTITIES"
        if code == "0":
            last = value
            is_inside = is_inside and value != "ENDSEC"
            if is_inside and value not in _PARTS:
                entities[value] += 1
    if last != "EOF":
        raise SourceError(f"{path} is cut off: a DXF ends with EOF.", "Ask for the file again; nothing was loaded from it.")
    unread = {kind: count for kind, count in entities.items() if kind not in _READ_BY_GDAL}
    return [f"Not read from the drawing, for their kind is not known: {count:,} {kind}." for kind, count in unread.items()]


def _pairs(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield the number of the line with a group code, the code, and the value on the line after it."""
    with path.open(encoding="latin-1", newline=None) as file:
        for number, line in enumerate(file, 1):
            if number == 1 and line.startswith("AutoCAD Binary DXF"):
                raise SourceError(f"{path} is a binary DXF.", "Save it as text (ASCII DXF).")
            if "\0" in line:
                raise SourceError(f"{path} is damaged: line {number:,} holds NUL characters.", "Ask for the file again.")
            if number % 2:
                code = line.strip()
            else:
                yield number - 1, code, line.strip()
