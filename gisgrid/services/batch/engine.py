"""The engine of a batch: rows in, the same number of rows with the answers out, by the hundred thousand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from gisgrid.crs import CGCS2000, EXPECTED, WGS84, Crs, check_point, parse_crs, to_wgs84, valid
from gisgrid.errors import CrsError, ParameterError
from gisgrid.locator import Locator
from gisgrid.locator.columns import SAME_M
from gisgrid.locator.many import Located
from gisgrid.services.batch.answers import Answers, Instead, Shared, Texts, flags_with_nulls, refused, texts_of, with_nulls
from gisgrid.services.batch.columns import field_of, find_column
from gisgrid.services.batch.numbers import Numbers, read_numbers, texts
from gisgrid.services.batch.plan import BatchPlan
from gisgrid.types import Bounds, Location

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


_OF_GRID = frozenset({"status", "grid", "grid_name", "on_edge", "wgs84_lon", "wgs84_lat", "reason"})
"""The columns that the grid that covers a position tells: no other grid and no distance is needed for them."""


_NUMBERS = frozenset({"distance_to_edge_m", "nearest_distance_m", "wgs84_lon", "wgs84_lat", "outside_share"})


class _Points(NamedTuple):
    """Some rows that are not plainly within a grid: their places, keys and grids (or -1), degrees, and accuracies if there are any."""

    row: Rows
    key: Rows
    number: NDArray[np.int32]
    lon: Floats
    lat: Floats
    accuracy: Floats | None

    def take(self, which: Rows) -> _Points:
        """Return some of them."""
        parts: tuple[Any, ...] = tuple(None if part is None else part.take(which) for part in self)
        return _Points(*parts)


class Engine:
    """Answers rows from a locator; any number of threads may ask it, and it can be sent to another process.

    Raises CrsError for a plan that names neither a coordinate system nor a column of it.
    ``box`` is the deployment's bounds in degrees: a position outside whose exchange of coordinates lies inside is taken for a
    mistake. ``keep_on`` is called every now and then while rows take long; what it raises ends the work. It is not sent along.
    """

    def __init__(self, locator: Locator, box: Bounds, plan: BatchPlan, keep_on: Callable[[], object] | None = None) -> None:
        if plan.crs is None and plan.crs_column is None:
            raise CrsError("no coordinate system is given, and none is assumed.", EXPECTED)
        self.locator, self.box, self.plan = locator, box, plan
        self.keep_on = keep_on
        with_shares = plan.accuracy_m is not None or plan.accuracy_column is not None
        self.answers = Answers(locator, with_shares=with_shares)
        self.schema = pa.schema([field_of(name) for name in plan.columns])

    def __reduce__(self) -> tuple[type[Engine], tuple[Locator, Bounds, BatchPlan]]:
        return Engine, (self.locator, self.box, self.plan)

    @property
    def data(self) -> str:
        """What tells the data that it answers from apart from others."""
        return self.locator.fingerprint()

    def for_columns(self, columns: list[str]) -> Engine:
        """Return the engine for an input that has these columns."""
        self.check(columns)
        return self

    def with_crs(self, crs: Crs) -> Engine:
        """Return the same engine for rows that are in another coordinate system where they do not say so themselves."""
        return self.with_plan(self.plan._replace(crs=crs))

    def with_plan(self, plan: BatchPlan) -> Engine:
        """Return an engine for another plan."""
        return Engine(self.locator, self.box, plan, self.keep_on)

    def check(self, columns: list[str]) -> None:
        """Raise ParameterError when the columns of an input lack one that is needed, naming those there are."""
        for option, name in self.plan.inputs:
            find_column(columns, name, option)

    def answer(self, rows: pa.RecordBatch, wrong: Mapping[int, str] | None = None) -> pa.RecordBatch:
        """Return the added columns for rows (``plan.columns``, in that order): as many rows, in the same order.

        ``rows`` holds at least the columns that the plan names; coordinates may be text, numbers of any kind, or null. ``wrong``
        says of rows by their place why they cannot be read at all. A row that cannot be answered has status ``invalid`` or
        ``no_coordinates`` and a reason; no row raises. Raises ParameterError only for a column that is not there.
        """
        sheet = _Sheet(self, rows)
        good = sheet.readable(wrong or {})
        for crs, members in sheet.systems(good):
            sheet.locate(crs, members)
        return sheet.record_batch()


class _Sheet:
    """The answers to one batch of rows while they are being found."""

    def __init__(self, engine: Engine, rows: pa.RecordBatch) -> None:
        self.engine, self.plan, self.count = engine, engine.plan, rows.num_rows
        self._columns = {option: rows.column(find_column(rows.schema.names, name, option)) for option, name in engine.plan.inputs}
        self.first, self.second = read_numbers(self._columns["lon"]), read_numbers(self._columns["lat"])
        self.accuracy_m = self._accuracies()
        self.key = np.full(self.count, engine.answers.blank, np.int64)
        self.more: list[Texts] = []
        self._other_texts: dict[str, list[Instead]] = {"candidates": [], "candidate_shares": []}
        self._known: dict[Texts, int] = {}
        # Made when there is something in them.
        self.number: dict[str, Floats] = {}
        self._is_of_grid = _OF_GRID.issuperset(engine.plan.columns)
        self.on_edge, self.answered = np.zeros(self.count, bool), np.zeros(self.count, bool)

    def _accuracies(self) -> Numbers | None:
        column = self._columns.get("accuracy_column")
        return None if column is None else read_numbers(column)

    def refuse(self, row: int, status: str, reason: str) -> None:
        self.key[row] = self._key(refused(status, reason))

    def _key(self, row: Texts) -> int:
        key = self._known.get(row)
        if key is None:
            key = self._known[row] = self.engine.answers.count + len(self.more)
            self.more.append(row)
        return key

    def readable(self, wrong: Mapping[int, str]) -> NDArray[np.bool_]:
        """Return which rows have two numbers (and an accuracy, where one is asked for); refuse the others."""
        first, second = self.first, self.second
        nowhere = (first.value == 0.0) & (second.value == 0.0)
        bad = first.missing | first.wrong | second.missing | second.wrong | nowhere
        accuracy = self.accuracy_m
        if accuracy is not None:
            with np.errstate(invalid="ignore"):
                bad |= accuracy.wrong | ~(accuracy.missing | ((accuracy.value >= 0.0) & (accuracy.value < np.inf)))
        for row in wrong:
            bad[row] = True
        for row in np.flatnonzero(bad).tolist():
            self.refuse(row, *self._fault(row, wrong))
        good: NDArray[np.bool_] = ~bad
        return good

    def _fault(self, row: int, wrong: Mapping[int, str]) -> tuple[str, str]:
        """Return status and reason of a row that cannot be read."""
        if row in wrong:
            return "invalid", wrong[row]
        pairs = (("lon", self.plan.lon, self.first), ("lat", self.plan.lat, self.second))
        for option, name, numbers in pairs:
            if numbers.wrong[row]:
                return "invalid", f"{name}: {_shown(self._columns[option][row])} is not a number."
        missing = [name for _, name, numbers in pairs if numbers.missing[row]]
        if missing:
            return "no_coordinates", f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} empty."
        if self.first.value[row] == 0.0 and self.second.value[row] == 0.0:
            return "no_coordinates", "0, 0 stands for no position."
        return "invalid", f"{self.plan.accuracy_column}: {_shown(self._columns['accuracy_column'][row])} is no distance in metres."

    def systems(self, good: NDArray[np.bool_]) -> list[tuple[Crs, Rows]]:
        """Return the readable rows by their coordinate system; refuse those whose system is not known."""
        column = self._columns.get("crs_column")
        if column is None:
            return [(self.plan.crs, np.flatnonzero(good))] if self.plan.crs else []
        encoded = texts(column).fill_null("").dictionary_encode()
        numbers = encoded.indices.to_numpy()
        by_system: dict[Crs, list[Rows]] = {}
        for number, text in enumerate(encoded.dictionary.to_pylist()):
            members = np.flatnonzero(good & (numbers == number))
            try:
                crs = self.plan.crs if not text and self.plan.crs is not None else parse_crs(text)
            except CrsError as error:
                for row in members.tolist():
                    self.refuse(row, "invalid", error.message)
            else:
                by_system.setdefault(crs, []).append(members)
        # In the order of the rows, also where one system has several names.
        return [(crs, np.sort(np.concatenate(parts))) for crs, parts in by_system.items()]

    def locate(self, crs: Crs, members: Rows) -> None:
        """Answer rows whose coordinates are all in one system."""
        if not members.size:
            return
        every = members.size == self.count
        first, second = (part.value if every else part.value.take(members) for part in (self.first, self.second))
        lon, lat = to_wgs84(crs, first, second)
        asked = self._unlikely(crs, first, second, lon, lat)
        accuracy = self._accuracy_of(members)
        located = self._located(crs, lon, lat, accuracy)
        asked |= np.isnan(lon)
        has_circle = None if accuracy is None else accuracy > 0.0
        key = self.engine.answers.inside(located.number, has_circle)
        plain = ~asked & ~located.in_doubt & (key >= 0)
        distance = np.full(lon.shape, np.nan) if located.distance_to_edge_m is None else located.distance_to_edge_m
        others = np.flatnonzero(~plain)
        points = _Points(members, key, located.number, lon, lat, accuracy).take(others)
        sure = ~asked.take(others)
        with np.errstate(invalid="ignore"):
            is_beside = sure & (located.in_doubt & ~located.on_edge).take(others) & (points.key >= 0) & (distance.take(others) > SAME_M)
        key[others] = self.engine.answers.blank
        self._keep_all(members, key, plain, {"distance_to_edge_m": distance, "wgs84_lon": lon, "wgs84_lat": lat})
        if has_circle is not None:
            self._put(members, {"outside_share": np.where(plain & has_circle, 0.0, np.nan)})
        left = np.ones(others.size, bool)
        wide = np.zeros(others.size, bool) if has_circle is None else has_circle.take(others)
        groups = (is_beside & ~wide, self._beside), (is_beside & wide, self._with_circles), (sure & (points.number < 0), self._outside)
        for group, answer in groups:
            some = np.flatnonzero(group)
            if some.size:
                left[some] = ~answer(points.take(some))
        self._ask_each(crs, others[left], points.take(np.flatnonzero(left)), (first, second))

    def _located(self, crs: Crs, lon: Floats, lat: Floats, accuracy: Floats | None) -> Located:
        """Return what the locator says of positions, with distances to the edge where a wanted column depends on them.

        A position that another grid may be near is measured in any case, unless nothing that is wanted can depend on it.
        """
        locator, wanted = self.engine.locator, self.plan.columns
        if accuracy is not None or "distance_to_edge_m" in wanted:
            return locator.locate_many(lon, lat, accuracy_m=accuracy)
        if self._is_of_grid and crs in (WGS84, CGCS2000):
            number, on_edge = locator.covering_many(lon, lat)
            return Located(number, on_edge, on_edge, None)
        located = locator.locate_many(lon, lat, distances=False)
        near = np.flatnonzero(located.in_doubt & (located.number >= 0))
        measured = locator.locate_many(lon[near], lat[near])
        distance = np.full(lon.shape, np.inf)
        distance[near] = measured.distance_to_edge_m
        located.in_doubt[near] = measured.in_doubt
        return located._replace(distance_to_edge_m=distance)

    def _unlikely(self, crs: Crs, first: Floats, second: Floats, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
        """Return the rows that ``check_point`` has to look at: no positions, or far from here and at home when exchanged."""
        box = self.engine.box
        away = ~_within(box, lon, lat)
        if not away.any():
            return away
        rows = np.flatnonzero(away)
        x, y = first[rows], second[rows]
        strange = ~valid(crs, x, y) | _within(box, *to_wgs84(crs, y, x))
        if crs.is_projected:
            strange |= (np.abs(x) <= 180.0) & (np.abs(y) <= 180.0)
        away[rows] = strange
        return away

    def _accuracy_of(self, members: Rows) -> Floats | None:
        """Return the radius of each position's uncertainty, 0 where there is none; None when nobody has any."""
        stated = self.plan.accuracy_m
        if self.accuracy_m is None:
            return None if stated is None else np.full(members.size, stated)
        value = self.accuracy_m.value[members]
        return np.where(np.isnan(value), 0.0 if stated is None else stated, value)

    def _keep_all(self, members: Rows, key: Rows, plain: NDArray[np.bool_], values: Mapping[str, Floats]) -> None:
        """Keep key and numbers of ``members``; nearly all are plain, and what the others have instead is put there afterwards."""
        if members.size == self.count:
            self.key, self.answered = key, plain
        else:
            self.key[members], self.answered[members] = key, plain
        self._put(members, values)

    def _put(self, rows: Rows, values: Mapping[str, Floats]) -> None:
        """Put those numbers that are wanted in rows; for all rows at once they become the column, so nobody else may use them."""
        for name, value in values.items():
            if name not in self.plan.columns:
                continue
            if name not in self.number and rows.size == self.count:
                self.number[name] = value
                continue
            if name not in self.number:
                self.number[name] = np.full(self.count, np.nan)
            self.number[name][rows] = value

    def _beside(self, points: _Points) -> NDArray[np.bool_]:
        """Answer rows inside grids and near their edges: as well inside, with the grids within doubt as candidates; return which were."""
        rows = points.row
        self.key[rows], self.answered[rows] = points.key, True
        if "candidates" in self.plan.columns:
            others = self.engine.locator.others_many(points.number, points.lon, points.lat)
            self._other_texts["candidates"].append(self.engine.answers.beside(rows, points.number, others))
        return np.ones(rows.size, bool)

    def _with_circles(self, points: _Points) -> NDArray[np.bool_]:
        """Answer rows inside grids whose circles leave them, with shares; return which were."""
        rows, accuracy = points.row, np.zeros(0) if points.accuracy is None else points.accuracy
        found = self.engine.locator.circles_many(points.number, points.lon, points.lat, accuracy)
        sure = found.is_sure
        self.key[rows[sure]], self.answered[rows[sure]] = points.key[sure], True
        self._put(rows[sure], {"outside_share": found.outside_share[sure]})
        for name, other in self.engine.answers.with_circles(rows, found).items():
            self._other_texts[name].append(Instead(other.row[sure], other.words, other.word[sure]))
        return sure

    def _outside(self, points: _Points) -> NDArray[np.bool_]:
        """Answer rows in no grid and far enough from any; return which were."""
        rows, accuracy = points.row, points.accuracy
        if self._is_of_grid and accuracy is None:
            # All that is wanted is that they are in no grid.
            self.key[rows], self.answered[rows] = self.engine.answers.nowhere, True
            return np.ones(rows.size, bool)
        number, distance, sure = self.engine.locator.nearest_outside_many(points.lon, points.lat)
        if accuracy is not None:
            sure &= distance > accuracy
            self._put(rows, {"outside_share": np.where(sure & (accuracy > 0.0), 1.0, np.nan)})
        kept = rows[sure]
        self.key[kept], self.answered[kept] = self.engine.answers.outside.take(number[sure]), True
        self._put(kept, {"nearest_distance_m": distance[sure]})
        self._put(kept, {"distance_to_edge_m": distance[sure]})
        return sure

    def _ask_each(self, crs: Crs, places: Rows, points: _Points, given: tuple[Floats, Floats]) -> None:
        """Answer points that need a look of their own, whose coordinates are at ``places`` of those that are ``given``."""
        for value in self.number.values():
            # They get what the look gives, or nothing.
            value[points.row] = np.nan
        accuracies = [None] * len(places) if points.accuracy is None else points.accuracy.tolist()
        pairs = (part.take(places).tolist() for part in given)
        for row, first, second, accuracy in zip(points.row.tolist(), *pairs, accuracies, strict=True):
            self._ask(row, crs, first, second, accuracy)

    def _ask(self, row: int, crs: Crs, first: float, second: float, accuracy_m: float | None) -> None:
        """Answer one row that needs a look of its own."""
        if self.engine.keep_on is not None:
            self.engine.keep_on()
        try:
            lon, lat = to_wgs84(crs, first, second)
            check_point(crs, first, second, self.engine.box)
            location = self.engine.locator.locate(lon, lat, accuracy_m or None)
        except ParameterError as error:
            self.refuse(row, "invalid", error.message)
        else:
            self._take_up(row, location)

    def _take_up(self, row: int, location: Location) -> None:
        self.key[row] = self._key(texts_of(location))
        self.answered[row], self.on_edge[row] = True, location.on_edge
        nearest = location.nearest
        numbers = {
            "distance_to_edge_m": location.distance_to_edge_m,
            "nearest_distance_m": None if nearest is None else nearest.distance_m,
            "wgs84_lon": location.lon,
            "wgs84_lat": location.lat,
            "outside_share": location.outside_share,
        }
        for name, number in numbers.items():
            if number is not None:
                self._put(np.array([row]), {name: np.array([number])})

    def record_batch(self) -> pa.RecordBatch:
        """Return the answers as columns."""
        shared = Shared()
        return pa.RecordBatch.from_arrays([self._column(name, shared) for name in self.plan.columns], schema=self.engine.schema)

    def _column(self, name: str, shared: Shared) -> pa.Array:
        if name == "on_edge":
            return flags_with_nulls(self.on_edge, ~self.answered)
        if name in _NUMBERS:
            value = self.number.get(name)
            return pa.nulls(self.count, pa.float64()) if value is None else with_nulls(value, np.isnan(value))
        return self.engine.answers.take(name, self.key, self.more, self._instead(self._other_texts.get(name, [])), shared)

    def _instead(self, parts: Sequence[Instead]) -> Instead | None:
        """Return all rows that have other words than their key says; those of each coordinate system come by themselves."""
        if len(parts) <= 1:
            return parts[0] if parts else None
        shift = np.cumsum([0, *(len(part.words) for part in parts[:-1])])
        row = np.concatenate([part.row for part in parts])
        word = np.concatenate([part.word + step for part, step in zip(parts, shift, strict=True)])
        return Instead(row, [text for part in parts for text in part.words], word)


def _within(box: Bounds, lon: Floats, lat: Floats) -> NDArray[np.bool_]:
    return (lon >= box.west) & (lon <= box.east) & (lat >= box.south) & (lat <= box.north)


def _shown(cell: Any) -> str:
    return repr(str(cell.as_py()))[:62]
