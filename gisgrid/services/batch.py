"""Whole files of points: a CSV in, the same rows with their grids out."""

from __future__ import annotations

import csv
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gisgrid.crs import EXPECTED, Crs, parse_crs, to_wgs84
from gisgrid.errors import CrsError, ParameterError, SourceError
from gisgrid.locator import Locator
from gisgrid.progress import Progress, silent
from gisgrid.services.coordinates import read_coordinate
from gisgrid.services.csv_files import CsvSource, find_column, open_csv, output_encoding, replacing
from gisgrid.services.read_model import ReadModel
from gisgrid.types import Location

ADDED = (
    *("status", "grid", "grid_name", "community", "community_name", "street", "street_name", "district", "district_name"),
    *("distance_to_edge_m", "on_edge", "candidates", "nearest", "nearest_distance_m", "responsible_unit"),
    *("wgs84_lon", "wgs84_lat", "reason"),
)
"""The columns that a batch adds, in this order; one that the input has already gets the prefix ``gisgrid_``."""

_PREFIX = "gisgrid_"
_CHUNK = 5000
_DISTANCE, _LON = ADDED.index("distance_to_edge_m"), ADDED.index("wgs84_lon")


class BatchSummary(NamedTuple):
    """What came of a file: its rows, how many had each status, and the wall time in seconds."""

    rows: int
    outcomes: dict[str, int]
    seconds: float


class _Plan(NamedTuple):
    """Where the coordinates of a row are, and in which system: ``crs`` where the row itself names none."""

    lon: int
    lat: int
    crs_column: int | None
    crs: Crs | None
    names: tuple[str, str]


def locate_file(
    model: ReadModel,
    source: Path,
    target: Path,
    *,
    crs: str | None = None,
    crs_column: str | None = None,
    lon: str = "lon",
    lat: str = "lat",
    encoding: str | None = None,
    as_of: datetime | None = None,
    progress: Progress | None = None,
) -> BatchSummary:
    """Locate each row of the CSV file ``source`` and write it with the columns ``ADDED`` to ``target``.

    ``crs`` is the coordinate system of all rows, or of those whose ``crs_column`` is empty; without either the deployment's
    default is taken. With ``as_of`` (an aware datetime) the areas are those that were served at that instant. Rows keep their order
    and their columns; one that cannot be located says why in ``reason``, with status ``invalid`` or ``no_coordinates``. The file
    is read in pieces, and ``target`` appears only when all is done.

    Raises CrsError when no system is given, ParameterError for a column that is not there, SourceError for a file that
    cannot be read or written.
    """
    begin = time.perf_counter()
    if source.resolve() == target.resolve():
        raise SourceError(f"{target} is the input.", "Give another file for the output.")
    locator = model.locator if as_of is None else model.areas_at(as_of).locator
    with open_csv(source, encoding) as opened:
        plan = _plan(opened, model, crs, crs_column, (lon, lat))
        with replacing(target, output_encoding(opened.encoding)) as file:
            writer = csv.writer(file, delimiter=opened.delimiter, lineterminator=opened.line_end)
            taken = {name.strip() for name in opened.columns}
            writer.writerow([*opened.columns, *(_PREFIX + name if name in taken else name for name in ADDED)])
            outcomes: Counter[str] = Counter()
            for rows in _located(_Piece(model, plan, locator), opened, outcomes, progress or silent):
                writer.writerows(rows)
    return BatchSummary(sum(outcomes.values()), dict(outcomes), time.perf_counter() - begin)


def _plan(opened: CsvSource, model: ReadModel, crs: str | None, crs_column: str | None, names: tuple[str, str]) -> _Plan:
    text = crs if crs is not None else model.default_crs
    if text is None and crs_column is None:
        raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
    return _Plan(
        find_column(opened.columns, names[0], "lon"),
        find_column(opened.columns, names[1], "lat"),
        None if crs_column is None else find_column(opened.columns, crs_column, "crs_column"),
        None if text is None else parse_crs(text),
        names,
    )


def _located(piece: _Piece, opened: CsvSource, outcomes: Counter[str], progress: Progress) -> Iterator[Iterator[list[str]]]:
    """Yield the finished rows, piece by piece; count what came of them."""
    width = len(opened.columns)
    while chunk := list(islice(opened.rows, _CHUNK)):
        added = piece.locate([_cut(row, width) for row in chunk], [_excess(row, width) for row in chunk])
        outcomes.update(cells[0] for cells in added)
        # What a row has beyond the named columns stays, at its very end.
        yield ([*_cut(row, width), *cells, *row[width:]] for row, cells in zip(chunk, added, strict=True))
        progress(f"{sum(outcomes.values()):,} rows", opened.done(), opened.size)


def _cut(row: list[str], width: int) -> list[str]:
    return row if len(row) == width else [*row[:width], *[""] * (width - len(row))]


def _excess(row: list[str], width: int) -> str:
    """Return what is wrong with the length of a row; empty fields at its end are a habit of spreadsheets."""
    return f"the row has {len(row)} fields, the header {width}" if any(row[width:]) else ""


class _Piece:
    """Locates some thousand rows at a time, all in the areas of one locator."""

    def __init__(self, model: ReadModel, plan: _Plan, locator: Locator) -> None:
        self._model, self._plan = model, plan
        self._locator = locator
        self._systems: dict[str, Crs | CrsError] = {}
        self._cells: dict[int, list[str]] = {}

    def locate(self, rows: list[list[str]], wrong: list[str]) -> list[list[str]]:
        """Return the added cells of each row; ``wrong`` says what is known to be wrong with a row, or nothing."""
        cells: list[list[str]] = [[]] * len(rows)
        places: dict[Crs, list[tuple[int, float, float]]] = {}
        for number, row in enumerate(rows):
            status, reason = ("invalid", wrong[number]) if wrong[number] else ("", "")
            if not status:
                status, reason, first, second = self._coordinates(row)
            system = None if status else self._system(row)
            if isinstance(system, Crs):
                places.setdefault(system, []).append((number, first, second))
            else:
                reason = reason if system is None else system.message
                cells[number] = [status or "invalid", *[""] * (len(ADDED) - 2), reason]
        for crs, members in places.items():
            for number, found in zip((member[0] for member in members), self._of_system(crs, members), strict=True):
                cells[number] = found
        return cells

    def _coordinates(self, row: list[str]) -> tuple[str, str, float, float]:
        """Return status and reason, both empty when all is well, and the two numbers."""
        values, missing = [], []
        for name, place in zip(self._plan.names, (self._plan.lon, self._plan.lat), strict=True):
            try:
                value = read_coordinate(row[place])
            except ValueError:
                return "invalid", f"{name}: {row[place][:60]!r} is not a number.", 0.0, 0.0
            values.append(value or 0.0)
            if value is None:
                missing.append(name)
        if missing:
            return "no_coordinates", f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} empty.", 0.0, 0.0
        if values == [0.0, 0.0]:
            return "no_coordinates", "0, 0 stands for no position.", 0.0, 0.0
        return "", "", values[0], values[1]

    def _system(self, row: list[str]) -> Crs | CrsError:
        text = "" if self._plan.crs_column is None else row[self._plan.crs_column].strip()
        if not text and self._plan.crs is not None:
            return self._plan.crs
        if text not in self._systems:
            try:
                self._systems[text] = parse_crs(text)
            except CrsError as error:
                self._systems[text] = error
        return self._systems[text]

    def _of_system(self, crs: Crs, members: list[tuple[int, float, float]]) -> list[list[str]]:
        """Return the added cells of rows whose coordinates are all in one system."""
        first, second = np.array([member[1] for member in members]), np.array([member[2] for member in members])
        lon, lat = to_wgs84(crs, first, second)
        located = self._locator.locate_many(lon, lat)
        west, south, east, north = self._model.deployment.bounds
        here = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
        distance = located.distance_to_edge_m if located.distance_to_edge_m is not None else np.full(lon.shape, np.nan)
        cells: list[list[str] | None] = [None] * len(members)
        for k in np.flatnonzero(here & ~located.in_doubt).tolist():
            cells[k] = self._plain(int(located.number[k]), float(lon[k]), float(lat[k]), float(distance[k]))
        outside = np.flatnonzero(here & (located.number < 0))
        for k, answer in zip(outside.tolist(), self._locator.outside_many(lon[outside], lat[outside]), strict=True):
            cells[k] = None if answer is None else _cells(answer)
        # The others need a look of their own: doubt, an edge, a place far away or one that cannot be meant.
        return [found or self._asked(crs, x, y) for found, (_, x, y) in zip(cells, members, strict=True)]

    def _plain(self, number: int, lon: float, lat: float, distance_m: float) -> list[str] | None:
        """Return the cells of a row well inside a grid: the same for all its points but three."""
        cells = self._cells.get(number)
        if cells is None:
            location = self._locator.inside(number)
            if location is None:
                return None
            cells = self._cells[number] = _cells(location)
        cells = cells.copy()
        cells[_DISTANCE] = f"{distance_m:.3f}"
        cells[_LON : _LON + 2] = f"{lon:.9f}", f"{lat:.9f}"
        return cells

    def _asked(self, crs: Crs, first: float, second: float) -> list[str]:
        """Return the cells of one row that needs a look of its own."""
        try:
            lon, lat = self._model.to_wgs84(first, second, crs)
        except ParameterError as error:
            return ["invalid", *[""] * (len(ADDED) - 2), error.message]
        return _cells(self._locator.locate(lon, lat))


def _cells(location: Location) -> list[str]:
    """Return the cells of ``ADDED`` for an answer."""
    areas = (location.grid, location.community, location.street, location.district)
    nearest, unit, distance_m = location.nearest, location.responsible_unit, location.distance_to_edge_m
    return [
        location.status,
        *(text for area in areas for text in (area or ("", ""))),
        "" if distance_m is None else f"{distance_m:.3f}",
        "true" if location.on_edge else "false",
        ";".join(candidate.code for candidate in location.candidates),
        *(("", "") if nearest is None else (nearest.code, f"{nearest.distance_m:.3f}")),
        "" if unit is None else unit.code,
        f"{location.lon:.9f}",
        f"{location.lat:.9f}",
        "",
    ]
