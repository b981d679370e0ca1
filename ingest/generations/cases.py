"""Cases with their places, from the file that ``gisgrid batch`` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gisgrid.errors import SourceError
from gisgrid.services.batch import open_csv
from ingest.generations.diff import Points

_COLUMNS = ("wgs84_lon", "wgs84_lat")


def read_cases(path: Path) -> Points:
    """Return the places of the cases in a CSV file with the columns ``wgs84_lon`` and ``wgs84_lat``; rows without are left out.

    Raises SourceError for a file that has no such columns, cannot be read, or holds no place at all.
    """
    with open_csv(path) as opened:
        first, second = (_column(path, opened.columns, name) for name in _COLUMNS)
        places = [place for row in opened.rows if (place := _place(row, first, second)) is not None]
    if not places:
        raise SourceError(f"{path} holds no case with a place.", "Rows need wgs84_lon and wgs84_lat.")
    lon, lat = np.array(places, dtype=np.float64).T
    return Points(np.ascontiguousarray(lon), np.ascontiguousarray(lat))


def _column(path: Path, columns: list[str], name: str) -> int:
    """Return the number of a column; where the input of the batch had one of that name, the batch put a prefix before its own."""
    names = [column.strip() for column in columns]
    for wanted in (f"gisgrid_{name}", name):
        if wanted in names:
            return names.index(wanted)
    raise SourceError(f"{path} has no column {name!r}.", "--cases takes the CSV file that `gisgrid batch` writes.")


def _place(row: list[str], first: int, second: int) -> tuple[float, float] | None:
    try:
        lon, lat = float(row[first]), float(row[second])
    except (ValueError, IndexError):
        return None
    return (lon, lat) if np.isfinite(lon + lat) else None
